"""Largest and smallest elements, found by comparisons alone and then read at their place.

So nothing in the search carries a derivative: the cotangent goes to the element that was read. Where several
are equal the result is their average, which is the same number and shares the cotangent among them, as the
table's rules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir.nodes import Const, Operand, Var
from pullback.optimize.arrays.reduce import INTEGER, an_array, axes_of, flag, reduction, unless_given
from pullback.optimize.broadcast import elementwise
from pullback.optimize.delayed import Delayed, Index, Value, is_one
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites

Whole = Callable[[Index], Index]


def _search(
    e: Emitter, array: Delayed, extents: Index, whole: Whole, beats: Callable[..., Any], skip_nan: bool
) -> tuple[Index, Var, Var]:
    """The place of the best element along the reduced axes, that element, and how many equal it."""
    places: Index = tuple(
        Const(0) if is_one(n) else e.accumulator("place", Const(np.int64(0)), INTEGER) for n in extents
    )
    best = e.accumulator("best", e.read(array, whole((Const(0),) * len(extents))), array.dtype)
    count = e.accumulator("ties", Const(np.int64(0)), INTEGER)
    with e.nest(extents) as inner:
        x = e.read(array, whole(inner))

        def take() -> None:
            e.set(best, x)
            e.set(count, Const(np.int64(1)))
            for place, i in zip(places, inner, strict=True):
                if isinstance(place, Var):
                    e.set(place, i)

        def tie() -> None:
            equal = e.call(np.equal, x, best, name="ties_with")
            e.choose(equal, lambda: e.update(count, np.add, count, Const(np.int64(1))))

        e.choose(_better(e, x, best, beats, skip_nan), take, tie)
    return places, best, count


def _better(e: Emitter, x: Operand, best: Var, beats: Callable[..., Any], skip_nan: bool) -> Operand:
    """Whether `x` takes the place of the best so far: a NaN does and keeps it, or never does."""
    if best.type.dtype.kind not in "fc":  # type: ignore[union-attr]
        return e.call(beats, x, best, name="better")
    if skip_nan:
        first = e.call(np.isnan, best, name="none_yet")
        return e.call(np.logical_or, e.call(beats, x, best, name="better"), first, name="better")
    worse = np.less_equal if beats is np.greater else np.greater_equal
    not_worse = e.call(np.logical_not, e.call(worse, x, best, name="worse"), name="better")
    return e.call(np.logical_and, not_worse, e.call(np.equal, best, best, name="a_number"), name="better")


def _value(
    e: Emitter, array: Delayed, extents: Index, whole: Whole, found: tuple[Index, Var, Var]
) -> Operand:
    """The best element, or the average of those equal to it."""
    places, best, count = found
    chosen = e.read(array, whole(places))
    if array.dtype.kind not in "fc":
        return chosen
    result = e.accumulator("extreme", chosen, array.dtype)

    def average() -> None:
        excess = e.accumulator("excess", Const(array.dtype.type(0)), array.dtype)
        with e.nest(extents) as inner:
            x = e.read(array, whole(inner))
            more = e.call(np.add, excess, e.call(np.subtract, x, chosen))
            e.choose(e.call(np.equal, x, best), lambda: e.set(excess, more))
        share = e.call(np.divide, excess, e.cast(count, array.dtype))
        e.set(result, e.call(np.add, chosen, share))

    several = e.call(np.greater, count, Const(1), name="several")
    e.choose(e.call(np.logical_and, several, e.call(np.isfinite, best), name="several"), average)
    return result


def _extreme(
    e: Emitter, a: Value, axis: Any, keepdims: Any, beats: Callable[..., Any], *, skip_nan: bool = False
) -> Value:
    array = an_array(a)
    axes = axes_of(array, axis)
    _check_not_empty(e, array, axes)

    def compute(e: Emitter, extents: Index, whole: Whole) -> Operand:
        return _value(e, array, extents, whole, _search(e, array, extents, whole, beats, skip_nan))

    return reduction(e, array, axes, flag(keepdims), array.dtype, compute)


def largest_or_zero(e: Emitter, array: Delayed, axis: Any, keepdims: Any) -> Value:
    """The largest element, of no elements at all 0."""
    axes = axes_of(array, axis)
    empty = _empty(e, array, axes)
    if isinstance(empty, Const):
        return _extreme(e, array, axis, keepdims, np.greater)

    def compute(e: Emitter, extents: Index, whole: Whole) -> Operand:
        result = e.accumulator("largest", Const(array.dtype.type(0)), array.dtype)

        def look() -> None:
            found = _search(e, array, extents, whole, np.greater, False)
            e.set(result, _value(e, array, extents, whole, found))

        e.choose(e.call(np.logical_not, empty, name="filled"), look)
        return result

    return reduction(e, array, axes, flag(keepdims), array.dtype, compute)


def _check_not_empty(e: Emitter, array: Delayed, axes: tuple[int, ...]) -> None:
    """Raise as NumPy does where there is nothing to take an element from."""
    empty = _empty(e, array, axes)
    e.check(empty, ValueError, "zero-size array to reduction operation which has no identity")


def _empty(e: Emitter, array: Delayed, axes: tuple[int, ...]) -> Operand:
    """Whether there is nothing to take an element from."""
    result: Operand = Const(False)
    for axis in axes:
        n = array.shape[axis]
        if not (isinstance(n, Const) and n.value > 0):
            empty = e.scalar(np.equal, n, 0, name="empty")
            result = (
                empty if isinstance(result, Const) else e.scalar(np.logical_or, result, empty, name="empty")
            )
    return result


@rewrites(np.max)
def _max(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = None
) -> Value:  # fmt: skip
    unless_given(out, initial, where)
    return _extreme(e, a, axis, keepdims, np.greater)


@rewrites(np.min)
def _min(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = None
) -> Value:  # fmt: skip
    unless_given(out, initial, where)
    return _extreme(e, a, axis, keepdims, np.less)


@rewrites(np.nanmax)
def _nanmax(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = None
) -> Value:  # fmt: skip
    unless_given(out, initial, where)
    return _extreme(e, a, axis, keepdims, np.greater, skip_nan=True)


@rewrites(np.nanmin)
def _nanmin(
    e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = None
) -> Value:  # fmt: skip
    unless_given(out, initial, where)
    return _extreme(e, a, axis, keepdims, np.less, skip_nan=True)


@rewrites(np.ptp)
def _ptp(e: Emitter, a: Value, axis: Any = None, out: Any = None, keepdims: Any = False) -> Value:
    unless_given(out)
    array = e.once(an_array(a))
    largest, smallest = (_extreme(e, array, axis, keepdims, beats) for beats in (np.greater, np.less))
    return elementwise(e, np.subtract, largest, smallest)


def _place(e: Emitter, a: Value, axis: Any, keepdims: Any, beats: Callable[..., Any]) -> Value:
    array = an_array(a)
    axes = axes_of(array, axis)
    _check_not_empty(e, array, axes)

    def compute(e: Emitter, extents: Index, whole: Whole) -> Operand:
        places, _, _ = _search(e, array, extents, whole, beats, skip_nan=False)
        flat: Operand = Const(0)
        for n, place in zip(extents, places, strict=True):
            flat = place if isinstance(flat, Const) else e.call(np.add, e.call(np.multiply, flat, n), place)
        return e.cast(flat, INTEGER)

    return reduction(e, array, axes, flag(keepdims), INTEGER, compute)


@rewrites(np.argmax)
def _argmax(e: Emitter, a: Value, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Value:
    unless_given(out)
    return _place(e, a, axis, keepdims, np.greater)


@rewrites(np.argmin)
def _argmin(e: Emitter, a: Value, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Value:
    unless_given(out)
    return _place(e, a, axis, keepdims, np.less)
