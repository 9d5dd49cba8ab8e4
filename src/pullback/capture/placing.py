"""NumPy's functions that write into an array that they are given: each is a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import array_kind, as_array, size, vector_of
from pullback.capture.context import Context
from pullback.capture.conversions import REWRITES
from pullback.capture.indexing import full_index
from pullback.capture.sequences import smaller
from pullback.capture.stores import cycled, store, store_flat
from pullback.capture.values import as_operand, describe, is_array, is_static, kind_of
from pullback.capture.views import rewrites
from pullback.ir.nodes import Slice, Var

__all__ = ["REWRITES"]


def _target(context: Context, function: Callable[..., Any], array: Any) -> Var:
    if not is_array(array):
        context.fail(f"np.{function.__name__} into {describe(array)}", "it is no array")
    return array


@rewrites(np.fill_diagonal)
def fill_diagonal(context: Context, a: Any, val: Any, wrap: Any = False) -> None:
    a = _target(context, np.fill_diagonal, a)
    if not is_static(wrap) or wrap:
        context.fail("np.fill_diagonal with wrap", "it is not in the language", "store with index arrays")
    ndim = array_kind(a).ndim
    if ndim < 2:
        context.fail(f"np.fill_diagonal of {describe(a)}", "NumPy raises a ValueError")
    count = context.dim(a, 0)
    if ndim == 2:
        count = smaller(context, count, context.dim(a, 1))
    else:
        for axis in range(1, ndim):
            differs = context.call(np.not_equal, context.dim(a, axis), count, name="differs")
            context.raise_if(differs, ValueError, "All dimensions of input must be of equal length")
    places = context.call(np.arange, as_operand(count))
    val = as_array(context, val)
    store(context, a, (places,) * ndim, cycled(context, val, count) if is_array(val) else val)


@rewrites(np.copyto)
def copyto(context: Context, dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    dst, src = _target(context, np.copyto, dst), as_array(context, src)
    if casting != "same_kind":
        context.fail("np.copyto with casting=", "it is not in the language", "use astype")
    _check_kind(context, dst, src)
    if where is not True:
        src = context.call(np.where, as_operand(as_array(context, where)), as_operand(src), dst)
    store(context, dst, (Slice(),) * array_kind(dst).ndim, src)


def _check_kind(context: Context, array: Var, value: Any) -> None:
    if not np.can_cast(kind_of(value).dtype, kind_of(array).dtype, "same_kind"):
        context.fail(
            "the values do not fit the array",
            f"NumPy does not cast {kind_of(value).dtype} to {kind_of(array).dtype}",
            "use astype",
        )


@rewrites(np.putmask)
def putmask(context: Context, a: Any, mask: Any, values: Any) -> None:
    a = _target(context, np.putmask, a)
    values = as_array(context, values)
    _check_kind(context, a, values)
    if is_array(values):
        values = cycled(context, values, size(context, a))
        shape = tuple(as_operand(context.dim(a, axis)) for axis in range(array_kind(a).ndim))
        values = context.call(np.reshape, values, shape)
    chosen = context.call(np.where, as_operand(as_array(context, mask)), as_operand(values), a)
    store(context, a, (Slice(),) * array_kind(a).ndim, chosen)


@rewrites(np.place)
def place(context: Context, arr: Any, mask: Any, vals: Any) -> None:
    arr, vals, mask = _target(context, np.place, arr), as_array(context, vals), as_array(context, mask)
    _check_kind(context, arr, vals)
    if is_array(vals):
        vals = cycled(context, vals, context.call(np.count_nonzero, as_operand(mask)))
    store(context, arr, full_index(context, arr, mask), vals)


@rewrites(np.put)
def put(context: Context, a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    a = _target(context, np.put, a)
    if mode != "raise":
        context.fail(
            f"np.put with mode={mode!r}", "it is not in the language", "take the indices modulo the size"
        )
    ind = as_array(context, ind)
    _check_kind(context, a, as_array(context, v))
    store_flat(context, a, vector_of(context, ind) if is_array(ind) else ind, v)
