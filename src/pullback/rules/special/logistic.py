"""The logistic function and its relatives, and SciPy's own exponentials, logarithms and roots."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.rules.special.asymptotic import in_dtype_of
from pullback.rules.table import Refused, constant, partials

_LOG_2 = 0.69314718055994530942
_LOG_10 = 2.3025850929940456840
_DEGREE = 0.017453292519943295769

_ORDER = Refused(
    "SciPy computes it for any parameter, but no derivative in the parameters is known to pullback"
)

# y (1 - y) would lose every digit of 1 - y in the right tail.
partials(special.expit, lambda y, x: y * special.expit(-x), domain=(-4, 4), complex=False)
partials(special.logit, lambda y, p: np.divide(1, p * (1 - p)), domain=(0.1, 0.9), complex=False)
partials(special.log_expit, lambda y, x: special.expit(-x), domain=(-4, 4), complex=False)
partials(special.log1p, lambda y, x: np.divide(1, 1 + x), domain=(-0.5, 2))
# y + 1 would lose the digits of exp(x) far to the left.
partials(special.expm1, lambda y, x: np.exp(x))
partials(special.exp2, lambda y, x: _LOG_2 * y, complex=False)
partials(special.exp10, lambda y, x: _LOG_10 * y, complex=False)
partials(special.cbrt, lambda y, x: 1 / (3 * y * y), domain=(0.3, 2), complex=False)
partials(special.cosm1, lambda y, x: -np.sin(x), domain=(-3, 3), complex=False)
partials(
    special.powm1,
    lambda y, x, p: p * np.power(x, p - 1),
    lambda y, x, p: (y + 1) * np.log(x),
    domain=((0.5, 2), (-2, 2)),
    complex=False,
)
partials(special.sindg, lambda y, x: _DEGREE * special.cosdg(x), domain=(-90, 90), complex=False)
partials(special.cosdg, lambda y, x: -_DEGREE * special.sindg(x), domain=(-90, 90), complex=False)
partials(special.tandg, lambda y, x: _DEGREE * (1 + y * y), domain=(-60, 60), complex=False)
partials(special.cotdg, lambda y, x: -_DEGREE * (1 + y * y), domain=(30, 120), complex=False)
constant(special.round, special.gammasgn)


def exprel_slope(x: Any) -> Any:
    """The derivative of ``exprel(x) = ∫₀¹ exp(x s) ds = 1F1(1; 2; x)``; no order of it cancels near 0.

    Far from 0 the plain formula does not cancel, and SciPy's 1F1 may take for ever.
    """
    far = np.abs(x) > 50
    near = in_dtype_of(0.5 * special.hyp1f1(2.0, 3.0, np.where(far, 0.0, x)), x)
    inverse = np.divide(1, x)
    return np.where(far, np.exp(x) * (inverse - inverse * inverse) + inverse * inverse, near)


partials(special.exprel, lambda y, x: exprel_slope(x), complex=False)
partials(
    special.hyp1f1, _ORDER, _ORDER,
    lambda y, a, b, x: np.divide(a, b) * special.hyp1f1(a + 1, b + 1, x),
    domain=((0.5, 2), (1, 3), (-2, 2)),
)  # fmt: skip
partials(
    special.hyp0f1, _ORDER,
    lambda y, v, x: special.hyp0f1(v + 1, x) / v,
    domain=((0.5, 2), (-2, 2)),
)  # fmt: skip
partials(
    special.hyp2f1, _ORDER, _ORDER, _ORDER,
    lambda y, a, b, c, x: np.divide(a * b, c) * special.hyp2f1(a + 1, b + 1, c + 1, x),
    domain=((0.5, 2), (0.5, 2), (1, 3), (-0.6, 0.6)),
)  # fmt: skip
