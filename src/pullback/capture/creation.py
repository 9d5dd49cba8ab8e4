"""NumPy's functions that make arrays, in a normal form: a tuple for the shape and ``dtype=`` by keyword."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import as_array, dtype_of, reshape, shape_tuple, size, static
from pullback.capture.arrays import copy as copied
from pullback.capture.context import Context
from pullback.capture.domain import no_negative
from pullback.capture.values import (
    as_operand,
    describe,
    is_array,
    is_numeric,
    is_scalar,
    kind_of,
)  # fmt: skip
from pullback.ir.nodes import Const

Creation = Callable[..., Any]
CREATION: dict[Any, Creation] = {}


def creates(function: Callable[..., Any]) -> Callable[[Creation], Creation]:
    """Register the translation of a NumPy function."""

    def register(handler: Creation) -> Creation:
        CREATION[function] = handler
        return handler

    return register


def _lengths(context: Context, shape: Any) -> tuple[Any, ...]:
    """The shape of a new array."""
    lengths = shape_tuple(context, shape)
    no_negative(context, lengths, "negative dimensions are not allowed")
    return lengths


def _shaped(function: Callable[..., Any]) -> Creation:
    def handler(context: Context, shape: Any, dtype: Any = None, order: Any = "C") -> Any:
        return _filled(context, function, _lengths(context, shape), dtype, order)

    return handler


def _filled(
    context: Context, function: Callable[..., Any], shape: tuple[Any, ...], dtype: Any, order: Any = "C"
) -> Any:
    if order not in ("C", "K", "A"):
        context.fail(f"an array in order {order!r}", "new arrays are in C order", "leave `order` out")
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    return context.call(function, shape, dtype=np.dtype(float) if wanted is None else wanted)


for _function in (np.zeros, np.ones, np.empty):
    CREATION[_function] = _shaped(_function)


def _like(function: Callable[..., Any]) -> Creation:
    def handler(
        context: Context, a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
    ) -> Any:
        a = as_array(context, a)
        wanted = dtype_of(context, static(context, dtype, "a dtype")) or kind_of(a).dtype
        if shape is None:
            lengths = tuple(as_operand(context.dim(a, k)) for k in range(a.type.ndim)) if is_array(a) else ()
        else:
            lengths = _lengths(context, shape)
        return context.call(function, lengths, dtype=wanted)

    return handler


CREATION[np.zeros_like] = _like(np.zeros)
CREATION[np.ones_like] = _like(np.ones)
CREATION[np.empty_like] = _like(np.empty)


def _full(context: Context, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    fill_value = as_array(context, fill_value)
    wanted = kind_of(fill_value).dtype if wanted is None else wanted
    return context.call(np.full, _lengths(context, shape), as_operand(fill_value), dtype=wanted)


def _full_like(context: Context, a: Any, fill_value: Any, dtype: Any = None) -> Any:
    a = as_array(context, a)
    wanted = dtype_of(context, static(context, dtype, "a dtype")) or kind_of(a).dtype
    lengths = tuple(as_operand(context.dim(a, k)) for k in range(a.type.ndim)) if is_array(a) else ()
    return context.call(np.full, lengths, as_operand(as_array(context, fill_value)), dtype=wanted)


CREATION[np.full] = _full
CREATION[np.full_like] = _full_like


def _number(context: Context, value: Any) -> Any:
    if not is_scalar(value):
        context.fail(f"{describe(value)} where a number is needed", "NumPy makes no array of it")
    return as_operand(value)


@creates(np.arange)
def _arange(context: Context, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    keywords = {} if wanted is None else {"dtype": wanted}
    if stop is None:
        start, stop = 0, start
    return context.call(np.arange, *(_number(context, x) for x in (start, stop, step)), **keywords)


@creates(np.linspace)
def _linspace(
    context: Context,
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    retstep: Any = False,
    dtype: Any = None,
    axis: Any = 0,
) -> Any:
    keywords: dict[str, Any] = {} if static(context, endpoint, "endpoint") else {"endpoint": False}
    if static(context, retstep, "retstep"):
        keywords["retstep"] = True
    if static(context, axis, "an axis") != 0:
        keywords["axis"] = axis
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    if wanted is not None:
        keywords["dtype"] = wanted
    ends = [as_operand(as_array(context, x)) for x in (start, stop)]
    no_negative(context, (num,), "the number of samples must not be negative")
    return context.call(np.linspace, *ends, _number(context, num), **keywords)


@creates(np.eye)
def _eye_matrix(context: Context, *lengths: Any, k: Any = 0, dtype: Any = float, **named: Any) -> Any:
    rows, columns = (*lengths, *named.values(), None, None)[:2]
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    places = [_number(context, rows)] + ([] if columns is None else [_number(context, columns)])
    no_negative(context, tuple(places), "negative dimensions are not allowed")
    keywords: dict[str, Any] = {"dtype": wanted}
    if not (isinstance(k, int) and k == 0):
        keywords["k"] = _number(context, k)
    return context.call(np.eye, *places, **keywords)


@creates(np.identity)
def _identity(context: Context, n: Any, dtype: Any = float) -> Any:
    return _eye_matrix(context, n, dtype=dtype)


@creates(np.meshgrid)
def _meshgrid(
    context: Context, *arrays: Any, indexing: Any = "xy", sparse: Any = False, copy: Any = True
) -> Any:
    operands = tuple(as_operand(as_array(context, a)) for a in arrays)
    if len(operands) == 1:
        return (reshape(context, copied(context, arrays[0]), (size(context, arrays[0]),)),)
    keywords: dict[str, Any] = {}
    if static(context, indexing, "indexing") != "xy":
        keywords["indexing"] = Const(indexing)
    if static(context, sparse, "sparse"):
        keywords["sparse"] = Const(True)
    result = context.call(np.meshgrid, *operands, **keywords)
    return result if isinstance(result, tuple) else (result,)


@creates(np.indices)
def _indices(context: Context, dimensions: Any, dtype: Any = int) -> Any:
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    return context.call(np.indices, _lengths(context, dimensions), dtype=wanted)


def _named(function: Callable[..., Any]) -> Creation:
    """A function whose arguments are numbers, kept as it is."""

    def handler(context: Context, *args: Any, **kwargs: Any) -> Any:
        operands = [as_operand(a) if is_numeric(a) else Const(a) for a in args]
        keywords = {key: as_operand(v) if is_numeric(v) else Const(v) for key, v in kwargs.items()}
        return context.call(function, *operands, **keywords)

    return handler


for _function in (
    np.tri,
    np.tril_indices,
    np.triu_indices,
    np.diag_indices,
    np.geomspace,
    np.logspace,
    np.hanning,
    np.hamming,
):
    CREATION[_function] = _named(_function)
