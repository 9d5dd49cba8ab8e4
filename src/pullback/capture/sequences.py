"""What can be iterated over: structures of known length, ranges, arrays; enumerate, zip, reversed, map."""

from __future__ import annotations

import ast
import itertools
from typing import Any

import numpy as np

from pullback.capture.arrays import vector_of
from pullback.capture.context import Context
from pullback.capture.indexing import full_index, load
from pullback.capture.operators import compare, whole
from pullback.capture.values import (
    DictValue,
    Flat,
    ListValue,
    RangeValue,
    Sequence,
    children,
    describe,
    is_array,
    is_number,
    is_static,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Var
from pullback.ir.primitives import select


def items_of(context: Context, value: Any) -> list[Any] | None:
    """The items of what has a statically known length, else None."""
    if isinstance(value, tuple | ListValue):
        return children(value)
    if isinstance(value, DictValue):
        return list(value.items)
    if isinstance(value, RangeValue):
        return list(to_python(value)) if is_static(value) else None
    if isinstance(value, Sequence):
        if isinstance(value.length, int):
            return [value.at(k) for k in range(value.length)]
        return None
    if isinstance(value, str | bytes | set | frozenset | range | np.ndarray):
        return list(value)
    return None


def sequence(context: Context, value: Any) -> Sequence:
    """What a loop over `value` runs through, by position."""
    if isinstance(value, Sequence):
        return value
    if is_array(value):
        if value.type.ndim == 0:
            context.fail("a 0-d array is iterated over", "NumPy raises a TypeError")
        array: Var = value
        return Sequence(context.dim(array, 0), lambda k: load(context, array, full_index(context, array, k)))
    if isinstance(value, RangeValue):
        span: RangeValue = value

        def at(k: Any) -> Any:
            return whole(context, np.add, span.start, whole(context, np.multiply, k, span.step))

        return Sequence(trips(context, span), at)
    if isinstance(value, Flat):
        return sequence(context, vector_of(context, value.array))
    items = items_of(context, value)
    if items is None:
        context.fail(f"{describe(value)} is iterated over", "it is no range, array, tuple, list or dict")
    return Sequence(len(items), lambda k: _item(context, items, k))


def _item(context: Context, items: list[Any], k: Any) -> Any:
    if not isinstance(k, int):
        context.static_needed("the items of a tuple or list of unlike things", k)
    return items[k]


def trips(context: Context, value: RangeValue) -> Any:
    """``len(range(start, stop, step))``."""
    if is_static(value):
        return len(to_python(value))
    start, stop, step = value.start, value.stop, value.step
    length = whole(context, np.subtract, stop, start)
    if not (is_number(step) and step == 1):
        # The ceiling of length / step.
        minus = whole(context, np.floor_divide, whole(context, np.subtract, start, stop), step)
        length = whole(context, np.subtract, 0, minus)
    empty = context.call(np.less, length, 0, name="empty")
    return context.call(select, empty, 0, length, name="trips")


def smaller(context: Context, a: Any, b: Any) -> Any:
    """The smaller of two lengths."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if isinstance(a, Var) and isinstance(b, Var) and a.name == b.name:
        return a
    less = context.call(np.less, a, b, name="shorter")
    return context.call(select, less, a, b, name="length")


def enumerated(context: Context, value: Any, start: Any = 0) -> Any:
    """``enumerate(value, start)``."""
    items = items_of(context, value)
    if items is not None:
        return tuple((whole(context, np.add, start, k), item) for k, item in enumerate(items))
    inner = sequence(context, value)
    return Sequence(inner.length, lambda k: (whole(context, np.add, start, k), inner.at(k)))


def zipped(context: Context, values: list[Any], strict: bool = False) -> Any:
    """``zip(*values)``."""
    lists = [items_of(context, value) for value in values]
    if all(items is not None for items in lists):
        try:
            return tuple(zip(*(items or [] for items in lists), strict=strict))
        except ValueError as error:
            context.fail("zip of sequences of unlike length", f"Python says: {error}")
    inner = [sequence(context, value) for value in values]
    length = inner[0].length
    for other in inner[1:]:
        if strict:
            differ = context.call(np.not_equal, length, other.length, name="differ")
            context.raise_if(differ, ValueError, "zip() arguments have different lengths")
        else:
            length = smaller(context, length, other.length)
    return Sequence(length, lambda k: tuple(part.at(k) for part in inner))


def product(context: Context, values: list[Any]) -> Any:
    """``itertools.product(*values)``."""
    lists = [items_of(context, value) for value in values]
    if all(items is not None for items in lists):
        context.keep(tuple(lists))
        return tuple(itertools.product(*(items or [] for items in lists)))
    inner = [sequence(context, value) for value in values]
    length: Any = 1
    for part in inner:
        length = whole(context, np.multiply, length, part.length)

    def at(k: Any) -> tuple[Any, ...]:
        places = []
        for part in reversed(inner):
            places.append(part.at(whole(context, np.remainder, k, part.length)))
            k = whole(context, np.floor_divide, k, part.length)
        return tuple(reversed(places))

    return Sequence(length, at)


def backwards(context: Context, value: Any) -> Any:
    """``reversed(value)``."""
    items = items_of(context, value) if not isinstance(value, RangeValue) else None
    if items is not None:
        return tuple(reversed(items))
    if isinstance(value, RangeValue):
        count = trips(context, value)
        last = whole(context, np.subtract, count, 1)
        end = whole(context, np.add, value.start, whole(context, np.multiply, last, value.step))
        before = whole(context, np.subtract, value.start, value.step)
        return RangeValue(end, before, whole(context, np.multiply, value.step, -1))
    inner = sequence(context, value)
    last = whole(context, np.subtract, inner.length, 1)
    return Sequence(inner.length, lambda k: inner.at(whole(context, np.subtract, last, k)))


def unpack(context: Context, value: Any, count: int | None) -> list[Any]:
    """The parts of `value`, which must be `count`; an array's rows, with a run-time check of their number."""
    if is_array(value):
        if count is None:
            context.fail(
                "an array is unpacked into a starred name",
                "its length is known only at run time",
                "take slices: first, rest = x[0], x[1:]",
            )
        if value.type.ndim == 0:
            context.fail("a 0-d array is unpacked", "NumPy raises a TypeError")
        length = context.dim(value, 0)
        differs = binary_test(context, length, count)
        if differs is True:
            context.fail(f"an array of length 1 is unpacked into {count} names", "Python raises a ValueError")
        if isinstance(differs, Var):
            context.raise_if(differs, ValueError, f"expected {count} values to unpack")
        return [load(context, value, full_index(context, value, k)) for k in range(count)]
    items = items_of(context, value)
    if items is None:
        context.fail(
            f"{describe(value)} is unpacked",
            "its length is not known before the program runs",
            "index it: a, b = x[0], x[1]",
        )
    if count is not None and len(items) != count:
        context.fail(f"{len(items)} values are unpacked into {count} names", "Python raises a ValueError")
    return items


def binary_test(context: Context, length: Any, count: int) -> Any:
    return compare(context, ast.NotEq(), length, count)
