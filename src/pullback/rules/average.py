"""Weighted sums along an axis: ``average`` and ``trapezoid``, weights and abscissae included."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.axes import Axis, along, axes_of, kept_shape, padded, restored
from pullback.rules.broadcast import unbroadcast
from pullback.rules.domain import array, call
from pullback.rules.reduce import mean_vjp
from pullback.rules.table import calls, jvp, linear, vjp


def aligned(weights: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """`weights`, given for `axis` alone or for the whole of `shape`, made to broadcast against `shape`."""
    if np.shape(weights) == shape:
        return weights
    axes = axes_of(axis, len(shape))
    ordered = np.transpose(weights, np.argsort(axes))
    return np.reshape(ordered, tuple(n if i in axes else 1 for i, n in enumerate(shape)))


def unaligned(w_bar: Any, weights_shape: tuple[int, ...], shape: tuple[int, ...], axis: Axis) -> Any:
    """The adjoint of `aligned`."""
    if weights_shape == shape:
        return unbroadcast(w_bar, shape)
    axes = axes_of(axis, len(shape))
    summed = unbroadcast(w_bar, tuple(n if i in axes else 1 for i, n in enumerate(shape)))
    return np.transpose(
        np.reshape(summed, tuple(shape[i] for i in sorted(axes))), np.argsort(np.argsort(axes))
    )


@vjp(np.average, 0, reads="axis weights returned")
def average_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    average_bar = y_bar[0] if returned else y_bar
    if weights is None:
        return mean_vjp(average_bar, y, a, axis)
    shape = np.shape(a)
    weights = aligned(weights, shape, axis)
    return restored(average_bar, shape, axis) / np.sum(weights, axis=axis, keepdims=True) * weights


@vjp(np.average, 2, reads="y a axis weights returned")
def average_weights_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    shape = np.shape(a)
    average, average_bar = (y[0], y_bar[0]) if returned else (y, y_bar)
    total = np.sum(aligned(weights, shape, axis), axis=axis, keepdims=True)
    w_bar = (a - restored(average, shape, axis)) * (restored(average_bar, shape, axis) / total)
    if returned:
        w_bar = w_bar + restored(y_bar[1], shape, axis)
    return unaligned(w_bar, np.shape(weights), shape, axis)


@jvp(np.average, 0, reads="axis weights returned keepdims")
def average_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    average_dot = np.average(a_dot, axis, weights, keepdims=keepdims)
    return (average_dot, np.zeros(np.shape(average_dot), y[1].dtype)) if returned else average_dot


@jvp(np.average, 2, reads="y a axis weights returned keepdims")
def average_weights_jvp(
    weights_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    shape = np.shape(a)
    average = restored(y[0] if returned else y, shape, axis)
    moved = aligned(weights_dot, shape, axis)
    total = np.sum(aligned(weights, shape, axis), axis=axis, keepdims=True)
    average_dot = np.sum((a - average) / total * moved, axis=axis, keepdims=keepdims)
    if not returned:
        return average_dot
    return average_dot, np.broadcast_to(np.sum(moved, axis=axis, keepdims=keepdims), np.shape(average_dot))


def _steps(x: Any, dx: Any, axis: int, ndim: int) -> Any:
    """The widths of the trapezoids, made to broadcast against their heights."""
    if x is None:
        return dx
    if np.ndim(x) != 1:
        return np.diff(x, axis=axis)
    return np.reshape(np.diff(x), (-1, *(1,) * (ndim - 1 - axes_of(axis, ndim)[0])))


def _heights(y: Any, axis: int) -> Any:
    if isinstance(y, list | tuple):
        y = np.array(y)
    return (y[along(axis, 1, None)] + y[along(axis, None, -1)]) / 2


def _trapezoid_axis(y: Any, axis: int) -> int:
    return axes_of(axis, np.ndim(y))[0]


# NumPy names the ordinates y, so the first two parameters are named after the integral, which is an area.


@vjp(np.trapezoid, 0, reads="x dx axis")
def trapezoid_vjp(area_bar: Any, area: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    number, shape = _trapezoid_axis(y, axis), np.shape(y)
    if not shape[number]:
        return np.zeros(shape, area_bar.dtype)
    half = _steps(x, dx, axis, len(shape)) * np.reshape(area_bar, kept_shape(shape, number)) / 2
    half = np.broadcast_to(half, (*shape[:number], shape[number] - 1, *shape[number + 1 :]))
    return padded(half, 1, 0, number) + padded(half, 0, 1, number)


@vjp(np.trapezoid, 1, reads="y axis")
def trapezoid_x_vjp(area_bar: Any, area: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    number, shape = _trapezoid_axis(y, axis), np.shape(x)
    step_bar = _heights(y, number) * np.reshape(area_bar, kept_shape(np.shape(y), number))
    if len(shape) == 1:
        step_bar = np.sum(step_bar, axis=tuple(i for i in range(np.ndim(y)) if i != number))
        number = 0
    else:
        number = axes_of(axis, len(shape))[0]
        step_bar = unbroadcast(step_bar, (*shape[:number], shape[number] - 1, *shape[number + 1 :]))
    return padded(step_bar, 1, 0, number) - padded(step_bar, 0, 1, number)


@vjp(np.trapezoid, 2, reads="y x axis")
def trapezoid_dx_vjp(area_bar: Any, area: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is not None:
        return np.zeros(np.shape(dx), area_bar.dtype)
    axis = _trapezoid_axis(y, axis)
    return _heights(y, axis) * np.reshape(area_bar, kept_shape(np.shape(y), axis))


linear(np.trapezoid, 0, 1)


@jvp(np.trapezoid, 2, reads="area y x axis")
def trapezoid_dx_jvp(dx_dot: Any, area: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is not None:
        return np.zeros(np.shape(area), dx_dot.dtype)
    return np.trapezoid(y, None, dx_dot, axis)


_POSITIVE = array(3, 4, low=0.5, high=1.5)
_ROW = array(4, low=0.5, high=1.5)
calls(
    np.average,
    call(array(3, 4)),
    call(array(3, 4), 1, returned=True),
    call(array(3, 4), None, _POSITIVE),
    call(array(3, 4), None, _POSITIVE, True),
    call(array(3, 4), 0, _POSITIVE, keepdims=True),
    call(array(3, 4), -1, _ROW),
    call(array(3, 4), 1, _ROW, True),
    call(array(2, 3, 4), (2, 0), array(4, 2, low=0.5, high=1.5), True),
    call(array(2, 3, 4), (0, 2), array(2, 3, 4, low=0.5, high=1.5), True, keepdims=True),
)
calls(
    np.trapezoid,
    call(array(5)),
    call(array(3, 4), None, 0.5, 0),
    call(array(3, 4), array(4)),
    call(array(3, 4), array(3), axis=0),
    call(array(3, 4), array(3, 4), axis=0),
    call(array(2, 3, 4), array(3, 4), axis=-2),
    call(array(3, 4), array(1, 4), axis=1),
    call(array(3, 3), array(1, 3)),
    call(array(3, 4), None, array()),
    call(array(3, 4), None, array(3)),
    call(array(3, 4), None, array(3, 1), 1),
    call(array(3, 1)),
    call(array(4), array(4), array()),
)
