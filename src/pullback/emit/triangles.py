"""Numba's versions of what derivatives of Cholesky factors are made of, for triangles too small for BLAS."""

from typing import Any

import numpy as np
from numba.extending import overload

from pullback.emit import native
from pullback.emit.callback import call_from_compiled

_FEW = 24
"""Triangles up to this size are not left to BLAS."""


@overload(native.congruent)
def _congruent(l, k, reverse):  # noqa: E741
    """By rows: ``L⁻¹ K`` from above or ``L⁻ᵀ K`` from below, and the same of the transpose."""

    def congruent(l, k, reverse):  # noqa: E741
        n = l.shape[0]
        if n > _FEW or k.shape[0] != n:
            return congruent_by_blas(l, k, reverse)
        x = native.empty((n, n), np.float64)
        for i in range(n):
            for j in range(n):
                x[i, j] = k[i, j]
        for _ in range(2):
            for step in range(n):
                i = n - 1 - step if reverse else step
                for other in range(i + 1, n) if reverse else range(i):
                    factor = l[other, i] if reverse else l[i, other]
                    for j in range(n):
                        x[i, j] -= factor * x[other, j]
                for j in range(n):
                    x[i, j] /= l[i, i]
            for i in range(n):
                for j in range(i):
                    x[i, j], x[j, i] = x[j, i], x[i, j]
        return x

    return congruent


@native.interpreted("float64[:, ::1]")
def congruent_by_blas(l: Any, k: Any, reverse: Any) -> Any:  # noqa: E741
    """As `native.congruent`."""
    return np.ascontiguousarray(native.congruent(l, k, reverse))


@overload(native.factor_cotangent)
def _factor_cotangent(l, l_bar):  # noqa: E741
    """The formula of `rules.triangular`, where blocks do not pay."""

    def factor_cotangent(l, l_bar):  # noqa: E741
        n = l.shape[0]
        if n > _FEW:
            return factor_cotangent_by_blocks(l, l_bar)
        seed = native.empty((n, n), np.float64)
        for i in range(n):
            for j in range(i + 1):
                total = 0.0
                for k in range(i, n):
                    total += l[k, i] * l_bar[k, j]
                seed[i, j] = seed[j, i] = total
        a_bar = native.congruent(l, seed, True)
        for i in range(n):
            a_bar[i, i] /= 2
            for j in range(i + 1, n):
                a_bar[i, j] = 0
        return a_bar

    return factor_cotangent


@native.interpreted("float64[:, ::1]")
def factor_cotangent_by_blocks(l: Any, l_bar: Any) -> Any:  # noqa: E741
    """As `native.factor_cotangent`."""
    return np.ascontiguousarray(native.factor_cotangent(l, l_bar))


for _function in (congruent_by_blas, factor_cotangent_by_blocks):
    call_from_compiled(__name__, _function.__name__, _function)
