"""What emitted source calls beside NumPy: ordinary functions, for which `overloads` has compiled versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir.primitives import reserve, scale


def check_index(index: int, length: int) -> None:
    """IndexError unless ``-length <= index < length``."""
    if index < -length or index >= length:
        raise IndexError("index out of range")


def check_indices(indices: np.ndarray, length: int) -> None:
    """IndexError unless all `indices` are in range."""
    for index in indices.flat:
        check_index(index, length)


def divide(a: complex, b: complex) -> Any:
    """``a / b`` of complex numbers, where Python and Numba raise if `b` is 0."""
    return np.divide(a, b)


def direction(z: complex) -> Any:
    """``np.sign(z)`` of a complex number."""
    return np.sign(z)


def empty(shape: Any, dtype: Any) -> np.ndarray:
    """``np.empty(shape, dtype)``; compiled, in less time, as `zeros` is."""
    return np.empty(shape, dtype)


def exp(x: float) -> float:
    """``np.exp(x)``; compiled, it lets the loop it stands in be vectorised, as `log` and `tanh` do."""
    return np.exp(x)


def log(x: float) -> float:
    """``np.log(x)``."""
    return np.log(x)


def log1p(x: float) -> float:
    """``np.log1p(x)``."""
    return np.log1p(x)


def magnitude(z: complex) -> Any:
    """``np.abs(z)`` of a complex number."""
    return np.abs(z)


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b`` of two matrices that are contiguous in either order."""
    return a @ b


def tanh(x: float) -> float:
    """``np.tanh(x)``."""
    return np.tanh(x)


def opaque(index: int) -> int:
    """`index`; compiled, nothing is known of it (see `emit.direction`)."""
    return index


def zeros(shape: Any, dtype: Any) -> np.ndarray:
    """``np.zeros(shape, dtype)``."""
    return np.zeros(shape, dtype)


def interpreted(*results: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function that runs in Python even where Numba compiles its caller.

    Args:
        results: Numba's names of the types of what it returns.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__["results"] = results
        return function

    return mark


__all__ = [
    "check_index", "check_indices", "direction", "divide", "empty", "exp", "interpreted", "log", "log1p",
    "magnitude", "matmul", "opaque", "reserve", "scale", "tanh", "zeros",
]  # fmt: skip
