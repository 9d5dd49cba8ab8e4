"""What a node keeps of plain arrays that its rule reads.

A plain array that the user could still overwrite is kept as a copy, and one copy serves every node that keeps
the same numbers. The arrays inside a `Variable` need no copy: a write never touches a buffer that a node may
hold (`cells`).
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

_SMALL = 2048
_snapshots: weakref.WeakValueDictionary[int, np.ndarray[Any, Any]] = weakref.WeakValueDictionary()


def snapshot(constant: Any) -> Any:
    """`constant`, or a copy of it that nobody else can change; arrays in lists and tuples too."""
    if isinstance(constant, np.ndarray):
        return _copy(constant)
    if isinstance(constant, list | tuple) and any(
        isinstance(item, np.ndarray | list | tuple) for item in constant
    ):
        copies = [snapshot(item) for item in constant]
        return type(constant)(*copies) if hasattr(constant, "_fields") else type(constant)(copies)
    return constant


def _copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.nbytes <= _SMALL:
        return array.copy()
    known = _snapshots.get(id(array))
    if known is not None and known.dtype == array.dtype and np.array_equal(known, array):
        return known
    _snapshots[id(array)] = copied = array.copy(order="K")
    return copied
