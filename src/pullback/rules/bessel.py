"""``np.i0`` and the modified Bessel functions I_n of integer order that its derivatives are made of.

``I0' = I1`` and ``I_n' = (I_{n-1} + I_{n+1}) / 2``, which divides by nothing at 0. (Abramowitz & Stegun,
*Handbook*, 1964, §9.6.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.table import calls, jvp, partials, vjp


@dispatched
def bessel_i(x: Any, order: int) -> Any:
    """The modified Bessel function of the first kind, of a plain int order from 0 on."""
    from scipy import special  # imported when first needed, for `import pullback` must not import SciPy

    return special.iv(order, x) if order > 1 else (special.i0, special.i1)[order](x)


def bessel_slope(x: Any, order: int) -> Any:
    """The derivative of `bessel_i`."""
    return bessel_i(x, 1) if order == 0 else (bessel_i(x, order - 1) + bessel_i(x, order + 1)) / 2


@vjp(bessel_i, 0, reads="x order")
def bessel_i_vjp(y_bar: Any, y: Any, x: Any, order: int) -> Any:
    return scale(bessel_slope(x, order), y_bar)


@jvp(bessel_i, 0, reads="x order")
def bessel_i_jvp(x_dot: Any, y: Any, x: Any, order: int) -> Any:
    return scale(bessel_slope(x, order), x_dot)


partials(np.i0, lambda y, x: bessel_i(x, 1), domain=(-4, 4), complex=False)
calls(bessel_i, *(call(array(3, low=-3, high=3), order) for order in range(4)), complex=False)
