"""Memory that a sweep has freed stays with the process, for the next sweep; arrays that begin a cache line.

The system clears new memory page by page, which takes longer than most of what is done with it. glibc gives
freed memory back to the system from a size that it learns, that of the largest block that it has seen freed,
and what is free at the end of its heap where that is more than twice as much (mallopt(3),
``M_MMAP_THRESHOLD`` and ``M_TRIM_THRESHOLD``). So until a program frees a large block, and always where a
gradient keeps more than 64 MB, its intermediate values are cleared anew, which takes a fifth of the time of a
gradient that is all products of matrices. Other allocators decide otherwise, and lose nothing.
"""

from __future__ import annotations

import contextlib
from ctypes import CDLL, addressof, c_char
from sys import getrefcount
from typing import Any

import numpy as np

_LINE = 64
_BYTE = np.dtype(np.uint8)
_array, _empty = np.ndarray, np.empty
_at: Any = c_char.from_buffer
_LARGE = 1 << 13
_LEARNED = (1 << 25) - (1 << 16)
"""Bytes: glibc learns from blocks of up to 32 MiB, what it writes in front of them included."""
_TRIM_THRESHOLD, _KEPT = -1, 1 << 29
"""The parameter of mallopt(3), and bytes."""


def keep_what_is_freed() -> None:
    """Have blocks of up to 32 MB, and 512 MB in all, stay with the process when they are freed."""
    with contextlib.suppress(MemoryError):
        # Memory that nobody touches takes no room.
        np.empty(_LEARNED, np.uint8)
    # Afterwards, as it ends what glibc learns.
    with contextlib.suppress(OSError, TypeError, AttributeError):
        CDLL(None).mallopt(_TRIM_THRESHOLD, _KEPT)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array in C order that begins with a cache line, as it is read and written by whole vectors."""
    size = dtype.itemsize
    for length in shape:
        size *= length
    room = _empty(size + _LINE, _BYTE)
    return _array(shape, dtype, room, -addressof(_at(room)) % _LINE)


def aligned_copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy of an array, `aligned` where it is large."""
    if array.nbytes < _LARGE or not array.flags.c_contiguous or array.dtype.kind not in "fc":
        return array.copy("K")
    copied = aligned(array.shape, array.dtype)
    copied[...] = array
    return copied


def _references() -> int:
    alone = object()
    return getrefcount(alone)


ALONE = _references()
"""What `getrefcount` says of an object that one variable refers to, and nothing else."""
