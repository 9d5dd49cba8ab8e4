"""Undoing NumPy's broadcasting: the adjoint of repeating an array along an axis is the sum over that axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.base.errors import ShapeError

_SMALL = 2048


def unbroadcast(x_bar: Any, shape: tuple[int, ...]) -> Any:
    """Sum `x_bar` over the axes `shape` was broadcast along; repeat it where it is smaller."""
    if type(x_bar) is np.ndarray:
        own = x_bar.shape
        if own[1:] == shape != own:
            return np.add.reduce(x_bar, 0)
    else:
        own = np.shape(x_bar)
    if own == shape:
        return x_bar
    extra = len(own) - len(shape)
    if extra < 0:
        return _stretched(x_bar, shape)
    rest = own[extra:] if extra else own
    if rest == shape:
        return _sum(x_bar, tuple(range(extra)))
    ones: list[int] = []
    for i, n in enumerate(shape):
        if n != rest[i]:
            if n != 1:
                return _stretched(x_bar, shape)
            ones.append(i + extra)
    if type(x_bar) is np.ndarray and not extra:
        return np.add.reduce(x_bar, tuple(ones), keepdims=True)
    return np.reshape(_sum(x_bar, (*range(extra), *ones)), shape)


def _stretched(x_bar: Any, shape: tuple[int, ...]) -> Any:
    try:
        return repeated(x_bar, shape)
    except ValueError as error:
        raise ShapeError(
            f"a rule returns a cotangent of shape {np.shape(x_bar)} for an argument of shape {shape}",
            remedy="return one of the argument's shape, or of one that broadcasts to it or from it.",
        ) from error


def _sum(x: Any, axes: tuple[int, ...]) -> Any:
    return np.add.reduce(x, axes) if type(x) is np.ndarray else np.sum(x, axis=axes)


def repeated(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` broadcast to `shape`; where that is small it is written out, which costs less than a view."""
    if type(x) is np.ndarray and math.prod(shape) <= _SMALL:
        y = np.empty(shape, x.dtype)
        y[...] = x
        return y
    return np.broadcast_to(x, shape)
