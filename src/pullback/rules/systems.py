"""Linear systems in two steps, for compiled code: the LU factors of a matrix, and what is made of them.

`optimize.systems` makes the two of `numpy.linalg.solve`, `inv`, `det` and `slogdet`. The factors are then
found once for a solution, a determinant, their derivatives and whatever else is computed of the same matrix,
and once for all trips of a loop. How they are kept is the affair of `emit.systems`; here there are none, and
each function begins anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.determinant import minors
from pullback.rules.domain import array, call
from pullback.rules.linalg import inv_jvp, inv_vjp
from pullback.rules.table import calls, constant, jvp, linear, vjp


@dispatched
def factorised(a: Any) -> Any:
    """The factors of a matrix, of any shape and values: `solved_by` says what is wrong with it."""
    return np.empty((0, a.shape[1]), a.dtype)


@dispatched
def solved_by(a: Any, b: Any, factors: Any, transposed: bool) -> Any:
    """``a⁻¹ b`` or ``a⁻ᵀ b``, where `b` is a vector or a matrix, and `factors` are those of `a`."""
    return np.linalg.solve(np.transpose(a) if transposed else a, b)


constant(factorised)


@vjp(solved_by, 0, reads="y a factors transposed")
def solved_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, factors: Any, transposed: bool) -> Any:
    b_bar = -solved_by(a, y_bar, factors, not transposed)
    first, second = (y, b_bar) if transposed else (b_bar, y)
    return first[:, None] * second if np.ndim(b) == 1 else first @ np.transpose(second)


@vjp(solved_by, 1, reads="a factors transposed")
def solved_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, factors: Any, transposed: bool) -> Any:
    return solved_by(a, y_bar, factors, not transposed)


@jvp(solved_by, 0)
def solved_a_jvp(a_dot: Any, y: Any, a: Any, b: Any, factors: Any, transposed: bool) -> Any:
    moved = np.transpose(a_dot) if transposed else a_dot
    return -solved_by(a, moved @ y, factors, transposed)


linear(solved_by, 1)
_MATRIX = array(3, 3, kind="invertible")
_NONE = np.empty((0, 3))
calls(
    solved_by,
    call(_MATRIX, array(3), _NONE, False),
    call(_MATRIX, array(3), _NONE, True),
    call(_MATRIX, array(3, 2), _NONE, False),
    call(_MATRIX, array(3, 2), _NONE, True),
)


# -- inverses and determinants ----------------------------------------------------------------------------


@dispatched
def inverted_by(a: Any, factors: Any) -> Any:
    """``numpy.linalg.inv(a)``, where `factors` are those of `a`; so they are below."""
    return np.linalg.inv(a)


@vjp(inverted_by, 0, reads="y")
def inverted_vjp(y_bar: Any, y: Any, a: Any, factors: Any) -> Any:
    return inv_vjp(y_bar, y, None)


@jvp(inverted_by, 0, reads="y")
def inverted_jvp(a_dot: Any, y: Any, a: Any, factors: Any) -> Any:
    return inv_jvp(a_dot, y, None)


@dispatched
def slogdet_by(a: Any, factors: Any) -> Any:
    """``numpy.linalg.slogdet(a)``."""
    return np.linalg.slogdet(a)


@vjp(slogdet_by, 0, holomorphic=False)
def slogdet_by_vjp(y_bar: Any, y: Any, a: Any, factors: Any) -> Any:
    slopes, weight = np.transpose(inverted_by(a, factors)), y_bar[1]
    if dtype_of(a).kind == "c":
        return (weight + 1j * np.imag(y_bar[0] * np.conj(y[0]))) * np.conj(slopes)
    return weight * slopes


@jvp(slogdet_by, 0)
def slogdet_by_jvp(a_dot: Any, y: Any, a: Any, factors: Any) -> tuple[Any, Any]:
    rate = np.sum(np.transpose(inverted_by(a, factors)) * a_dot)
    if dtype_of(a).kind == "c" or dtype_of(a_dot).kind == "c":
        return 1j * y[0] * np.imag(rate), np.real(rate)
    return 0.0 * rate, rate


@dispatched
def det_by(a: Any, factors: Any) -> Any:
    """``numpy.linalg.det(a)``."""
    return np.linalg.det(a)


@vjp(det_by, 0, reads="a factors")
def det_by_vjp(y_bar: Any, y: Any, a: Any, factors: Any) -> Any:
    return y_bar * minors_by(a, factors)


@jvp(det_by, 0, reads="a factors")
def det_by_jvp(a_dot: Any, y: Any, a: Any, factors: Any) -> Any:
    return np.sum(minors_by(a, factors) * a_dot)


@dispatched
def minors_by(a: Any, factors: Any) -> Any:
    """The gradient of the determinant."""
    return minors(a)


@vjp(minors_by, 0, reads="a")
def minors_by_vjp(y_bar: Any, y: Any, a: Any, factors: Any) -> Any:
    return minors(a, y_bar)


@jvp(minors_by, 0, reads="a")
def minors_by_jvp(a_dot: Any, y: Any, a: Any, factors: Any) -> Any:
    return minors(a, a_dot)


for _function in (inverted_by, slogdet_by, det_by, minors_by):
    calls(_function, call(_MATRIX, _NONE))
