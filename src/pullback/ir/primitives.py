"""The operations of a program that are no NumPy function.

Each is an ordinary Python function: the interpreter calls it, and emitted source reads like the Python it
stands for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Index = tuple[Any, ...]


def bind(x: Any) -> Any:
    """``y = x``: the same number, or a second name for the same array."""
    return x


def item(array: np.ndarray, index: Index) -> Any:
    """``array[i, j]`` with one integer per axis: a number."""
    return array[index]


def view(array: np.ndarray, index: Index) -> Any:
    """``array[i, :, 1:n]``, a basic index that leaves an axis: an array that shares memory."""
    return array[index]


def pick(array: np.ndarray, index: Index) -> Any:
    """``array[rows, mask]``, an index with arrays in it: fresh memory."""
    return array[index]


def dim(array: np.ndarray, axis: int) -> int:
    """``array.shape[axis]``."""
    return array.shape[axis]


def cast(x: Any, dtype: np.dtype[Any]) -> Any:
    """`x` as `dtype`: fresh memory; the real part where a complex number becomes real."""
    if dtype.kind != "c" and np.iscomplexobj(x):
        x = np.real(x)
    return x.astype(dtype) if isinstance(x, np.ndarray) else dtype.type(x)


def weaken(x: Any) -> Any:
    """``float(x)``, ``int(x)``, ``bool(x)``: the Python number."""
    return x.item() if isinstance(x, np.generic | np.ndarray) else x


def stopped(x: Any) -> Any:
    """The number, or a copy of the array, without its derivative (`pullback.stop_gradient`)."""
    return x.copy() if isinstance(x, np.ndarray) else x


def truncate(x: Any) -> int:
    """``int(x)``: towards zero."""
    return int(x)


def select(test: bool, a: Any, b: Any) -> Any:
    """``a if test else b`` on numbers, both already computed."""
    return a if test else b


def scale(partial: Any, seed: Any) -> Any:
    """``partial * seed`` on numbers, and 0 wherever either is 0, whatever the other is there."""
    product = partial * seed
    return product if partial != 0 and seed != 0 else type(product)(0)


def stack() -> list[Any]:
    """An empty stack."""
    return []


def reserve(room: np.ndarray, size: int) -> np.ndarray:
    """`room`, or a copy of it with room for at least `size` numbers where it has less."""
    if size <= room.size:
        return room
    wider = np.empty(max(2 * room.size, size), room.dtype)
    wider[: room.size] = room
    return wider


ALIASING = frozenset([bind, view, np.transpose, np.reshape])
"""What returns its first argument's own memory. `np.reshape` in a program is of an array with layout C."""
