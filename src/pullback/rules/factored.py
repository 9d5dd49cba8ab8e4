"""Linear systems whose LU factors are kept with the solution, for the systems in its derivatives.

The adjoint of ``y = a⁻¹ b`` solves with ``aᵀ``, whose factors are those of ``a``: with them it costs what the
products cost. The factors live as long as the solution does. SciPy, which has LAPACK's two steps apart, is
imported when the first system is solved.

Substitution is recursive: halves meet in a product of matrices, which BLAS does in a third of the time that
it takes for triangles. (Elmroth, Gustavson, Jonsson & Kågström, *Recursive blocked algorithms and hybrid data
structures for dense matrix library software*, 2004, §5.)
"""

from __future__ import annotations

import functools
import importlib
import weakref
from typing import Any, NamedTuple

import numpy as np

_array = np.ndarray
_KINDS = {np.dtype("f"): "s", np.dtype("d"): "d", np.dtype("F"): "c", np.dtype("D"): "z"}
_SMALL = 64
"""Triangles up to this size are left to BLAS."""
_FEW = 32
"""Smaller systems are solved anew in the time that it takes to keep their factors."""


class Routines(NamedTuple):
    """What BLAS and LAPACK call them, for one dtype."""

    getrf: Any
    trsm: Any
    gemm: Any


class Factors(NamedTuple):
    """``a[order] = L U``, with both triangles in one matrix."""

    triangles: np.ndarray[Any, Any]
    order: list[int]


@functools.cache
def _routines(dtype: np.dtype[Any]) -> Routines:
    blas, lapack = (importlib.import_module(f"scipy.linalg.{name}") for name in ("blas", "lapack"))
    kind = _KINDS[dtype]
    return Routines(
        getattr(lapack, f"{kind}getrf"), getattr(blas, f"{kind}trsm"), getattr(blas, f"{kind}gemm")
    )


_kept: dict[int, tuple[Any, Factors]] = {}
"""By the `id` of a solution: a weak reference to it, and the factors."""


def solve(a: Any, b: Any) -> Any:
    """``np.linalg.solve(a, b)``; of one matrix the factors are kept."""
    if (
        type(a) is not _array
        or type(b) is not _array
        or a.dtype is not b.dtype
        or a.dtype not in _KINDS
        or a.ndim != 2
        or b.ndim not in (1, 2)
        or not b.size
        or not _FEW <= a.shape[0] == a.shape[1] == b.shape[0]
    ):
        return np.linalg.solve(a, b)
    triangles, pivots, info = _routines(a.dtype).getrf(a)
    if info:
        # It says what is wrong.
        return np.linalg.solve(a, b)
    order = list(range(len(a)))
    for i, j in enumerate(pivots.tolist()):
        order[i], order[j] = order[j], order[i]
    y = _substituted(Factors(triangles, order), b, transposed=False)
    key = id(y)
    _kept[key] = (weakref.ref(y, lambda _: _kept.pop(key, None)), Factors(triangles, order))
    return y


def solved_again(y: Any, right: Any, *, transposed: bool) -> Any:
    """``a⁻¹ right`` or ``a⁻ᵀ right``, where `y` solves a system with `a`; None if its factors are not kept.

    The result is new memory.
    """
    if type(y) is not _array or type(right) is not _array or right.dtype is not y.dtype:
        return None
    found = _kept.get(id(y))
    if found is None or found[0]() is not y or right.shape != y.shape:
        return None
    return _substituted(found[1], right, transposed=transposed)


def _substituted(factors: Factors, right: Any, *, transposed: bool) -> Any:
    triangles, order = factors
    whole = right if right.ndim == 2 else right[:, None]
    x = whole.copy("C") if transposed else whole[order]
    routines = _routines(x.dtype)
    for lower in (not transposed, transposed):
        _substitute(routines, triangles, x, lower, transposed)
    if transposed:
        x, y = np.empty_like(x), x
        x[order] = y
    return x.reshape(right.shape)


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
