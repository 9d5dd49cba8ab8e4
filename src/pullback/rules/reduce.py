"""Sums and means along axes: ``sum``, ``mean``, their nan-forms, and ``reduce`` of ``add`` and ``logaddexp``.

The adjoint of a sum repeats the cotangent along the summed axes; over all axes it stays one number
(`Filled`). The Jacobians of ``sum`` and ``mean`` are real, so the reader is told not to conjugate
(``holomorphic=False``): conjugating before and after would change nothing. (Griewank & Walther,
*Evaluating Derivatives*, 2008, §3.2.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.axes import Axis, count_along, restored
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.structured import Filled, Repeated, Structured, dense, is_large
from pullback.rules.table import calls, jvp, vjp

_MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
_ROW = np.array([True, False, True, True])


def spread(y_bar: Any, shape: tuple[int, ...], axis: Axis, where: Any) -> Any:
    """`y_bar` repeated along the reduced axes of an array of `shape`, and 0 where `where` is False."""
    if where is not True:
        return np.where(where, restored(dense(y_bar), shape, axis), 0)
    if isinstance(y_bar, Structured):
        if isinstance(y_bar, Filled):
            return Filled(y_bar.value, shape)
        y_bar = y_bar.dense()
    if axis is None and getattr(y_bar, "ndim", 0) == 0:
        return Filled(y_bar, shape)
    y_bar = restored(y_bar, shape, axis)
    if type(y_bar) is np.ndarray and len(shape) == 2 and is_large(*shape):
        return Repeated(y_bar, shape)
    return y_bar


@vjp(np.sum, 0, reads="axis where", structured=True, holomorphic=False)
def sum_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return spread(y_bar, np.shape(a), axis, where)


@jvp(np.sum, 0, reads="axis dtype keepdims where")
def sum_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    if where is True:
        return np.sum(a_dot, axis, dtype, None, keepdims)
    return np.sum(a_dot, axis, dtype, None, keepdims, where=where)


@vjp(np.sum, 5, reads="", holomorphic=False)
def sum_initial_vjp(y_bar: Any, y: Any, *arguments: Any, **options: Any) -> Any:
    return y_bar


@jvp(np.sum, 5, reads="")
def sum_initial_jvp(initial_dot: Any, y: Any, *arguments: Any, **options: Any) -> Any:
    return np.broadcast_to(initial_dot, np.shape(y))


@vjp(np.add.reduce, 0, reads="axis where", structured=True, holomorphic=False)
def add_reduce_vjp(
    y_bar: Any,
    y: Any,
    array: Any,
    axis: Axis = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return spread(y_bar, np.shape(array), axis, where)


@jvp(np.add.reduce, 0, reads="axis dtype keepdims where")
def add_reduce_jvp(
    array_dot: Any,
    y: Any,
    array: Any,
    axis: Axis = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return sum_jvp(array_dot, y, array, axis, dtype, None, keepdims, where=where)


def kept_count(shape: tuple[int, ...], axis: Axis, where: Any) -> Any:
    """How many entries each result joins: an int, or an array of them with a mask."""
    if where is True:
        return count_along(shape, axis)
    return np.sum(np.broadcast_to(where, shape), axis=axis, keepdims=True)


@vjp(np.mean, 0, reads="axis where", structured=True, holomorphic=False)
def mean_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    shape = np.shape(a)
    if where is not True:
        share = restored(dense(y_bar), shape, axis) / kept_count(shape, axis, where)
        return np.where(where, share, 0)
    count = count_along(shape, axis) or 1
    if isinstance(y_bar, Filled):
        return Filled(y_bar.value / count, shape)
    return spread(dense(y_bar) / count, shape, axis, True)


@jvp(np.mean, 0, reads="axis dtype keepdims where")
def mean_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    if where is True:
        return np.mean(a_dot, axis, dtype, None, keepdims)
    return np.mean(a_dot, axis, dtype, None, keepdims, where=where)


def without_nan(a: Any, where: Any) -> Any:
    """The mask of the entries that a nan-reduction reads."""
    valid = ~np.isnan(a)
    return valid if where is True else valid & where


@vjp(np.nansum, 0, reads="a axis where", holomorphic=False)
def nansum_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return spread(y_bar, np.shape(a), axis, without_nan(a, where))


@jvp(np.nansum, 0, reads="a axis dtype keepdims where")
def nansum_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return np.sum(a_dot, axis, dtype, None, keepdims, where=without_nan(a, where))


@vjp(np.nanmean, 0, reads="a axis where", holomorphic=False)
def nanmean_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    return mean_vjp(y_bar, y, a, axis, where=without_nan(a, where))


@jvp(np.nanmean, 0, reads="a axis dtype keepdims where")
def nanmean_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    return np.mean(a_dot, axis, dtype, None, keepdims, where=without_nan(a, where))


def _softmax(y: Any, a: Any, axis: Axis, where: Any, exponential: Any) -> Any:
    """The partials of ``logaddexp.reduce``; a result of -inf has partials 0."""
    y = restored(y, np.shape(a), axis)
    partial = exponential(a - np.where(np.isneginf(y), 0, y))
    return partial if where is True else np.where(where, partial, 0)


def _log_sum(function: Any, exponential: Any) -> None:
    @vjp(function, 0, reads="y array axis where")
    def logaddexp_reduce_vjp(
        y_bar: Any,
        y: Any,
        array: Any,
        axis: Axis = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return scale(_softmax(y, array, axis, where, exponential), restored(y_bar, np.shape(array), axis))

    @jvp(function, 0, reads="y array axis keepdims where")
    def logaddexp_reduce_jvp(
        array_dot: Any,
        y: Any,
        array: Any,
        axis: Axis = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        return np.sum(
            scale(_softmax(y, array, axis, where, exponential), array_dot), axis=axis, keepdims=keepdims
        )

    calls(
        function,
        call(array(3, 4)),
        call(array(3, 4), axis=1, keepdims=True),
        call(array(3, 4), axis=(0, 1), initial=0.5, where=_MASK),
        call(array(3, 4), axis=None),
        complex=False,
    )


_log_sum(np.logaddexp.reduce, np.exp)
_log_sum(np.logaddexp2.reduce, np.exp2)

REDUCED = (
    call(array(3, 4)),
    call(array()),
    call(array(0, 3), axis=1),
    call(array(1, 4), axis=0),
    call(array(3, 4), 1),
    call(array(2, 3, 4), axis=(0, -1)),
    call(array(2, 3, 4), axis=(2, 0), keepdims=True),
    call(array(2, 3, 4), axis=()),
    call(array(3, 4), axis=-1, keepdims=True),
    call(array(3, 4), keepdims=True),
    call(array(3, 4), axis=0, where=_MASK),
    call(array(3, 4), axis=-2, where=_MASK),
    call(array(2, 3, 4), axis=(0, 2), keepdims=True, where=_ROW),
    call(array(3, 4), where=_ROW),
    call(array(3, 4), axis=1, dtype=np.complex128),
)
WITH_INITIAL = (
    call(array(), axis=0),
    call(array(3, 4), axis=0, initial=2.0),
    call(array(3, 4), axis=1, initial=2.0, where=_MASK),
    call(array(3, 4), None, None, None, False, array()),
    call(array(3, 4), (0,), None, None, True, array(), _MASK),
)
_UFUNC = (
    *REDUCED,
    *WITH_INITIAL[:3],
    call(array(3, 4), axis=None),
    call(array(2, 3, 4), axis=None, where=_ROW),
)

calls(np.sum, *REDUCED, *WITH_INITIAL)
calls(np.nansum, *REDUCED, *WITH_INITIAL[:3])
calls(np.mean, *REDUCED)
calls(np.nanmean, *REDUCED)
calls(np.add.reduce, *_UFUNC)
