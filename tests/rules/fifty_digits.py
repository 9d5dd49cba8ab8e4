"""Derivatives along a line by central differences of mpmath's 50 digits, good to about 1e-25."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np


def slope(function: Callable[..., Any], *pairs: tuple[Any, Any]) -> np.ndarray[Any, Any]:
    """The derivative of a matrix-valued function at ``x`` along ``x_dot``, for pairs of both.

    Args:
        function: takes and returns `mpmath.matrix`.
    """
    with mpmath.workdps(50):
        points = [(matrix_of(x), matrix_of(x_dot)) for x, x_dot in pairs]
        step = mpmath.mpf(10) ** -16
        up = function(*(x + step * x_dot for x, x_dot in points))
        down = function(*(x - step * x_dot for x, x_dot in points))
        return array_of((up - down) / (2 * step))


def matrix_of(x: Any) -> Any:
    """An array as a matrix; a vector is a column."""
    return mpmath.matrix(np.atleast_2d(x.T).T.tolist())


def array_of(m: Any) -> np.ndarray[Any, Any]:
    """A matrix as an array, real if its entries are."""
    values: Any = np.array([[complex(m[i, j]) for j in range(m.cols)] for i in range(m.rows)])
    return values if values.imag.any() else values.real
