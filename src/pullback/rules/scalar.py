"""Arithmetic, exponentials, logarithms, trigonometric and hyperbolic functions: a partial per argument.

A partial reads ``y`` alone or the argument alone where it can, so that a tape keeps one array, and is
written in the form that loses no accuracy (``1 + y*y`` for tan, ``y + 1`` for expm1, ``(1 - x)*(1 + x)``
for 1 - x²). It is `np.reciprocal` and not ``1 / x`` where x may be a Python zero, which would raise.
Powers, maxima, rounding, complex parts and selections are in the files of those names. (Abramowitz &
Stegun, *Handbook*, 1964, ch. 4; DiffRules.jl for the form.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.rules.cuts import root_above_one, root_below_one
from pullback.rules.sinc import sinc_derivative
from pullback.rules.table import partials

LN_2 = math.log(2.0)
LN_10 = math.log(10.0)
DEGREES = 180.0 / math.pi
RADIANS = math.pi / 180.0


def inverse(b: Any) -> Any:
    """``1 / b`` as NumPy has it: infinite, not an error, where `b` is a Python zero."""
    if getattr(b, "shape", ()) or (isinstance(b, int | float) and b != 0):
        return 1 / b
    return np.divide(1, b)


def over_hypot(a: Any, y: Any) -> Any:
    """``a / y``. Convention: 0 where y = hypot(a, b) is 0, as for a norm."""
    return np.where(y == 0, 0, a / y)


def over_square(u: Any, a: Any, b: Any) -> Any:
    """``u / (a² + b²)`` without overflow or underflow. Convention: 0 at the origin, where arctan2 jumps."""
    radius = np.hypot(a, b)
    return np.where(radius == 0, 0, u / radius / radius)


def difference(a: Any, b: Any) -> Any:
    """``a - b``. Convention: 0 where both are the same infinity, for equal shares there."""
    return np.where((a == b) & np.isinf(a), 0, a - b)


# fmt: off
partials(np.add,        1, 1)
partials(np.subtract,   1, -1)
partials(np.multiply,   lambda y, a, b: b,           lambda y, a, b: a)
partials(np.divide,     lambda y, a, b: inverse(b),  lambda y, a, b: -y / b,  domain=((-1, 1), (0.5, 2)))
partials(np.negative,   -1)
partials(np.positive,   1)
partials(np.square,     lambda y, x: 2 * x)
partials(np.reciprocal, lambda y, x: -y * y,                                  domain=(0.5, 2))
partials(np.sqrt,       lambda y, x: 0.5 / y,                                 domain=(0.5, 2))
partials(np.cbrt,       lambda y, x: np.reciprocal(3 * y * y),                domain=(0.5, 2), complex=False)

partials(np.exp,        lambda y, x: y)
partials(np.exp2,       lambda y, x: y * LN_2)
partials(np.expm1,      lambda y, x: y + 1)
partials(np.log,        lambda y, x: np.reciprocal(x),                        domain=(0.5, 2))
partials(np.log2,       lambda y, x: np.reciprocal(x * LN_2),                 domain=(0.5, 2))
partials(np.log10,      lambda y, x: np.reciprocal(x * LN_10),                domain=(0.5, 2))
partials(np.log1p,      lambda y, x: np.reciprocal(1 + x),                    domain=(-0.5, 2))

partials(np.sin,        lambda y, x: np.cos(x),                               domain=(-2, 2))
partials(np.cos,        lambda y, x: -np.sin(x),                              domain=(-2, 2))
partials(np.tan,        lambda y, x: 1 + y * y)
partials(np.arcsin,     lambda y, x: 1 / root_below_one(x),                   domain=(-0.8, 0.8))
partials(np.arccos,     lambda y, x: -1 / root_below_one(x),                  domain=(-0.8, 0.8))
partials(np.arctan,     lambda y, x: np.reciprocal(1 + x * x))
partials(np.sinh,       lambda y, x: np.cosh(x))
partials(np.cosh,       lambda y, x: np.sinh(x))
partials(np.tanh,       lambda y, x: 1 - y * y)
partials(np.arcsinh,    lambda y, x: 1 / root_above_one(x))
partials(np.arccosh,    lambda y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x - -1)),   domain=(1.3, 3))
partials(np.arctanh,    lambda y, x: np.reciprocal((1 - x) * (1 + x)),        domain=(-0.8, 0.8))
partials(np.sinc,       lambda y, x: sinc_derivative(x, 1))

partials(np.degrees,    DEGREES,                                              complex=False)
partials(np.rad2deg,    DEGREES,                                              complex=False)
partials(np.radians,    RADIANS,                                              complex=False)
partials(np.deg2rad,    RADIANS,                                              complex=False)

partials(np.hypot,      lambda y, a, b: over_hypot(a, y),
                        lambda y, a, b: over_hypot(b, y),                     domain=(0.3, 1), complex=False)
partials(np.arctan2,    lambda y, a, b: over_square(b, a, b),
                        lambda y, a, b: over_square(-a, a, b),                domain=(0.3, 1), complex=False)
partials(np.logaddexp,  lambda y, a, b: np.reciprocal(1 + np.exp(difference(b, a))),
                        lambda y, a, b: np.reciprocal(1 + np.exp(difference(a, b))),           complex=False)
partials(np.logaddexp2, lambda y, a, b: np.reciprocal(1 + np.exp2(difference(b, a))),
                        lambda y, a, b: np.reciprocal(1 + np.exp2(difference(a, b))),          complex=False)
# fmt: on
