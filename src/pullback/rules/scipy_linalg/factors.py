"""Factorisations that NumPy has too, with SciPy's arguments: cholesky, qr, svd, and what follows from svd.

They are composed of NumPy's functions, whose rules they share. SciPy's Cholesky factor is the upper one, if
it is not asked for the other, its QR is the complete one, and ``mode="r"`` gives a tuple.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.rules.linalg import adjoint
from pullback.rules.scipy_linalg.calling import composed, finite
from pullback.rules.scipy_linalg.polar import polar


@composed(scipy.linalg.cholesky)
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.cholesky`."""
    return np.linalg.cholesky(finite(a, check_finite), upper=not lower)


@composed(scipy.linalg.qr)
def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """As `scipy.linalg.qr` without pivoting."""
    if pivoting:
        raise UnsupportedError(
            "scipy.linalg.qr with pivoting=True has no derivative rule",
            why="the order of the columns depends on their values",
            remedy="find the order first, p = qr(pb.stop_gradient(a), pivoting=True)[-1], "
            "and factorise a[:, p].",
        )
    if mode == "raw":
        raise UnsupportedError(
            'scipy.linalg.qr with mode="raw" has no derivative rule',
            why="it gives LAPACK's reflections, not the factors",
            remedy='use mode="full" or mode="economic".',
        )
    a = finite(a, check_finite)
    if mode == "economic":
        thin = np.linalg.qr(a)
        return thin[0], thin[1]
    if mode == "r":
        r = np.linalg.qr(a, "r")
        below = np.zeros((*np.shape(r)[:-2], np.shape(a)[-2] - np.shape(r)[-2], np.shape(r)[-1]), dtype_of(r))
        return (np.concatenate((r, below), axis=-2),)
    if mode != "full":
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    complete = np.linalg.qr(a, "complete")
    return complete[0], complete[1]


@composed(scipy.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
    check_finite: bool = True, lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """As `scipy.linalg.svd`."""
    if lapack_driver not in ("gesdd", "gesvd"):
        raise ValueError(f'lapack_driver must be "gesdd" or "gesvd", not "{lapack_driver}"')
    if lapack_driver != "gesdd" and compute_uv:
        raise UnsupportedError(
            f"scipy.linalg.svd with lapack_driver={lapack_driver!r} has no derivative rule",
            why="the signs of its singular vectors are those of another algorithm",
            remedy="leave lapack_driver away.",
        )
    a = finite(a, check_finite)
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    parts = np.linalg.svd(a, full_matrices)
    return parts[0], parts[1], parts[2]


@composed(scipy.linalg.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.svdvals`."""
    return np.linalg.svd(finite(a, check_finite), compute_uv=False)


@composed(scipy.linalg.orthogonal_procrustes)
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """As `scipy.linalg.orthogonal_procrustes`: the unitary factor of ``Aᴴ B``, and its nuclear norm."""
    if np.shape(A) != np.shape(B):
        raise ValueError(f"the shapes of A and B differ ({np.shape(A)} vs {np.shape(B)})")
    unitary, positive = polar(adjoint(finite(A, check_finite)) @ finite(B, check_finite))
    return unitary, np.real(np.trace(positive, axis1=-2, axis2=-1))


@composed(scipy.linalg.norm)
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.norm`."""
    return np.linalg.norm(finite(a, check_finite), ord, axis, keepdims)
