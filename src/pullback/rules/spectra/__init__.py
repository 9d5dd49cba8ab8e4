"""Spectral decompositions, with degenerate spectra: exact, or an error."""

from pullback.rules.spectra import eigh

__all__ = ["eigh"]
