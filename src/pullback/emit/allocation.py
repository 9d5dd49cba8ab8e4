"""Numba's versions of `native.empty` and `native.zeros`: instructions in the caller.

Numba's ``np.empty`` is a function, compiled anew for every program and rank in a tenth of a second.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.npydecl import parse_dtype, parse_shape
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import get_itemsize, make_array, populate_array

from pullback.emit import native


def _typer(context):
    def typer(shape, dtype):
        return types.Array(parse_dtype(dtype), parse_shape(shape), "C")

    return typer


type_callable(native.empty)(_typer)
type_callable(native.zeros)(_typer)


@lower_builtin(native.empty, types.Any, types.Any)
def _empty(context, builder, signature, arguments):
    lengths = _lengths(context, builder, signature.args[0], arguments[0])
    return allocated(context, builder, signature.return_type, lengths)._getvalue()


@lower_builtin(native.zeros, types.Any, types.Any)
def _zeros(context, builder, signature, arguments):
    lengths = _lengths(context, builder, signature.args[0], arguments[0])
    array = allocated(context, builder, signature.return_type, lengths)
    size = builder.mul(array.itemsize, array.nitems)
    cgutils.memset(builder, array.data, size, 0)
    return array._getvalue()


def allocated(context, builder, kind, lengths):
    """A new array of type `kind` and these lengths, as Numba's structure of its parts."""
    itemsize = ir.Constant(cgutils.intp_t, get_itemsize(context, kind))
    strides, size, too_big = [], itemsize, cgutils.false_bit
    for length in reversed(lengths):
        strides.insert(0, size)
        product = builder.smul_with_overflow(size, length)
        size = builder.extract_value(product, 0)
        too_big = builder.or_(too_big, builder.extract_value(product, 1))
    with cgutils.if_unlikely(builder, too_big):
        message = "array is too big; its size in bytes is larger than the maximum possible size"
        context.call_conv.return_user_exc(builder, ValueError, (message,))
    alignment = context.get_preferred_array_alignment(kind.dtype)
    memory = context.nrt.meminfo_alloc_aligned(builder, size, alignment)
    with cgutils.if_unlikely(builder, cgutils.is_null(builder, memory)):
        context.call_conv.return_user_exc(builder, MemoryError, ("Allocation failed",))
    array = make_array(kind)(context, builder)
    data = context.nrt.meminfo_data(builder, memory)
    element = context.get_data_type(kind.dtype)
    populate_array(
        array,
        data=builder.bitcast(data, element.as_pointer()),
        shape=lengths,
        strides=strides,
        itemsize=itemsize,
        meminfo=memory,
    )
    return array


def _lengths(context, builder, kind, shape):
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
        negative = builder.icmp_signed("<", length, ir.Constant(cgutils.intp_t, 0))
        with cgutils.if_unlikely(builder, negative):
            message = "negative dimensions not allowed"
            context.call_conv.return_user_exc(builder, ValueError, (message,))
    return lengths
