"""Linear systems whose LU factors are kept with the solution, for the systems in its derivatives.

The adjoint of ``y = a⁻¹ b`` solves with ``aᵀ``, whose factors are those of ``a``: with them it costs what the
products cost. The factors live as long as the solution does.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from pullback.rules.substitution import KINDS, Factors, substituted

_array = np.ndarray
_FEW = 32
"""Smaller systems are solved anew in the time that it takes to keep their factors."""

_kept: dict[int, tuple[Any, Factors]] = {}
"""By the `id` of a solution: a weak reference to it, and the factors."""


def solve(a: Any, b: Any) -> Any:
    """``np.linalg.solve(a, b)``; of one matrix the factors are kept."""
    if (
        type(a) is not _array
        or type(b) is not _array
        or a.dtype is not b.dtype
        or a.dtype not in KINDS
        or a.ndim != 2
        or b.ndim not in (1, 2)
        or not b.size
        or not _FEW <= a.shape[0] == a.shape[1] == b.shape[0]
    ):
        return np.linalg.solve(a, b)
    factors = Factors.of(a)
    if factors is None:
        # It says what is wrong.
        return np.linalg.solve(a, b)
    y = substituted(factors, b, transposed=False)
    key = id(y)
    _kept[key] = (weakref.ref(y, lambda _: _kept.pop(key, None)), factors)
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
    return substituted(found[1], right, transposed=transposed)
