"""Numba as every adjoint here uses it, and buffers that outlive a call."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np

# Sums may be reordered and products contracted; NaN, infinity and division keep their meaning.
FASTMATH = {"reassoc", "contract", "nsz"}


def compiled(function: Callable[..., Any]) -> Any:
    """`function` by Numba, as NumPy divides, with vectorised sums."""
    return numba.njit(error_model="numpy", fastmath=FASTMATH, cache=False)(function)


@contextmanager
def interpreted() -> Iterator[None]:
    """What is decorated meanwhile stays Python: small instances then take milliseconds, not a compilation."""
    config: Any = importlib.import_module("numba").config
    before = config.DISABLE_JIT
    config.DISABLE_JIT = True
    try:
        yield
    finally:
        config.DISABLE_JIT = before


_kept: dict[str, np.ndarray] = {}


def buffer(name: str, size: int) -> np.ndarray:
    """At least `size` numbers, the same memory at each call: fresh pages cost more than saving does."""
    found = _kept.get(name)
    if found is None or found.size < size:
        found = _kept[name] = np.empty(size)
    return found
