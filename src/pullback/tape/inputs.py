"""Copies of large inputs, in the memory of copies that nobody refers to any more.

The system clears new memory page by page, which takes several times as long as copying into memory that one
has. A few copies are therefore kept; whether one is free is told by its reference count: a node, a value or a
view that still uses it has a reference.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_LARGE = 1 << 19
"""Bytes from which copies are kept."""
_KEPT = 1 << 24
"""Bytes that are kept by one thread."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.copies: list[Array] = []


_kept = _Kept()


def copied(value: Array) -> Array:
    """A copy of `value`, in its order of memory."""
    if not _LARGE <= value.nbytes <= _KEPT or type(value) is not np.ndarray:
        return value.copy("K")
    copies = _kept.copies
    for place in range(len(copies)):
        copy = copies[place]
        if (
            copy.dtype == value.dtype
            and copy.shape == value.shape
            and copy.strides == value.strides
            and _references(copy) == _ALONE
        ):
            np.copyto(copy, value)
            copies.append(copies.pop(place))
            return copy
    copy = value.copy("K")
    if copy.flags.c_contiguous or copy.flags.f_contiguous:
        copies.append(copy)
        while sum(other.nbytes for other in copies) > _KEPT:
            del copies[0]
    return copy


def _references(copy: Array) -> int:
    return sys.getrefcount(copy)


def _alone() -> int:
    """What `_references` gives for an array that a list and a variable refer to."""
    copies = [np.empty(1)]
    copy = copies[0]
    return _references(copy)


_ALONE = _alone()
