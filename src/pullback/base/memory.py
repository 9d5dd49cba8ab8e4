"""Memory that a sweep has freed stays with the process, for the next sweep.

The system clears new memory page by page, which takes longer than most of what is done with it. glibc gives
freed memory back to the system from a size that it learns: that of the largest block that it has seen freed,
and twice that much at the end of its heap (mallopt(3), ``M_MMAP_THRESHOLD``). Until a program frees a large
block, each gradient has its intermediate values cleared anew. Other allocators decide otherwise, and lose
nothing.
"""

from __future__ import annotations

import contextlib

import numpy as np

_LEARNED = (1 << 25) - (1 << 16)
"""Bytes: glibc learns from blocks of up to 32 MiB, what it writes in front of them included."""


def keep_what_is_freed() -> None:
    """Have blocks of up to 32 MB, and twice as much in all, stay with the process when they are freed."""
    with contextlib.suppress(MemoryError):
        # Memory that nobody touches takes no room.
        np.empty(_LEARNED, np.uint8)
