"""Axes of reductions: which they are, putting them back, joining them into one, shifting along one.

A reduction drops axes (or keeps them with length 1); its adjoint has to repeat along them. `restored`
gives a cotangent the shape that broadcasts against the argument, with no work where NumPy's broadcasting
does it by itself.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes that `axis` names, none negative, in the order given."""
    if axis is None or ndim == 0:
        return tuple(range(ndim))
    return normalize_axis_tuple(axis, ndim)


def kept_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """`shape` with length 1 along the reduced axes."""
    axes = axes_of(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def restored(reduced: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """`reduced`, of a reduction over `axis` of an array of `shape`, made to broadcast against that array.

    Whether the reduction kept its axes is seen from the number of dimensions.
    """
    ndim = len(shape)
    if axis is None or axis == 0 or getattr(reduced, "ndim", 0) == ndim:
        return reduced
    kept = (
        (*shape[: axis % ndim], 1, *shape[axis % ndim + 1 :])
        if type(axis) is int
        else kept_shape(shape, axis)
    )
    return reduced.reshape(kept) if type(reduced) is np.ndarray else np.reshape(reduced, kept)


def count_along(shape: tuple[int, ...], axis: Axis) -> int:
    """How many entries a reduction over `axis` joins into one."""
    if axis is None:
        return math.prod(shape)
    if type(axis) is int:
        return shape[axis] if shape else 1
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def gathered(a: Any, axis: Axis) -> Any:
    """`a` with the axes in `axis` moved to the end and made one."""
    shape = np.shape(a)
    if axis is None:
        return np.reshape(a, (math.prod(shape),))
    axes = axes_of(axis, len(shape))
    rest = [i for i in range(len(shape)) if i not in axes]
    joined = (*(shape[i] for i in rest), count_along(shape, axis))
    return np.reshape(np.transpose(a, (*rest, *axes)), joined)


def ungathered(joined: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """The inverse of `gathered` for an array of `shape`."""
    if axis is None:
        return np.reshape(joined, shape)
    axes = axes_of(axis, len(shape))
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    inverse = tuple(order.index(i) for i in range(len(shape)))
    return np.transpose(np.reshape(joined, tuple(shape[i] for i in order)), inverse)


def along(axis: int, start: int | None, stop: int | None) -> tuple[Any, ...]:
    """The index that takes ``start:stop`` along `axis`, which is not negative."""
    return (*(slice(None),) * axis, slice(start, stop))


def padded(x: Any, before: int, after: int, axis: int, value: float = 0) -> Any:
    """`x` with `before` and `after` entries of `value` added at the ends of `axis`, which is not negative."""
    shape = np.shape(x)

    def fill(length: int) -> list[Any]:
        edge = (*shape[:axis], length, *shape[axis + 1 :])
        return [np.full(edge, value, dtype=x.dtype)] if length else []

    return np.concatenate([*fill(before), x, *fill(after)], axis=axis) if before or after else x


def shifted(x: Any, by: int, axis: int, value: float = 0) -> Any:
    """`x` moved `by` places up `axis`, which is not negative: entry i is ``x[i - by]`` or else `value`."""
    length = np.shape(x)[axis]
    by = max(-length, min(by, length))
    if by >= 0:
        return padded(x[along(axis, None, length - by)], by, 0, axis, value)
    return padded(x[along(axis, -by, None)], 0, -by, axis, value)
