"""Spectral decompositions, with degenerate spectra: exact, or an error."""

from pullback.rules.spectra import composed, eigh, norms, svd, svd_tangent

__all__ = ["composed", "eigh", "norms", "svd", "svd_tangent"]
