"""Arrays made of numbers: filled ones are values, which need no memory until something is stored there."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import DType, Scalar
from pullback.optimize.arrays.reduce import INTEGER, an_array, unless_given
from pullback.optimize.broadcast import broadcast_to, cast, filled, shape_of
from pullback.optimize.delayed import Delayed, Index, Value, mapped
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import creates, rewrites
from pullback.optimize.slices import OpaqueError, frozen, static

_FLOAT = np.dtype(float)


def extents_of(e: Emitter, shape: Any) -> Index:
    """The lengths in a shape argument: an integer, or a tuple of them."""
    if isinstance(shape, Const) and isinstance(shape.value, tuple | list):
        shape = tuple(Const(n) for n in shape.value)
    entries = shape if isinstance(shape, tuple) else (shape,)
    for entry in entries:
        if isinstance(entry, Delayed) or not isinstance(operand_type(entry), Scalar):
            raise OpaqueError("a shape that is an array")
    return tuple(e.natural(frozen(e, entry)) for entry in entries)


def dtype_of(dtype: Any, default: DType) -> DType:
    given = static(dtype)
    return default if given is None else np.dtype(given)


@creates(np.zeros)
def _zeros(e: Emitter, shape: Any, dtype: Any = None, order: Any = None, **options: Any) -> Value:
    unless_given(*options.values())
    return filled(extents_of(e, shape), Const(0), dtype_of(dtype, _FLOAT))


@creates(np.ones)
def _ones(e: Emitter, shape: Any, dtype: Any = None, order: Any = None, **options: Any) -> Value:
    unless_given(*options.values())
    return filled(extents_of(e, shape), Const(1), dtype_of(dtype, _FLOAT))


@creates(np.full)
def _full(
    e: Emitter, shape: Any, fill_value: Value, dtype: Any = None, order: Any = None, **options: Any
) -> Value:  # fmt: skip
    unless_given(*options.values())
    extents = extents_of(e, shape)
    if isinstance(fill_value, Delayed):
        return cast(e, broadcast_to(e, fill_value, extents), dtype_of(dtype, fill_value.dtype))
    return filled(extents, fill_value, dtype_of(dtype, operand_type(fill_value).dtype))


@creates(np.empty)
def _empty(e: Emitter, shape: Any, dtype: Any = None, order: Any = None, **options: Any) -> Value:
    unless_given(*options.values())
    return e.empty(extents_of(e, shape), dtype_of(dtype, _FLOAT), "empty")


def _like(e: Emitter, prototype: Value, shape: Any) -> Index:
    if isinstance(shape, Const | tuple | Var) and not (isinstance(shape, Const) and shape.value is None):
        return extents_of(e, shape)
    return shape_of(prototype)


@rewrites(np.zeros_like)
def _zeros_like(
    e: Emitter, a: Value, dtype: Any = None, order: Any = None, subok: Any = True, shape: Any = None
) -> Value:
    return filled(_like(e, a, shape), Const(0), dtype_of(dtype, an_array(a).dtype))


@rewrites(np.ones_like)
def _ones_like(
    e: Emitter, a: Value, dtype: Any = None, order: Any = None, subok: Any = True, shape: Any = None
) -> Value:
    return filled(_like(e, a, shape), Const(1), dtype_of(dtype, an_array(a).dtype))


@rewrites(np.full_like)
def _full_like(
    e: Emitter, a: Value, fill_value: Value, dtype: Any = None, order: Any = None, subok: Any = True,
    shape: Any = None
) -> Value:  # fmt: skip
    kind = dtype_of(dtype, an_array(a).dtype)
    return cast(e, broadcast_to(e, fill_value, _like(e, a, shape)), kind)


@rewrites(np.empty_like)
def _empty_like(
    e: Emitter, prototype: Value, dtype: Any = None, order: Any = None, subok: Any = True, shape: Any = None
) -> Value:
    return e.empty(_like(e, prototype, shape), dtype_of(dtype, an_array(prototype).dtype), "empty")


@rewrites(np.copy, np.ascontiguousarray, np.asfortranarray)
def _copy(e: Emitter, a: Value, dtype: Any = None, **options: Any) -> Value:
    array = an_array(a)
    if static(dtype) is not None and not isinstance(static(dtype), str):
        array = an_array(cast(e, array, np.dtype(static(dtype))))
    return array if array.place is None else mapped(array, array.shape, lambda e, index: index)


@creates(np.array, np.asarray)
def _array(e: Emitter, values: Any, dtype: Any = None, **options: Any) -> Value:
    """An array of numbers and arrays of one shape, in nested tuples."""
    if isinstance(values, Delayed):
        return _copy(e, values, dtype)
    if not isinstance(values, tuple) or not values:
        raise OpaqueError("no list of numbers")
    parts = [_array(e, value) if isinstance(value, tuple) else value for value in values]
    kinds = [Scalar(part.dtype) if isinstance(part, Delayed) else operand_type(part) for part in parts]
    default = np.result_type(*(kind.dtype for kind in kinds))
    kind = dtype_of(dtype, default)
    inner = max((shape_of(part) for part in parts), key=len)
    spread = [broadcast_to(e, part, inner) if inner else part for part in parts]
    result = e.empty((Const(len(parts)), *inner), kind, "array")
    for position, part in enumerate(spread):
        with e.nest(inner) as index:
            value = e.read(part, index) if isinstance(part, Delayed) else part
            e.put(result, (Const(position), *index), value)
    return result


@creates(np.arange)
def _arange(
    e: Emitter, start: Any, stop: Any = None, step: Any = None, dtype: Any = None, **options: Any
) -> Value:  # fmt: skip
    unless_given(*options.values())
    if stop is None or (isinstance(stop, Const) and stop.value is None):
        start, stop = Const(0), start
    step = Const(1) if step is None or (isinstance(step, Const) and step.value is None) else step
    if not all(operand_type(x).dtype.kind in "iu" for x in (start, stop, step)) or not isinstance(
        step, Const
    ):
        raise OpaqueError("of floats: how many there are is NumPy's to say")
    first, last, stride = frozen(e, start), frozen(e, stop), int(step.value)
    if stride > 0:
        distance = e.minus(last, first)
    elif stride < 0:
        distance = e.minus(first, last)
    else:
        raise OpaqueError("step is zero")
    length = e.natural(distance)
    if abs(stride) > 1:
        length = e.scalar(np.floor_divide, e.plus(length, Const(abs(stride) - 1)), abs(stride), name="n")
        e.extents.natural(length.name)
    kind = dtype_of(dtype, INTEGER)

    def at(e: Emitter, index: Index) -> Operand:
        return e.cast(e.plus(first, e.times(index[0], Const(stride))), kind)

    return Delayed((length,), kind, at, False)


@creates(np.linspace)
def _linspace(
    e: Emitter, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False,
    dtype: Any = None, axis: Any = 0, *, device: Any = None
) -> Value:  # fmt: skip
    unless_given(device)
    if (
        isinstance(start, Delayed)
        or isinstance(stop, Delayed)
        or static(retstep)
        or static(dtype) is not None
    ):
        raise OpaqueError("of arrays")
    length = extents_of(e, Const(num) if isinstance(num, int) else num)[0]
    kind = np.result_type(operand_type(start).dtype, operand_type(stop).dtype, _FLOAT)
    parts = e.minus(length, Const(1)) if static(endpoint) else length
    parts = e.larger(parts, Const(1))
    first, last = e.cast(start, kind), e.cast(stop, kind)
    step = e.scalar(np.divide, e.scalar(np.subtract, last, first), parts, name="step")

    def at(e: Emitter, index: Index) -> Operand:
        inner = e.scalar(np.add, e.scalar(np.multiply, index[0], step), first, name="x")
        if not static(endpoint):
            return inner
        at_end = e.scalar(
            np.logical_and, e.scalar(np.equal, index[0], parts), e.scalar(np.greater, length, 1)
        )
        return e.scalar(primitives.select, at_end, last, inner, name="x")

    return Delayed((length,), kind, at)


@creates(np.eye, np.identity)
def _eye(e: Emitter, N: Any, M: Any = None, k: Any = 0, dtype: Any = None, **options: Any) -> Value:
    unless_given(*options.values())
    rows = extents_of(e, N)[0]
    columns = rows if M is None or (isinstance(M, Const) and M.value is None) else extents_of(e, M)[0]
    offset, kind = int(static(k)), dtype_of(dtype, _FLOAT)

    def at(e: Emitter, index: Index) -> Operand:
        on = e.scalar(np.equal, e.plus(index[0], Const(offset)), index[1], name="on")
        return e.scalar(primitives.select, on, kind.type(1), kind.type(0), name="unit")

    return Delayed((rows, columns), kind, at, False)


@rewrites(np.meshgrid)
def _meshgrid(
    e: Emitter, *xi: Value, copy: Any = True, sparse: Any = False, indexing: Any = "xy"
) -> tuple[Value, ...]:
    arrays = [an_array(x) for x in xi]
    if static(sparse) or any(x.ndim != 1 for x in arrays):
        raise OpaqueError("sparse")
    order = list(range(len(arrays)))
    if static(indexing) == "xy" and len(arrays) > 1:
        order[:2] = [1, 0]
    shape = [arrays[a].shape[0] for a in order]
    return tuple(_along(x, tuple(shape), order.index(k)) for k, x in enumerate(arrays))


def _along(x: Delayed, shape: Index, axis: int) -> Delayed:
    return mapped(x, shape, lambda e, index: (index[axis],))
