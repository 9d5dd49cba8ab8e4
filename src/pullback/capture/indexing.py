"""Subscripts: what an index means, loads and stores.

An index becomes a full tuple, one entry per axis: integers, `Slice`, arrays, None for a new axis. One integer
per axis reads an element (`item`), a basic index makes a `view`, arrays pick (`pick`).
"""

from __future__ import annotations

import ast
import operator
from typing import Any

import numpy as np

from pullback.capture.arrays import array_kind, as_array, copy, vector_of
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, expression
from pullback.capture.domain import no_step_of_zero
from pullback.capture.grids import grid
from pullback.capture.join import chosen
from pullback.capture.operators import weak, whole
from pullback.capture.values import (
    DictValue,
    Flat,
    ListValue,
    RangeValue,
    Sequence,
    as_operand,
    children,
    describe,
    is_array,
    is_number,
    is_scalar,
    is_static,
    kind_of,
    lacking,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Slice, Var
from pullback.ir.primitives import cast, item, pick, view
from pullback.ir.types import BOOL, Array, Scalar

Index = tuple[Any, ...]


@expression(ast.Slice)
def _slice(context: Context, node: ast.Slice) -> Any:
    """A slice: a Python one of abstract values."""
    return slice(*(None if x is None else evaluate(context, x) for x in (node.lower, node.upper, node.step)))


@expression(ast.Subscript)
def _subscript(context: Context, node: ast.Subscript) -> Any:
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        length = _one_length(context, node.value, node.slice)
        if length is not None:
            return length
    return element(context, *owner_and_index(context, node))


def element(context: Context, owner: Any, index: Any) -> Any:
    """``owner[index]``."""
    if is_array(owner):
        owner, index = without_flag(context, owner, index)
        return load(context, owner, full_index(context, owner, index))
    if isinstance(owner, Flat):
        return copy(context, element(context, vector_of(context, owner.array), index))
    return part_of(context, owner, index)


def _one_length(context: Context, node: ast.Attribute, index_node: ast.expr) -> Any:
    """``a.shape[k]`` without the other lengths; None where `a` is no array or `k` no static int."""
    owner = evaluate(context, node.value)
    if not is_array(owner):
        return None
    index = evaluate(context, index_node)
    ndim = owner.type.ndim
    if isinstance(index, int) and -ndim <= index < ndim:
        return context.dim(owner, index % ndim)
    return part_of(context, tuple(context.dim(owner, axis) for axis in range(ndim)), index)


def owner_and_index(context: Context, node: ast.Subscript) -> tuple[Any, Any]:
    """What is indexed and the index; ``a[i][j]`` with integers becomes ``a[i, j]``."""
    owner: Any
    if isinstance(node.value, ast.Subscript):
        owner, first = owner_and_index(context, node.value)
        if is_array(owner):
            entries = first if isinstance(first, tuple) else (first,)
            if len(entries) < owner.type.ndim and all(_is_integer(entry) for entry in entries):
                second = evaluate(context, node.slice)
                rest = second if isinstance(second, tuple) else (second,)
                if not any(is_array(entry) or isinstance(entry, ListValue) for entry in rest):
                    return owner, (*entries, *rest)
                row = load(context, owner, full_index(context, owner, first))
                return row, second
            owner = load(context, owner, full_index(context, owner, first))
        else:
            owner = part_of(context, owner, first)
    else:
        owner = evaluate(context, node.value)
    return owner, evaluate(context, node.slice)


def _is_integer(entry: Any) -> bool:
    return is_scalar(entry) and not isinstance(entry, bool) and kind_of(entry).dtype.kind in "iu"


def part_of(context: Context, owner: Any, index: Any) -> Any:
    """``owner[index]`` where `owner` is a structure or a static object."""
    made = grid(owner)
    if made is not None:
        return made(context, index)
    if isinstance(owner, DictValue):
        return _entry_of(context, owner, index)
    if isinstance(owner, RangeValue):
        return binary_range(context, owner, index)
    if isinstance(owner, Sequence):
        return owner.at(index)
    parts = children(owner)
    if isinstance(owner, tuple | ListValue) and parts is not None:
        if isinstance(index, slice):
            bounds = (index.start, index.stop, index.step)
            if not is_static(bounds):
                context.static_needed("a bound of a slice of a tuple or list", bounds)
            chosen = parts[slice(*bounds)]
            return ListValue(chosen, context.home) if isinstance(owner, ListValue) else tuple(chosen)
        return _element(context, parts, index, owner)
    kind = kind_of(owner) if is_scalar(owner) else None
    if isinstance(kind, Scalar) and not kind.weak and index in ((), Ellipsis):
        return owner
    if is_scalar(owner):
        context.fail(f"{describe(owner)} is indexed", "a number has no elements", "make it an array first")
    if is_static(owner) and is_static(index):
        try:
            return to_python(owner)[to_python(index)]
        except Exception as error:
            context.fail("this index always fails", f"Python says: {type(error).__name__}: {error}")
    what = f"{describe(owner)} is indexed by {describe(index)}"
    raise context.refusal(what, *lacking(owner, "it is no array, tuple, list or dict"))


def _entry_of(context: Context, owner: DictValue, key: Any) -> Any:
    if not is_static(key):
        context.static_needed("the key of a dict", key)
    if to_python(key) not in owner.items:
        context.fail(f"the dict has no key {to_python(key)!r}", "it would raise a KeyError")
    return owner.items[to_python(key)]


def _element(context: Context, parts: list[Any], index: Any, owner: Any) -> Any:
    if isinstance(index, Var) and parts and all(is_number(x) and type(x) is type(parts[0]) for x in parts):
        if kind_of(index) == BOOL:
            index = context.call(np.add, index, 0)
        return weak(context, context.call(item, context.table(parts), (_integer(context, index),)))
    if isinstance(index, Var) and kind_of(index) == BOOL and len(parts) == 2:
        return chosen(context, index, parts[1], parts[0])
    if isinstance(index, Var):
        context.static_needed(
            f"the index into {describe(owner)}", index, "use an array, or a loop over a range of constants"
        )
    try:
        return parts[operator.index(index)]
    except (TypeError, IndexError) as error:
        context.fail("this index always fails", f"Python says: {type(error).__name__}: {error}")


def binary_range(context: Context, owner: RangeValue, index: Any) -> Any:
    """``range(...)[index]``."""
    if not is_scalar(index):
        context.fail(
            "a range is sliced", "only one element of a range can be taken", "write range(a, b, step)"
        )
    return whole(context, np.add, owner.start, whole(context, np.multiply, index, owner.step))


def without_flag(context: Context, array: Var, index: Any) -> tuple[Var, Any]:
    """An array and an index of it, where a bool becomes a new axis of length 1 and the places taken there."""
    entries = [_number_in(context, entry) for entry in (index if type(index) is tuple else (index,))]
    flags = [k for k, entry in enumerate(entries) if _is_flag(entry)]
    if not flags:
        return array, index
    place = flags[0]
    others = [*entries[:place], *entries[place + 1 :]]
    if not all(entry is None or entry is Ellipsis or isinstance(entry, slice) for entry in others):
        context.fail("a bool beside other indices", "NumPy broadcasts them", "write an `if`")
    ndim = array_kind(array).ndim
    missing = [slice(None)] * (ndim - sum(isinstance(entry, slice) for entry in others))
    if Ellipsis in others:
        dots = entries.index(Ellipsis)
        entries[dots : dots + 1] = missing
        place += len(missing) - 1 if dots < place else 0
    axis = sum(isinstance(entry, slice) for entry in entries[:place])
    wider = load(context, array, (*(Slice(),) * axis, None, *(Slice(),) * (ndim - axis)))
    flag = entries[place]
    if isinstance(flag, Var):
        count = context.call(cast, flag, np.dtype(np.int64))
        entries[place] = context.call(np.zeros, (count,), dtype=np.dtype(np.int64), name="taken")
    else:
        entries[place] = ListValue([0] * bool(flag))
    return wider, tuple(entries)


def _number_in(context: Context, entry: Any) -> Any:
    """The element of an array without axes."""
    return context.call(item, entry, ()) if is_array(entry) and not entry.type.ndim else entry


def _is_flag(entry: Any) -> bool:
    return is_scalar(entry) and kind_of(entry).dtype.kind == "b"


def full_index(context: Context, array: Var, index: Any) -> Index:
    """The index as a tuple of operands, `Slice` and None, with an entry for each axis."""
    kind = array.type
    assert isinstance(kind, Array)
    entries = [_entry(context, e) for e in (index if type(index) is tuple else (index,))]
    taken = sum(_axes_taken(e) for e in entries)
    if taken > kind.ndim:
        context.fail(
            f"{taken} indices for {describe(array)}",
            "NumPy raises an IndexError",
            "remove the surplus indices",
        )
    places = [k for k, e in enumerate(entries) if e is Ellipsis]
    if len(places) > 1:
        context.fail("an index with two `...`", "NumPy raises an IndexError")
    missing = (Slice(),) * (kind.ndim - taken)
    if places:
        entries[places[0] : places[0] + 1] = missing
    else:
        entries.extend(missing)
    return tuple(entries)


def _entry(context: Context, entry: Any) -> Any:
    """One entry of an index."""
    if entry is None or entry is Ellipsis:
        return entry
    if isinstance(entry, slice):
        no_step_of_zero(context, entry.step, "slice step cannot be zero")
        return Slice(*(None if x is None else as_operand(_integer(context, x)) for x in _bounds(entry)))
    if isinstance(entry, ListValue | tuple | RangeValue):
        entry = as_array(context, entry, None if children(entry) else np.dtype(np.int64))
    if is_array(entry):
        if entry.type.dtype.kind not in "iub":
            context.fail(f"{describe(entry)} as an index", "only integers and booleans can be")
        return entry
    return _integer(context, entry)


def _bounds(entry: slice) -> tuple[Any, Any, Any]:
    return entry.start, entry.stop, entry.step


def _integer(context: Context, entry: Any) -> Any:
    if _is_flag(entry):
        context.fail("a bool as an index", "NumPy adds an axis for it", "use a boolean array, or int(...)")
    if not _is_integer(entry):
        context.fail(
            f"{describe(entry)} as an index",
            "NumPy takes integers, slices, None, `...` and arrays",
            "int(...)",
        )
    return entry


def _axes_taken(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    if is_array(entry) and entry.type.dtype.kind == "b":
        return entry.type.ndim
    return 1


def load(context: Context, array: Var, index: Index) -> Any:
    """``array[index]`` for a full index."""
    if any(is_array(entry) for entry in index):
        zero_d = next((e for e in index if is_array(e) and e.type.ndim == 0), None)
        if zero_d is None:
            result = context.call(pick, array, index)
            assert isinstance(array.type, Array)
            if array.type.layout != "C" or any(isinstance(entry, Slice) for entry in index):
                # NumPy puts the axes of the indices first in memory.
                context.unordered.add(result.name)
            return result
        index = tuple(context.call(item, e, ()) if e is zero_d else e for e in index)
        return load(context, array, index)
    if any(entry is None or isinstance(entry, Slice) for entry in index):
        return context.call(view, array, index)
    return context.call(item, array, index)
