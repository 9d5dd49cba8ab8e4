"""cho_factor and cho_solve.

Both read one triangle. The factor of ``A = L Lᴴ`` moves by ``dL = L Φ(L⁻¹ dA L⁻ᴴ)``, where Φ takes the lower
triangle and half of the diagonal (Murray, arXiv:1602.07527, 2016). In the other triangle `cho_factor` leaves
the entries of the matrix that it did not read, and those have their own derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.scipy_linalg.calling import BATCHES, composed, is_vector
from pullback.rules.scipy_linalg.systems import solve_triangular
from pullback.rules.table import calls, jvp, linear, stand_in, vjp
from pullback.rules.triangular import factor_cotangent


@dispatched
def cholesky_factor(a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    """The array of `scipy.linalg.cho_factor`."""
    return np.ascontiguousarray(scipy.linalg.cho_factor(a, lower, check_finite=check_finite)[0])


def _half(a: Any) -> Any:
    """The lower triangle with half of the diagonal; the diagonal of a Hermitian matrix is real."""
    return np.tril(a, -1) + np.real(np.triu(np.tril(a))) / 2


def _lower_factor(y: Any, lower: bool) -> Any:
    return np.tril(y) if lower else adjoint(np.triu(y))


@vjp(cholesky_factor, 0, reads="y lower", holomorphic=False)
def factor_vjp(y_bar: Any, y: Any, a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    a_bar = factor_cotangent(_lower_factor(y, lower), _lower_factor(y_bar, lower))
    if lower:
        return a_bar + np.triu(y_bar, 1)
    return adjoint(a_bar) + np.tril(y_bar, -1)


@jvp(cholesky_factor, 0, reads="y lower")
def factor_jvp(a_dot: Any, y: Any, a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    factor = _lower_factor(y, lower)
    half = _half(_lower_factor(a_dot, lower))
    left = solve_triangular(factor, half + adjoint(half), 0, True)
    moved = factor @ _half(adjoint(solve_triangular(factor, adjoint(left), 0, True)))
    if lower:
        return moved + np.triu(a_dot, 1)
    return adjoint(moved) + np.tril(a_dot, -1)


@stand_in(cholesky_factor)
def _of_any(a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    return np.linalg.inv(a)


_DEFINITE = array(3, 3, kind="definite")
calls(
    cholesky_factor,
    call(_DEFINITE),
    call(_DEFINITE, True),
    call(array(1, 1, kind="definite")),
    call(array(0, 0)),
    call(array(2, 1, 3, 3, kind="definite")),
    call(array(2, 3, 3, kind="definite"), True),
)


@dispatched
def cholesky_solve(c: Any, b: Any, lower: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.cho_solve` with the factor and its flag apart."""
    return scipy.linalg.cho_solve((c, lower), b, check_finite=check_finite)


@vjp(cholesky_solve, 0, reads="y c lower", holomorphic=False)
def solve_c_vjp(y_bar: Any, y: Any, c: Any, b: Any, lower: bool = False, check_finite: bool = True) -> Any:
    if is_vector(b):
        y_bar, y = y_bar[..., None], y[..., None]
    a_bar = -(cholesky_solve(c, y_bar, lower) @ adjoint(y))
    a_bar = a_bar + adjoint(a_bar)
    return np.tril(a_bar @ np.tril(c)) if lower else np.triu(np.triu(c) @ a_bar)


@vjp(cholesky_solve, 1, reads="c lower", holomorphic=False)
def solve_b_vjp(y_bar: Any, y: Any, c: Any, b: Any, lower: bool = False, check_finite: bool = True) -> Any:
    if is_vector(b):
        return cholesky_solve(c, y_bar[..., None], lower)[..., 0]
    return cholesky_solve(c, y_bar, lower)


@jvp(cholesky_solve, 0, reads="y c lower")
def solve_c_jvp(c_dot: Any, y: Any, c: Any, b: Any, lower: bool = False, check_finite: bool = True) -> Any:
    half = np.tril(c_dot) @ adjoint(np.tril(c)) if lower else adjoint(np.triu(c_dot)) @ np.triu(c)
    moved = half + adjoint(half)
    if is_vector(b):
        return -cholesky_solve(c, moved @ y[..., None], lower)[..., 0]
    return -cholesky_solve(c, moved @ y, lower)


linear(cholesky_solve, 1)
calls(
    cholesky_solve,
    call(array(3, 3, kind="invertible"), array(3)),
    call(array(3, 3, kind="invertible"), array(3, 2), True),
)
if BATCHES:
    calls(
        cholesky_solve,
        call(array(2, 3, 3, kind="invertible"), array(3, 2)),
        call(array(3, 3, kind="invertible"), array(2, 3, 2), True),
    )


@composed(scipy.linalg.cho_factor)
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.cho_factor`."""
    factor = cholesky_factor(a, lower, check_finite)
    return factor, lower if np.ndim(a) == 2 else np.full(np.shape(a)[:-2], lower)


@composed(scipy.linalg.cho_solve)
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.cho_solve`."""
    c, lower = c_and_lower
    if np.ndim(lower) == 0:
        return cholesky_solve(c, b, lower, check_finite)
    # Of a stack it is an array, whose entries are all the same.
    if np.any(lower):
        return cholesky_solve(c, b, True, check_finite)
    return cholesky_solve(c, b, False, check_finite)
