"""Polygamma functions (DLMF §5.15): SciPy's on the real line, our own in the complex plane.

SciPy's `digamma` takes complex arguments and its `polygamma` does not, so the derivative of the one needs
`complex_polygamma` here: reflection, then upward recurrence to where the asymptotic series holds (DLMF
§5.15.5, §5.15.6, §5.15.8).
`digamma_step` takes ψ(a + b) - ψ(a) term by term.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.special.asymptotic import in_dtype_of
from pullback.rules.table import Refused, alias, calls, partials

_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
)  # fmt: skip

polygamma = dispatched(special.polygamma)
alias(special.polygamma, polygamma)

_SHIFT = 12

_INTEGER_ORDER = Refused("its first argument is an order, a whole number")


def right_polygamma(n: int, z: Any) -> Any:
    """The n-th derivative of digamma where Re z ≥ 1/2: recurrence up to where the series holds."""
    reach = 15 + n
    total = np.zeros_like(z)
    for _ in range(reach):
        small = (np.real(z) < reach) & (np.abs(z) < reach)
        total = np.where(small, total + z ** -(n + 1.0), total)
        z = np.where(small, z + 1, z)
    inverse = 1 / z
    power = inverse**n
    factorial = float(math.factorial(n))
    total = total * factorial + factorial / n * power + 0.5 * factorial * power * inverse
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        factor = bernoulli * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        power = power * inverse * inverse
        total = total + factor * power
    at_infinity = (np.real(z) == np.inf) & np.isfinite(np.imag(z))
    return np.where(at_infinity, 0.0, (-1) ** (n + 1) * total)


def cotangent_slope(n: int, z: Any) -> Any:
    """The n-th derivative of ``cot(πz)``, n ≥ 1, by π: ``πⁿ Q(cot πz) / sin² πz`` with a polynomial Q."""
    coefficients = np.array([-1.0])
    for _ in range(n - 1):
        turned = np.polynomial.polynomial.polyder(coefficients)
        coefficients = -np.polynomial.polynomial.polyadd(
            np.polynomial.polynomial.polymul([0.0, 2.0], coefficients),
            np.polynomial.polynomial.polymul([1.0, 0.0, 1.0], turned),
        )
    z = z - np.round(np.real(z))
    below = np.imag(z) < 0
    power = 2j * np.pi * np.where(below, np.conj(z), z)  # in the upper half plane exp of it cannot overflow
    less_one = np.expm1(power)
    inverse_square = -4 * np.exp(power) / less_one**2
    cotangent = 1j * (2 + less_one) / less_one
    slope = np.pi**n * inverse_square * np.polynomial.polynomial.polyval(cotangent, coefficients)
    return np.where(below, np.conj(slope), slope)


def complex_polygamma(n: int, z: Any) -> Any:
    """The n-th derivative of digamma, n ≥ 1, anywhere; by reflection left of 1/2 (DLMF §5.15.6).

    NaN at the poles and where a part of z is NaN or infinite, but for 0 at ``inf``.
    """
    z = np.array(z, np.complex128)
    left = np.real(z) < 0.5
    with np.errstate(all="ignore"):
        right = right_polygamma(n, np.where(left, 1 - z, z))
        reflected = (-1) ** n * right - np.pi * cotangent_slope(n, z)
    return np.where(left, reflected, right)


@dispatched
def polygamma_at(n: Any, z: Any) -> Any:
    """The n-th derivative of digamma at real or complex `z`, in its precision.

    SciPy's for real arguments, but far left: there SciPy goes from pole to pole, for hours at -1e12.
    """
    z = np.asarray(z)
    if z.dtype.kind == "c":
        return complex_polygamma(n, z).astype(z.dtype)[()]
    orders = np.asarray(n)
    far = (z < -100) & (z != np.floor(z)) & (orders >= 1)
    value: Any = special.polygamma(orders, np.where(far, 1.0, z))
    if np.any(far):
        for order in np.unique(orders):
            chosen = far & (orders == order)
            value = np.where(chosen, np.real(complex_polygamma(int(order), z)), value)
    return in_dtype_of(value, z)[()]


partials(polygamma_at, _INTEGER_ORDER, lambda y, n, z: polygamma_at(n + 1, z))
calls(polygamma_at, call(1, array(3, low=1, high=3)), call(2, array(2, 2, low=2, high=4)))
partials(
    polygamma,
    _INTEGER_ORDER,
    lambda y, n, x: polygamma_at(n + 1, x),
    domain=((2, 2), (0.5, 3)),
    complex=False,
)
partials(special.digamma, lambda y, z: polygamma_at(1, z), domain=(0.5, 3))


@dispatched
def digamma_step(a: Any, b: Any) -> Any:
    """``digamma(a + b) - digamma(a)``, accurate relative to itself where a and a + b are positive."""
    a, b = np.asarray(a), np.asarray(b)
    dtype = np.result_type(a.dtype, b.dtype, np.float32)
    a, b = a.astype(np.float64), b.astype(np.float64)
    c = a + b
    total = np.zeros(np.broadcast_shapes(a.shape, b.shape))
    for k in range(_SHIFT):
        total = total + b / ((a + k) * (c + k))
    low, high = a + _SHIFT, c + _SHIFT
    p, q = low**-2, high**-2
    powers: Any = 1.0
    tail: Any = 0.0
    for k, bernoulli in enumerate(_BERNOULLI[:8], start=1):
        tail = tail + bernoulli / (2 * k) * powers
        powers = powers * q + p**k
    tail = tail * (b * (low + high) * p * q)
    total = total + np.log1p(b / low) + b / (2 * low * high) + tail
    return np.where((a > 0) & (c > 0), total, special.digamma(c) - special.digamma(a)).astype(dtype)[()]


partials(
    digamma_step,
    lambda y, a, b: in_dtype_of(polygamma_at(1, a + b) - polygamma_at(1, a), y),
    lambda y, a, b: in_dtype_of(polygamma_at(1, a + b), y),
    domain=((0.5, 3), (0.5, 3)),
    complex=False,
)
