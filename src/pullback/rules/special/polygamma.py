"""Polygamma functions (DLMF §5.15): SciPy's on the real line, our own in the complex plane.

SciPy's `digamma` takes complex arguments and its `polygamma` does not, so the derivative of the one needs
`complex_polygamma` here: upward recurrence to where the asymptotic series holds (DLMF §5.15.5, §5.15.8).
`digamma_step` takes ψ(a + b) - ψ(a) term by term.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
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


@dispatched
def complex_polygamma(n: int, z: Any) -> Any:
    """The n-th derivative of digamma, n ≥ 1, for complex `z`."""
    dtype = dtype_of(z)
    z = np.array(z, np.complex128)
    reach = 15.0 + n
    total = np.zeros_like(z)
    small = (np.real(z) < reach) & ((np.abs(z) < reach) | (np.real(z) < 0))
    while np.any(small):
        total = np.where(small, total + z ** -(n + 1.0), total)
        z = np.where(small, z + 1, z)
        small = (np.real(z) < reach) & ((np.abs(z) < reach) | (np.real(z) < 0))
    factorial = float(math.factorial(n))
    total = total * factorial + factorial / n * z**-n + 0.5 * factorial * z ** -(n + 1.0)
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        factor = bernoulli * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total = total + factor * z ** -(2.0 * k + n)
    total = (-1) ** (n + 1) * total
    return (total if dtype.kind == "c" else np.real(total)).astype(dtype)[()]


def polygamma_at(n: int, z: Any) -> Any:
    """The n-th derivative of digamma at real or complex `z`, in its precision."""
    return complex_polygamma(n, z) if dtype_of(z).kind == "c" else in_dtype_of(polygamma(n, z), z)


partials(complex_polygamma, _INTEGER_ORDER, lambda y, n, z: complex_polygamma(n + 1, z))
calls(complex_polygamma, call(1, array(3, low=1, high=3)), call(2, array(2, 2, low=2, high=4)))
partials(
    polygamma,
    _INTEGER_ORDER,
    lambda y, n, x: polygamma(n + 1, x),
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
    lambda y, a, b: in_dtype_of(polygamma(1, a + b) - polygamma(1, a), y),
    lambda y, a, b: in_dtype_of(polygamma(1, a + b), y),
    domain=((0.5, 3), (0.5, 3)),
    complex=False,
)
