"""How large the entries of a matrix are, and how far apart values: loops for compiled code."""

from typing import Any

import numpy as np
from numba.extending import register_jitable


@register_jitable
def is_finite(a: Any) -> Any:
    """Whether a matrix holds neither a NaN nor an infinity, of which LAPACK complains in ways of its own."""
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += abs(a[i, j])
    return total < np.inf


@register_jitable
def largest(a: Any) -> Any:
    """The largest magnitude in a matrix."""
    found = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            found = max(found, abs(a[i, j]))
    return found


@register_jitable
def least_gap(values: Any) -> Any:
    """The least distance of neighbours among ordered values."""
    least = np.inf
    for i in range(values.shape[0] - 1):
        least = min(least, abs(values[i + 1] - values[i]))
    return least


@register_jitable
def all_apart(values: Any, reach: Any) -> Any:
    """Whether all neighbours among ordered values are more than `reach` of the largest apart."""
    n = values.shape[0]
    if n < 2:
        return True
    top = reach * max(abs(values[0]), abs(values[n - 1]))
    apart = True
    for i in range(n - 1):
        apart = apart and abs(values[i + 1] - values[i]) > top
    return apart
