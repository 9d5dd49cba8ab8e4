"""Least squares (`numpy.linalg.lstsq`): the solution of minimum norm, residuals and singular values.

The solution is ``x = A⁺ b``, so its derivative is that of the pseudo-inverse (`rules.pinv`), which the
cotangents meet as vectors: with ``z = A⁺ᴴ x_bar`` and the residual r, ``b_bar = z`` and ``a_bar = -z xᴴ +
r (A⁺ z)ᴴ + (A⁺ᴴ x) (x_bar - Aᴴ z)ᴴ`` (Golub & Pereyra 1973, §4). The derivative of ``|r|²`` is that at
fixed x, as r is at right angles to all that A reaches. A singular value moves by ``Re(uᴴ A_dot v)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.products import operand
from pullback.rules.ranks import check_tangent, is_full
from pullback.rules.structured import Filled, dense
from pullback.rules.table import calls, jvp, vjp

Array = np.ndarray[Any, Any]


def _columns(x: Any) -> Any:
    """`x` as a matrix: a vector is one column."""
    x = operand(x)
    return x[:, None] if np.ndim(x) == 1 else x


def _inverse(a: Any, y: Any) -> Any:
    """The pseudo-inverse of the rank that NumPy found."""
    rank, values = int(bare(y[2])), bare(y[3])
    if not rank:
        return np.linalg.pinv(a, 2.0)
    last, eps = values[rank - 1], np.finfo(values.dtype).eps
    between = (values[rank] / last) ** 0.5 if rank < len(values) else 0.0
    return np.linalg.pinv(a, float(last / values[0] * max(between, eps**0.75)))


@vjp(np.linalg.lstsq, 0, reads="y a b", structured=True, holomorphic=False)
def lstsq_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    if type(y_bar[0]) is not Filled:  # the residuals are there at full rank alone
        is_full("lstsq", bare(a), bare(y[2]))
    y_bar = tuple(map(dense, y_bar))
    x, x_bar, residual = _columns(y[0]), _columns(y_bar[0]), _columns(b) - a @ _columns(y[0])
    p = _inverse(a, y)
    z = adjoint(p) @ x_bar
    a_bar = residual @ adjoint(p @ z) - z @ adjoint(x) + (adjoint(p) @ x) @ adjoint(x_bar - adjoint(a) @ z)
    if np.size(y[1]):
        a_bar = a_bar - 2 * (residual * y_bar[1]) @ adjoint(x)
    if not np.any(bare(y_bar[3])):
        return a_bar
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    _check_values(bare(s), bare(y_bar[3]))
    # As a singular value alone: one that is 0 has a kink.
    return a_bar + (u * (y_bar[3] * ~_is_zero(bare(s)))) @ vh


@vjp(np.linalg.lstsq, 1, reads="y a b", holomorphic=False)
def lstsq_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    a = operand(a)
    b_bar = adjoint(_inverse(a, y)) @ _columns(y_bar[0])
    if np.size(y[1]):
        b_bar = b_bar + 2 * (_columns(b) - a @ _columns(y[0])) * y_bar[1]
    return np.reshape(b_bar, np.shape(b))


@jvp(np.linalg.lstsq, 0)
def lstsq_a_jvp(a_dot: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    is_full("lstsq", bare(a), bare(y[2]))
    x, p = _columns(y[0]), _inverse(a, y)
    residual, move = _columns(b) - a @ x, adjoint(a_dot)
    part = p @ (adjoint(p) @ (move @ residual)) - p @ (a_dot @ x)
    null = move @ (adjoint(p) @ x)
    x_dot = part + null - p @ (a @ null)
    squares_dot = _squares_dot(y, residual, -(a_dot @ x))
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    turned = adjoint(u) @ a_dot @ adjoint(vh)
    _check_directions(bare(s), bare(turned), int(bare(y[2])))
    if int(bare(y[2])) < min(np.shape(a)):
        check_tangent("lstsq", bare(a_dot), bare(a), bare(p))
    s_dot = np.real(np.diagonal(turned))
    return np.reshape(x_dot, np.shape(y[0])), squares_dot, 0, s_dot


@jvp(np.linalg.lstsq, 1)
def lstsq_b_jvp(b_dot: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    a = operand(a)
    x_dot = _inverse(a, y) @ _columns(b_dot)
    squares_dot = _squares_dot(y, _columns(b) - a @ _columns(y[0]), _columns(b_dot))
    return np.reshape(x_dot, np.shape(y[0])), squares_dot, 0, np.zeros(np.shape(y[3]), y[3].dtype)


def _squares_dot(y: Any, residual: Any, move: Any) -> Any:
    """The tangent of the sums of squares, where NumPy gives them."""
    if not np.size(y[1]):
        return np.zeros(np.shape(y[1]), y[1].dtype)
    return 2 * np.sum(np.real(np.conj(residual) * move), axis=0)


def _same(s: Array) -> Array:
    """At ``[i, j]``, whether two singular values are equal but for rounding."""
    tolerance = 100 * len(s) * np.finfo(s.dtype).eps * s.max(initial=0)
    return np.abs(s[:, None] - s) <= tolerance


def _is_zero(s: Array) -> Array:
    """Whether a singular value is 0 but for rounding."""
    return _same(np.append(s, s.dtype.type(0)))[-1, :-1]


def _equal_values(s: Array, places: Array) -> NotDifferentiableError:
    i, j = map(int, np.argwhere(places)[0])
    return NotDifferentiableError(
        f"the singular values {i} and {j} of numpy.linalg.lstsq are equal: {s[i]:.6g} and {s[j]:.6g}",
        why="which of them is which changes from one side to the other",
        remedy="for the solution alone use np.linalg.pinv(a) @ b, for the values np.linalg.svd.",
    )


def _check_values(s: Array, s_bar: Array) -> None:
    """Raise unless equal singular values have equal cotangents; 0 has none."""
    same = _same(s) & ~_is_zero(s)
    close = np.abs(s_bar[:, None] - s_bar) <= np.finfo(s.dtype).eps ** 0.5 * np.max(np.abs(s_bar))
    if np.any(same & ~close):
        raise _equal_values(s, same & ~close)


def _check_directions(s: Array, turned: Array, rank: int) -> None:
    """Raise if equal singular values are mixed along a direction, or one that is 0 moves."""
    mixed = np.abs(turned + np.conj(turned.T)) > np.finfo(s.dtype).eps ** 0.5 * np.linalg.norm(turned)
    mixed = mixed & _same(s)
    kept = np.arange(len(s)) < rank
    mixed &= ~np.eye(len(s), dtype=bool) & kept & kept[:, None]
    if np.any(mixed):
        raise _equal_values(s, mixed)


calls(
    np.linalg.lstsq,
    call(array(4, 2, kind="invertible"), array(4)),
    call(array(4, 2, kind="invertible"), array(4, 3)),
    call(array(2, 4, kind="invertible"), array(2)),
    call(array(2, 4, kind="invertible"), array(2, 2), 1e-12),
    call(array(3, 3, kind="invertible"), array(3, 2)),
    call(array(5, 3, kind="invertible"), array(5), rcond=-1),
    call(array(4, 2, kind="invertible"), array(4, 0)),
)
