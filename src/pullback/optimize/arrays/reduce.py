"""Sums, products and truth of arrays, as loops that accumulate in a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import DType
from pullback.optimize.broadcast import cast, elementwise, where
from pullback.optimize.delayed import Delayed, Index, Value, element, is_one, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static

UNSET = np._NoValue
INTEGER = np.dtype(np.int64)
TRUTH = np.dtype(bool)
ALWAYS = Const(True)


def axes_of(array: Delayed, axis: Any) -> tuple[int, ...]:
    """The axes of a reduction, from 0."""
    axis = static(axis)
    if axis is None:
        return tuple(range(array.ndim))
    return tuple(a % array.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def flag(x: Any) -> bool:
    """A static truth value that NumPy may not have been given."""
    value = static(x)
    return value is not UNSET and bool(value)


def unless_given(*options: Any) -> None:
    """Leave calls alone that give one of these."""
    if any(isinstance(x, Delayed | Var) or static(x) not in (None, UNSET) for x in options):
        raise OpaqueError("an option that is not written as loops")


def condition(where: Any) -> Value:
    """The ``where=`` of a reduction."""
    given = where.value if isinstance(where, Const) else where
    return ALWAYS if given is UNSET else where


def an_array(x: Any) -> Delayed:
    if not isinstance(x, Delayed):
        raise OpaqueError("of a number")
    return x


def reduction(
    e: Emitter,
    array: Delayed,
    axes: tuple[int, ...],
    keepdims: bool,
    dtype: DType,
    compute: Callable[[Emitter, Index, Callable[[Index], Index]], Operand],
    *others: Value,
) -> Value:
    """An array reduced over `axes`; a number where no axis remains.

    ``compute(e, extents, whole)`` emits the loops for one element, where `extents` are the lengths of the
    reduced axes and `whole` completes an index of those to one of `array`.
    """
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    extents = tuple(array.shape[axis] for axis in axes)
    shape = tuple(
        Const(1) if axis in axes else n for axis, n in enumerate(array.shape) if keepdims or axis not in axes
    )

    def at(e: Emitter, index: Index) -> Operand:
        outer = dict(zip(kept, (index[axis] for axis in kept) if keepdims else index, strict=True))

        def whole(inner: Index) -> Index:
            own = dict(zip(axes, inner, strict=True)) | outer
            return tuple(own[axis] for axis in range(array.ndim))

        return compute(e, extents, whole)

    result = Delayed(shape, dtype, at, True, *read_by((array, *others)))
    return e.read(result, ()) if not shape else result


def folded(
    e: Emitter,
    function: Callable[..., Any],
    array: Delayed,
    axes: tuple[int, ...],
    keepdims: bool,
    dtype: DType,
    initial: Operand,
    where: Value = ALWAYS,
) -> Value:
    """``total = function(total, x)`` over all elements, from `initial`, where a condition holds."""
    if function is np.add and isinstance(where, Const) and _rows_are_kept(array, axes):
        return _summed_by_rows(e, array, axes, keepdims, dtype, initial)

    def compute(e: Emitter, extents: Index, whole: Callable[[Index], Index]) -> Operand:
        total = e.accumulator("total", initial, dtype)
        with e.nest(extents) as inner:
            index = whole(inner)

            def update() -> None:
                e.update(total, function, total, e.cast(e.read(array, index), dtype))

            if isinstance(where, Const) and where.value is True:
                update()
            else:
                e.choose(element(e, where, index), update)
        return total

    return reduction(e, array, axes, keepdims, dtype, compute, initial, where)


def _rows_are_kept(array: Delayed, axes: tuple[int, ...]) -> bool:
    """Whether adding whole rows is the way to go through memory in its order."""
    last = max((axis for axis, n in enumerate(array.shape) if not is_one(n)), default=-1)
    return last not in axes and any(not is_one(array.shape[axis]) for axis in axes)


def _summed_by_rows(
    e: Emitter, array: Delayed, axes: tuple[int, ...], keepdims: bool, dtype: DType, initial: Operand
) -> Delayed:
    shape = tuple(
        Const(1) if axis in axes else n for axis, n in enumerate(array.shape) if keepdims or axis not in axes
    )
    result = e.empty(shape, dtype, "total")
    with e.nest(shape) as index:
        e.put(result, index, initial)
    with e.nest(array.shape) as index:
        kept = (
            Const(0) if axis in axes else i for axis, i in enumerate(index) if keepdims or axis not in axes
        )
        e.put(result, tuple(kept), e.read(array, index), accumulate=True)
    return result


def reduced_dtype(function: Any, array: Delayed, dtype: Any) -> DType:
    """The dtype that a ufunc's reduction has."""
    return function.reduce(np.ones(1, array.dtype), dtype=dtype).dtype


def _sums(
    function: Any, unit: int, e: Emitter, a: Value, axis: Any, dtype: Any, out: Any, keepdims: Any,
    initial: Any, where: Any
) -> Value:  # fmt: skip
    """A sum or a product."""
    unless_given(out)
    array = an_array(a)
    kind = reduced_dtype(function, array, static(dtype))
    if not isinstance(initial, Var):
        given = static(initial)
        initial = Const(kind.type(unit if given is UNSET or given is None else given))
    return folded(e, function, array, axes_of(array, axis), flag(keepdims), kind, initial, condition(where))


@rewrites(np.sum)
def sum_(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = UNSET
) -> Value:  # fmt: skip
    return _sums(np.add, 0, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.prod)
def _prod(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 1, where: Any = UNSET
) -> Value:  # fmt: skip
    return _sums(np.multiply, 1, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.add.reduce)
def _add_reduce(
    e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = UNSET
) -> Value:  # fmt: skip
    return _sums(np.add, 0, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.multiply.reduce)
def _multiply_reduce(
    e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 1, where: Any = UNSET
) -> Value:  # fmt: skip
    return _sums(np.multiply, 1, e, a, axis, dtype, out, keepdims, initial, where)


def without_nan(e: Emitter, a: Value, unit: int) -> Value:
    """`a` with `unit` in place of each NaN."""
    array = an_array(a)
    if array.dtype.kind not in "fc":
        return array
    return where(e, elementwise(e, np.isnan, array), Const(array.dtype.type(unit)), array)


@rewrites(np.nansum)
def _nansum(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = UNSET,
    initial: Any = UNSET, where: Any = UNSET
) -> Value:  # fmt: skip
    return sum_(e, without_nan(e, a, 0), axis, dtype, out, keepdims, initial, where)


@rewrites(np.nanprod)
def _nanprod(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = UNSET,
    initial: Any = UNSET, where: Any = UNSET
) -> Value:  # fmt: skip
    return _prod(e, without_nan(e, a, 1), axis, dtype, out, keepdims, initial, where)


def nonzero(e: Emitter, a: Value) -> Delayed:
    """Which elements are not zero."""
    array = an_array(a)
    if array.dtype == TRUTH:
        return array
    return an_array(elementwise(e, np.not_equal, array, Const(array.dtype.type(0))))


@rewrites(np.any)
def _any(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Value:  # fmt: skip
    unless_given(out)
    array, start = nonzero(e, a), Const(np.False_)
    axes = axes_of(array, axis)
    return folded(e, np.logical_or, array, axes, flag(keepdims), TRUTH, start, condition(where))


@rewrites(np.all)
def _all(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Value:  # fmt: skip
    unless_given(out)
    array, start = nonzero(e, a), Const(np.True_)
    axes = axes_of(array, axis)
    return folded(e, np.logical_and, array, axes, flag(keepdims), TRUTH, start, condition(where))


@rewrites(np.count_nonzero)
def _count_nonzero(e: Emitter, a: Value, axis: Any = None, *, keepdims: Any = False) -> Value:
    array = an_array(cast(e, nonzero(e, a), INTEGER))
    return folded(
        e, np.add, array, axes_of(array, axis), flag(keepdims), INTEGER, Const(np.int64(0))
    )  # fmt: skip
