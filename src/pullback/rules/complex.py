"""Functions that are not holomorphic: ``abs sign real imag conj angle real_if_close``.

Each obeys the complex convention itself: the cotangent of z is ∂L/∂Re z + i ∂L/∂Im z, the tangent is the
real-linear directional derivative. Conventions: at 0, where they have none, the derivative of ``abs``,
``sign`` and ``angle`` is 0, to every order. (Kreutz-Delgado, *The Complex Gradient Operator and the
CR-Calculus*, 2009, §4.)
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.scalar import DEGREES
from pullback.rules.table import calls, jvp, linear, view, vjp

_PART = 4096


def is_complex(x: Any) -> bool:
    """Whether `x` (or the `Spec` of it) is complex by its dtype."""
    return dtype_of(x).kind == "c"


@vjp(np.absolute, 0, reads="y x", holomorphic=False)
def absolute_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    if type(x) is type(y) is type(y_bar) is np.ndarray and is_complex(x):
        # A third of the time that np.sign takes; what is not finite or loses digits, it decides.
        with contextlib.suppress(FloatingPointError), np.errstate(all="ignore", under="raise"):
            product = along(x, y, y_bar)
            if product is not None:
                return product
    return scale(np.sign(x), y_bar)


def along(x: Any, y: Any, y_bar: Any) -> Any:
    """``x * (y_bar / y)`` of arrays, y being the absolute values of x; None if not all of it is finite.

    A large one is made in parts, whose quotients are still in the cache when they are multiplied.
    """
    if x.size <= _PART or not (x.flags.c_contiguous and y.flags.c_contiguous and y_bar.flags.c_contiguous):
        return whole_along(x, y, y_bar, None)
    product = np.empty_like(x)
    flat = [array.reshape(-1) for array in (x, y, y_bar, product)]
    for start in range(0, x.size, _PART):
        if whole_along(*[array[start : start + _PART] for array in flat]) is None:
            return None
    return product


def whole_along(x: Any, y: Any, y_bar: Any, out: Any) -> Any:
    """As `along`, at once."""
    factor = y_bar / y
    total: Any = np.vdot(factor, y)
    if total - total != 0:
        # An entry of the one or the other, and so perhaps of x, is infinite or NaN.
        return None
    with np.errstate(under="ignore"):
        return np.multiply(x, factor, out=out)


@jvp(np.absolute, 0, reads="x")
def absolute_jvp(x_dot: Any, y: Any, x: Any) -> Any:
    if is_complex(x):
        return np.real(scale(np.conj(np.sign(x)), x_dot))
    return scale(np.sign(x), x_dot)


def turning(direction: Any, y: Any, x: Any) -> Any:
    """The part of `direction` that turns y = x/|x|, over |x|; its own adjoint. 0 for a real x, and at 0."""
    if not is_complex(x):
        return np.zeros(np.shape(y), dtype_of(x))
    angular = 1j * y * np.imag(np.conj(y) * direction)
    return np.where(x == 0, 0, scale(np.reciprocal(np.abs(x)), angular))


@vjp(np.sign, 0, reads="y x", holomorphic=False)
def sign_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    return turning(y_bar, y, x)


@jvp(np.sign, 0, reads="y x")
def sign_jvp(x_dot: Any, y: Any, x: Any) -> Any:
    return turning(x_dot, y, x)


@vjp(np.real, 0, reads="", holomorphic=False)
def real_vjp(y_bar: Any, y: Any, val: Any) -> Any:
    return y_bar


@vjp(np.imag, 0, reads="", holomorphic=False)
def imag_vjp(y_bar: Any, y: Any, val: Any) -> Any:
    return 1j * y_bar if is_complex(val) else np.zeros(np.shape(val), dtype_of(val))


@vjp(np.conjugate, 0, reads="", holomorphic=False)
def conjugate_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    return np.conj(y_bar) if is_complex(x) else y_bar


linear(np.real, 0)
linear(np.imag, 0)
linear(np.conjugate, 0)
view(np.real, np.imag)


def angle_gradient(z: Any, deg: bool) -> Any:
    """The gradient ``i z / |z|²`` of the angle, without overflow or underflow; 0 at 0."""
    # np.divide, because a Python complex number divided by a NumPy zero raises.
    radius = np.abs(z)
    return np.where(radius == 0, 0, (1j * DEGREES if deg else 1j) * np.divide(np.divide(z, radius), radius))


@vjp(np.angle, 0, reads="z", holomorphic=False)
def angle_vjp(y_bar: Any, y: Any, z: Any, deg: bool = False) -> Any:
    return scale(angle_gradient(z, deg), y_bar) if is_complex(z) else np.zeros(np.shape(z), dtype_of(z))


@jvp(np.angle, 0, reads="z")
def angle_jvp(x_dot: Any, y: Any, z: Any, deg: bool = False) -> Any:
    if not is_complex(z):
        return np.zeros(np.shape(z), dtype_of(z))
    return np.real(scale(np.conj(angle_gradient(z, deg)), x_dot))


@vjp(np.real_if_close, 0, reads="", holomorphic=False)
def real_if_close_vjp(y_bar: Any, y: Any, a: Any, tol: float = 100) -> Any:
    return y_bar


@jvp(np.real_if_close, 0, reads="")
def real_if_close_jvp(x_dot: Any, y: Any, a: Any, tol: float = 100) -> Any:
    return x_dot if is_complex(y) else np.real(x_dot)


view(np.real_if_close)

for _function in (np.absolute, np.sign, np.real, np.imag, np.conjugate, np.real_if_close):
    calls(_function, call(array(3, low=0.4)), call(array(2, 3, high=-0.4)))
calls(np.angle, call(array(3, low=0.3)), call(array(2, 2, low=0.3), deg=True))
