"""Undoing NumPy's broadcasting: the adjoint of repeating an array along an axis is the sum over that axis."""

from __future__ import annotations

from typing import Any

import numpy as np


def unbroadcast(x_bar: Any, shape: tuple[int, ...]) -> Any:
    """Sum `x_bar` over the axes `shape` was broadcast along; repeat it where it is smaller."""
    own = np.shape(x_bar)
    if own == shape:
        return x_bar
    extra = len(own) - len(shape)
    if extra < 0 or any(n != m and n != 1 for n, m in zip(shape, own[extra:], strict=True)):
        return np.broadcast_to(x_bar, shape)
    ones = tuple(i + extra for i, n in enumerate(shape) if n == 1 and own[i + extra] != 1)
    axes = (*range(extra), *ones)
    total = np.add.reduce(x_bar, axes) if type(x_bar) is np.ndarray else np.sum(x_bar, axis=axes)
    return np.reshape(total, shape) if ones else total
