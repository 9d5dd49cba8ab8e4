"""Selections: ``where``, ``select``, ``nan_to_num``. They select and never multiply.

A condition has no derivative (zero wherever it has one). In its one-argument form ``where`` gives indices.
(Griewank & Walther, *Evaluating Derivatives*, 2008, §14.2, on branches.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, refuse, vjp


def full(contribution: Any, y: Any) -> Any:
    """`contribution` in the shape of `y`, where another argument is larger than this one."""
    return (
        contribution if np.shape(contribution) == np.shape(y) else np.broadcast_to(contribution, np.shape(y))
    )


@vjp(np.where, 0, reads="")
def where_vjp_condition(y_bar: Any, y: Any, condition: Any, *choices: Any) -> Any:
    return np.zeros(np.shape(condition), dtype_of(condition))


@vjp(np.where, 1, reads="condition")
def where_vjp_true(y_bar: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    return np.where(condition, y_bar, 0)


@vjp(np.where, 2, reads="condition")
def where_vjp_false(y_bar: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    return np.where(condition, 0, y_bar)


@jvp(np.where, 0, reads="")
def where_jvp_condition(x_dot: Any, y: Any, condition: Any, *choices: Any) -> Any:
    return np.zeros(np.shape(y), dtype_of(y))


@jvp(np.where, 1, reads="condition")
def where_jvp_true(x_dot: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    return full(np.where(condition, x_dot, 0), y)


@jvp(np.where, 2, reads="condition")
def where_jvp_false(x_dot: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    return full(np.where(condition, 0, x_dot), y)


def first_true(condlist: Any) -> list[Any]:
    """For each condition, where it is the first that holds; last, where none holds."""
    masks, free = [], True
    for condition in condlist:
        masks.append(np.logical_and(free, condition))
        free = np.logical_and(free, np.logical_not(condition))
    return [*masks, free]


@vjp(np.select, 1, reads="condlist")
def select_vjp_choices(y_bar: Any, y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    return [np.where(mask, y_bar, 0) for mask in first_true(condlist)[:-1]]


@vjp(np.select, 2, reads="condlist")
def select_vjp_default(y_bar: Any, y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    return np.where(first_true(condlist)[-1], y_bar, 0)


@jvp(np.select, 1, reads="condlist")
def select_jvp_choices(x_dot: Any, y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    masks = first_true(condlist)[:-1]
    parts = [np.where(mask, dot, 0) for mask, dot in zip(masks, x_dot, strict=True) if dot is not None]
    return full(sum(parts), y)


@jvp(np.select, 2, reads="condlist")
def select_jvp_default(x_dot: Any, y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    return full(np.where(first_true(condlist)[-1], x_dot, 0), y)


@vjp(np.nan_to_num, 0, reads="x", holomorphic=False)
def nan_to_num_vjp(
    y_bar: Any, y: Any, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    return where_finite(x, y_bar, copy)


@jvp(np.nan_to_num, 0, reads="x")
def nan_to_num_jvp(
    x_dot: Any, y: Any, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    return where_finite(x, x_dot, copy)


def where_finite(x: Any, seed: Any, copy: bool) -> Any:
    """`seed` where `x` is finite, else 0; real and imaginary parts are replaced one by one, as NumPy does."""
    if not copy:
        raise UnsupportedError(
            "numpy.nan_to_num(copy=False) overwrites its argument",
            why="the derivative at the values before is then lost",
            remedy="leave copy=False out and assign the result.",
        )
    if dtype_of(x).kind != "c":
        return np.where(np.isfinite(x), seed, 0)
    real = np.where(np.isfinite(np.real(x)), np.real(seed), 0)
    return real + 1j * np.where(np.isfinite(np.imag(x)), np.imag(seed), 0)


refuse(np.piecewise, "it calls functions on parts of its argument; use np.select or np.where")

_MASK = np.array([True, False, True])
calls(
    np.where, call(_MASK, array(3), array(3)), call(_MASK, array(2, 1), array(3)), call(_MASK, 1.0, array())
)
calls(np.where, call(np.array(False), array(3), array(2, 1)))
calls(
    np.select,
    call([_MASK, ~_MASK], [array(3), array(2, 3)]),
    call([_MASK, _MASK], [array(3), array(3)], array()),
)
calls(np.nan_to_num, call(array(2, 3)), call(array(3), nan=1.0))
