"""Stores into arrays, lists and dicts, plain and augmented."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import array_kind, as_array, vector_of
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate
from pullback.capture.indexing import (
    Index,
    element,
    full_index,
    load,
    owner_and_index,
    part_of,
    without_flag,
)  # fmt: skip
from pullback.capture.operators import binary
from pullback.capture.values import (
    DictValue,
    Flat,
    ListValue,
    Method,
    RangeValue,
    as_operand,
    describe,
    is_array,
    is_number,
    is_numeric,
    is_static,
    kind_of,
    to_python,
)  # fmt: skip
from pullback.ir.build import dummy_arg
from pullback.ir.nodes import Slice, Store, Var
from pullback.ir.primitives import item
from pullback.ir.types import Array
from pullback.ir.walk import walk


def store(context: Context, array: Var, index: Index, value: Any) -> None:
    """``array[index] = value`` for a full index."""
    _check_value(context, array, index, value)
    context.check_store(array)
    context.builder.location = context.location()
    context.builder.store(array, index, value)


def _check_value(context: Context, array: Var, index: Index, value: Any) -> None:
    """NumPy's own check of types and ranks, on small arrays."""
    if not is_numeric(value):
        context.fail(f"{describe(value)} is stored into an array", "only numbers and arrays can be")
    if kind_of(value).dtype.kind == "c" and kind_of(array).dtype.kind != "c":
        context.fail(
            "a complex value is stored into a real array",
            "NumPy would drop the imaginary part",
            "make the array complex, or store `.real`",
        )
    if not is_array(value) or any(is_array(entry) for entry in index):
        return
    target = dummy_arg(array)
    entries = tuple(slice(None) if isinstance(e, Slice) else None if e is None else 0 for e in index)
    try:
        target[entries] = dummy_arg(value)
    except ValueError as error:
        if np.ndim(dummy_arg(value)) > np.ndim(target[entries]):
            context.fail("the value has more axes than the place it is stored into", f"NumPy says: {error}")


def store_subscript(
    context: Context, target: ast.Subscript, value: Any, function: Callable[..., Any] | None = None
) -> None:
    """``owner[index] = value``; with a `function`, `value` is the syntax of ``owner[index] op= value``."""
    owner, index = owner_and_index(context, target)
    if is_array(owner):
        owner, index = without_flag(context, owner, index)
        full = full_index(context, owner, index)
        if function is not None:
            _update(context, owner, full, function, value)
            return
        if isinstance(value, tuple | ListValue | RangeValue):
            value = as_array(context, value)
        statement = context.frame.statement
        context.frame.storing = isinstance(statement, ast.Assign) and statement.targets == [target]
        store(context, owner, full, value)
        return
    if isinstance(owner, Flat):
        context.frame.storing = function is None
        if function is not None:
            value = binary(context, function, element(context, owner, index), evaluate(context, value))
        store_flat(context, owner.array, index, value)
        return
    if isinstance(owner, Method | tuple) or is_number(owner) or not isinstance(owner, ListValue | DictValue):
        context.fail(f"an item of {describe(owner)} is assigned", "it cannot change")
    context.changes_shape(f"{describe(owner)} is changed", owner.home)
    if not is_static(index) or isinstance(index, slice):
        context.static_needed("the place in a list or dict that is assigned", index)
    if function is not None:
        value = binary(context, function, part_of(context, owner, index), evaluate(context, value))
    context.keep(value)
    if isinstance(owner, DictValue):
        owner.items[to_python(index)] = value
        return
    part_of(context, owner, index)
    owner.items[operator.index(index)] = value


def store_flat(context: Context, array: Var, index: Any, value: Any) -> None:
    """``array.flat[index] = value``, of which NumPy takes as many numbers as it needs, over and over."""
    vector = vector_of(context, array)
    if array_kind(array).layout != "C":
        context.fail(
            "a store into the .flat of an array that is not in C order",
            "no view of it has one axis",
            "index the array itself",
        )
    vector, index = without_flag(context, vector, index)
    full = full_index(context, vector, index)
    value = as_array(context, value)
    if is_array(value):
        places = load(context, context.call(np.arange, as_operand(context.dim(vector, 0))), full)
        if is_array(places):
            value = cycled(context, value, context.dim(places, 0))
        else:
            value = load(context, vector_of(context, value), (0,))
    store(context, vector, full, value)


def cycled(context: Context, value: Var, count: Any) -> Var:
    """So many elements of `value`, from the first again after the last."""
    vector = vector_of(context, value)
    length = context.dim(vector, 0)
    if isinstance(length, Var):
        none = context.call(np.equal, length, 0, name="none")
        context.raise_if(none, ValueError, "no values to store")
    numbers = context.call(np.arange, as_operand(count))
    return load(context, vector, (context.call(np.remainder, numbers, length),))


def _update(
    context: Context, array: Var, index: Index, function: Callable[..., Any], value_node: ast.expr
) -> None:
    """``array[index] op= value``: Python reads an element before it evaluates the value."""
    block = context.builder.innermost
    mark = len(block)
    value = evaluate(context, value_node)
    context.frame.storing = True
    stored = any(isinstance(statement, Store) for statement in walk(tuple(block[mark:])))
    if stored and not _leaves_axis(index, array_kind(array)):
        before = context.call(item, array, index)
        block.insert(mark, block.pop())
        store(context, array, index, binary(context, function, before, value))
        return
    augmented(context, array, index, function, value)


def augmented(
    context: Context, array: Var, index: tuple[Any, ...] | None, function: Callable[..., Any], value: Any
) -> None:
    """``array[index] op= value``, in place, as NumPy does it; an index of None is the whole array."""
    kind = array.type
    assert isinstance(kind, Array)
    whole = (Slice(),) * kind.ndim if index is None else index
    if not is_numeric(value):
        value = as_array(context, value)
    element = index is not None and not _leaves_axis(index, kind)
    if not element:
        _check_in_place(context, array, whole, function, value)
    indexed = any(is_array(entry) for entry in whole)
    context.check_store(array)
    exact = kind.dtype.kind in "ifc" and not indexed
    if function is np.add and exact:
        context.builder.location = context.location()
        context.builder.store(array, whole, value, accumulate=True)
        return
    if function is np.subtract and exact and kind_of(value).dtype.kind in "ifc":
        minus = -value if is_number(value) else context.call(np.negative, value)
        context.builder.location = context.location()
        context.builder.store(array, whole, minus, accumulate=True)
        return
    current = array if index is None else load(context, array, whole)
    store(context, array, whole, binary(context, function, current, value))


def _leaves_axis(index: tuple[Any, ...], kind: Array) -> bool:
    entries = [entry for entry in index if entry is not None]
    return len(entries) < kind.ndim or any(isinstance(e, Slice) or is_array(e) for e in entries)


def _check_in_place(
    context: Context, array: Var, index: tuple[Any, ...], function: Callable[..., Any], value: Any
) -> None:
    """NumPy's own check that the result may be written back into the array's dtype."""
    target = dummy_arg(array)
    operand = dummy_arg(as_operand(value))
    try:
        with np.errstate(all="ignore"):
            if function is np.matmul:
                return
            result = np.result_type(
                function(np.ones((), target.dtype), np.ravel(operand)[:1] if np.ndim(operand) else operand)
            )
            if not np.can_cast(result, target.dtype, "same_kind"):
                raise TypeError(f"a result of {result} cannot be written into an array of {target.dtype}")
    except TypeError as error:
        context.fail(
            "this update does not fit the array",
            f"NumPy says: {error}",
            "make an array of the wider dtype first",
        )
