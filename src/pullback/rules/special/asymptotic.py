"""Parts shared by rules whose plain formula cancels: a series where the argument is large, ψ(a + b) − ψ(a).

A derivative such as that of ``erfcx``, ``2 x erfcx(x) - 2/√π``, subtracts two numbers that agree to ever more
digits as x grows. Where that happens the rules switch to the asymptotic series of the derivative itself (DLMF
§7.12, §10.17, §10.40), and the ψ difference is taken term by term (DLMF §5.5, §5.11).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.cast import astype
from pullback.rules.table import partials

SWITCH = 20.0
"""Magnitude from which the error-function family uses its series: eight terms reach the last bit there."""

_SHIFT = 12
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def in_dtype_of(value: Any, x: Any) -> Any:
    """`value`, which SciPy may have computed in float64, in the precision of `x`."""
    dtype = dtype_of(x)
    return value if dtype.kind not in "fc" or dtype_of(value) == dtype else astype(value, dtype)


def odd_factorial_series(u: Any) -> Any:
    """``S(u) = Σ (2n+1)!! (-u)ⁿ``, to eight terms.

    ``erfcx'(z) ~ -S(1/2z²) / (√π z²)`` and ``dawsn'(z) ~ -S(-1/2z²) / 2z²``.
    """
    total = 1.0
    for factor in (15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        total = 1.0 - factor * u * total
    return total


def bessel_log_slope(order: Any, w: Any) -> Any:
    """``Σ (k+½) a_k(v) w⁻ᵏ / Σ a_k(v) w⁻ᵏ``,
    minus z times the logarithmic derivative of a scaled Bessel function.

    The function is ``w⁻½ Σ a_k(v) w⁻ᵏ`` with ``w`` = z for kve, -z for ive, ∓i z for the scaled Hankel
    functions.
    """
    above: Any = 0.0
    below: Any = 0.0
    coefficient: Any = 1.0
    for k in range(9):
        above = above + (k + 0.5) * coefficient
        below = below + coefficient
        coefficient = coefficient * (4 * order * order - (2 * k + 1) ** 2) / (8 * (k + 1) * w)
    return above / below


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
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        tail = tail + bernoulli / (2 * k) * powers
        powers = powers * q + p**k
    tail = tail * (b * (low + high) * p * q)
    total = total + np.log1p(b / low) + b / (2 * low * high) + tail
    return np.where((a > 0) & (c > 0), total, special.digamma(c) - special.digamma(a)).astype(dtype)[()]


partials(
    digamma_step,
    lambda y, a, b: special.polygamma(1, a + b) - special.polygamma(1, a),
    lambda y, a, b: special.polygamma(1, a + b),
    domain=((0.5, 3), (0.5, 3)),
    complex=False,
)
