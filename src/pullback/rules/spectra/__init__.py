"""Spectral decompositions, with degenerate spectra: exact, or an error."""

from pullback.rules.spectra import composed, eigh, hermitian_svd, norms, svd, svd_tangent

__all__ = ["composed", "eigh", "hermitian_svd", "norms", "svd", "svd_tangent"]
