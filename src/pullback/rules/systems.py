"""Linear systems in two steps, for compiled code: the LU factors of a matrix, and solutions by them.

`optimize.systems` makes the two of `numpy.linalg.solve`. The factors are then found once for a solution, its
derivatives and whatever else is solved with the same matrix, and once for all trips of a loop. How they are
kept is the affair of `emit.systems`; here there are none, and each system is solved anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
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
