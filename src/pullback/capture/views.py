"""NumPy's functions of shape in terms of a program's views: `view`, `transpose`, `reshape`, `bind`.

Whatever aliases in NumPy aliases in the program. Where NumPy may view or copy, depending on the memory, the
program copies, and a store that could tell the difference is an error (`Context.check_store`).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.capture.arrays import (
    array_kind,
    as_array,
    normal_axis,
    reshape,
    shape_tuple,
    size,
    static,
    transpose,
)  # fmt: skip
from pullback.capture.context import Context
from pullback.capture.indexing import load
from pullback.capture.operators import binary
from pullback.capture.values import (
    ListValue,
    as_operand,
    children,
    describe,
    is_array,
    is_number,
    kind_of,
)  # fmt: skip
from pullback.ir.nodes import Const, Slice, Var
from pullback.ir.primitives import select

Rewrite = Callable[..., Any]
REWRITES: dict[Any, Rewrite] = {}


def rewrites(*functions: Any) -> Callable[[Rewrite], Rewrite]:
    """Register the translation of NumPy functions."""

    def register(handler: Rewrite) -> Rewrite:
        REWRITES.update(dict.fromkeys(functions, handler))
        return handler

    return register


@rewrites(np.shape)
def shape(context: Context, a: Any) -> Any:
    a = as_array(context, a)
    if not is_array(a):
        return ()
    return tuple(context.dim(a, axis) for axis in range(a.type.ndim))


@rewrites(np.size)
def np_size(context: Context, a: Any, axis: Any = None) -> Any:
    a = as_array(context, a)
    if axis is None:
        return size(context, a)
    return context.dim(a, normal_axis(context, axis, a.type.ndim))


@rewrites(np.transpose, np.permute_dims)
def np_transpose(context: Context, a: Any, axes: Any = None) -> Any:
    a = as_array(context, a)
    if axes is None or not is_array(a):
        return transpose(context, a)
    order = tuple(normal_axis(context, axis, a.type.ndim) for axis in static(context, axes, "the axes"))
    if sorted(order) != list(range(a.type.ndim)):
        context.fail(f"axes {order} of {describe(a)}", "NumPy raises a ValueError: they are no permutation")
    return transpose(context, a, order)


@rewrites(np.swapaxes)
def swapaxes(context: Context, a: Any, axis1: Any, axis2: Any) -> Any:
    ndim = array_kind(a).ndim
    first, second = normal_axis(context, axis1, ndim), normal_axis(context, axis2, ndim)
    order = list(range(ndim))
    order[first], order[second] = order[second], order[first]
    return a if first == second else transpose(context, a, tuple(order))


@rewrites(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(context: Context, x: Any, /) -> Any:
    return swapaxes(context, x, -1, -2)


@rewrites(np.moveaxis)
def moveaxis(context: Context, a: Any, source: Any, destination: Any) -> Any:
    ndim = array_kind(a).ndim
    sources = _axes(context, source, ndim)
    destinations = _axes(context, destination, ndim)
    order = [axis for axis in range(ndim) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return transpose(context, a, tuple(order))


@rewrites(np.rollaxis)
def rollaxis(context: Context, a: Any, axis: Any, start: Any = 0) -> Any:
    ndim = array_kind(a).ndim
    axis, start = normal_axis(context, axis, ndim), static(context, start, "an axis")
    start = start + ndim if start < 0 else start
    return moveaxis(context, a, axis, start - 1 if axis < start else start)


def _axes(context: Context, value: Any, ndim: int) -> list[int]:
    parts = children(value) if isinstance(value, tuple | ListValue) else [value]
    return [normal_axis(context, part, ndim) for part in parts or ()]


@rewrites(np.reshape)
def np_reshape(
    context: Context,
    a: Any,
    /,
    shape: Any = None,
    order: Any = "C",
    *,
    newshape: Any = None,
    copy: Any = None,
) -> Any:
    a = as_array(context, a)
    shape = newshape if shape is None else shape
    lengths = shape_tuple(context, shape)
    if order == "F":
        back = tuple(reversed(lengths))
        return transpose(context, reshape(context, transpose(context, a), back))
    if order not in ("C", "A"):
        context.fail(f"reshape in order {order!r}", "only C and F are in the language")
    if copy:
        a = context.call(np.copy, a)
    return reshape(context, a, resolved(context, a, lengths))


def resolved(context: Context, a: Any, lengths: tuple[Any, ...]) -> tuple[Any, ...]:
    """The lengths with a -1 worked out."""
    unknown = [k for k, n in enumerate(lengths) if isinstance(n, Const) and n.value == -1]
    if len(unknown) != 1:
        return lengths
    known: Any = 1
    for k, n in enumerate(lengths):
        if k != unknown[0]:
            known = binary(context, np.multiply, known, n.value if isinstance(n, Const) else n)
    total = size(context, a)
    if isinstance(known, Var):
        none = context.call(np.less, known, 1, name="none")
        message = "reshape: beside a length of -1 the others have to be positive"
        context.raise_if(none, ValueError, message)
    rest = total if isinstance(known, int) and known == 1 else binary(context, np.floor_divide, total, known)
    return tuple(as_operand(rest) if k == unknown[0] else n for k, n in enumerate(lengths))


@rewrites(np.ravel)
def ravel(context: Context, a: Any, order: Any = "C") -> Any:
    a = as_array(context, a)
    in_memory = order in ("A", "K") and is_array(a)
    if order == "F" or (in_memory and a.type.layout == "F"):
        a = transpose(context, a)
    elif order not in ("C", "A", "K") or (in_memory and a.type.layout == "A"):
        context.fail(
            f"ravel in order {order!r}",
            "the order in memory is known only at run time" if in_memory else "there is no such order",
            "give order='C' or 'F'",
        )
    if is_array(a) and a.type.ndim == 1:
        if a.type.layout == "C":
            return a
        fresh = context.call(np.copy, a)
        context.copied(fresh, a, "ravel")
        return fresh
    return reshape(context, a, (as_operand(size(context, a)),))


@rewrites(np.expand_dims)
def expand_dims(context: Context, a: Any, axis: Any) -> Any:
    a = as_array(context, a)
    axes = static(context, axis, "an axis")
    axes = list(axes) if isinstance(axes, tuple | list) else [axes]
    if not is_array(a):
        return (
            context.call(np.array, (as_operand(a),))
            if len(axes) == 1
            else context.fail("expand_dims of a number")
        )
    ndim = a.type.ndim + len(axes)
    places = {normal_axis(context, axis, ndim) for axis in axes}
    return load(context, a, tuple(None if k in places else Slice() for k in range(ndim)))


@rewrites(np.squeeze)
def squeeze(context: Context, a: Any, axis: Any = None) -> Any:
    a = as_array(context, a)
    if not is_array(a):
        return a
    kind = a.type
    if axis is None:
        axes = sorted(kind.ones)
        for place in set(range(kind.ndim)) - kind.ones:
            single = context.call(np.equal, context.dim(a, place), 1, name="single")
            message = "squeeze of an axis whose length turns out to be 1: name the axis"
            context.raise_if(single, ValueError, message)
    else:
        axes = _axes(context, axis, kind.ndim)
    for place in axes:
        if place not in kind.ones:
            length = context.dim(a, place)
            longer = context.call(np.not_equal, length, 1, name="longer")
            message = "cannot select an axis to squeeze out which has size not equal to one"
            context.raise_if(longer, ValueError, message)
    if not axes:
        return a
    return load(context, a, tuple(0 if k in axes else Slice() for k in range(kind.ndim)))


@rewrites(np.atleast_1d)
def atleast_1d(context: Context, *arrays: Any) -> Any:
    return _each(context, arrays, lambda a: reshape(context, a, (Const(1),)) if ndim_of(a) == 0 else a)


@rewrites(np.atleast_2d)
def atleast_2d(context: Context, *arrays: Any) -> Any:
    def one(a: Any) -> Any:
        if ndim_of(a) == 0:
            return reshape(context, a, (Const(1), Const(1)))
        return load(context, a, (None, Slice())) if ndim_of(a) == 1 else a

    return _each(context, arrays, one)


@rewrites(np.atleast_3d)
def atleast_3d(context: Context, *arrays: Any) -> Any:
    def one(a: Any) -> Any:
        if ndim_of(a) == 0:
            return reshape(context, a, (Const(1),) * 3)
        if ndim_of(a) == 1:
            return load(context, a, (None, Slice(), None))
        return load(context, a, (Slice(), Slice(), None)) if ndim_of(a) == 2 else a

    return _each(context, arrays, one)


def ndim_of(a: Any) -> int:
    return a.type.ndim if is_array(a) else 0


def _each(context: Context, arrays: tuple[Any, ...], one: Callable[[Any], Any]) -> Any:
    results = tuple(one(as_array(context, a)) for a in arrays)
    return results[0] if len(results) == 1 else results


_REVERSED = Slice(None, None, Const(-1))


@rewrites(np.flip)
def flip(context: Context, m: Any, axis: Any = None) -> Any:
    m = as_array(context, m)
    ndim = array_kind(m).ndim
    axes = list(range(ndim)) if axis is None else _axes(context, axis, ndim)
    return load(context, m, tuple(_REVERSED if k in axes else Slice() for k in range(ndim)))


@rewrites(np.flipud)
def flipud(context: Context, m: Any) -> Any:
    return flip(context, m, 0)


@rewrites(np.fliplr)
def fliplr(context: Context, m: Any) -> Any:
    return flip(context, m, 1)


@rewrites(np.rot90)
def rot90(context: Context, m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    first, second = (normal_axis(context, a, array_kind(m).ndim) for a in static(context, axes, "the axes"))
    turns = static(context, k, "the number of turns") % 4
    if turns == 0:
        return m
    if turns == 2:
        return flip(context, flip(context, m, first), second)
    if turns == 1:
        return swapaxes(context, flip(context, m, second), first, second)
    return flip(context, swapaxes(context, m, first, second), second)


@rewrites(np.array_split)
def array_split(context: Context, ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """As `split`; parts that cannot be equal differ by one."""
    return split(context, ary, indices_or_sections, axis, even=False)


@rewrites(np.split)
def split(context: Context, ary: Any, indices_or_sections: Any, axis: Any = 0, *, even: bool = True) -> Any:
    """Views of equal parts, or between given places."""
    ary = as_array(context, ary)
    ndim = array_kind(ary).ndim
    axis = normal_axis(context, axis, ndim)
    sections = indices_or_sections
    if isinstance(sections, tuple | ListValue):
        places = [None, *(children(sections) or ()), None]
    else:
        count = static(context, sections, "the number of parts")
        length = context.dim(ary, axis)
        rest = binary(context, np.remainder, length, count)
        if even and isinstance(rest, Var):
            uneven = context.call(np.not_equal, rest, 0, name="uneven")
            context.raise_if(uneven, ValueError, "array split does not result in an equal division")
        part = binary(context, np.floor_divide, length, count)
        places = [binary(context, np.multiply, part, k) for k in range(count + 1)]
        if not even:
            places = [binary(context, np.add, p, _smaller(context, rest, k)) for k, p in enumerate(places)]
    parts = []
    for start, stop in pairwise(places):
        cut = Slice(*(None if x is None else as_operand(x) for x in (start, stop)))
        parts.append(load(context, ary, tuple(cut if k == axis else Slice() for k in range(ndim))))
    return ListValue(parts, context.home)


def _smaller(context: Context, a: Any, b: int) -> Any:
    """``min(a, b)`` of integers."""
    if not isinstance(a, Var):
        return min(a, b)
    return context.call(select, context.call(np.less, a, b), a, b)


@rewrites(np.hsplit)
def hsplit(context: Context, ary: Any, indices_or_sections: Any) -> Any:
    return split(context, ary, indices_or_sections, 0 if array_kind(ary).ndim == 1 else 1)


@rewrites(np.vsplit)
def vsplit(context: Context, ary: Any, indices_or_sections: Any) -> Any:
    return split(context, ary, indices_or_sections, 0)


@rewrites(np.dsplit)
def dsplit(context: Context, ary: Any, indices_or_sections: Any) -> Any:
    return split(context, ary, indices_or_sections, 2)


@rewrites(np.real)
def real(context: Context, val: Any) -> Any:
    return _complex_part(context, np.real, val)


@rewrites(np.imag)
def imag(context: Context, val: Any) -> Any:
    return _complex_part(context, np.imag, val)


def _complex_part(context: Context, function: Callable[..., Any], value: Any) -> Any:
    value = as_array(context, value)
    if not isinstance(value, Var):
        # Of a Python number, a Python number.
        return getattr(value, function.__name__) if is_number(value) else function(value)
    if kind_of(value).dtype.kind != "c" and function is np.real:
        return value
    result = context.call(function, value)
    context.copied(result, value, f"np.{function.__name__}")
    return result
