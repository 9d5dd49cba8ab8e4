"""Triangles of matrices: halves, Hermitian matrices made of one, and congruences by an inverse triangle.

`congruent` is the one expensive step in the derivative of a Cholesky factorisation. BLAS solves with a
triangle in a fifth of the time of `numpy.linalg.inv`; SciPy, which has it, is imported when it is first
needed.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.table import calls, jvp, vjp

Array = np.ndarray[Any, Any]
_SMALL = 16
"""Stacks of matrices below this size are faster inverted in one call than solved with one by one."""
_BLOCK = 32
"""Columns of one matrix that are dealt with at a time; of stacks, which take longer to invert, `_SMALL`."""


@functools.cache
def _mask(n: int) -> Array:
    return np.tri(n, dtype=bool)


@functools.cache
def _weights(n: int, dtype: Any) -> Array:
    weights = np.tri(n, dtype=dtype)
    np.fill_diagonal(weights, 0.5)
    return weights


def lower(a: Any) -> Any:
    """The lower triangle of each square matrix, zeros above."""
    # numpy.tril makes its mask anew.
    return np.where(_mask(a.shape[-1]), a, a.dtype.type(0)) if type(a) is np.ndarray else np.tril(a)


def half(a: Any) -> Any:
    """The lower triangle of each square matrix with half the diagonal."""
    if type(a) is np.ndarray:
        return a * _weights(a.shape[-1], a.dtype.char.lower())
    return (np.tril(a) + np.tril(a, -1)) / 2


def hermitian(a: Any) -> Any:
    """The Hermitian matrix with the lower triangle of `a` and the real part of its diagonal."""
    part = half(a)
    return part + adjoint(part)


@dispatched
def congruent(l: Any, k: Any, reverse: bool) -> Any:  # noqa: E741
    """``L⁻¹ K L⁻ᴴ``, or in reverse ``L⁻ᴴ K L⁻¹``, where L is the lower triangle of `l`.

    Args:
        l, k: matrices of one size, ``(..., n, n)``.
    """
    n = l.shape[-1]
    if l.ndim == 2 and k.ndim == 2 and n:
        return _by_blas(l, k, reverse)
    if n < _SMALL or l.shape != k.shape:
        inverse = np.linalg.inv(lower(l))
        return adjoint(inverse) @ k @ inverse if reverse else inverse @ k @ adjoint(inverse)
    flat = zip(l.reshape(-1, n, n), k.reshape(-1, n, n), strict=True)
    parts = [_by_blas(one, other, reverse) for one, other in flat]
    return np.reshape(parts, k.shape) if parts else k.copy()


def _by_blas(l: Array, k: Array, reverse: bool) -> Array:  # noqa: E741
    # Transposed, as BLAS sees memory: with U = Lᵀ, U⁻¹ Kᵀ U⁻ᴴ is the transpose of L⁻ᴴ K L⁻¹.
    solve = _routine("blas", "trsm", np.result_type(l, k).char)
    left, right = (0, 2) if reverse else (2, 0)
    found = solve(1.0, l.T, k.T, trans_a=left)
    return solve(1.0, l.T, found, trans_a=right, side=1, overwrite_b=1).T


@dispatched
def factor_cotangent(l: Any, l_bar: Any) -> Any:  # noqa: E741
    """``Φ(L⁻ᴴ (P + Pᴴ) L⁻¹)`` with ``P = Φ(Lᴴ L_bar)`` and Φ as `half`: the cotangent of ``A = L Lᴴ``.

    By blocks of columns, from the last to the first: ``M = L⁻ᴴ (P + Pᴴ) L⁻¹`` is the cotangent in which both
    triangles count, so below block k it is ``(L_bar - M L) L_kk⁻¹`` of the blocks that are done. That costs
    two thirds of a product of matrices where the formula costs four (Murray 2016, §2.2, with the forward
    sweep that looks to the right).
    """
    if l.shape != l_bar.shape or l.dtype != l_bar.dtype:
        return _closed(l, l_bar)
    n = l.shape[-1]
    width, char = _BLOCK if l.ndim == 2 else _SMALL, l.dtype.char
    m = np.empty_like(l)
    for start in reversed(range(0, n, width)):
        own, rest = slice(start, start + width), slice(start + width, n)
        block, block_bar = lower(l[..., own, own]), l_bar[..., own, own]
        inverse = inverted(block)
        if start + width < n:
            panel = l[..., rest, own]
            below = (l_bar[..., rest, own] - m[..., rest, rest] @ panel) @ inverse
            m[..., rest, own], m[..., own, rest] = below, adjoint(below)
            block_bar = block_bar - adjoint(below) @ panel
        p = adjoint(block) @ lower(block_bar)
        p *= _weights(p.shape[-1], char.lower())
        p += adjoint(p)
        m[..., own, own] = adjoint(inverse) @ p @ inverse
    m *= _weights(n, char.lower())
    return m


def _closed(l: Any, l_bar: Any) -> Any:  # noqa: E741
    # Above the diagonal the factor is 0 whatever A is.
    seed = hermitian(adjoint(l) @ lower(l_bar))
    return half(congruent(l, seed, True))


COMPOSED[factor_cotangent] = _closed


def inverted(l: Array) -> Array:  # noqa: E741
    """The inverse of each lower triangle, above which there are zeros."""
    if l.ndim > 2 or not l.size:
        return np.linalg.inv(l)
    return _routine("lapack", "trtri", l.dtype.char)(l.T)[0].T


@functools.cache
def _routine(library: str, name: str, kind: str) -> Any:
    prefix = {"f": "s", "d": "d", "F": "c", "D": "z"}[kind]
    return getattr(importlib.import_module(f"scipy.linalg.{library}"), prefix + name)


def _inverse(l: Any) -> Any:  # noqa: E741
    return np.linalg.inv(lower(l))


@vjp(congruent, 0, reads="y l reverse", holomorphic=False)
def congruent_l_vjp(y_bar: Any, y: Any, l: Any, k: Any, reverse: bool) -> Any:  # noqa: E741
    inverse = adjoint(_inverse(l))
    if reverse:
        return -lower((y @ adjoint(y_bar) + adjoint(y) @ y_bar) @ inverse)
    return -lower(inverse @ (y_bar @ adjoint(y) + adjoint(y_bar) @ y))


@vjp(congruent, 1, reads="l reverse", holomorphic=False)
def congruent_k_vjp(y_bar: Any, y: Any, l: Any, k: Any, reverse: bool) -> Any:  # noqa: E741
    return congruent(l, y_bar, not reverse)


@jvp(congruent, 0)
def congruent_l_jvp(l_dot: Any, y: Any, l: Any, k: Any, reverse: bool) -> Any:  # noqa: E741
    move = lower(l_dot) @ _inverse(l) if reverse else _inverse(l) @ lower(l_dot)
    return -(adjoint(move) @ y + y @ move) if reverse else -(move @ y + y @ adjoint(move))


@jvp(congruent, 1)
def congruent_k_jvp(k_dot: Any, y: Any, l: Any, k: Any, reverse: bool) -> Any:  # noqa: E741
    return congruent(l, k_dot, reverse)


calls(
    congruent,
    call(array(3, 3, kind="invertible"), array(3, 3), False),
    call(array(3, 3, kind="invertible"), array(3, 3), True),
    call(array(2, 1, 3, 3, kind="invertible"), array(2, 1, 3, 3), True),
    call(array(2, 17, 17, kind="invertible"), array(2, 17, 17), False),
    call(array(0, 0), array(0, 0), True),
    call(array(0, 17, 17), array(0, 17, 17), True),
)
