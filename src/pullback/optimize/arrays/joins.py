"""Arrays put together: each part is written into its place in fresh memory, or read through an index map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand, Slice, Var
from pullback.optimize.arrays.create import extents_of
from pullback.optimize.arrays.reduce import an_array, unless_given
from pullback.optimize.arrays.shapes import part, reshape
from pullback.optimize.broadcast import cast, filled
from pullback.optimize.delayed import Delayed, Index, Value, is_one, mapped
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import creates, rewrites
from pullback.optimize.slices import OpaqueError, frozen, static, view


def joined(e: Emitter, parts: Sequence[Delayed], axis: int, dtype: Any = None) -> Delayed:
    """``np.concatenate(parts, axis)``."""
    kind = np.result_type(*(x.dtype for x in parts)) if dtype is None else np.dtype(dtype)
    first = parts[0]
    for other in parts[1:]:
        for k, (n, m) in enumerate(zip(first.shape, other.shape, strict=True)):
            if k != axis:
                e.check_equal(n, m, "concatenate")
    length: Operand = Const(0)
    starts: list[Operand] = []
    for x in parts:
        starts.append(length)
        length = e.plus(length, x.shape[axis])
    shape = tuple(length if k == axis else n for k, n in enumerate(first.shape))
    result = e.empty(shape, kind, "joined")
    for start, x in zip(starts, parts, strict=True):
        with e.nest(x.shape) as index:
            place = tuple(e.plus(i, start) if k == axis else i for k, i in enumerate(index))
            e.put(result, place, e.read(x, index))
    return result


def _parts(e: Emitter, arrays: Any) -> list[Delayed]:
    """A tuple of arrays and numbers, or the rows of an array."""
    if not isinstance(arrays, tuple):
        raise OpaqueError("as many as the array has rows")
    return [x if isinstance(x, Delayed) else filled((), x, operand_type(x).dtype) for x in arrays]


def _inserted(e: Emitter, array: Delayed, axis: int) -> Delayed:
    index = [*(Slice(),) * array.ndim]
    return view(e, array, (*index[:axis], Const(None), *index[axis:]))


def _at_least(e: Emitter, array: Delayed, ndim: int) -> Delayed:
    """With leading axes of length 1."""
    extra = ndim - array.ndim
    if extra <= 0:
        return array
    return mapped(array, (*(Const(1),) * extra, *array.shape), lambda e, index: index[extra:])


@creates(np.concatenate)
def _concatenate(
    e: Emitter, arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, **options: Any
) -> Value:  # fmt: skip
    unless_given(out)
    parts, along = _parts(e, arrays), static(axis)
    if along is not None and not parts[0].ndim:
        raise OpaqueError("of numbers")
    if along is None:
        return joined(e, [an_array(reshape(e, x, (Const(-1),))) for x in parts], 0, static(dtype))
    return joined(e, parts, along % parts[0].ndim, static(dtype))


@creates(np.stack)
def _stack(
    e: Emitter, arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, **options: Any
) -> Value:  # fmt: skip
    unless_given(out)
    parts = _parts(e, arrays)
    along = static(axis) % (parts[0].ndim + 1)
    return joined(e, [_inserted(e, x, along) for x in parts], along, static(dtype))


@creates(np.hstack)
def _hstack(e: Emitter, tup: Any, **options: Any) -> Value:
    unless_given(*options.values())
    parts = [_at_least(e, x, 1) for x in _parts(e, tup)]
    return joined(e, parts, min(parts[0].ndim - 1, 1))


@creates(np.vstack)
def _vstack(e: Emitter, tup: Any, **options: Any) -> Value:
    unless_given(*options.values())
    return joined(e, [_at_least(e, x, 2) for x in _parts(e, tup)], 0)


@creates(np.column_stack)
def _column_stack(e: Emitter, tup: Any) -> Value:
    columns = [_inserted(e, _at_least(e, x, 1), 1) if x.ndim < 2 else x for x in _parts(e, tup)]
    return joined(e, columns, 1)


@rewrites(np.append)
def _append(e: Emitter, arr: Value, values: Value, axis: Any = None) -> Value:
    parts = (arr, values)
    if static(axis) is None:
        return joined(e, [an_array(reshape(e, x, (Const(-1),))) for x in _parts(e, parts)], 0)
    return _concatenate(e, parts, axis)


@rewrites(np.split)
def _split(e: Emitter, ary: Value, indices_or_sections: Any, axis: Any = 0) -> tuple[Value, ...]:
    array, sections = an_array(ary), static(indices_or_sections)
    along = static(axis) % array.ndim
    length = array.shape[along]
    if isinstance(sections, int):
        each = e.scalar(np.floor_divide, length, sections, name="n")
        whole = e.times(each, Const(sections))
        uneven = e.scalar(np.not_equal, whole, length, name="uneven")
        e.check(uneven, ValueError, "array split does not result in an equal division")
        bounds: list[Any] = [e.times(each, Const(k)) for k in range(1, sections)]
    else:
        bounds = [Const(int(b)) for b in sections]
    ends = [None, *bounds, None]
    return tuple(part(e, array, along, a, b) for a, b in pairwise(ends))


@rewrites(np.roll)
def _roll(e: Emitter, a: Value, shift: Any, axis: Any = None) -> Value:
    array, along = an_array(a), static(axis)
    if along is None:
        if array.ndim > 1:
            raise OpaqueError("of a matrix as one row")
        along = 0
    if isinstance(along, tuple) or isinstance(shift, tuple | Delayed):
        raise OpaqueError("along several axes")
    along %= array.ndim
    n = array.shape[along]
    # The element that comes first: a remainder by 0 is never taken, as there is no element then.
    start = e.scalar(np.remainder, e.minus(Const(0), frozen(e, shift)), e.larger(n, Const(1)), name="start")
    e.extents.natural(start.name)
    left = e.minus(n, start)

    def back(e: Emitter, index: Index) -> Index:
        i = index[along]
        ahead = e.scalar(np.less, i, left, name="ahead")
        own = e.scalar(primitives.select, ahead, e.plus(i, start), e.minus(i, left), name="p")
        e.extents.natural(own.name)
        return tuple(own if k == along else i for k, i in enumerate(index))

    return mapped(array, array.shape, back)


def _counts(e: Emitter, counts: Any) -> Index:
    """Numbers of times."""
    for count in counts if isinstance(counts, tuple) else (counts,):
        if isinstance(count, Var) and not e.extents.is_natural(count):
            negative = e.scalar(np.less, frozen(e, count), 0, name="negative")
            e.check(negative, ValueError, "repeats may not contain negative values")
    return extents_of(e, counts)


@rewrites(np.tile)
def _tile(e: Emitter, A: Value, reps: Any) -> Value:
    counts = _counts(e, reps)
    array = _at_least(e, an_array(A), len(counts))
    counts = (*(Const(1),) * (array.ndim - len(counts)), *counts)
    shape = tuple(e.times(n, c) for n, c in zip(array.shape, counts, strict=True))

    def back(e: Emitter, index: Index) -> Index:
        own = []
        for i, n, count in zip(index, array.shape, counts, strict=True):
            whole = is_one(count)
            own.append(i if whole else Const(0) if is_one(n) else e.scalar(np.remainder, i, n, name="p"))
        return tuple(own)

    return mapped(array, shape, back)


@rewrites(np.repeat)
def _repeat(e: Emitter, a: Value, repeats: Any, axis: Any = None) -> Value:
    array, along = an_array(a), static(axis)
    if isinstance(repeats, Delayed | tuple) or (along is None and array.ndim != 1):
        raise OpaqueError("a number of times that differs")
    if isinstance(repeats, Const) and not (isinstance(repeats.value, int) and repeats.value > 0):
        raise OpaqueError("a list of numbers of times, or none at all")
    along = 0 if along is None else along % array.ndim
    (count,) = _counts(e, repeats)
    shape = tuple(e.times(n, count) if k == along else n for k, n in enumerate(array.shape))

    def back(e: Emitter, index: Index) -> Index:
        return tuple(
            e.scalar(np.floor_divide, i, count, name="p") if k == along else i for k, i in enumerate(index)
        )

    return mapped(array, shape, back)


@rewrites(np.pad)
def _pad(e: Emitter, array: Value, pad_width: Any, mode: Any = "constant", **options: Any) -> Value:
    base = an_array(array)
    if static(mode) != "constant":
        raise OpaqueError("in another mode")
    if isinstance(static(pad_width), dict):
        raise OpaqueError("with a width for some axes")
    widths = np.broadcast_to(np.asarray(static(pad_width)), (base.ndim, 2)).tolist()
    value = options.get("constant_values", Const(0))
    if not isinstance(value, Var | Const) or np.ndim(getattr(value, "value", 0)):
        raise OpaqueError("with several values")
    shape = tuple(e.plus(n, Const(a + b)) for n, (a, b) in zip(base.shape, widths, strict=True))
    result = e.empty(shape, base.dtype, "padded")
    with e.nest(shape) as index:
        e.put(result, index, cast(e, value, base.dtype))  # type: ignore[arg-type]
    with e.nest(base.shape) as index:
        place = tuple(e.plus(i, Const(a)) for i, (a, _) in zip(index, widths, strict=True))
        e.put(result, place, e.read(base, index))
    return result
