"""Eigenvalues and eigenvectors with SciPy's arguments, generalised and tridiagonal problems included.

A Hermitian problem is NumPy's `eigh`, whose rule knows of degenerate spectra. A generalised one, ``A v = w B
v``, becomes one by the Cholesky factor of B, as in LAPACK: ``L⁻¹ A L⁻ᴴ`` has the same eigenvalues, and its
eigenvectors are ``Lᴴ v`` (Golub & Van Loan, *Matrix Computations*, 4th ed. 2013, §8.7.2). Which signs, or
phases, eigenvectors get depends on LAPACK's algorithm, so they are turned to those that SciPy gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.eig import SPREAD, TURNING, eigvals_jvp, eigvals_vjp
from pullback.rules.linalg import adjoint
from pullback.rules.scipy_linalg.calling import composed, finite
from pullback.rules.scipy_linalg.systems import as_read, solve_triangular
from pullback.rules.table import PARTS, calls, constant, jvp, stand_in, vjp

# -- Hermitian problems ------------------------------------------------------------------------------------


@dispatched
def phases(v: Any, wanted: Any) -> Any:
    """The numbers of modulus 1 that turn eigenvectors to those `wanted`; 1 where they are others."""
    overlap = np.sum(np.conj(v) * wanted, axis=-2)
    same = np.abs(overlap) > 0.9 * np.linalg.norm(v, axis=-2) * np.linalg.norm(wanted, axis=-2)
    return np.where(same, overlap / np.where(same, np.abs(overlap), 1), 1).astype(v.dtype)


@dispatched
def vectors(a: Any, b: Any, lower: bool, kind: int, lowest: Any, highest: Any, driver: Any) -> Any:
    """The eigenvectors that SciPy gives."""
    within = None if lowest is None else (lowest, highest)
    return scipy.linalg.eigh(a, b, lower=lower, type=kind, subset_by_index=within, driver=driver)[1]


@dispatched
def tridiagonal_vectors(d: Any, e: Any, lowest: Any, highest: Any, driver: str) -> Any:
    """The eigenvectors that SciPy gives."""
    select, within = ("a", None) if lowest is None else ("i", (lowest, highest))
    return scipy.linalg.eigh_tridiagonal(d, e, select=select, select_range=within, lapack_driver=driver)[1]


constant(phases, vectors, tridiagonal_vectors)


@stand_in(vectors)
def _matrix(a: Any, b: Any, *_: Any) -> Any:
    return np.linalg.inv(a if b is None else a + b)


@stand_in(tridiagonal_vectors)
def _square(d: Any, *_: Any) -> Any:
    return np.linalg.inv(d[..., :, None] * np.eye(2))


def _within(lowest: int, highest: int, size: int) -> None:
    """Raise unless the eigenvalues from the one to the other are there."""
    if size and not 0 <= lowest <= highest < size:
        raise ValueError("Requested eigenvalue indices are not valid.")


PARTS[_within] = _within  # compiled code looks into functions of the package that are parts


@composed(scipy.linalg.eigh)
def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, type: int = 1, check_finite: bool = True, subset_by_index: Any = None,
    subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigh`."""
    if subset_by_value is not None:
        raise UnsupportedError(
            "scipy.linalg.eigh with subset_by_value has no derivative rule",
            why="how many eigenvalues lie between two numbers depends on the matrix",
            remedy="take all of them, w, v = eigh(a), and then those you want, or give subset_by_index.",
        )
    if type not in (1, 2, 3):
        raise ValueError('"type" keyword only accepts 1, 2, and 3.')
    a = finite(a, check_finite)
    if b is None:
        w, v = np.linalg.eigh(a, "L" if lower else "U")
    else:
        b = finite(b, check_finite)
        factor = np.linalg.cholesky(b if lower else adjoint(b))
        matrix = as_read(a, "her", lower)
        if type == 1:
            left = solve_triangular(factor, matrix, lower=True)
            w, y = np.linalg.eigh(solve_triangular(factor, adjoint(left), lower=True))
        else:
            w, y = np.linalg.eigh(adjoint(factor) @ matrix @ factor)
        v = factor @ y if type == 3 else solve_triangular(factor, y, trans=2, lower=True)
    within: Any = (None, None) if subset_by_index is None else subset_by_index
    lowest, highest = within
    if subset_by_index is not None:
        _within(lowest, highest, np.shape(a)[-1])
        w, v = w[..., lowest : highest + 1], v[..., lowest : highest + 1]
    if eigvals_only:
        return w
    return w, v * phases(v, vectors(a, b, lower, type, lowest, highest, driver))[..., None, :]


@composed(scipy.linalg.eigvalsh)
def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False, overwrite_b: bool = False,
    type: int = 1, check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None,
    driver: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigvalsh`."""
    return eigh(
        a, b, lower=lower, eigvals_only=True, type=type, check_finite=check_finite,
        subset_by_index=subset_by_index, subset_by_value=subset_by_value,
    )  # fmt: skip


@composed(scipy.linalg.eigh_tridiagonal)
def eigh_tridiagonal(
    d: Any, e: Any, eigvals_only: bool = False, select: Any = "a", select_range: Any = None,
    check_finite: bool = True, tol: float = 0.0, lapack_driver: str = "auto",
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigh_tridiagonal`, by the dense matrix."""
    if select in ("v", "value", 1):
        raise UnsupportedError(
            'scipy.linalg.eigh_tridiagonal with select="v" has no derivative rule',
            why="how many eigenvalues lie between two numbers depends on the matrix",
            remedy='take all of them and then those you want, or give select="i".',
        )
    if np.iscomplexobj(d) or np.iscomplexobj(e):
        raise TypeError("Only real arrays currently supported")
    if select not in ("a", "all", 0, "i", "index", 2):
        raise ValueError("invalid argument for select")
    if np.shape(d)[-1] != np.shape(e)[-1] + 1:
        raise ValueError("d must have one more element than e")
    d, e = finite(d, check_finite), finite(e, check_finite)
    within: Any = (None, None) if select in ("a", "all", 0) else select_range
    lowest, highest = within
    size = np.shape(d)[-1]
    below = e[..., :, None] * np.eye(size - 1, size, dtype=dtype_of(e))
    above = np.zeros((*np.shape(e)[:-1], 1, size), dtype_of(e))
    w, v = np.linalg.eigh(
        d[..., :, None] * np.eye(size, dtype=dtype_of(d)) + np.concatenate((above, below), axis=-2)
    )
    if lowest is not None:
        _within(lowest, highest, size)
        w, v = w[..., lowest : highest + 1], v[..., lowest : highest + 1]
    if eigvals_only:
        return w
    return w, v * phases(v, tridiagonal_vectors(d, e, lowest, highest, lapack_driver))[..., None, :]


@composed(scipy.linalg.eigvalsh_tridiagonal)
def eigvalsh_tridiagonal(
    d: Any, e: Any, select: Any = "a", select_range: Any = None, check_finite: bool = True, tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigvalsh_tridiagonal`, by the dense matrix."""
    return eigh_tridiagonal(d, e, True, select, select_range, check_finite)


# -- general matrices --------------------------------------------------------------------------------------


@dispatched
def eigenvalues(a: Any) -> Any:
    """`scipy.linalg.eigvals`, which gives complex numbers always."""
    return scipy.linalg.eigvals(a)


@vjp(eigenvalues, 0, reads="y a", holomorphic=False)
def eigenvalues_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    return eigvals_vjp(y_bar, y, a)


@jvp(eigenvalues, 0, reads="y a")
def eigenvalues_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    return eigvals_jvp(a_dot, y, a) + 0j


calls(
    eigenvalues,
    call(SPREAD + 0.5j * SPREAD.T),
    call(SPREAD),
    call(TURNING),
    call(np.stack([TURNING, SPREAD])),
    call(array(1, 1)),
    call(array(0, 0)),
)


def _only_standard(name: str, b: Any, homogeneous_eigvals: bool) -> None:
    """Raise for what has no rule."""
    if b is not None:
        raise UnsupportedError(
            f"scipy.linalg.{name} with two matrices has no derivative rule",
            why="that of one matrix has",
            remedy=f"if b is regular, {name}(solve(b, a)); if a is Hermitian and b definite, eigh(a, b).",
        )
    if homogeneous_eigvals:
        raise UnsupportedError(
            f"scipy.linalg.{name} with homogeneous_eigvals=True has no derivative rule",
            why="numerator and denominator of an eigenvalue have a factor that is arbitrary",
            remedy="leave homogeneous_eigvals away.",
        )


@composed(scipy.linalg.eigvals)
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigvals` of one matrix."""
    _only_standard("eigvals", b, homogeneous_eigvals)
    return eigenvalues(finite(a, check_finite))


@composed(scipy.linalg.eig)
def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eig` of one matrix, without left eigenvectors."""
    _only_standard("eig", b, homogeneous_eigvals)
    if left:
        raise UnsupportedError(
            "scipy.linalg.eig with left=True has no derivative rule",
            why="that of the right eigenvectors has",
            remedy="the left ones are the columns of np.linalg.inv(v).conj().T, up to their lengths.",
        )
    a = finite(a, check_finite)
    if not right:
        return eigenvalues(a)
    parts = np.linalg.eig(a)
    return parts[0] + 0j, parts[1]
