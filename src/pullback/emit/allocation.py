"""Numba's versions of `native.empty` and `native.zeros`: instructions in the caller.

Numba's ``np.empty`` is a function, compiled anew for every program and rank in a tenth of a second.
"""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.npydecl import parse_dtype, parse_shape
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import get_itemsize

from pullback.emit import native


def _typer(context):
    def typer(shape, dtype):
        return types.Array(parse_dtype(dtype), parse_shape(shape), "C")

    return typer


type_callable(native.empty)(_typer)
type_callable(native.zeros)(_typer)


@lower_builtin(native.empty, types.Any, types.Any)
def _empty(context, builder, signature, arguments, loc=None):
    lengths = _lengths(context, builder, signature.args[0], arguments[0], loc)
    return allocated(context, builder, signature.return_type, lengths, loc).value


@lower_builtin(native.zeros, types.Any, types.Any)
def _zeros(context, builder, signature, arguments, loc=None):
    lengths = _lengths(context, builder, signature.args[0], arguments[0], loc)
    array = allocated(context, builder, signature.return_type, lengths, loc)
    cgutils.memset(builder, array.data, array.size, 0)
    return array.value


class Allocated(NamedTuple):
    """A new array: Numba's structure of its parts, where its elements are, and how many bytes they take."""

    value: Any
    data: Any
    size: Any


def allocated(context, builder, kind, lengths, loc=None):
    """A new array of type `kind` and these lengths, contiguous in C order."""
    itemsize = ir.Constant(cgutils.intp_t, get_itemsize(context, kind))
    strides, size, too_big = [], itemsize, cgutils.false_bit
    for length in reversed(lengths):
        strides.insert(0, size)
        product = builder.smul_with_overflow(size, length)
        size = builder.extract_value(product, 0)
        too_big = builder.or_(too_big, builder.extract_value(product, 1))
    message = "array is too big; its size in bytes is larger than the maximum possible size"
    raise_if(context, builder, too_big, ValueError, message, loc)
    alignment = context.get_preferred_array_alignment(kind.dtype)
    memory = context.nrt.meminfo_alloc_aligned(builder, size, alignment)
    raise_if(context, builder, cgutils.is_null(builder, memory), MemoryError, "Allocation failed", loc)
    element = context.get_data_type(kind.dtype)
    data = builder.bitcast(context.nrt.meminfo_data(builder, memory), element.as_pointer())
    count = ir.Constant(cgutils.intp_t, 1)
    for length in lengths:
        count = builder.mul(count, length, flags=["nsw"])
    parts = {
        "meminfo": memory, "nitems": count, "itemsize": itemsize, "data": data,
        "shape": cgutils.pack_array(builder, lengths, cgutils.intp_t),
        "strides": cgutils.pack_array(builder, strides, cgutils.intp_t),
    }  # fmt: skip
    value = context.get_constant_null(kind)
    position = context.data_model_manager[kind].get_field_position
    for name, part in parts.items():
        value = builder.insert_value(value, part, position(name))
    return Allocated(value, data, size)


def raise_if(context, builder, condition, error, message, loc=None):
    """Leave the function with an exception.

    All of a line's places that raise this one share a block, if the same arrays live there.
    """
    blocks = _RAISING.setdefault(builder.function, {})
    key = error, message, loc and loc.line, getattr(builder, "owned", tuple)()
    raising = blocks.get(key)
    if raising is None:
        raising = blocks[key] = builder.append_basic_block("raise")
        with builder.goto_block(raising):
            context.call_conv.return_user_exc(builder, error, (message,), loc, "compiled")
    behind = builder.append_basic_block("behind")
    builder.cbranch(condition, raising, behind).set_weights([1, 99])
    builder.position_at_end(behind)


_RAISING = WeakKeyDictionary()
"""For each function that is being written its blocks that raise, by what they raise."""


def _lengths(context, builder, kind, shape, loc):
    """The lengths of the axes, none of which is negative."""
    if isinstance(kind, types.Integer):
        lengths = [context.cast(builder, shape, kind, types.intp)]
    else:
        parts = cgutils.unpack_tuple(builder, shape, count=kind.count)
        lengths = [
            context.cast(builder, part, given, types.intp)
            for part, given in zip(parts, kind.types, strict=True)
        ]
    for length in lengths:
        if not isinstance(length, ir.Constant) or length.constant < 0:
            negative = builder.icmp_signed("<", length, ir.Constant(cgutils.intp_t, 0))
            raise_if(context, builder, negative, ValueError, "negative dimensions not allowed", loc)
    return lengths
