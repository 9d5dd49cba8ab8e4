"""`Spec`: the shape and dtype of a value, without the value.

A tape keeps the *values* a rule reads and only the `Spec` of the rest; `np.shape`, `np.ndim` and `np.size`
read a `Spec` as they read an array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_FLOAT64 = np.dtype(np.float64)


class Spec:
    """Shape and dtype of an array or scalar that is not kept."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"Spec({self.shape}, {self.dtype})"


def dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype NumPy gives `value`: an array's own, `float64` for a Python float, and so on."""
    if type(value) is float:
        return _FLOAT64
    dtype = getattr(value, "dtype", None)
    return np.dtype(type(value)) if dtype is None else dtype


def is_whole(value: Any) -> bool:
    """Whether `value` is of integers or booleans, as ``np.sum(x, dtype=int)`` is: it moves in steps."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and dtype.kind in "iub"


def spec_of(value: Any) -> Spec:
    """The `Spec` of an array, a NumPy scalar or a Python number."""
    if type(value) is np.ndarray:
        return Spec(value.shape, value.dtype)
    if type(value) is float:
        return Spec((), _FLOAT64)
    return Spec(np.shape(value), dtype_of(value))


def spec_tree(value: Any) -> Any:
    """The `Spec` of an array or number, of each in a list or tuple, and any other value as it is."""
    if isinstance(value, (list, tuple)):
        specs = [spec_tree(item) for item in value]
        return specs if any(a is not b for a, b in zip(specs, value, strict=True)) else value
    if isinstance(value, np.ndarray | np.generic | float | complex):
        return spec_of(value)
    return Spec(value.shape, dtype_of(value)) if hasattr(value, "level") else value
