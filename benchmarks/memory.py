"""How much memory a long reverse sweep needs, against the values that must be kept without recomputation."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

import pullback as pb

STEPS = 10_000
SIZE = 1_000


def last(x: Any) -> Any:
    """`STEPS` steps, of each of which only the argument of the sine has to be kept."""
    for _ in range(STEPS):
        x = np.sin(x) * 0.9 + 0.1
    return np.sum(x)


def peak_and_kept() -> tuple[int, int]:
    """The peak of forward and reverse together in bytes, and the bytes of the values that must be kept."""
    start = np.linspace(0.1, 0.9, SIZE)
    tracemalloc.start()
    x = pb.Variable(start)
    last(x).backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, STEPS * start.nbytes
