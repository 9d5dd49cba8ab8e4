"""Factors of matrices that are kept: for the derivatives of what they served, and for what else they serve.

The adjoint of ``y = a⁻¹ b`` solves with ``aᵀ``, whose factors are those of ``a``: with them it costs what the
products cost. The gradient of a determinant is an inverse, which they give, too. Equal matrices have equal
factors: so a Gaussian density, a system and a determinant of one matrix, factorises it once, and so do second
derivatives, where the transpose or the matrix itself comes back. Factors live as long as a result does that
was found by them, and the last ones until there are others.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from pullback.rules.substitution import KINDS, Factors, inverted, sign_and_logarithm, substituted

_array = np.ndarray
_FEW = 32
"""Smaller matrices are factorised anew in the time that it takes to keep their factors."""

_kept: dict[int, tuple[Any, Factors, bool]] = {}
"""By the `id` of a solution: a weak reference to it, the factors, and whether they are the transpose's."""

_MATRICES = 4
_recent: dict[weakref.ref[Factors], Any] = {}
"""By the factors that were found last, copies of the matrices."""

_LARGE = 1 << 20
_last: list[Factors | None] = [None]
"""The last factors that are not large: forward mode keeps no results, and to a number nothing can refer."""


def factors_of(a: Any) -> tuple[Factors, bool] | None:
    """The factors of a matrix, or of its transpose; None if it is small, singular or no matrix for LAPACK."""
    if type(a) is not _array or a.ndim != 2 or a.dtype not in KINDS or not _FEW <= len(a) == a.shape[1]:
        return None
    for reference, matrix in list(_recent.items()):
        found = reference()
        if found is not None and matrix.shape == a.shape and matrix.dtype is a.dtype:
            for transposed in (False, True):
                if _are_equal(matrix.T if transposed else matrix, a):
                    return found, transposed
    factors = Factors.of(a)
    if factors is None:
        return None
    _last[0] = factors if a.size <= _LARGE else None
    _recent[weakref.ref(factors, _forget)] = a.copy()
    if len(_recent) > _MATRICES:
        _forget(next(iter(_recent)))
    return factors, False


def _forget(reference: Any) -> None:
    _recent.pop(reference, None)


def _are_equal(a: Any, b: Any) -> bool:
    return not np.count_nonzero(a[0] != b[0]) and not np.count_nonzero(a != b)


def _keep(y: Any, factors: Factors, transposed: bool) -> Any:
    key = id(y)
    _kept[key] = (weakref.ref(y, lambda _: _kept.pop(key, None)), factors, transposed)
    return y


def solve(a: Any, b: Any) -> Any:
    """``np.linalg.solve(a, b)``; of one matrix the factors are kept."""
    if (
        type(b) is not _array
        or type(a) is not _array
        or a.dtype is not b.dtype
        or b.ndim not in (1, 2)
        or not b.size
        or len(a) != len(b)
    ):
        return np.linalg.solve(a, b)
    found = factors_of(a)
    if found is None:
        # It says what is wrong.
        return np.linalg.solve(a, b)
    factors, transposed = found
    return _keep(substituted(factors, b, transposed=transposed), factors, transposed)


def solved_again(y: Any, right: Any, *, transposed: bool) -> Any:
    """``a⁻¹ right`` or ``a⁻ᵀ right``, where `y` solves a system with `a`; None if its factors are not kept.

    The result is new memory.
    """
    if type(y) is not _array or type(right) is not _array or right.dtype is not y.dtype:
        return None
    found = _kept.get(id(y))
    if found is None or found[0]() is not y or right.shape != y.shape:
        return None
    return substituted(found[1], right, transposed=transposed is not found[2])


def inv(a: Any) -> Any:
    """``np.linalg.inv(a)``; of one matrix the factors are kept."""
    found = factors_of(a)
    if found is None:
        return np.linalg.inv(a)
    factors, transposed = found
    return _keep(_inverse(factors, transposed), factors, transposed)


def _inverse(factors: Factors, transposed: bool) -> Any:
    y = inverted(factors)
    return y.T.copy() if transposed else y


class SlogdetResult(type(np.linalg.slogdet(np.eye(1)))):
    """What `numpy.linalg.slogdet` gives, with the factors.

    Attributes:
        kept: the factors, and whether they are those of the transpose; None if there are none.
    """

    kept: tuple[Factors, bool] | None = None


def slogdet(a: Any) -> Any:
    """``np.linalg.slogdet(a)``; of one matrix the factors are kept."""
    found = factors_of(a)
    if found is None:
        return np.linalg.slogdet(a)
    y = SlogdetResult(*sign_and_logarithm(found[0]))
    y.kept = found
    return y


def inverse_again(y: Any, a: Any) -> Any:
    """The inverse of a matrix of which `slogdet` has given `y`."""
    kept = getattr(y, "kept", None)
    return np.linalg.inv(a) if kept is None or type(a) is not _array else _inverse(*kept)


def det(a: Any) -> Any:
    """``np.linalg.det(a)``."""
    found = factors_of(a)
    if found is None:
        return np.linalg.det(a)
    sign, logarithm = sign_and_logarithm(found[0])
    return sign * np.exp(logarithm)


def inverse_and_determinant(a: Any) -> tuple[Any, Any]:
    """Both, of one matrix or a stack.

    Raises:
        numpy.linalg.LinAlgError: if there is no inverse.
    """
    return inv(a), det(a)
