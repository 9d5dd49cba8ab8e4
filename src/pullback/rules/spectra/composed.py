"""NumPy's spectral functions in terms of those whose bases are generic, in the order that NumPy has.

`eigvalsh`, `svdvals` and ``svd(compute_uv=False)`` take the vectors along, which their derivatives need;
their values may differ from NumPy's in the last bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.rules.spectra.eigh import generic_eigh
from pullback.rules.spectra.hermitian_svd import generic_hermitian_svd
from pullback.rules.spectra.svd import generic_svd

EighResult: Any = type(np.linalg.eigh(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """As `numpy.linalg.eigh`."""
    return EighResult(*generic_eigh(a, UPLO))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """As `numpy.linalg.eigvalsh`."""
    return generic_eigh(a, UPLO)[0]


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """As `numpy.linalg.svd`."""
    parts = generic_hermitian_svd(a) if hermitian else generic_svd(a, bool(full_matrices and compute_uv))
    return SVDResult(*parts) if compute_uv else parts[1]


def svdvals(x: Any, /) -> Any:
    """As `numpy.linalg.svdvals`."""
    return generic_svd(x, False)[1]


def cond(x: Any, p: Any = None) -> Any:
    """As `numpy.linalg.cond`, from the norms it is defined by, with their conventions at ties."""
    if np.ndim(x) < 2:
        raise np.linalg.LinAlgError("cond is of arrays that are at least two-dimensional")
    if 0 in np.shape(x)[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p not in (None, 2, -2):
        return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))
    above, below = np.linalg.norm(x, 2, (-2, -1)), np.linalg.norm(x, -2, (-2, -1))
    if p == -2:
        above, below = below, above
    return np.where((above == 0) & (below == 0), 1, above) / below  # infinite for zeros, as NumPy has it


COMPOSED.update(
    {
        np.linalg.eigh: eigh,
        np.linalg.eigvalsh: eigvalsh,
        np.linalg.svd: svd,
        np.linalg.svdvals: svdvals,
        np.linalg.cond: cond,
    }
)
