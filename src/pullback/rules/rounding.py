"""Rounding, remainders, floating-point parts, signs of reals, and functions whose derivative is zero.

Conventions: a remainder's derivative at a jump is that of the branch NumPy's value lies on; ``heaviside``
is constant in its first argument; ``copysign`` and ``fabs`` have derivative 0 at 0, as ``abs``;
``nextafter(a, b)`` moves with a. (IEEE 754-2019, §5.3 and §9.4, for what the functions mean.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.table import calls, constant, jvp, linear, partials, refuse, vjp

SMOOTH = ((-1.05, -1), (0.65, 0.7))
# fmt: off
partials(np.fmod,      1, lambda y, a, b: -np.rint((a - y) / b),    domain=SMOOTH, complex=False)
partials(np.remainder, 1, lambda y, a, b: -np.floor_divide(a, b),   domain=SMOOTH, complex=False)
partials(np.copysign,  lambda y, a, b: np.sign(a) * np.sign(y), 0,  domain=(0.2, 1), complex=False)
partials(np.fabs,      lambda y, x: np.sign(x),                     domain=(-1, -0.2), complex=False)
partials(np.heaviside, 0, lambda y, x, value: x == 0,               domain=((0.2, 1), (-1, 1)), complex=False)
partials(np.nextafter, 1, 0,                                        complex=False)
# fmt: on

constant(np.rint, np.floor, np.ceil, np.trunc, np.round, np.around, np.fix, np.floor_divide, np.spacing)
constant(np.signbit, np.isnan, np.isinf, np.isfinite, np.isnat, np.isneginf, np.isposinf)
constant(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isclose)
constant(np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
constant(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert)
constant(np.left_shift, np.right_shift, np.gcd, np.lcm)
constant(np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj)


@vjp(np.divmod, 0, reads="")
def divmod_vjp_dividend(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return y_bar[1]


@vjp(np.divmod, 1, reads="y")
def divmod_vjp_divisor(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return -y[0] * y_bar[1]


@jvp(np.divmod, 0, reads="")
def divmod_jvp_dividend(x_dot: Any, y: Any, a: Any, b: Any) -> Any:
    return no_tangent(y[0]), np.broadcast_to(x_dot, np.shape(y[1]))


@jvp(np.divmod, 1, reads="y")
def divmod_jvp_divisor(x_dot: Any, y: Any, a: Any, b: Any) -> Any:
    return no_tangent(y[0]), -y[0] * x_dot


@vjp(np.modf, 0, reads="")
def modf_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    return y_bar[0]


@jvp(np.modf, 0, reads="")
def modf_jvp(x_dot: Any, y: Any, x: Any) -> Any:
    return x_dot, no_tangent(y[1])


@vjp(np.frexp, 0, reads="y")
def frexp_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    return np.ldexp(y_bar[0], -y[1])


@jvp(np.frexp, 0, reads="y")
def frexp_jvp(x_dot: Any, y: Any, x: Any) -> Any:
    return np.ldexp(x_dot, -y[1]), no_tangent(y[1])


@vjp(np.ldexp, 0, reads="exponent")
def ldexp_vjp(y_bar: Any, y: Any, x: Any, exponent: Any) -> Any:
    return np.ldexp(y_bar, exponent)


def no_tangent(y: Any) -> Any:
    """The zero tangent of an output that is constant wherever it is smooth."""
    return np.zeros(np.shape(y), dtype_of(y))


linear(np.ldexp, 0)
refuse(np.ldexp, "the exponent is an integer; x * 2.0**e is differentiable in e", 1)
calls(np.divmod, call(array(3, low=-1.05, high=-1), array(2, 1, low=0.65, high=0.7)), complex=False)
calls(np.modf, call(array(3, low=0.2, high=0.8)), complex=False)
calls(np.frexp, call(array(2, 3, low=0.55, high=0.95)), complex=False)
calls(np.ldexp, call(array(3), np.array([[2], [-1]])), complex=False)
