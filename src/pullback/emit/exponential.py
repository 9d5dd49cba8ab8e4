"""Numba's versions of the exponential of a small matrix and of its derivative.

The Padé approximant [13/13], of a matrix that is halved until its norm is small (Higham, *The scaling and
squaring method for the matrix exponential revisited*, 2005). Where that would be often, SciPy's method
computes more digits; it is called for such matrices, and for large ones. The derivative is a block of the
exponential of a block triangle, as in `rules.scipy_linalg.exponential`.
"""

import math
from typing import Any

import numpy as np
from numba.extending import overload, register_jitable

from pullback.emit import native
from pullback.emit.callback import call_from_compiled

_LARGEST = 4.74
"""The norm up to which the approximant has an error of less than 2⁻⁵³."""
_OFTEN = 4
_FEW = 32
_ODD = tuple(
    float(math.factorial(26 - k) // (math.factorial(13 - k) * math.factorial(k))) for k in range(1, 14, 2)
)
_EVEN = tuple(
    float(math.factorial(26 - k) // (math.factorial(13 - k) * math.factorial(k))) for k in range(0, 14, 2)
)


@register_jitable
def halvings(a):
    """How often a matrix is halved before the approximant is good enough."""
    largest = 0.0
    for j in range(a.shape[1]):
        total = 0.0
        for i in range(a.shape[0]):
            total += abs(a[i, j])
        if not total <= largest:
            largest = total
    if not largest < np.inf:
        return _OFTEN
    count = 0
    while largest > _LARGEST and count < _OFTEN:
        largest /= 2
        count += 1
    return count


@register_jitable
def approximated(a, count):
    """The exponential of a matrix that is halved so often."""
    n = a.shape[0]
    one = native.empty((n, n), np.float64)
    for i in range(n):
        for j in range(n):
            one[i, j] = a[i, j] * 0.5**count
    two = native.matmul(one, one)
    four = native.matmul(two, two)
    six = native.matmul(two, four)
    odd, even = native.empty((n, n), np.float64), native.empty((n, n), np.float64)
    for i in range(n):
        for j in range(n):
            odd[i, j] = _ODD[6] * six[i, j] + _ODD[5] * four[i, j] + _ODD[4] * two[i, j]
            even[i, j] = _EVEN[6] * six[i, j] + _EVEN[5] * four[i, j] + _EVEN[4] * two[i, j]
    odd, even = native.matmul(six, odd), native.matmul(six, even)
    for i in range(n):
        for j in range(n):
            odd[i, j] += _ODD[3] * six[i, j] + _ODD[2] * four[i, j] + _ODD[1] * two[i, j]
            even[i, j] += _EVEN[3] * six[i, j] + _EVEN[2] * four[i, j] + _EVEN[1] * two[i, j]
        odd[i, i] += _ODD[0]
        even[i, i] += _EVEN[0]
    odd = native.matmul(one, odd)
    for i in range(n):
        for j in range(n):
            low, high = even[i, j] - odd[i, j], even[i, j] + odd[i, j]
            even[i, j], odd[i, j] = low, high
    found = native.solve(even, odd)
    for _ in range(count):
        found = native.matmul(found, found)
    return found


@overload(native.expm)
def _expm(a):
    def expm(a):
        n = a.shape[0]
        count = halvings(a)
        if a.shape[1] != n or n > _FEW or count == _OFTEN:
            return expm_of_any(a)
        return approximated(a, count)

    return expm


@native.interpreted("float64[:, ::1]")
def expm_of_any(a: Any) -> Any:
    """As `native.expm`."""
    return np.ascontiguousarray(native.expm(a))


@overload(native.expm_slope)
def _expm_slope(a, e):
    def expm_slope(a, e):
        n = a.shape[0]
        if a.shape[1] != n or e.shape[0] != n or e.shape[1] != n or 2 * n > _FEW:
            return slope_of_any(a, e)
        size, length = 0.0, 0.0
        for i in range(n):
            for j in range(n):
                size, length = max(size, abs(a[i, j])), max(length, abs(e[i, j]))
        factor = 1.0
        if length > 0:
            factor = (size if size > 0 else 1.0) / length
        whole = native.zeros((2 * n, 2 * n), np.float64)
        for i in range(n):
            for j in range(n):
                whole[i, j] = whole[n + i, n + j] = a[i, j]
                whole[i, n + j] = e[i, j] * factor
        count = halvings(whole)
        if count == _OFTEN or not 0 < factor < np.inf:
            return slope_of_any(a, e)
        power = approximated(whole, count)
        found = native.empty((n, n), np.float64)
        for i in range(n):
            for j in range(n):
                found[i, j] = power[i, n + j] / factor
        return found

    return expm_slope


@native.interpreted("float64[:, ::1]")
def slope_of_any(a: Any, e: Any) -> Any:
    """As `native.expm_slope`."""
    return np.ascontiguousarray(native.expm_slope(a, e))


for _function in (expm_of_any, slope_of_any):
    call_from_compiled(__name__, _function.__name__, _function)
