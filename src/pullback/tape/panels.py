"""Products of two real matrices of which one has few rows, as of a layer on a batch and of its adjoint.

OpenBLAS (0.3.17 on, with AVX-512) has kernels for small matrices which copy nothing into another order: for
up to 10⁶ multiplications, and of a transposed right factor for up to 1,200 results. Larger products of few
rows are done in panels of that size, in one call, from arrays that begin a cache line, since vectors are read
whole. That takes 0.3 to 0.8 of the time (8 rows to 32).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.blas import copies_nothing
from pullback.base.memory import aligned

_ROWS = 32
_LEAST, _MOST = 1_000_000, 16_000_000
_RESULTS = 1_200
_SHARED = 4_096
"""Results from which on it pays that the layer before, whose products read them, finds them aligned."""


def times(x: Any, b: Any) -> Any:
    """``x @ b``."""
    rows, inner = x.shape
    if rows <= _ROWS and _LEAST < b.size * rows <= _MOST and inner == len(b) and suits(b, x):
        width = panel(b.shape[1], _LEAST // (rows * inner))
        if width:
            return in_panels(x, divided(b, width))
    return x @ b


def times_transposed(x: Any, b: Any) -> Any:
    """``x @ b.T``."""
    rows, inner = x.shape
    if rows <= _ROWS and _LEAST < b.size * rows <= _MOST and suits(b, x):
        width = panel(len(b), min(_RESULTS // rows, _LEAST // (rows * inner)))
        if width:
            return in_panels(x, b.reshape(-1, width, inner).transpose(0, 2, 1))
    if rows <= _ROWS and len(b) * rows >= _SHARED and suits(b, x):
        return x.dot(b.T, out=aligned((rows, len(b)), x.dtype))
    return x.dot(b.T)


def transposed_times(a: Any, x: Any) -> Any:
    """``a.T @ x``."""
    rows, columns = x.shape
    if rows <= _ROWS and _LEAST < a.size * columns <= _MOST and suits(x, a):
        width = panel(columns, _LEAST // a.size)
        if width:
            return in_panels(a.T, divided(x, width))
    return a.T.dot(x)


def suits(cut: Any, other: Any) -> bool:
    """Whether a matrix can be cut into panels, and that pays."""
    return cut.flags.c_contiguous and cut.dtype is other.dtype and copies_nothing()


def panel(columns: int, most: int) -> int:
    """How many of the columns one panel has: a divisor, at most `most` and at least 8; 0 if there is none."""
    width = columns
    while width > most and width % 2 == 0:
        width //= 2
    return width if 8 <= width <= most else 0


def divided(b: Any, width: int) -> Any:
    """A stack of the panels of a matrix, each of `width` columns."""
    return b.reshape(len(b), -1, width).transpose(1, 0, 2)


def in_panels(x: Any, panels: Any) -> Any:
    """The product of a matrix and the one whose panels are given."""
    count, _, width = panels.shape
    y = aligned((len(x), count * width), x.dtype)
    np.matmul(x, panels, out=divided(y, width))
    return y
