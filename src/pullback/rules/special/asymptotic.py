"""Series for where the plain formula of a derivative cancels, because the argument is large.

A derivative such as that of ``erfcx``, ``2 x erfcx(x) - 2/√π``, subtracts two numbers that agree to ever more
digits as x grows. From some magnitude on the rules use the asymptotic series of the derivative itself (DLMF
§7.12, §10.17, §10.40).

Rules of this folder write ``np.divide`` where a denominator may be a Python zero: ``/`` would raise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.cast import astype

SWITCH = 20.0
"""Magnitude from which the error-function family uses its series: eight terms reach the last bit there."""


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
    """``Σ (k+½) a_k(v) w⁻ᵏ / Σ a_k(v) w⁻ᵏ``: minus z times a logarithmic derivative.

    Of the scaled Bessel function ``w⁻½ Σ a_k(v) w⁻ᵏ``: w = z for kve, -z for ive, ∓i z for Hankel's.
    """
    above: Any = 0.0
    below: Any = 0.0
    coefficient: Any = 1.0
    for k in range(9):
        above = above + (k + 0.5) * coefficient
        below = below + coefficient
        coefficient = np.divide(coefficient * (4 * order * order - (2 * k + 1) ** 2), 8 * (k + 1) * w)
    return above / below
