"""The same elements in another shape or order."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Const, Operand, Slice, Var
from pullback.ir.types import Array
from pullback.optimize.arrays.create import extents_of
from pullback.optimize.arrays.reduce import an_array, sum_, unless_given
from pullback.optimize.broadcast import broadcast_shape, broadcast_to, conjugated, elementwise, shape_of
from pullback.optimize.delayed import Delayed, Index, Value, in_memory, is_one, mapped, view_of
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, frozen, reversed_axes, static, transposed, view

_OTHER_SIZE = "the array is of another size than the shape (where a -1 has to be a constant)"


@rewrites(np.reshape)
def reshape(e: Emitter, a: Value, shape: Any, **options: Any) -> Value:
    unless_given(*(value for value in options.values() if static(value) != "C"))
    array = an_array(a)
    extents = _lengths(e, array, shape)
    axes = _unit_axes(e, array.shape, extents)
    if axes is not None:
        return _inserted(array, extents, axes)
    total = e.product(array.shape)
    e.check_equal(total, e.product(extents), "reshape", _OTHER_SIZE)
    return regrouped(e, array, extents)


def regrouped(e: Emitter, array: Delayed, extents: Index) -> Delayed:
    """`array` with other axes, which are known to have as many elements."""
    if array.conjugate is not None and array.conjugate.place is not None:
        return conjugated(regrouped(e, array.conjugate, extents))
    source = e.variable(array)
    assert isinstance(source.type, Array)
    if source.type.layout != "C":
        source = e.variable(e.copied(array))
        e.memory.pop(source.name, None)
        return in_memory(e.call(np.reshape, source, extents), extents, frozenset(), frozenset())
    result = e.call(np.reshape, source, extents, name=source.name)
    if source.name in e.memory:
        e.memory[result.name] = e.memory[source.name]
    return in_memory(result, extents, array.memory if array.place is not None else frozenset(), frozenset())


def _lengths(e: Emitter, array: Delayed, shape: Any) -> Index:
    """The new shape, with the one length that is -1 worked out."""
    entries = shape if isinstance(shape, tuple) else (shape,)
    if len(entries) == 1 and isinstance(entries[0], Const) and isinstance(entries[0].value, tuple):
        entries = tuple(Const(n) for n in entries[0].value)
    if any(not isinstance(entry, Const) and not e.extents.is_natural(entry) for entry in entries):
        entries = tuple(frozen(e, entry) for entry in entries)
    open_axes = [i for i, n in enumerate(entries) if isinstance(n, Const) and n.value == -1]
    if not open_axes:
        return tuple(entries)
    rest = e.product(tuple(n for i, n in enumerate(entries) if i not in open_axes))
    total = e.product(array.shape)
    length = total if is_one(rest) else e.scalar(np.floor_divide, total, rest, name="n")
    if isinstance(length, Var):
        e.extents.natural(length.name)
    return tuple(length if i in open_axes else n for i, n in enumerate(entries))


def _unit_axes(e: Emitter, old: Index, new: Index) -> list[int | None] | None:
    """For each new axis the old one it is, or None where its length is 1; None if the shapes differ more."""
    left = [axis for axis, n in enumerate(old) if not is_one(n)]
    axes: list[int | None] = []
    for n in new:
        if is_one(n):
            axes.append(None)
        elif left and e.extents.equal(old[left[0]], n):
            axes.append(left.pop(0))
        else:
            return None
    return None if left else axes


def _inserted(array: Delayed, extents: Index, axes: list[int | None]) -> Delayed:
    """`array` with axes of length 1 put in and taken out."""

    def back(e: Emitter, index: Index) -> Index:
        own: list[Operand] = [Const(0)] * array.ndim
        for i, axis in zip(index, axes, strict=True):
            if axis is not None:
                own[axis] = i
        return tuple(own)

    def reference(e: Emitter, base: Var) -> Var:
        assert isinstance(base.type, Array)
        dropped = tuple(Const(0) if n not in axes else Slice() for n in range(array.ndim))
        kept = e.call(primitives.view, base, dropped, name=base.name) if dropped else base
        index = tuple(Const(None) if axis is None else Slice() for axis in axes)
        return e.call(primitives.view, kept, index, name=base.name)

    if all(axis is None for axis in axes):
        return mapped(array, extents, back)
    return view_of(array, extents, back, reference)


@rewrites(np.ravel)
def _ravel(e: Emitter, a: Value, order: Any = "C") -> Value:
    if static(order) != "C":
        raise OpaqueError("in another order")
    return reshape(e, a, (Const(-1),))


@rewrites(np.broadcast_to)
def _broadcast_to(e: Emitter, array: Value, shape: Any, subok: Any = False) -> Value:
    extents = extents_of(e, shape)
    return broadcast_to(e, array, extents) if extents else array


@rewrites(np.broadcast_arrays)
def _broadcast_arrays(e: Emitter, *args: Value, subok: Any = False) -> tuple[Value, ...]:
    shape = broadcast_shape(e, "broadcast_arrays", *(shape_of(x) for x in args))
    return tuple(broadcast_to(e, x, shape) for x in args)


def _axis(array: Delayed, axis: Any) -> int:
    return int(static(axis)) % array.ndim


@rewrites(np.swapaxes)
def _swapaxes(e: Emitter, a: Value, axis1: Any, axis2: Any) -> Value:
    array = an_array(a)
    order = list(range(array.ndim))
    first, second = _axis(array, axis1), _axis(array, axis2)
    order[first], order[second] = second, first
    return transposed(array, tuple(order))


@rewrites(np.flip)
def _flip(e: Emitter, m: Value, axis: Any = None) -> Value:
    array, given = an_array(m), static(axis)
    if given is None:
        return reversed_axes(e, array, tuple(range(array.ndim)))
    axes = given if isinstance(given, tuple) else (given,)
    return reversed_axes(e, array, tuple(a % array.ndim for a in axes))


@rewrites(np.flipud)
def _flipud(e: Emitter, m: Value) -> Value:
    return reversed_axes(e, an_array(m), (0,))


@rewrites(np.fliplr)
def _fliplr(e: Emitter, m: Value) -> Value:
    return reversed_axes(e, an_array(m), (1,))


def part(e: Emitter, array: Delayed, axis: int, start: Any, stop: Any) -> Delayed:
    """A slice along one axis."""
    bounds = (None if x is None else x if isinstance(x, Var | Const) else Const(x) for x in (start, stop))
    index = tuple(Slice(*bounds) if k == axis else Slice() for k in range(array.ndim))
    return view(e, array, index)


@rewrites(np.diff)
def _diff(
    e: Emitter, a: Value, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None
) -> Value:  # fmt: skip
    if prepend is not None or append is not None:
        raise OpaqueError("with more elements")
    array, result = e.once(an_array(a)), an_array(a)
    along, times = _axis(array, axis), int(static(n))
    for _ in range(times):
        array = e.once(array)
        function = np.not_equal if array.dtype.kind == "b" else np.subtract
        result = elementwise(e, function, part(e, array, along, 1, None), part(e, array, along, None, -1))
        array = an_array(result)
    return result


@rewrites(np.trapezoid)
def _trapezoid(e: Emitter, y: Value, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Value:
    array = e.once(an_array(y))
    along = _axis(array, axis)
    step: Value = dx if isinstance(dx, Var | Const | Delayed) else Const(dx)
    if isinstance(x, Delayed):
        step = _diff(e, x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1 and array.ndim > 1:
            base = an_array(step)
            shape = tuple(base.shape[0] if k == along else Const(1) for k in range(array.ndim))
            step = mapped(base, shape, lambda e, index: (index[along],))
    pair = elementwise(e, np.add, part(e, array, along, 1, None), part(e, array, along, None, -1))
    areas = elementwise(e, np.divide, elementwise(e, np.multiply, step, pair), Const(2.0))
    return sum_(e, areas, Const(along))


@rewrites(np.tril)
def _tril(e: Emitter, m: Value, k: Any = 0) -> Value:
    return _triangle(e, an_array(m), int(static(k)), lower=True)


@rewrites(np.triu)
def _triu(e: Emitter, m: Value, k: Any = 0) -> Value:
    return _triangle(e, an_array(m), int(static(k)), lower=False)


def _triangle(e: Emitter, array: Delayed, offset: int, *, lower: bool) -> Value:
    if array.ndim < 2:
        raise OpaqueError("of a vector")
    compare = np.less_equal if lower else np.greater_equal

    def at(e: Emitter, index: Index) -> Operand:
        inside = e.scalar(compare, index[-1], e.plus(index[-2], Const(offset)), name="inside")
        return e.scalar(primitives.select, inside, e.read(array, index), array.dtype.type(0), name="kept")

    return Delayed(array.shape, array.dtype, at, array.work, array.memory, array.cells)


def _diagonal_length(e: Emitter, rows: Operand, columns: Operand, offset: int) -> Operand:
    return e.natural(
        e.smaller(e.minus(rows, Const(max(-offset, 0))), e.minus(columns, Const(max(offset, 0))))
    )


@rewrites(np.diagonal)
def diagonal(e: Emitter, a: Value, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Delayed:
    array, shift = an_array(a), int(static(offset))
    rows, columns = (static(axis) % array.ndim for axis in (axis1, axis2))
    others = [axis for axis in range(array.ndim) if axis not in (rows, columns)]
    length = _diagonal_length(e, array.shape[rows], array.shape[columns], shift)
    below, right = Const(max(-shift, 0)), Const(max(shift, 0))

    def back(e: Emitter, index: Index) -> Index:
        own = dict(zip(others, index, strict=False))
        own |= {rows: e.plus(index[-1], below), columns: e.plus(index[-1], right)}
        return tuple(own[axis] for axis in range(array.ndim))

    return mapped(array, (*(array.shape[axis] for axis in others), length), back)


@rewrites(np.linalg.diagonal)
def _diagonal_of_last(e: Emitter, x: Value, *, offset: Any = 0) -> Delayed:
    return diagonal(e, x, offset, -2, -1)


@rewrites(np.diag)
def _diag(e: Emitter, v: Value, k: Any = 0) -> Value:
    array, offset = an_array(v), int(static(k))
    if array.ndim == 2:
        return diagonal(e, array, offset)
    length = e.plus(array.shape[0], Const(abs(offset)))
    result = e.empty((length, length), array.dtype, "diagonal")
    with e.nest(result.shape) as index:
        e.put(result, index, Const(array.dtype.type(0)))
    with e.nest(array.shape) as (i,):
        place = (e.plus(i, Const(max(-offset, 0))), e.plus(i, Const(max(offset, 0))))
        e.put(result, place, e.read(array, (i,)))
    return result


@rewrites(np.trace)
def _trace(
    e: Emitter, a: Value, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
) -> Value:  # fmt: skip
    unless_given(out)
    return sum_(e, diagonal(e, a, offset, axis1, axis2), -1, dtype)


@rewrites(np.linalg.trace)
def _trace_of_last(e: Emitter, x: Value, *, offset: Any = 0, dtype: Any = None) -> Value:
    return sum_(e, diagonal(e, x, offset, -2, -1), -1, dtype)
