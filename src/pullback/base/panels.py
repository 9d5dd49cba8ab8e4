"""Products of two real matrices in parts for which BLAS has faster kernels than for the whole.

OpenBLAS (0.3.17 on, with AVX-512) has kernels for small matrices which copy nothing into another order: for
up to 10⁶ multiplications, and of a transposed right factor for up to 1,200 results. Larger products of few
rows are done in panels of that size, in one call, from arrays that begin a cache line, since vectors are read
whole. That takes 0.3 to 0.8 of the time (8 rows to 32). Products of matrices with some hundred rows and
columns are done in tiles of that size, if whole vectors make them up (of 200 they do not): 0.85 to 0.95 of
the time, a copy of the right factor included.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pullback.base.memory import aligned

_ROWS = 32
_LEAST, _MOST = 1_000_000, 16_000_000
_RESULTS = 1_200
_MIDDLING = 64, 400
"""Lengths of the sides of matrices whose product is done in tiles."""
_TILE = 32, 64
_LINE = 16
"""Columns that are transposed at a time, so that whole lines of the cache are read and written."""
_SHARED = 4_096
"""Results from which on it pays that the layer before, whose products read them, finds them aligned."""


def product(a: Any, b: Any) -> Any:
    """``a @ b``, whatever the two are."""
    if (
        type(a) is type(b) is np.ndarray
        and a.ndim == b.ndim == 2
        and a.dtype is b.dtype
        and a.dtype.kind == "f"
    ):
        return times(a, b)
    return a @ b


def times(x: Any, b: Any) -> Any:
    """``x @ b``."""
    rows, inner = x.shape
    if rows <= _ROWS and _LEAST < b.size * rows <= _MOST and inner == len(b) and suits(b, x):
        width = panel(b.shape[1], _LEAST // (rows * inner))
        if width:
            return in_panels(x, divided(b, width))
    found = in_tiles(x, b)
    return x @ b if found is None else found


def times_transposed(x: Any, b: Any) -> Any:
    """``x @ b.T``."""
    rows, inner = x.shape
    if rows <= _ROWS and _LEAST < b.size * rows <= _MOST and suits(b, x):
        width = panel(len(b), min(_RESULTS // rows, _LEAST // (rows * inner)))
        if width:
            return in_panels(x, b.reshape(-1, width, inner).transpose(0, 2, 1))
    if rows <= _ROWS and len(b) * rows >= _SHARED and suits(b, x):
        return x.dot(b.T, out=aligned((rows, len(b)), x.dtype))
    found = in_tiles(x, b.T)
    return x.dot(b.T) if found is None else found


def transposed_times(a: Any, x: Any) -> Any:
    """``a.T @ x``."""
    rows, columns = x.shape
    if rows <= _ROWS and _LEAST < a.size * columns <= _MOST and suits(x, a):
        width = panel(columns, _LEAST // a.size)
        if width:
            return in_panels(a.T, divided(x, width))
    found = in_tiles(a.T, x)
    return a.T.dot(x) if found is None else found


def in_tiles(x: Any, b: Any) -> Any:
    """``x @ b`` of matrices of middling size, in C or in Fortran order; None for others."""
    (rows, inner), columns = x.shape, b.shape[1]
    if (
        not _MIDDLING[0] <= min(rows, inner, columns)
        or max(rows, inner, columns) > _MIDDLING[1]
        or rows * inner * columns <= _LEAST
        or inner != len(b)
        or x.dtype is not b.dtype
        or not (x.flags.c_contiguous or x.flags.f_contiguous)
        or not (b.flags.c_contiguous or b.flags.f_contiguous)
    ):
        return None
    height, width = panel(rows, _TILE[0]), panel(columns, _TILE[1])
    if not height or not width or height % 8 or width % 16 or not copies_nothing():
        return None
    panels = aligned((columns // width, inner, width), b.dtype)
    if b.flags.c_contiguous:
        panels[...] = divided(b, width)
    else:
        turned = b.T.reshape(-1, width, inner)
        for first in range(0, width, _LINE):
            panels[..., first : first + _LINE] = turned[:, first : first + _LINE].swapaxes(1, 2)
    y = aligned((rows, columns), x.dtype)
    tiles = y.reshape(rows // height, height, columns // width, width).transpose(0, 2, 1, 3)
    np.matmul(stacked(x.T, height).swapaxes(1, 2)[:, None], panels, out=tiles)
    return y


def stacked(b: Any, width: int) -> Any:
    """As `divided`, of a matrix in C or in Fortran order."""
    if b.flags.c_contiguous:
        return divided(b, width)
    return b.T.reshape(-1, width, len(b)).transpose(0, 2, 1)


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


@functools.cache
def copies_nothing() -> bool:
    """Whether NumPy was built with OpenBLAS, and runs on a processor for which that has such kernels."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    found = config.get("SIMD Extensions", {}).get("found", [])
    return "openblas" in blas and not {"AVX512_SKX", "X86_V4"}.isdisjoint(found)
