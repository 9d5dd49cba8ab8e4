"""Spectral decompositions, with degenerate spectra: exact, or an error."""

from pullback.rules.spectra import composed, eigh, hermitian_svd, norms, svd, svd_tangent
from pullback.rules.spectra.eigh import generic_eigh
from pullback.rules.spectra.hermitian_svd import generic_hermitian_svd
from pullback.rules.spectra.svd import generic_svd

GENERIC = frozenset({generic_eigh, generic_svd, generic_hermitian_svd})
"""The functions that choose a basis where there is more than one."""

__all__ = ["GENERIC", "composed", "eigh", "hermitian_svd", "norms", "svd", "svd_tangent"]
