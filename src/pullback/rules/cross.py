"""The vector product, in space and (where NumPy still has it) in the plane.

``y_bar · (a_dot × b) = a_dot · (b × y_bar)``: the triple product is cyclic. Plane vectors get a third
component 0, and the cotangent of their product, a number, points out of the plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.products import from_end, to_end
from pullback.rules.table import calls, linear, vjp


def _cross_axes(
    a: Any, b: Any, axisa: int, axisb: int, axisc: int, axis: int | None
) -> tuple[tuple[int], tuple[int], tuple[int, ...]]:
    """The axis of the vectors in `a`, `b` and the output, which has none where both are plane vectors."""
    if axis is not None:
        axisa = axisb = axisc = axis
    flat = np.shape(a)[axisa] == 2 == np.shape(b)[axisb]
    return (axisa,), (axisb,), () if flat else (axisc,)


def _in_space(x: Any) -> Any:
    """Vectors along the last axis of `x`, those of the plane with a third component 0."""
    shape = np.shape(x)
    return np.concatenate((x, np.zeros((*shape[:-1], 1), dtype_of(x))), axis=-1) if shape[-1] == 2 else x


def _upright(y_bar: Any, c_axis: tuple[int, ...]) -> Any:
    """The output's cotangent as vectors along the last axis, for plane vectors out of the plane."""
    if c_axis:
        return np.moveaxis(y_bar, c_axis[0], -1)
    y_bar = np.expand_dims(y_bar, -1)
    return np.concatenate((np.zeros((*np.shape(y_bar)[:-1], 2), dtype_of(y_bar)), y_bar), axis=-1)


@vjp(np.cross, 0, reads="b axisa axisb axisc axis")
def cross_a_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    a_axis, b_axis, c_axis = _cross_axes(a, b, axisa, axisb, axisc, axis)
    a_bar = np.cross(_in_space(to_end(b, b_axis)), _upright(y_bar, c_axis))
    return from_end(a_bar[..., : np.shape(a)[a_axis[0]]], np.shape(a), a_axis)


@vjp(np.cross, 1, reads="a axisa axisb axisc axis")
def cross_b_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    a_axis, b_axis, c_axis = _cross_axes(a, b, axisa, axisb, axisc, axis)
    b_bar = np.cross(_upright(y_bar, c_axis), _in_space(to_end(a, a_axis)))
    return from_end(b_bar[..., : np.shape(b)[b_axis[0]]], np.shape(b), b_axis)


linear(np.cross, 0, 1)
calls(
    np.cross,
    call(array(3), array(3)),
    call(array(4, 3), array(4, 3)),
    call(array(4, 3), array(3)),
    call(array(3), array(2, 1, 3)),
    call(array(3, 4), array(3, 4), axis=0),
    call(array(3, 4), array(4, 3), axisa=0, axisc=0),
    call(array(3), array(3, 4), -1, 0, 0),
)


def cross_in_space(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """As `numpy.linalg.cross`, which takes no vectors of the plane."""
    lengths = np.shape(x1)[axis], np.shape(x2)[axis]
    if lengths != (3, 3):
        raise ValueError(f"the vectors have to have three components, not {lengths[0]} and {lengths[1]}")
    return np.cross(x1, x2, axis=axis)


COMPOSED[np.linalg.cross] = cross_in_space
