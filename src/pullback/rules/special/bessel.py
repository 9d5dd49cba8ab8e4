"""Bessel functions and their scaled forms, by the recurrences of DLMF §10.6 and §10.29.

No derivative in the order is given. The scaled ``ive``, ``jve`` and ``yve`` hold the magnitude of a real or
imaginary part and so are not holomorphic: real arguments only. Convention: ``i0e``, which has a kink at 0,
has derivative 0 there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.base.errors import NotDifferentiableError
from pullback.base.spec import dtype_of
from pullback.rules.special.asymptotic import bessel_log_slope
from pullback.rules.table import Refused, partials

_ORDER = Refused("it is a derivative in the order of a Bessel function, which SciPy cannot compute")
_ORDERS = (0.5, 3.0)
_ARGUMENTS = (0.5, 4.0)
_WHOLE = (2.0, 2.0)

_FAR = 1000.0
"""From here on the recurrence of a scaled function cancels three digits, and the series is exact."""


def _is_far(order: Any, x: Any) -> Any:
    return np.abs(x) > np.maximum(_FAR, 10.0 * order * order)


partials(special.j0, lambda y, x: -special.j1(x), domain=(-4, 4), complex=False)
partials(special.j1, lambda y, x: 0.5 * (special.j0(x) - special.jv(2, x)), domain=(-4, 4), complex=False)
partials(special.y0, lambda y, x: -special.y1(x), domain=_ARGUMENTS, complex=False)
partials(special.y1, lambda y, x: 0.5 * (special.y0(x) - special.yv(2, x)), domain=_ARGUMENTS, complex=False)
partials(special.i0, lambda y, x: special.i1(x), domain=(-4, 4), complex=False)
partials(special.i1, lambda y, x: 0.5 * (special.i0(x) + special.iv(2, x)), domain=(-4, 4), complex=False)
partials(special.k0, lambda y, x: -special.k1(x), domain=_ARGUMENTS, complex=False)
partials(special.k1, lambda y, x: -0.5 * (special.k0(x) + special.kv(2, x)), domain=_ARGUMENTS, complex=False)

partials(
    special.jv, _ORDER,
    lambda y, v, z: 0.5 * (special.jv(v - 1, z) - special.jv(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(
    special.yv, _ORDER,
    lambda y, v, z: 0.5 * (special.yv(v - 1, z) - special.yv(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(
    special.hankel1, _ORDER,
    lambda y, v, z: 0.5 * (special.hankel1(v - 1, z) - special.hankel1(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(
    special.hankel2, _ORDER,
    lambda y, v, z: 0.5 * (special.hankel2(v - 1, z) - special.hankel2(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(
    special.iv, _ORDER,
    lambda y, v, z: 0.5 * (special.iv(v - 1, z) + special.iv(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(
    special.kv, _ORDER,
    lambda y, v, z: -0.5 * (special.kv(v - 1, z) + special.kv(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip


def refuse_complex(name: str, x: Any) -> None:
    """Raise if `x` is complex: a function that holds ``|Re x|`` or ``|Im x|`` has no complex derivative."""
    if dtype_of(x).kind == "c":
        raise NotDifferentiableError(
            f"{name} has no derivative in a complex argument",
            why="its scaling holds the magnitude of a real or imaginary part, so it is not holomorphic",
            remedy="use the unscaled function, or write its scaling with np.abs(np.real(z)).",
        )


def jve_partial(y: Any, v: Any, x: Any) -> Any:
    """The derivative of jve, which is jv for real x."""
    refuse_complex("scipy.special.jve", x)
    return 0.5 * (special.jve(v - 1, x) - special.jve(v + 1, x))


def yve_partial(y: Any, v: Any, x: Any) -> Any:
    """The derivative of yve, which is yv for real x."""
    refuse_complex("scipy.special.yve", x)
    return 0.5 * (special.yve(v - 1, x) - special.yve(v + 1, x))


partials(
    special.jve, _ORDER,
    jve_partial,
    domain=(_ORDERS, _ARGUMENTS), complex=False,
)  # fmt: skip
partials(
    special.yve, _ORDER,
    yve_partial,
    domain=(_ORDERS, _ARGUMENTS), complex=False,
)  # fmt: skip
partials(
    special.yn, _ORDER,
    lambda y, n, x: 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x)),
    domain=(_WHOLE, _ARGUMENTS), complex=False,
)  # fmt: skip
partials(
    special.kn, _ORDER,
    lambda y, n, x: -0.5 * (special.kn(n - 1, x) + special.kn(n + 1, x)),
    domain=(_WHOLE, _ARGUMENTS), complex=False,
)  # fmt: skip


def far_slope(y: Any, order: Any, z: Any, w: Any) -> Any:
    """The derivative of a scaled function `y` at `z`, by its asymptotic series in 1/`w`."""
    return -(y / z) * bessel_log_slope(order, w)


def ive_partial(y: Any, order: Any, x: Any, below: Any, above: Any) -> Any:
    """The derivative of ``exp(-|x|) I_v(x)`` from its neighbours in order, for real x."""
    refuse_complex("scipy.special.ive", x)
    near = 0.5 * (below + above) - np.sign(x) * y
    return np.where(_is_far(order, x), far_slope(y, order, x, -np.abs(x)), near)


def kve_partial(y: Any, order: Any, z: Any, below: Any, above: Any) -> Any:
    """The derivative of ``exp(z) K_v(z)`` from its neighbours in order."""
    near = y - 0.5 * (below + above)
    return np.where(_is_far(order, z), far_slope(y, order, z, z), near)


def hankel1e_partial(y: Any, v: Any, z: Any) -> Any:
    """The derivative of ``exp(-i z) H¹_v(z)``."""
    near = 0.5 * (special.hankel1e(v - 1, z) - special.hankel1e(v + 1, z)) - 1j * y
    return np.where(_is_far(v, z), far_slope(y, v, z, -1j * z), near)


def hankel2e_partial(y: Any, v: Any, z: Any) -> Any:
    """The derivative of ``exp(i z) H²_v(z)``."""
    near = 0.5 * (special.hankel2e(v - 1, z) - special.hankel2e(v + 1, z)) + 1j * y
    return np.where(_is_far(v, z), far_slope(y, v, z, 1j * z), near)


partials(
    special.i0e,
    lambda y, x: ive_partial(y, 0, x, special.i1e(x), special.i1e(x)),
    domain=(0.2, 4), complex=False,
)  # fmt: skip
partials(
    special.i1e,
    lambda y, x: ive_partial(y, 1, x, special.i0e(x), special.ive(2, x)),
    domain=(-4, -0.2), complex=False,
)  # fmt: skip
partials(
    special.ive, _ORDER,
    lambda y, v, x: ive_partial(y, v, x, special.ive(v - 1, x), special.ive(v + 1, x)),
    domain=(_ORDERS, _ARGUMENTS), complex=False,
)  # fmt: skip
partials(
    special.k0e,
    lambda y, x: kve_partial(y, 0, x, special.k1e(x), special.k1e(x)),
    domain=_ARGUMENTS, complex=False,
)  # fmt: skip
partials(
    special.k1e,
    lambda y, x: kve_partial(y, 1, x, special.k0e(x), special.kve(2, x)),
    domain=_ARGUMENTS, complex=False,
)  # fmt: skip
partials(
    special.kve, _ORDER,
    lambda y, v, z: kve_partial(y, v, z, special.kve(v - 1, z), special.kve(v + 1, z)),
    domain=(_ORDERS, _ARGUMENTS),
)  # fmt: skip
partials(special.hankel1e, _ORDER, hankel1e_partial, domain=(_ORDERS, _ARGUMENTS))
partials(special.hankel2e, _ORDER, hankel2e_partial, domain=(_ORDERS, _ARGUMENTS))
