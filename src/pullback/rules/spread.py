"""How far entries spread: ``var``, ``std`` and their nan-forms.

With ``d = a - mean(a)`` and n entries the variance is ``Σ |d|² / (n - ddof)``. Its derivative is ``2 d /
(n - ddof)``: the part that flows through the mean is ``Σ d = 0``. The mean is written as an operation, so
second derivatives see it. A `mean` that the caller gives is a number like any other, held fixed.

Neither is holomorphic: for complex entries the variance is real, and these rules obey the complex
convention themselves. Convention: the derivative of ``std`` is 0 where the standard deviation is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.axes import Axis, restored
from pullback.rules.cast import in_dtype_of
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.reduce import kept_count, without_nan
from pullback.rules.table import calls, jvp, vjp

_MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


def deviation(a: Any, axis: Axis, dtype: Any, ddof: Any, where: Any, mean: Any, correction: Any) -> Any:
    """``d / (n - ddof)``, half the derivative of the variance; 0 where an entry is not counted."""
    if mean is None:
        mean = np.mean(a, axis=axis, dtype=dtype, keepdims=True, where=where)
    if correction is not None:
        ddof = correction
    freedom = np.maximum(kept_count(np.shape(a), axis, where) - ddof, 0)
    result = (a - mean) / freedom.astype(dtype_of(a).char.lower())
    return result if where is True else np.where(where, result, 0)


def inner(d: Any, a_dot: Any, axis: Axis, keepdims: Any) -> Any:
    """The real inner products of `d` and `a_dot` along `axis`."""
    return np.sum(np.real(scale(np.conj(d), a_dot)), axis=axis, keepdims=keepdims)


def over(seed: Any, y: Any) -> Any:
    """``seed / y``, and 0 where the standard deviation `y` is 0."""
    zero = y == 0
    return np.where(zero, 0, seed / np.where(zero, 1, y))


@vjp(np.var, 0, reads="a axis dtype ddof", holomorphic=False)
def var_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    d = deviation(a, axis, dtype, ddof, where, mean, correction)
    return scale(d, 2 * restored(y_bar, np.shape(a), axis))


@jvp(np.var, 0, reads="a axis dtype ddof keepdims")
def var_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    return 2 * inner(deviation(a, axis, dtype, ddof, where, mean, correction), a_dot, axis, keepdims)


@vjp(np.std, 0, reads="y a axis dtype ddof", holomorphic=False)
def std_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    d = deviation(a, axis, dtype, ddof, where, mean, correction)
    return scale(d, restored(over(y_bar, y), np.shape(a), axis))


@jvp(np.std, 0, reads="y a axis dtype ddof keepdims")
def std_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    d = deviation(a, axis, dtype, ddof, where, mean, correction)
    return over(inner(d, a_dot, axis, keepdims), y)


def _nan_form(function: Any, adjoint: Any, tangent: Any) -> None:
    @vjp(function, 0, reads="y a axis dtype ddof", holomorphic=False)
    def nan_spread_vjp(
        y_bar: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        *,
        where: Any = True,
        **centre: Any,
    ) -> Any:
        return adjoint(y_bar, y, a, axis, dtype, None, ddof, keepdims, where=without_nan(a, where), **centre)

    @jvp(function, 0, reads="y a axis dtype ddof keepdims")
    def nan_spread_jvp(
        a_dot: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        *,
        where: Any = True,
        **centre: Any,
    ) -> Any:
        where = without_nan(a, where)
        return in_dtype_of(y, tangent(a_dot, y, a, axis, dtype, None, ddof, keepdims, where=where, **centre))


_nan_form(np.nanvar, var_vjp, var_jvp)
_nan_form(np.nanstd, std_vjp, std_jvp)

for _function in (np.var, np.std, np.nanvar, np.nanstd):
    calls(
        _function,
        call(array(3, 4)),
        call(array(3, 4), 1),
        call(array(3, 4), axis=0, keepdims=True, ddof=1),
        call(array(2, 3, 4), axis=(0, -1)),
        call(array(2, 3, 4), axis=(2, 0), ddof=2, keepdims=True),
        call(array(3, 4), axis=1, where=_MASK),
        call(array(3, 4), where=_MASK, ddof=1),
        call(array(3, 4), axis=1, mean=np.full((3, 1), 0.25)),
        call(array(3, 4), axis=0, correction=1.5),
        call(array(5), None, None, None, 1),
    )
