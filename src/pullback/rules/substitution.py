"""Linear systems by the factors of their matrix: ``a[order] = L U``, for many right-hand sides and for few.

Substitution is recursive: halves meet in a product of matrices, which BLAS does in a third of the time that
it takes for triangles. (Elmroth, Gustavson, Jonsson & Kågström, *Recursive blocked algorithms and hybrid data
structures for dense matrix library software*, 2004, §5.)

Many real right-hand sides are stacked in panels, for which OpenBLAS has kernels that copy nothing, and meet
products alone: the triangles on the diagonal are inverted, once for all systems. The residual of ``T⁻¹ r``
exceeds that of substitution by up to ``‖ |T⁻¹| |T| ‖``, which no scaling of rows changes. It is tens where
rows have been exchanged for the largest pivot, hardly ever thousands, and a block for which it is large is
substituted (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed. 2002, §8.2, §8.4, §14.2).
"""

from __future__ import annotations

import functools
import importlib
from typing import Any, NamedTuple

import numpy as np

from pullback.base.memory import aligned
from pullback.base.panels import copies_nothing

Array = np.ndarray[Any, Any]
KINDS = {np.dtype("f"): "s", np.dtype("d"): "d", np.dtype("F"): "c", np.dtype("D"): "z"}
_SMALL = 64
"""Triangles up to this size are left to BLAS."""
_BLOCK = 32
"""Rows of the triangles that are inverted."""
_PANEL = 64
"""Right-hand sides that stand together, at most."""
_MANY = 128
"""So many make up for inverting."""
_LARGE = 512
"""Halves of larger triangles meet in products so large that copying for them pays."""
_DEPTH = 256
"""Rows that a product sums over at a time: panel, block and these make less than 10⁶ multiplications."""
_LOST = 1000.0
_LINE = 16
"""Rows that are transposed at a time."""


class Routines(NamedTuple):
    """What BLAS and LAPACK call them, for one dtype."""

    getrf: Any
    laswp: Any
    trtri: Any
    trsm: Any
    gemm: Any


@functools.cache
def routines(dtype: np.dtype[Any]) -> Routines:
    """Those of SciPy, which is imported when the first system is solved."""
    blas, lapack = (importlib.import_module(f"scipy.linalg.{name}") for name in ("blas", "lapack"))
    kind = KINDS[dtype]
    return Routines(
        getattr(lapack, f"{kind}getrf"),
        getattr(lapack, f"{kind}laswp"),
        getattr(lapack, f"{kind}trtri"),
        getattr(blas, f"{kind}trsm"),
        getattr(blas, f"{kind}gemm"),
    )


class Factors:
    """``a[order] = L U``, in one array that compiled code can hand on.

    Attributes:
        room: n rows with the transpose of L and U in one matrix, as LAPACK leaves them; one with the order;
            32 for the inverses of the blocks on the diagonal of U, side by side, and 32 for those of L.
        triangles: the matrix with L and U.
        order: the rows in the order of the pivots.
    """

    def __init__(self, room: Array) -> None:
        n = room.shape[1]
        self.room = room
        self.triangles = room[:n].T
        self.order = room[n].real.astype(np.intp)

    @classmethod
    def of(cls, a: Array, room: Array | None = None) -> Factors | None:
        """The factors of a square matrix, None if it is singular."""
        n = len(a)
        if room is None:
            room = aligned((rows_of(n), n), a.dtype)
        for start in range(0, n, _LINE):
            room[:n, start : start + _LINE] = a[start : start + _LINE].T
        own = routines(a.dtype)
        _, pivots, info = own.getrf(room[:n].T, overwrite_a=1)
        if info:
            return None
        places = np.arange(n, dtype=a.dtype)[:, None]
        room[n] = own.laswp(places, pivots)[:, 0]
        room[n + 1 + _BLOCK, 0] = 0
        return cls(room)

    @functools.cached_property
    def inverses(self) -> tuple[list[Array | None], list[Array | None]]:
        """Of the blocks on the diagonal of U and of L; None for those that would lose digits."""
        n = self.room.shape[1]
        kept = self.room[n + 1 :]
        if kept[_BLOCK, 0] == 0:  # where an inverse of L has a 1
            _invert(self.triangles, kept)
        starts = range(0, n, _BLOCK)
        upper, lower = (
            [
                part[: n - start, start : start + _BLOCK] if good else None
                for start, good in zip(starts, (part[0, ::_BLOCK] == part[0, ::_BLOCK]).tolist(), strict=True)
            ]
            for part in (kept[:_BLOCK], kept[_BLOCK:])
        )
        return upper, lower


def rows_of(n: int) -> int:
    """How many rows `Factors` of a matrix with n rows take."""
    return n + 1 + 2 * _BLOCK


def _invert(triangles: Array, kept: Array) -> None:
    """Write the inverses of the blocks on the diagonals, with NaN at the beginning of those to be avoided."""
    n = len(triangles)
    count = -(-n // _BLOCK)
    whole = triangles
    if count * _BLOCK > n:
        whole = np.eye(count * _BLOCK, dtype=whole.dtype, order="F")
        whole[:n, :n] = triangles
    # As LAPACK sees memory, a block is transposed.
    own = np.einsum("iaib->iab", whole.T.reshape(count, _BLOCK, count, _BLOCK))
    invert = routines(whole.dtype).trtri
    with np.errstate(all="ignore"):
        blocks = own * _masks(whole.dtype)
        np.einsum("kii->ki", blocks[1])[...] = 1
        magnitudes = np.abs(blocks)
        sizes = np.ones((1, _BLOCK), magnitudes.dtype) @ magnitudes
        for lower in (False, True):
            for block in blocks[int(lower)]:
                invert(block.T, lower=lower, unitdiag=lower, overwrite_c=1)
        good = np.max(sizes @ np.abs(blocks, out=magnitudes), axis=(-2, -1)) < _LOST
    blocks[~good, 0, 0] = np.nan
    turned = blocks.transpose(0, 3, 1, 2)
    if count * _BLOCK > n:
        kept[...] = turned.reshape(2 * _BLOCK, count * _BLOCK)[:, :n]
    else:
        kept.reshape(turned.shape)[...] = turned


@functools.cache
def _masks(dtype: np.dtype[Any]) -> Array:
    """Of U and of L without its diagonal, in a block that is transposed."""
    upper = np.tri(_BLOCK, dtype=dtype)
    return np.stack([upper, 1 - upper])[:, None]


def substituted(factors: Factors, right: Array, *, transposed: bool, out: Array | None = None) -> Array:
    """``a⁻¹ right`` or ``a⁻ᵀ right``, in new memory or in `out`, a matrix."""
    n, columns = right.shape[0], right.size // right.shape[0]
    if columns >= _MANY and n <= _LARGE and right.dtype.kind == "f" and copies_nothing():
        return _in_panels(factors, right, transposed, out)
    whole = right if right.ndim == 2 else right[:, None]
    x = whole.copy("C") if transposed else whole[factors.order]
    for lower in (not transposed, transposed):
        _substitute(routines(x.dtype), factors.triangles, x, lower, transposed)
    if transposed:
        y = np.empty_like(x) if out is None else out
        y[factors.order] = x
        x = y
    elif out is not None:
        out[...] = x
    return x.reshape(right.shape)


def inverted(factors: Factors) -> Array:
    """The inverse of the matrix."""
    return substituted(factors, np.eye(factors.room.shape[1], dtype=factors.room.dtype), transposed=False)


def sign_and_logarithm(factors: Factors) -> tuple[Any, Any]:
    """The sign of the determinant, and the logarithm of its size."""
    diagonal = np.diagonal(factors.triangles)
    sizes = np.abs(diagonal)
    sign = np.prod(diagonal / sizes) * sizes.dtype.type(_parity(factors.order.tolist()))
    return sign, np.sum(np.log(sizes))


def _parity(order: list[int]) -> int:
    """1 for an order that an even number of exchanges makes, else -1."""
    parity = 1
    for i in range(len(order)):
        while (j := order[i]) != i:
            order[i], order[j] = order[j], j
            parity = -parity
    return parity


def _substitute(routines: Routines, triangle: Any, x: Any, lower: bool, transposed: bool) -> None:
    """``x = L⁻¹ x`` or ``U⁻¹ x``, or with the transpose; as BLAS sees memory, `x` is transposed."""
    n = len(x)
    if n <= _SMALL:
        routines.trsm(
            1.0, triangle, x.T, side=1, lower=lower, diag=lower, trans_a=not transposed, overwrite_b=1
        )
        return
    first, second = slice(n // 2), slice(n // 2, n)
    if lower == transposed:
        first, second = second, first
    block = triangle[first, second] if transposed else triangle[second, first]
    _substitute(routines, triangle[first, first], x[first], lower, transposed)
    routines.gemm(-1.0, x[first].T, block, 1.0, x[second].T, trans_b=not transposed, overwrite_c=1)
    _substitute(routines, triangle[second, second], x[second], lower, transposed)


def _in_panels(factors: Factors, right: Array, transposed: bool, out: Array | None) -> Array:
    n, columns = right.shape
    count = -(-columns // _PANEL)
    width = -(-columns // (8 * count)) * 8
    x = aligned((n, count * width), right.dtype)
    rest = x[:, columns:]
    if rest.size:
        rest[...] = 0
    x[:, :columns] = right if transposed else right[factors.order]
    for lower in (not transposed, transposed):
        _sweep(factors, x, width, lower, transposed)
    if out is None:
        if not transposed and not rest.size:
            return x
        out = np.empty_like(right, order="C")
    out[factors.order if transposed else ...] = x[:, :columns]
    return out


def _sweep(factors: Factors, x: Array, width: int, lower: bool, transposed: bool) -> None:
    """As `_substitute`, a block of rows at a time, of right-hand sides in panels of `width`."""
    triangles, inverses = factors.triangles, factors.inverses[int(lower)]
    turned = triangles.T if transposed else triangles
    n, columns = x.shape
    room = [aligned((_BLOCK, columns), x.dtype) for _ in range(2)]
    room += [_stacked(part, width) for part in room]
    panels = _stacked(x, width)
    forward = lower != transposed
    starts = range(0, n, _BLOCK)
    for start in starts if forward else reversed(starts):
        stop = min(start + _BLOCK, n)
        whole = stop - start == _BLOCK
        product, rest, products, rests = room if whole else [part[..., : n - start, :] for part in room]
        own = before = x[start:stop]
        low, high = (0, start) if forward else (stop, n)
        for first in range(low, high, _DEPTH):
            done = slice(first, min(first + _DEPTH, high))
            np.matmul(turned[start:stop, done], panels[:, done], out=products)
            before = np.subtract(before, product, out=rest)
        inverse = inverses[start // _BLOCK]
        if inverse is None:
            own[...] = before
            block = triangles[start:stop, start:stop]
            _substitute(routines(x.dtype), block, own, lower, transposed)
            continue
        if before is own:
            rest[...] = own
        inverse = inverse[: stop - start, : stop - start]
        np.matmul(inverse.T if transposed else inverse, rests, out=panels[:, start:stop])


def _stacked(x: Array, width: int) -> Array:
    """Panels of so many columns as a stack."""
    return x.reshape(len(x), -1, width).transpose(1, 0, 2)
