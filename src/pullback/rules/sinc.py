"""Every derivative of ``sinc``, accurate at and near 0.

With u = πx and s(u) = sin(u)/u, Leibniz's rule on u s(u) = sin(u) gives ``u s⁽ⁿ⁾ + n s⁽ⁿ⁻¹⁾ = sin(u +
nπ/2)``, a recurrence that is stable for |u| > n; below that the Taylor series is summed. The derivative of
one order is the next order, so the family is closed. (Abramowitz & Stegun, *Handbook*, 1964, §10.1;
Gautschi, SIAM Review 9, 1967.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.table import calls, jvp, vjp


@dispatched
def sinc_derivative(x: Any, order: int) -> Any:
    """The derivative of ``np.sinc`` of this order (a plain int from 1 on)."""
    u = np.asarray(x) * math.pi
    near = np.abs(u) <= order + 1
    return (math.pi**order * np.where(near, series(np.where(near, u, 0), order), recurrence(u, near, order)))[
        ()
    ]


def series(u: Any, order: int) -> Any:
    """The Taylor series of the derivative of sin(u)/u, by Horner's rule in u²."""
    first = (order + 1) // 2
    total = np.zeros_like(u)
    for k in reversed(range(first, first + order + 16)):
        total = total * (u * u) + (-1) ** k * math.perm(2 * k, order) / math.factorial(2 * k + 1)
    return total * u if order % 2 else total


def recurrence(u: Any, near: Any, order: int) -> Any:
    """The same away from 0, from sin(u)/u upward."""
    u = np.where(near, 1, u)
    waves = (np.sin(u), np.cos(u))
    total = waves[0] / u
    for n in range(1, order + 1):
        wave = waves[n % 2] if n % 4 < 2 else -waves[n % 2]
        total = (wave - n * total) / u
    return total


@vjp(sinc_derivative, 0, reads="x order")
def sinc_derivative_vjp(y_bar: Any, y: Any, x: Any, order: int) -> Any:
    return scale(sinc_derivative(x, order + 1), y_bar)


@jvp(sinc_derivative, 0, reads="x order")
def sinc_derivative_jvp(x_dot: Any, y: Any, x: Any, order: int) -> Any:
    return scale(sinc_derivative(x, order + 1), x_dot)


calls(sinc_derivative, call(array(5, low=-3, high=3), 1), call(array(2, 3), 3))
