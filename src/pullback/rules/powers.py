"""``power`` and ``float_power``: right at base 0 to every order, in both arguments.

In the base the partial is ``b a**(b-1)``; written so, a zero coefficient would meet an infinite power at a
= b = 0, so the exponent is kept from falling below 0 there. Hence x**0, x**1 and x**2 have at 0 the
derivatives of polynomials. In the exponent the partial is ``y log a``. Conventions: 0 at base 0 with y
finite (0**0 = 1 included); NaN for a negative real base, for then y is real at isolated exponents only and
no derivative exists. (Griewank & Walther, *Evaluating Derivatives*, 2008, §14.3.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.table import partials

_NUMBERS = (int, float, complex, np.integer)


def power_in_base(y: Any, a: Any, b: Any) -> Any:
    """``b a**(b-1)``, and 0 where b and a are both 0."""
    if not isinstance(b, _NUMBERS):
        return b * np.power(a, exponent_below(a, b))
    if b == 2:
        return 2 * a
    if b == 1 or b == 0:
        return int(b == 1)
    # The operator knows squares and roots of arrays; on a Python number it would raise or turn complex.
    return b * a ** (b - 1) if getattr(a, "shape", ()) else b * np.power(a, b - 1)


def float_power_in_base(y: Any, a: Any, b: Any) -> Any:
    """`power_in_base` in double precision."""
    return b * np.float_power(a, exponent_below(a, b))


def exponent_below(a: Any, b: Any) -> Any:
    """``b - 1``, but 0 where b and a are both 0, for the coefficient b to win over the infinite power."""
    return np.where((a == 0) & (b == 0), 0, b - 1)


def power_in_exponent(y: Any, a: Any, b: Any) -> Any:
    """``y log a``, and 0 where a is 0 and y finite."""
    # A Python number stays one: a NumPy double would promote a float32 y.
    log = np.log(a).item() if isinstance(a, int | float | complex) else np.log(a)
    return np.where((a == 0) & np.isfinite(y), 0, y * log)


partials(np.power, power_in_base, power_in_exponent, domain=((0.5, 2), (-2, 3)))
partials(np.float_power, float_power_in_base, power_in_exponent, domain=((0.5, 2), (-2, 3)))
