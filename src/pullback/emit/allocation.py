"""Numba's versions of `native.empty` and `native.zeros`: instructions in the caller.

Numba's ``np.empty`` is a function, compiled anew for every program and rank in a tenth of a second.
"""

from typing import Any, NamedTuple

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
    lengths = _lengths(context, builder, signature.args[0], arguments[0])
    return allocated(context, builder, signature.return_type, lengths, loc, natural=False).value


@lower_builtin(native.zeros, types.Any, types.Any)
def _zeros(context, builder, signature, arguments, loc=None):
    lengths = _lengths(context, builder, signature.args[0], arguments[0])
    array = allocated(context, builder, signature.return_type, lengths, loc, natural=False)
    cgutils.memset(builder, array.data, array.size, 0)
    return array.value


class Allocated(NamedTuple):
    """A new array: Numba's structure of its parts, where its elements are, and how many bytes they take."""

    value: Any
    data: Any
    size: Any


def allocated(context, builder, kind, lengths, loc=None, natural=True):
    """A new array of type `kind` and these lengths, contiguous in C order.

    Args:
        natural: whether the lengths are known not to be negative, or something else checks them.
    """
    itemsize = ir.Constant(cgutils.intp_t, get_itemsize(context, kind))
    alignment = ir.Constant(ir.IntType(32), context.get_preferred_array_alignment(kind.dtype))
    function = _function(context, builder.module, len(lengths))
    memory = builder.call(function, [itemsize, alignment, *lengths])
    address = builder.ptrtoint(memory, cgutils.intp_t)
    refused, behind = builder.append_basic_block("refused"), builder.append_basic_block("behind")
    said = builder.icmp_unsigned("<=", address, ir.Constant(cgutils.intp_t, _TOO_BIG))
    builder.cbranch(said, refused, behind).set_weights([1, 99])
    builder.position_at_end(refused)
    _refuse(context, builder, address, _REFUSALS[1 if natural else 0 :], loc)
    builder.position_at_end(behind)
    element = context.get_data_type(kind.dtype)
    data = builder.bitcast(context.nrt.meminfo_data(builder, memory), element.as_pointer())
    strides, count = [], ir.Constant(cgutils.intp_t, 1)
    for length in reversed(lengths):
        strides.insert(0, builder.mul(count, itemsize))
        count = builder.mul(length, count, flags=["nsw"])
    parts = {
        "meminfo": memory, "nitems": count, "itemsize": itemsize, "data": data,
        "shape": cgutils.pack_array(builder, lengths, cgutils.intp_t),
        "strides": cgutils.pack_array(builder, strides, cgutils.intp_t),
    }  # fmt: skip
    value = context.get_constant_null(kind)
    position = context.data_model_manager[kind].get_field_position
    for name, part in parts.items():
        value = builder.insert_value(value, part, position(name))
    return Allocated(value, data, builder.mul(count, itemsize))


_NEGATIVE, _NO_MEMORY, _TOO_BIG = 1, 0, 2
_REFUSALS = (
    (_NEGATIVE, ValueError, "negative dimensions not allowed"),
    (_TOO_BIG, ValueError, "array is too big; its size in bytes is larger than the maximum possible size"),
    (_NO_MEMORY, MemoryError, "Allocation failed"),
)


def _function(context, module, rank):
    """What allocates an array of so many axes, once for all in a module; a number for memory says why not."""
    name = f"pullback.allocate.{rank}"
    known = module.globals.get(name)
    if known is not None:
        return known
    word = cgutils.intp_t
    kind = ir.FunctionType(cgutils.voidptr_t, [word, ir.IntType(32), *(word,) * rank])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.return_value.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    size, alignment, *lengths = function.args
    negative = too_big = cgutils.false_bit
    for length in reversed(lengths):
        negative = builder.or_(negative, builder.icmp_signed("<", length, ir.Constant(word, 0)))
        product = builder.smul_with_overflow(size, length)
        size = builder.extract_value(product, 0)
        too_big = builder.or_(too_big, builder.extract_value(product, 1))
    for test, code in ((negative, _NEGATIVE), (too_big, _TOO_BIG)):
        with builder.if_then(test, likely=False):
            builder.ret(builder.inttoptr(ir.Constant(word, code), cgutils.voidptr_t))
    builder.ret(context.nrt.meminfo_alloc_aligned_unchecked(builder, size, alignment))
    return function


def raise_if(context, builder, condition, error, message, loc=None):
    """Leave the function with an exception."""
    leaving = getattr(builder, "leaving", None)
    if leaving is None:
        with builder.if_then(condition, likely=False):
            context.call_conv.return_user_exc(builder, error, (message,), loc, "compiled")
        return
    behind = builder.append_basic_block("behind")
    exception = leaving.exception(error, (message,), loc and loc.line)
    builder.cbranch(condition, leaving.raised(exception), behind).set_weights([1, 99])
    builder.position_at_end(behind)


def _refuse(context, builder, address, refusals, loc):
    """Leave the function with the exception that a number for memory stands for."""
    leaving = getattr(builder, "leaving", None)
    tests = [builder.icmp_unsigned("==", address, ir.Constant(cgutils.intp_t, code)) for code, *_ in refusals]
    if leaving is None:
        for test, (_, error, message) in zip(tests, refusals, strict=True):
            raise_if(context, builder, test, error, message, loc)
        builder.unreachable()
        return
    exceptions = [leaving.exception(error, (message,), loc and loc.line) for _, error, message in refusals]
    chosen = exceptions[-1]
    for test, exception in zip(tests[:-1], exceptions[:-1], strict=True):
        chosen = builder.select(test, exception, chosen)
    builder.branch(leaving.raised(chosen))


def _lengths(context, builder, kind, shape):
    """The lengths of the axes."""
    if isinstance(kind, types.Integer):
        return [context.cast(builder, shape, kind, types.intp)]
    parts = cgutils.unpack_tuple(builder, shape, count=kind.count)
    return [
        context.cast(builder, part, given, types.intp) for part, given in zip(parts, kind.types, strict=True)
    ]
