"""Differences along an axis: ``diff``, ``ediff1d`` and ``gradient``.

All are linear. The adjoint of a difference is minus the difference of the cotangent with zeros put at
both ends; that of ``gradient`` moves each weight of its stencil to the place it was read from. (Second
order differences on an uneven grid: Quarteroni, Sacco & Saleri, *Numerical Mathematics*, 2007, §10.10.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.axes import along, axes_of, padded, shifted
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, linear, refuse, view, vjp

NOTHING = np._NoValue


def _length(edge: Any, axis: int) -> int:
    """How many entries ``prepend`` or ``append`` adds along `axis`."""
    if edge is None or edge is NOTHING:
        return 0
    return np.shape(edge)[axis] if np.ndim(edge) else 1


def _diff_adjoint(
    y_bar: Any, a: Any, n: int, axis: int, prepend: Any, append: Any
) -> tuple[Any, int, int, int]:
    """The cotangent of the extended array, its axis, and where `a` begins and ends in it."""
    axis = axes_of(axis, np.ndim(a))[0]
    start = _length(prepend, axis)
    stop = start + np.shape(a)[axis]
    total = stop + _length(append, axis)
    if np.shape(y_bar)[axis] == 0:
        return padded(y_bar, total, 0, axis), axis, start, stop
    x_bar = np.diff(padded(y_bar, n, n, axis), n, axis)
    return (-x_bar if n % 2 else x_bar), axis, start, stop


@vjp(np.diff, 0, reads="n axis")
def diff_vjp(
    y_bar: Any, y: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING
) -> Any:
    if n == 0:
        return y_bar
    x_bar, axis, start, stop = _diff_adjoint(y_bar, a, n, axis, prepend, append)
    return x_bar[along(axis, start, stop)]


@vjp(np.diff, 3, reads="n axis")
def diff_prepend_vjp(
    y_bar: Any, y: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING
) -> Any:
    if n == 0:
        return np.zeros(np.shape(prepend), y_bar.dtype)
    x_bar, axis, start, _ = _diff_adjoint(y_bar, a, n, axis, prepend, append)
    return x_bar[along(axis, None, start)]


@vjp(np.diff, 4, reads="n axis")
def diff_append_vjp(
    y_bar: Any, y: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING
) -> Any:
    if n == 0:
        return np.zeros(np.shape(append), y_bar.dtype)
    x_bar, axis, _, stop = _diff_adjoint(y_bar, a, n, axis, prepend, append)
    return x_bar[along(axis, stop, None)]


def _still(edge: Any) -> Any:
    """A zero tangent for an edge or array that does not move."""
    if isinstance(edge, list | tuple):
        edge = np.array(edge)
    return edge if edge is None or edge is NOTHING else np.zeros(np.shape(edge), dtype_of(edge))


@jvp(np.diff, 0, reads="n axis")
def diff_jvp(
    a_dot: Any, y: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING
) -> Any:
    return np.diff(a_dot, n, axis, _still(prepend), _still(append))


@jvp(np.diff, 3, reads="n axis")
def diff_prepend_jvp(
    prepend_dot: Any,
    y: Any,
    a: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = NOTHING,
    append: Any = NOTHING,
) -> Any:
    return np.diff(_still(a), n, axis, prepend_dot, _still(append))


@jvp(np.diff, 4, reads="n axis")
def diff_append_jvp(
    append_dot: Any, y: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = NOTHING, append: Any = NOTHING
) -> Any:
    return np.diff(_still(a), n, axis, _still(prepend), append_dot)


def _ends(y_bar: Any, ary: Any, to_begin: Any) -> tuple[int, int]:
    """Where the differences begin and end in the result of ``ediff1d``."""
    start = 0 if to_begin is None else np.size(to_begin)
    return start, start + max(np.size(ary) - 1, 0)


@vjp(np.ediff1d, 0, reads="")
def ediff1d_vjp(y_bar: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    start, stop = _ends(y_bar, ary, to_begin)
    if np.size(ary) < 2:
        return np.zeros(np.shape(ary), y_bar.dtype)
    return np.reshape(-np.diff(padded(y_bar[start:stop], 1, 1, 0)), np.shape(ary))


@vjp(np.ediff1d, 1, reads="")
def ediff1d_end_vjp(y_bar: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return np.reshape(y_bar[_ends(y_bar, ary, to_begin)[1] :], np.shape(to_end))


@vjp(np.ediff1d, 2, reads="")
def ediff1d_begin_vjp(y_bar: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return np.reshape(y_bar[: _ends(y_bar, ary, to_begin)[0]], np.shape(to_begin))


@jvp(np.ediff1d, 0, reads="")
def ediff1d_jvp(ary_dot: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return np.ediff1d(ary_dot, _still(to_end), _still(to_begin))


@jvp(np.ediff1d, 1, reads="")
def ediff1d_end_jvp(end_dot: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return np.ediff1d(_still(ary), end_dot, _still(to_begin))


@jvp(np.ediff1d, 2, reads="")
def ediff1d_begin_jvp(begin_dot: Any, y: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return np.ediff1d(_still(ary), _still(to_end), begin_dot)


def gradient_stencil(spacing: Any, length: int, edge_order: int) -> dict[int, np.ndarray[Any, Any]]:
    """The weights of ``np.gradient``: entry i under k multiplies ``f[i + k]`` in the derivative at i."""
    coordinates = np.ndim(spacing) == 1
    h = np.diff(spacing).astype(float) if coordinates else np.full(length - 1, spacing, float)
    weights = {k: np.zeros(length) for k in range(-2, 3)}
    left, right = h[:-1], h[1:]
    both = left + right
    weights[-1][1:-1] = -right / (left * both)
    weights[0][1:-1] = (right - left) / (left * right)
    weights[1][1:-1] = left / (right * both)
    if edge_order == 1:
        weights[0][0], weights[1][0] = -1 / h[0], 1 / h[0]
        weights[-1][-1], weights[0][-1] = -1 / h[-1], 1 / h[-1]
        return {k: weights[k] for k in (-1, 0, 1)}
    first, second = h[0], h[1]
    weights[0][0] = -(2 * first + second) / (first * (first + second))
    weights[1][0] = (first + second) / (first * second)
    weights[2][0] = -first / (second * (first + second))
    last, before = h[-1], h[-2]
    weights[-2][-1] = last / (before * (before + last))
    weights[-1][-1] = -(before + last) / (before * last)
    weights[0][-1] = (2 * last + before) / (last * (before + last))
    return weights


def _spacings(varargs: tuple[Any, ...], count: int) -> list[Any]:
    if not varargs:
        return [1.0] * count
    return list(varargs) * count if len(varargs) == 1 and np.ndim(varargs[0]) == 0 else list(varargs)


@vjp(np.gradient, 0, reads="varargs")
def gradient_vjp(y_bar: Any, y: Any, f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = axes_of(axis, np.ndim(f))
    f_bar: Any = 0
    parts = y_bar if isinstance(y_bar, list | tuple) else [y_bar]
    for part, number, spacing in zip(parts, axes, _spacings(varargs, len(axes)), strict=True):
        column = (-1, *(1,) * (np.ndim(f) - 1 - number))
        for k, weights in gradient_stencil(spacing, np.shape(f)[number], edge_order).items():
            weight = np.reshape(weights.astype(dtype_of(f).char.lower()), column)
            f_bar = f_bar + shifted(weight * part, k, number)
    return f_bar


linear(np.gradient, 0)
refuse(
    np.gradient,
    "its rule is in the sampled values; to differentiate by the spacing, divide np.gradient(f) by it, or "
    "write the differences out with slices",
    *range(1, 9),
)

view(np.diff)  # with n=0
calls(
    np.diff,
    call(array(5)),
    call(array(3, 4), 2),
    call(array(3, 4), axis=0),
    call(array(3, 4), 0),
    call(array(3, 4), 3, 0),
    call(array(3, 4), 5, 0),
    call(array(3, 4), 1, 1, array(3, 2)),
    call(array(3, 4), 2, 0, array(2, 4), array(1, 4)),
    call(array(3, 4), 1, -1, array(), array()),
    call(array(4), prepend=0.0),
    call(array(1)),
)
calls(
    np.ediff1d,
    call(array(3, 4)),
    call(array(5), array(2), array()),
    call(array(5), to_begin=np.float32(0)),
    call(array(1), array(2)),
)
_UNEVEN = np.array([0.0, 0.5, 0.7, 1.5])
calls(
    np.gradient,
    call(array(5)),
    call(array(5), 0.5, edge_order=2),
    call(array(3, 4)),
    call(array(3, 4), 0.5, edge_order=2),
    call(array(3, 4), 0.5, _UNEVEN),
    call(array(3, 4), _UNEVEN, axis=1, edge_order=2),
    call(array(3, 4, 3), 2.0, 0.5, axis=(2, 0)),
    call(array(2, 4), axis=0),
)
