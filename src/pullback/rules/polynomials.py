"""`polyval` and `vander`: polynomials with the highest power first, by Horner's scheme and by powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.cast import in_double
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, vjp


def coefficients(p: Any) -> Any:
    """`p` as one array, also where it is a list."""
    return np.stack(list(p)) if isinstance(p, list | tuple) else p


def slope_coefficients(p: Any) -> Any:
    """The coefficients of the derivative of the polynomial with coefficients `p`."""
    p = in_double(p)
    count = np.shape(p)[0]
    return p[:-1] * np.arange(count - 1, 0, -1).astype(dtype_of(p).type(0).real.dtype)


def powers(x: Any, count: int, increasing: bool = False) -> Any:
    """``x ** k`` along a new last axis, k from count - 1 down to 0 (from 0 up if `increasing`)."""
    exponents = np.arange(count) if increasing else np.arange(count - 1, -1, -1)
    return np.expand_dims(x, -1) ** exponents


@vjp(np.polyval, 1, reads="p x")
def polyval_vjp(y_bar: Any, y: Any, p: Any, x: Any) -> Any:
    return y_bar * np.polyval(slope_coefficients(p), x)


@jvp(np.polyval, 1)
def polyval_jvp(x_dot: Any, y: Any, p: Any, x: Any) -> Any:
    return np.polyval(slope_coefficients(p), x) * x_dot


@vjp(np.polyval, 0, reads="x")
def polyval_p_vjp(y_bar: Any, y: Any, p: Any, x: Any) -> Any:
    products = np.expand_dims(y_bar, -1) * powers(x, len(p) if isinstance(p, list | tuple) else np.size(p))
    return np.sum(products, axis=tuple(range(np.ndim(y_bar))))


@jvp(np.polyval, 0, reads="x")
def polyval_p_jvp(p_dot: Any, y: Any, p: Any, x: Any) -> Any:
    return np.polyval(coefficients(p_dot), x)


def vander_slope(y: Any, x: Any, increasing: bool) -> Any:
    """The derivative of each entry of the matrix of powers by its row's number."""
    count = np.shape(y)[1]
    exponents = np.arange(count) if increasing else np.arange(count - 1, -1, -1)
    return exponents.astype(dtype_of(y).type(0).real.dtype) * x[:, None] ** np.maximum(exponents - 1, 0)


@vjp(np.vander, 0, reads="x increasing")
def vander_vjp(y_bar: Any, y: Any, x: Any, N: Any = None, increasing: bool = False) -> Any:
    return np.sum(y_bar * vander_slope(y_bar, x, increasing), axis=1)


@jvp(np.vander, 0)
def vander_jvp(x_dot: Any, y: Any, x: Any, N: Any = None, increasing: bool = False) -> Any:
    return vander_slope(y, x, increasing) * x_dot[:, None]


calls(
    np.polyval,
    call(array(4), array(3)),
    call(array(3), array()),
    call(array(1), array(2, 2)),
    call([1.0, -2.0, 3.0], array(2)),
)
calls(np.vander, call(array(3)), call(array(3), 2), call(array(3), 4, increasing=True), call(array(2), N=1))
