"""The error function, its complements and inverses, Dawson's and Faddeeva's functions (DLMF ch. 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.base.spec import dtype_of
from pullback.rules.special.asymptotic import SWITCH, odd_factorial_series
from pullback.rules.table import partials

_SQRT_PI = 1.7724538509055160273
_SLOPE = 1.1283791670955125739  # 2/√π


def erfcx_partial(y: Any, z: Any) -> Any:
    """The derivative of ``y = erfcx(z)``: ``2 z y - 2/√π``, or its series where that cancels.

    The series holds to the right of the imaginary axis; to the left ``erfcx(z) = 2 exp(z²) - erfcx(-z)``.
    """
    square = z * z
    series = -odd_factorial_series(np.divide(0.5, square)) / (_SQRT_PI * square)
    reflected = np.where(np.real(z) < 0, 4 * z * np.exp(square), 0.0)
    return np.where(np.abs(z) > SWITCH, series + reflected, 2 * z * y - _SLOPE)


def dawsn_partial(y: Any, z: Any) -> Any:
    """The derivative of ``y = dawsn(z)``: ``1 - 2 z y``, or its series where that cancels."""
    square = z * z
    series = -odd_factorial_series(np.divide(-0.5, square)) / (2 * square)
    if dtype_of(z).kind == "c":
        side = np.where(np.imag(z) < 0, -1.0, 1.0)
        series = series - 1j * _SQRT_PI * side * z * np.exp(-square)
    return np.where(np.abs(z) > SWITCH, series, 1 - 2 * z * y)


partials(special.erf, lambda y, x: _SLOPE * np.exp(-x * x), domain=(-2, 2))
partials(special.erfc, lambda y, x: -_SLOPE * np.exp(-x * x), domain=(-2, 2))
partials(special.erfi, lambda y, x: _SLOPE * np.exp(x * x), domain=(-1.5, 1.5))
partials(special.erfcx, erfcx_partial, domain=(-1, 3))
partials(special.dawsn, dawsn_partial, domain=(-3, 3))
partials(special.wofz, lambda y, z: -1j * erfcx_partial(y, -1j * z), domain=(-2, 2))
partials(special.erfinv, lambda y, x: 0.5 * _SQRT_PI * np.exp(y * y), domain=(-0.9, 0.9), complex=False)
partials(special.erfcinv, lambda y, x: -0.5 * _SQRT_PI * np.exp(y * y), domain=(0.1, 1.9), complex=False)
