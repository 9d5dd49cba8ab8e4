"""Means, variances and norms, composed of sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir.nodes import Const
from pullback.ir.types import DType
from pullback.optimize.arrays.extrema import _max, _min, largest_or_zero
from pullback.optimize.arrays.reduce import (
    UNSET,
    _count_nonzero,
    an_array,
    axes_of,
    condition,
    flag,
    sum_,
    unless_given,
)  # fmt: skip
from pullback.optimize.broadcast import broadcast_to, cast, elementwise, where
from pullback.optimize.delayed import Delayed, Value
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static


def _mean_dtype(array: Delayed, dtype: Any) -> DType:
    return np.mean(np.ones(1, array.dtype), dtype=static(dtype)).dtype


def _count(e: Emitter, array: Delayed, axis: Any, where: Any, keepdims: Any) -> Value:
    """How many elements go into each mean."""
    where = condition(where)
    if isinstance(where, Const):
        return e.product(tuple(array.shape[a] for a in axes_of(array, axis)))
    return _count_nonzero(e, broadcast_to(e, where, array.shape), axis, keepdims=keepdims)


@rewrites(np.mean)
def _mean(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *,
    where: Any = UNSET
) -> Value:  # fmt: skip
    unless_given(out)
    array = an_array(a)
    kind = _mean_dtype(array, dtype)
    total = sum_(e, array, axis, kind, None, keepdims, 0, where)
    return cast(e, elementwise(e, np.divide, total, _count(e, array, axis, where, keepdims)), kind)


@rewrites(np.nanmean)
def _nanmean(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *,
    where: Any = UNSET
) -> Value:  # fmt: skip
    unless_given(out, where)
    array = e.once(an_array(a))
    if array.dtype.kind not in "fc":
        return _mean(e, array, axis, dtype, None, keepdims)
    return _mean(e, array, axis, dtype, None, keepdims, where=_numbers(e, array))


def _numbers(e: Emitter, array: Delayed) -> Value:
    return elementwise(e, np.logical_not, elementwise(e, np.isnan, array))


def _squares(e: Emitter, a: Value) -> Value:
    """``|a|²``, real."""
    array = an_array(a)
    if array.dtype.kind != "c":
        return elementwise(e, np.multiply, array, array)
    return elementwise(e, np.real, elementwise(e, np.multiply, array, elementwise(e, np.conjugate, array)))


def _root(e: Emitter, squares: Value) -> Value:
    """The square root of a sum of squares, with derivative 0 where that is 0 (docs/conventions.md)."""
    squares = e.once(squares) if isinstance(squares, Delayed) else squares
    return where(e, elementwise(e, np.equal, squares, Const(0)), Const(0.0), elementwise(e, np.sqrt, squares))


@rewrites(np.var)
def _var(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET
) -> Value:  # fmt: skip
    unless_given(out, mean, correction)
    array = e.once(an_array(a))
    kind = _mean_dtype(array, dtype)
    centred = elementwise(e, np.subtract, array, _mean(e, array, axis, kind, None, True, where=where))
    squares = _squares(e, centred)
    total = sum_(e, squares, axis, None, None, keepdims, 0, where)
    count = _count(e, array, axis, where, keepdims)
    if static(ddof):
        count = elementwise(e, np.maximum, elementwise(e, np.subtract, count, ddof), Const(0))
    return cast(e, elementwise(e, np.divide, total, count), an_array(squares).dtype)


@rewrites(np.std)
def _std(e: Emitter, a: Value, *args: Any, **kwargs: Any) -> Value:
    return _root(e, _var(e, a, *args, **kwargs))


@rewrites(np.nanvar)
def _nanvar(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = UNSET, **options: Any
) -> Value:  # fmt: skip
    unless_given(out, where, dtype, *options.values())
    array = e.once(an_array(a))
    return _var(e, array, axis, None, None, ddof, keepdims, where=_numbers(e, array))


@rewrites(np.nanstd)
def _nanstd(e: Emitter, a: Value, *args: Any, **kwargs: Any) -> Value:
    return _root(e, _nanvar(e, a, *args, **kwargs))


@rewrites(np.average)
def _average(
    e: Emitter,
    a: Value,
    axis: Any = None,
    weights: Any = None,
    returned: Any = False,
    *,
    keepdims: Any = False,
) -> Value:
    array = an_array(a)
    if flag(returned):
        raise OpaqueError("returned=")
    if not isinstance(weights, Delayed):
        return _mean(e, array, axis, None, None, keepdims)
    axes = axes_of(array, axis)
    if weights.ndim != array.ndim and len(axes) != 1:
        raise OpaqueError("weights of another shape")
    weights = e.once(weights)
    aligned = weights
    if weights.ndim != array.ndim:
        shape = tuple(n if a in axes else Const(1) for a, n in enumerate(array.shape))
        base = weights
        aligned = Delayed(
            shape, base.dtype, lambda e, i: e.read(base, (i[axes[0]],)), False, base.memory, base.cells
        )
        e.check_equal(base.shape[0], array.shape[axes[0]], "average")
    total = sum_(e, elementwise(e, np.multiply, array, aligned), axis, None, None, keepdims)
    whole = sum_(e, broadcast_to(e, aligned, array.shape), axis, None, None, keepdims)
    return elementwise(e, np.divide, total, whole)


def _norm_of_nothing_is_zero() -> bool:
    """Whether NumPy has a largest of no entries: 0, or an error in its older versions."""
    try:
        return np.linalg.norm(np.zeros(0), np.inf) == 0
    except ValueError:
        return False


_HAS_LARGEST_OF_NONE = _norm_of_nothing_is_zero()


@rewrites(np.linalg.norm)
def _norm(e: Emitter, x: Value, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Value:
    array, order = an_array(x), static(ord)
    axes = axes_of(array, axis)
    if len(axes) != 1 and order not in ((None, "fro") if axis is not None or array.ndim == 2 else (None,)):
        raise OpaqueError("a norm of matrices")
    if len(axes) == 1 and isinstance(order, str):
        raise OpaqueError("an order that vectors do not have")
    if order in (None, 2, "fro"):
        array = array if array.dtype.kind in "fc" else an_array(cast(e, array, np.dtype(float)))
        return _root(e, sum_(e, _squares(e, array), axis, None, None, keepdims))
    sizes = an_array(elementwise(e, np.absolute, array))
    if order == 1:
        return (
            sum_(e, sizes, axis, np.dtype(float), None, keepdims)
            if array.dtype.kind in "iu"
            else sum_(e, sizes, axis, None, None, keepdims)
        )
    if array.dtype.kind in "fc" and order in (np.inf, -np.inf):
        if order < 0:
            return _min(e, sizes, axis, None, keepdims)
        return (largest_or_zero if _HAS_LARGEST_OF_NONE else _max)(e, sizes, axis, keepdims=keepdims)
    raise OpaqueError("a norm of another order")
