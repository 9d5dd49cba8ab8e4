"""Running sums and products, and convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir.nodes import Const
from pullback.optimize.arrays.reduce import an_array, reduced_dtype, unless_given, without_nan
from pullback.optimize.arrays.shapes import reshape
from pullback.optimize.broadcast import result_dtype
from pullback.optimize.delayed import Delayed, Index, Value
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static


def _scan(e: Emitter, function: Any, unit: int, a: Value, axis: Any, dtype: Any, out: Any) -> Delayed:
    """``function.accumulate`` along an axis, or of the flat array."""
    unless_given(out)
    array, along = an_array(a), static(axis)
    kind = reduced_dtype(function, array, static(dtype))
    if along is None and array.ndim > 1:
        array = an_array(reshape(e, array, (Const(-1),)))
    along = 0 if along is None else along % array.ndim
    result = e.empty(array.shape, kind, "running")
    rest = tuple(n for k, n in enumerate(array.shape) if k != along)
    with e.nest(rest) as outer:
        total = e.accumulator("total", Const(kind.type(unit)), kind)
        with e.loop(array.shape[along]) as i:
            index: Index = (*outer[:along], i, *outer[along:])
            e.update(total, function, total, e.cast(e.read(array, index), kind))
            e.put(result, index, total)
    return result


@rewrites(np.cumsum)
def _cumsum(e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.add, 0, a, axis, dtype, out)


@rewrites(np.cumprod)
def _cumprod(e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.multiply, 1, a, axis, dtype, out)


@rewrites(np.nancumsum)
def _nancumsum(e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.add, 0, without_nan(e, a, 0), axis, dtype, out)


@rewrites(np.nancumprod)
def _nancumprod(e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.multiply, 1, without_nan(e, a, 1), axis, dtype, out)


@rewrites(np.add.accumulate)
def _add_accumulate(e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.add, 0, a, axis, dtype, out)


@rewrites(np.multiply.accumulate)
def _multiply_accumulate(e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None) -> Value:
    return _scan(e, np.multiply, 1, a, axis, dtype, out)


@rewrites(np.convolve)
def _convolve(e: Emitter, a: Value, v: Value, mode: Any = "full") -> Value:
    first, second = (e.once(an_array(x)) for x in (a, v))
    if static(mode) not in ("full", "valid"):
        raise OpaqueError("of another length")
    n, m = first.shape[0], second.shape[0]
    for length in (n, m):
        e.check(e.scalar(np.equal, length, 0, name="empty"), ValueError, "an argument of convolve is empty")
    dtype = result_dtype(np.multiply, (first, second), {})
    result = e.empty((e.minus(e.plus(n, m), Const(1)),), dtype, "convolved")
    with e.nest(result.shape) as index:
        e.put(result, index, Const(dtype.type(0)))
    with e.loop(m) as j, e.loop(n) as i:
        term = e.scalar(np.multiply, e.read(first, (i,)), e.read(second, (j,)), name="product")
        e.put(result, (e.plus(i, j),), term, accumulate=True)
    if static(mode) == "full":
        return result
    shorter, longer = e.smaller(n, m), e.larger(n, m)
    start = e.minus(shorter, Const(1))
    length = e.plus(e.minus(longer, shorter), Const(1))

    def at(e: Emitter, index: Index) -> Any:
        return e.read(result, (e.plus(index[0], start),))

    return Delayed((length,), dtype, at, False)
