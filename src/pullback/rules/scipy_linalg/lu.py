"""lu, lu_factor and lu_solve, with the order of the rows as it is chosen.

Partial pivoting is piecewise constant: the permutation has no derivative, and where two pivots tie the
derivative is that of the order SciPy takes. With ``Pᵀ A = L U`` and ``F = L⁻¹ (Pᵀ dA) U⁻¹``, L moves by
``L tril(F, -1)`` and U by ``triu(F) U`` (de Hoog, Anderssen & Lukas, *Differentiation of matrix functionals
using triangular factorization*, 2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import composed, followed, is_vector
from pullback.rules.scipy_linalg.systems import solve_triangular
from pullback.rules.table import calls, jvp, linear, stand_in, vjp, whole

# -- the derivative of the two factors ---------------------------------------------------------------------


def _corner(u: Any, count: int) -> Any:
    """The square part of U, whose diagonal has the pivots."""
    corner = u[..., :count, :count]
    if np.any(np.diagonal(bare(corner), axis1=-2, axis2=-1) == 0):
        raise NotDifferentiableError(
            "scipy.linalg.lu has no derivative at this matrix",
            why="a pivot is zero: the matrix is singular",
        )
    return corner


def _left(lower: Any, x: Any, trans: int) -> Any:
    """``L⁻¹ x`` for ``trans=0``, ``L⁻ᵀ x`` for 1."""
    if not all(np.shape(lower)[:-2]):  # SciPy takes no empty stacks here, and does in `lu`
        return np.linalg.solve(lower, x)
    return solve_triangular(lower, x, trans, True, True)


def _right(x: Any, upper: Any, trans: int) -> Any:
    """``x U⁻¹`` for ``trans=0``, ``x U⁻ᵀ`` for 1."""
    if not all(np.shape(upper)[:-2]):
        return transposed(np.linalg.solve(upper, transposed(x)))
    return transposed(solve_triangular(upper, transposed(x), 1 - trans))


def pulled(l_bar: Any, u_bar: Any, lower: Any, upper: Any) -> Any:
    """The cotangent of ``Pᵀ A`` from those of its factors, in the plain transpose's convention."""
    rows, columns = np.shape(lower)[-2], np.shape(upper)[-1]
    count = min(rows, columns)
    square, corner = lower[..., :count, :], _corner(upper, count)
    parts = []
    if columns > count:
        beside = _left(square, u_bar[..., count:], 1)
        l_bar = l_bar - beside @ transposed(upper[..., count:])
        u_bar = u_bar[..., :count]
        parts.append(beside)
    elif rows > count:
        below = _right(l_bar[..., count:, :], corner, 1)
        u_bar = u_bar - transposed(lower[..., count:, :]) @ below
        l_bar = l_bar[..., :count, :]
        parts.append(below)
    inner = np.tril(transposed(square) @ l_bar, -1) + np.triu(np.triu(u_bar) @ transposed(corner))
    parts.insert(0, _right(_left(square, inner, 1), corner, 1))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1 if columns > count else -2)


def pushed(a_dot: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """The tangents of the factors from that of ``Pᵀ A``."""
    rows, columns = np.shape(lower)[-2], np.shape(upper)[-1]
    count = min(rows, columns)
    square, corner = lower[..., :count, :], _corner(upper, count)
    inner = _right(_left(square, a_dot[..., :count, :count], 0), corner, 0)
    l_dot, u_dot = square @ np.tril(inner, -1), np.triu(inner) @ corner
    if columns > count:
        beside = _left(square, a_dot[..., count:] - l_dot @ upper[..., count:], 0)
        u_dot = np.concatenate((u_dot, beside), axis=-1)
    elif rows > count:
        below = _right(a_dot[..., count:, :] - lower[..., count:, :] @ u_dot, corner, 0)
        l_dot = np.concatenate((l_dot, below), axis=-2)
    return l_dot, u_dot


# -- lu ----------------------------------------------------------------------------------------------------

lu = followed(scipy.linalg.lu)


def permutation(a: Any) -> Any:
    """The matrix P of ``A = P L U``; it has no derivative."""
    value = bare(a)
    rows = value.shape[-2]
    found = scipy.linalg.lu(value)[0]
    return found.astype(value.dtype) if value.size else np.zeros((*value.shape[:-2], rows, rows), value.dtype)


def _factors(y: Any, p: Any, permute_l: bool) -> tuple[Any, Any]:
    return (transposed(p) @ y[0], y[1]) if permute_l else (y[1], y[2])


@vjp(lu, 0, reads="y a permute_l")
def lu_vjp(
    y_bar: Any, y: Any, a: Any, permute_l: bool = False, overwrite_a: bool = False,
    check_finite: bool = True, p_indices: bool = False,
) -> Any:  # fmt: skip
    p = permutation(a)
    l_bar, u_bar = y_bar[-2], y_bar[-1]
    lower, upper = _factors(y, p, permute_l)
    return p @ pulled(transposed(p) @ l_bar if permute_l else l_bar, u_bar, lower, upper)


@jvp(lu, 0, reads="y a permute_l")
def lu_jvp(
    a_dot: Any, y: Any, a: Any, permute_l: bool = False, overwrite_a: bool = False,
    check_finite: bool = True, p_indices: bool = False,
) -> Any:  # fmt: skip
    p = permutation(a)
    l_dot, u_dot = pushed(transposed(p) @ a_dot, *_factors(y, p, permute_l))
    return (p @ l_dot, u_dot) if permute_l else (np.zeros(np.shape(y[0]), dtype_of(y[0])), l_dot, u_dot)


calls(
    lu,
    call(array(3, 3)),
    call(array(2, 4)),
    call(array(4, 2), permute_l=True),
    call(array(3, 3), True),
    call(array(2, 3, 4)),
    call(array(3, 3), p_indices=True),
    call(array(0, 0)),
)

# -- lu_factor, lu_solve -----------------------------------------------------------------------------------


@composed(scipy.linalg.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.lu_factor`."""
    return packed(a, check_finite)


@dispatched
def packed(a: Any, check_finite: bool = True) -> Any:
    """`scipy.linalg.lu_factor`: L and U in one array, and the row that each row was exchanged with."""
    return scipy.linalg.lu_factor(a, check_finite=check_finite)


def _order(pivots: Any, rows: int) -> Any:
    """The permutation that exchanges make, of each matrix in a stack."""
    others = np.asarray(bare(pivots))
    order = np.broadcast_to(np.arange(rows), (*others.shape[:-1], rows)).copy()
    for place in range(others.shape[-1]):
        other = others[..., place : place + 1]
        there = np.take_along_axis(order, other, axis=-1)
        np.put_along_axis(order, other, order[..., place : place + 1].copy(), axis=-1)
        order[..., place : place + 1] = there
    return order


def _in_order(x: Any, order: Any) -> Any:
    """The rows of each matrix in another order."""
    if order.ndim == 1:
        return x[..., order, :]
    return np.take_along_axis(x, np.broadcast_to(order[..., None], np.shape(x)), axis=-2)


def _parts(packed_factors: Any) -> tuple[Any, Any]:
    rows, columns = np.shape(packed_factors)[-2:]
    count = min(rows, columns)
    unit = np.eye(rows, count, dtype=dtype_of(packed_factors))
    return np.tril(packed_factors[..., :count], -1) + unit, np.triu(packed_factors[..., :count, :])


def _pack(lower: Any, upper: Any) -> Any:
    """The strict lower triangle of L and the upper one of U in one array."""
    rows, columns = np.shape(lower)[-2], np.shape(upper)[-1]
    strict, above = np.tril(lower, -1), np.triu(upper)
    stack = np.shape(lower)[:-2]
    if columns > rows:
        beside = np.zeros((*stack, rows, columns - rows), dtype_of(strict))
        strict = np.concatenate((strict, beside), axis=-1)
    elif rows > columns:
        below = np.zeros((*stack, rows - columns, columns), dtype_of(above))
        above = np.concatenate((above, below), axis=-2)
    return strict + above


@vjp(packed, 0, reads="y")
def packed_vjp(y_bar: Any, y: Any, a: Any, check_finite: bool = True) -> Any:
    lower, upper = _parts(y[0])
    count = np.shape(lower)[-1]
    l_bar, u_bar = np.tril(y_bar[0][..., :count], -1), np.triu(y_bar[0][..., :count, :])
    order = _order(y[1], np.shape(a)[-2])
    return _in_order(pulled(l_bar, u_bar, lower, upper), np.argsort(order, axis=-1))


@jvp(packed, 0, reads="y")
def packed_jvp(a_dot: Any, y: Any, a: Any, check_finite: bool = True) -> Any:
    order = _order(y[1], np.shape(a)[-2])
    return _pack(*pushed(_in_order(a_dot, order), *_parts(y[0]))), np.zeros(np.shape(y[1]), dtype_of(y[1]))


calls(
    packed,
    call(array(3, 3)),
    call(array(2, 4)),
    call(array(4, 2)),
    call(array(1, 1)),
    call(array(2, 1, 3, 3, kind="invertible")),
    call(array(2, 4, 3, kind="invertible")),
    call(array(2, 3, 4, kind="invertible")),
)


@dispatched
def packed_solve(lu: Any, b: Any, piv: Any, trans: int = 0, check_finite: bool = True) -> Any:
    """`scipy.linalg.lu_solve` with the factors and the exchanges apart."""
    return scipy.linalg.lu_solve((lu, piv), b, trans, check_finite=check_finite)


@vjp(packed_solve, 0, reads="y lu piv trans")
def packed_solve_lu_vjp(
    y_bar: Any, y: Any, lu: Any, b: Any, piv: Any, trans: int = 0, check_finite: bool = True
) -> Any:
    if is_vector(b):
        y_bar, y = y_bar[..., None], y[..., None]
    b_bar = packed_solve(lu, y_bar, piv, 1 - trans)
    a_bar = -(y @ transposed(b_bar) if trans else b_bar @ transposed(y))
    lower, upper = _parts(lu)
    turned = _in_order(a_bar, _order(piv, np.shape(lu)[-2]))
    return np.tril(turned @ transposed(upper), -1) + np.triu(transposed(lower) @ turned)


@vjp(packed_solve, 1, reads="lu piv trans")
def packed_solve_b_vjp(
    y_bar: Any, y: Any, lu: Any, b: Any, piv: Any, trans: int = 0, check_finite: bool = True
) -> Any:
    if is_vector(b):
        return packed_solve(lu, y_bar[..., None], piv, 1 - trans)[..., 0]
    return packed_solve(lu, y_bar, piv, 1 - trans)


@jvp(packed_solve, 0, reads="y lu piv trans")
def packed_solve_lu_jvp(
    lu_dot: Any, y: Any, lu: Any, b: Any, piv: Any, trans: int = 0, check_finite: bool = True
) -> Any:
    lower, upper = _parts(lu)
    moved = np.tril(lu_dot, -1) @ upper + lower @ np.triu(lu_dot)
    moved = _in_order(moved, np.argsort(_order(piv, np.shape(lu)[-2]), axis=-1))
    if trans:
        moved = transposed(moved)
    if is_vector(b):
        return -packed_solve(lu, moved @ y[..., None], piv, trans)[..., 0]
    return -packed_solve(lu, moved @ y, piv, trans)


@stand_in(packed_solve)
def _solution(lu: Any, b: Any, piv: Any, *_: Any, **__: Any) -> Any:
    # LAPACK writes wherever an exchange says, and those of a stand-in need not lie within its rows.
    none = np.broadcast_to(np.arange(lu.shape[-1], dtype=piv.dtype), lu.shape[:-1])
    return scipy.linalg.lu_solve((lu, none.copy()), b)


linear(packed_solve, 1)
whole(packed_solve, 2)
_PIVOTS = np.array([2, 2, 2], np.int32)
_STACKED = np.array([[2, 2, 2], [1, 1, 2]], np.int32)
calls(
    packed_solve,
    call(array(3, 3, kind="invertible"), array(3), _PIVOTS),
    call(array(3, 3, kind="invertible"), array(3, 2), _PIVOTS),
    call(array(3, 3, kind="invertible"), array(3, 2), _PIVOTS, 1),
    call(array(2, 3, 3, kind="invertible"), array(2, 3, 2), _STACKED),
    call(array(2, 3, 3, kind="invertible"), array(3, 1), _STACKED, 1),
    call(array(2, 3, 3, kind="invertible"), array(3), _STACKED),
    call(array(3, 3, kind="invertible"), array(2, 3, 2), _PIVOTS, 1),
)


@composed(scipy.linalg.lu_solve)
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.lu_solve`."""
    factors, piv = lu_and_piv
    if trans == 2:
        return np.conj(packed_solve(factors, np.conj(b), piv, 1, check_finite))
    return packed_solve(factors, b, piv, trans, check_finite)
