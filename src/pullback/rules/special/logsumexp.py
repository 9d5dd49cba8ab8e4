"""`logsumexp`, `softmax` and `log_softmax`: Python functions in SciPy, so they are dispatched here.

Convention: where every entry is -inf, the sum of the exponentials is 0 and does not change with any entry;
the derivative is 0 there, as is the derivative in an entry that is -inf. (Blanchard, Higham & Higham, IMA J.
Numer. Anal. 41, 2021.)
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched, tracked_in
from pullback.base.errors import UnsupportedError
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.table import alias, calls, jvp, vjp

Axis = int | tuple[int, ...] | None
_largest: Any = np.maximum.reduce
_total: Any = np.add.reduce

log_sum_exp = dispatched(special.logsumexp)
softmax = dispatched(special.softmax)


@dispatched
@functools.wraps(special.log_softmax)
def log_softmax(x: Any, axis: Axis = None) -> Any:
    """As `scipy.special.log_softmax`, by its formula: what SciPy looks for first takes longer."""
    if type(x) is np.ndarray and x.ndim and x.size and x.dtype.kind == "f":
        largest = _largest(x, axis, None, None, True)
        if np.isfinite(largest).all():
            y = x - largest
            total = _total(np.exp(y), axis, None, None, True)
            return np.subtract(y, np.log(total, total), y)
    return special.log_softmax(x, axis)


def logsumexp(
    a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """As `scipy.special.logsumexp`, and differentiable in `a` and in the weights `b`.

    Raises:
        UnsupportedError: for ``return_sign=True`` with a tracked argument.
    """
    if return_sign and tracked_in((a, b)):
        raise UnsupportedError(
            "scipy.special.logsumexp with return_sign=True has no derivative rule",
            why="it returns the logarithm of a magnitude and a sign apart, and the sign has no derivative",
            remedy="split a and b by the sign of b, and take the logsumexp of each part.",
        )
    return special.logsumexp(a, axis, b, keepdims, True) if return_sign else log_sum_exp(a, axis, b, keepdims)


alias(special.logsumexp, log_sum_exp)
alias(logsumexp, log_sum_exp)
alias(special.softmax, softmax)
alias(special.log_softmax, log_softmax)


def kept(reduced: Any, a: Any, axis: Axis, b: Any, keepdims: bool) -> Any:
    """A reduced value with its axes put back as axes of length 1."""
    if keepdims:
        return reduced
    shape = list(np.broadcast_shapes(np.shape(a), () if b is None else np.shape(b)))
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for i in axes:
        if shape:
            shape[i] = 1
    return np.reshape(reduced, shape)


def exponentials(y: Any, a: Any, axis: Axis, b: Any, keepdims: bool) -> Any:
    """``exp(a - y)``: the derivative of y in the weights, and 0 where y is -inf."""
    total = kept(y, a, axis, b, keepdims)
    return np.exp(a - np.where(np.real(total) == -np.inf, 0.0, total))


def weights_of(y: Any, a: Any, axis: Axis, b: Any, keepdims: bool) -> Any:
    """The derivative of y in a: the exponentials times their weights, normalised."""
    share = exponentials(y, a, axis, b, keepdims)
    return share if b is None else scale(share, b)


@vjp(log_sum_exp, 0)
def logsumexp_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    return scale(weights_of(y, a, axis, b, keepdims), kept(y_bar, a, axis, b, keepdims))


@vjp(log_sum_exp, 2)
def logsumexp_weights_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    return scale(exponentials(y, a, axis, b, keepdims), kept(y_bar, a, axis, b, keepdims))


@jvp(log_sum_exp, 0)
def logsumexp_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    return np.sum(scale(weights_of(y, a, axis, b, keepdims), a_dot), axis=axis, keepdims=keepdims)


@jvp(log_sum_exp, 2)
def logsumexp_weights_jvp(
    b_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    return np.sum(scale(exponentials(y, a, axis, b, keepdims), b_dot), axis=axis, keepdims=keepdims)


def centred(y: Any, seed: Any, axis: Axis) -> Any:
    """``y (seed - Σ y seed)``: the Jacobian of softmax, which is symmetric, times `seed`."""
    return scale(y, seed - np.sum(scale(y, seed), axis=axis, keepdims=True))


@vjp(softmax, 0)
def softmax_vjp(y_bar: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    return centred(y, y_bar, axis)


@jvp(softmax, 0)
def softmax_jvp(x_dot: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    return centred(y, x_dot, axis)


@vjp(log_softmax, 0)
def log_softmax_vjp(y_bar: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    if type(y_bar) is np.ndarray:
        return y_bar - scale(np.exp(y), _total(y_bar, axis, None, None, True))
    return y_bar - scale(np.exp(y), np.sum(y_bar, axis=axis, keepdims=True))


@jvp(log_softmax, 0)
def log_softmax_jvp(x_dot: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    return x_dot - np.sum(scale(np.exp(y), x_dot), axis=axis, keepdims=True)


_POSITIVE = array(3, 4, low=0.5, high=2.0)
calls(
    log_sum_exp,
    call(array(4)),
    call(array()),
    call(array(3, 4), 1),
    call(array(3, 4), axis=(0, -1), keepdims=True),
    call(array(2, 3, 4), (0, 2)),
    call(array(3, 4), 0, _POSITIVE),
    call(array(3, 4), None, array(4, low=0.5, high=2.0), True),
    call(array(4), -1, _POSITIVE),
)
for _function in (softmax, log_softmax):
    calls(_function, call(array(4)), call(array(3, 4), 1), call(array(2, 3, 4), axis=(0, -1)), call(array()))
