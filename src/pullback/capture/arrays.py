"""Making arrays: from lists and tuples of abstract values, and NumPy's creation functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.values import (
    Flat,
    ListValue,
    RangeValue,
    as_operand,
    children,
    describe,
    is_array,
    is_number,
    is_numeric,
    is_scalar,
    is_static,
    kind_of,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Const, Var
from pullback.ir.primitives import bind, cast
from pullback.ir.types import Array


def as_array(context: Context, value: Any, dtype: Any = None) -> Any:
    """A numeric value as it is; a list or tuple of numbers or arrays as a new array."""
    if is_numeric(value):
        return value
    if isinstance(value, Flat):
        return copy(context, vector_of(context, value.array))
    if isinstance(value, RangeValue):
        return context.call(np.arange, *(as_operand(x) for x in (value.start, value.stop, value.step)))
    if not isinstance(value, tuple | ListValue):
        context.fail(f"{describe(value)} where an array is needed", "it is neither a number nor an array")
    keywords = {} if dtype is None else {"dtype": dtype}
    parts = children(value) or []
    if not parts:
        return context.call(np.empty, (0,), **keywords)
    if any(is_array(part) for part in parts) or any(_holds_array(part) for part in parts):
        rows = tuple(as_array(context, part) for part in parts)
        if not all(is_array(row) for row in rows):
            context.fail(
                "an array of arrays and numbers", "its rows have different lengths", "give all of one shape"
            )
        stacked = context.call(np.stack, rows)
        return stacked if dtype is None else converted(context, stacked, dtype)
    return context.call(np.array, _nested(context, value), **keywords)


def _holds_array(value: Any) -> bool:
    return is_array(value) or any(_holds_array(part) for part in children(value) or ())


def _nested(context: Context, value: Any) -> Any:
    """Nested tuples of operands."""
    if is_scalar(value):
        return as_operand(value)
    parts = children(value)
    if parts is None or isinstance(value, RangeValue):
        context.fail(f"{describe(value)} in an array", "only numbers can be")
    return tuple(_nested(context, part) for part in parts)


def dtype_of(context: Context, value: Any) -> np.dtype[Any] | None:
    """A static dtype, or None."""
    if value is None:
        return None
    try:
        dtype = np.dtype(value)
    except TypeError:
        context.fail(f"{describe(value)} as a dtype", "NumPy knows none of that name")
    if dtype.kind not in "biufc":
        context.fail(f"the dtype {dtype}", "only numbers can be in a program")
    if dtype.char in "egG":
        context.fail(
            f"the dtype {dtype}", "compiled code computes in single and double precision", "use np.float64"
        )
    return dtype


def converted(context: Context, value: Any, dtype: np.dtype[Any]) -> Any:
    """A number or array of another dtype; fresh memory."""
    if is_number(value):
        return dtype.type(value)
    return context.call(cast, value, dtype)


def shape_tuple(context: Context, value: Any) -> tuple[Any, ...]:
    """A shape: a tuple of operands. An int is a shape of one axis."""
    parts = children(value) if isinstance(value, tuple | ListValue) else [value]
    for part in parts or ():
        if not is_scalar(part) or kind_of(part).dtype.kind not in "iu":
            context.fail(f"{describe(part)} as a length", "lengths are integers", "int(...)")
    return tuple(as_operand(part) for part in parts or ())


def copy(context: Context, value: Any) -> Any:
    """Fresh memory in C order."""
    if not is_array(value):
        return value
    options = {} if value.type.layout == "C" else {"order": "C"}
    fresh = context.call(np.copy, value, **options)
    context.unordered.discard(fresh.name)
    return fresh


def reshape(context: Context, value: Any, shape: tuple[Any, ...]) -> Any:
    """``np.reshape(value, shape)``: a view where the memory is in C order, else of a copy."""
    if not is_array(value):
        value = context.call(np.array, (as_operand(value),)) if is_scalar(value) else as_array(context, value)
    kind = value.type
    if kind.layout == "C" and value.name not in context.unordered:
        return context.call(np.reshape, value, shape)
    fresh = copy(context, value)
    result = context.call(np.reshape, fresh, shape)
    context.copied(result, value, "reshape")
    return result


def vector_of(context: Context, array: Var) -> Var:
    """``array.flat``: the elements in C order, in the array's own memory where that is in C order."""
    kind = array_kind(array)
    shape = (as_operand(size(context, array)),)
    if kind.layout == "C":
        return array if kind.ndim == 1 else context.call(np.reshape, array, shape)
    fresh = context.call(np.reshape, copy(context, array), shape)
    context.copied(fresh, array, ".flat")
    return fresh


def size(context: Context, value: Any) -> Any:
    """The number of elements."""
    total: Any = 1
    for axis in range(value.type.ndim if is_array(value) else 0):
        length = context.dim(value, axis)
        if isinstance(length, Var):
            total = length if isinstance(total, int) else context.call(np.multiply, total, length)
    return total


def transpose(context: Context, value: Any, axes: tuple[int, ...] | None = None) -> Any:
    """``np.transpose``: a view."""
    if not is_array(value) or value.type.ndim < 2:
        return value
    if axes is None or tuple(axes) == tuple(reversed(range(value.type.ndim))):
        return context.call(np.transpose, value)
    return context.call(np.transpose, value, Const(tuple(axes)))


def alias(context: Context, value: Any) -> Any:
    """A second name for an array."""
    return context.call(bind, value) if isinstance(value, Var) else value


def normal_axis(context: Context, axis: Any, ndim: int) -> int:
    """A static axis, counted from the front."""
    if not isinstance(axis, int | np.integer):
        context.static_needed("an axis", axis)
    if not -ndim <= axis < ndim:
        context.fail(f"axis {axis} of an array of {ndim} axes", "NumPy raises an AxisError")
    return int(axis) % ndim


def static(context: Context, value: Any, what: str) -> Any:
    """A value that must be static."""
    if not is_static(value):
        context.static_needed(what, value)
    return to_python(value)


def array_kind(value: Var) -> Array:
    assert isinstance(value.type, Array)
    return value.type
