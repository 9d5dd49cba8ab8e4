"""Numba's versions of `native.empty` and `native.zeros`: instructions in the caller.

Numba's ``np.empty`` is a function, compiled anew for every program and rank in a tenth of a second.
"""

import hashlib
import pickle
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import callconv, cgutils, types
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
    refusals = [exception(context, builder, error, (message,), loc) for error, message in _REFUSALS]
    if natural:
        refusals[-1] = ir.Constant(refusals[-1].type, None)
    place = context.call_conv._get_excinfo_argument(builder.function)
    memory = builder.call(function, [itemsize, alignment, place, *refusals, *lengths])
    leave_if(builder, cgutils.is_null(builder, memory))
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


_REFUSALS = (
    (MemoryError, "Allocation failed"),
    (ValueError, "array is too big; its size in bytes is larger than the maximum possible size"),
    (ValueError, "negative dimensions not allowed"),
)


def _function(context, module, rank):
    """What allocates an array of so many axes, once for all in a module; null if it has left an exception."""
    name = f"pullback.allocate.{rank}"
    known = module.globals.get(name)
    if known is not None:
        return known
    word, refusal = cgutils.intp_t, callconv.excinfo_ptr_t
    kinds = [word, ir.IntType(32), refusal.as_pointer(), *(refusal,) * len(_REFUSALS), *(word,) * rank]
    function = ir.Function(module, ir.FunctionType(cgutils.voidptr_t, kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.return_value.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    size, alignment, place, no_memory, too_big, negative, *lengths = function.args
    is_negative = is_too_big = cgutils.false_bit
    for length in reversed(lengths):
        is_negative = builder.or_(is_negative, builder.icmp_signed("<", length, ir.Constant(word, 0)))
        product = builder.smul_with_overflow(size, length)
        size = builder.extract_value(product, 0)
        is_too_big = builder.or_(is_too_big, builder.extract_value(product, 1))
    with builder.if_then(builder.or_(is_negative, is_too_big), likely=False):
        builder.store(builder.select(is_negative, negative, too_big), place)
        builder.ret(ir.Constant(cgutils.voidptr_t, None))
    memory = context.nrt.meminfo_alloc_aligned_unchecked(builder, size, alignment)
    with builder.if_then(cgutils.is_null(builder, memory), likely=False):
        builder.store(no_memory, place)
    builder.ret(memory)
    return function


def exception(context, builder, error, arguments, loc):
    """The constant that stands for an exception, which is raised at a place in the source."""
    leaving = getattr(builder, "leaving", None)
    where = None if loc is None else ("compiled" if leaving is None else leaving.name, loc.filename, loc.line)
    described = (error, arguments, where)
    if not error.__module__.startswith(("builtins", "numpy", "pullback")):
        return context.get_python_api(builder).serialize_object(described)
    return _pickled(builder.module, pickle.dumps(described, pickle.DEFAULT_PROTOCOL))


def _pickled(module, data):
    """A constant as `callconv` has them, with what it points to behind it, since each global takes time."""
    digest = hashlib.sha1(data).digest()
    name = f".const.exception.{digest.hex()}"
    if name not in module.globals:
        body = cgutils.make_bytearray(data + digest)
        kind = ir.LiteralStructType([*callconv.excinfo_t.elements, body.type])
        made: Any = cgutils.add_global_variable(module, kind, name)
        made.linkage, made.global_constant = "internal", True
        length = ir.IntType(32)
        parts = [made.gep([length(0), length(5), length(place)]) for place in (0, len(data))]
        pickled, hashed = (part.bitcast(cgutils.voidptr_t) for part in parts)
        null = ir.Constant(cgutils.voidptr_t, None)
        made.initializer = ir.Constant.literal_struct(
            [pickled, length(len(data)), hashed, null, length(0), body]
        )
    return module.globals[name].bitcast(callconv.excinfo_ptr_t)


def raise_if(context, builder, condition, error, message, loc=None):
    """Leave the function with an exception."""
    leaving, raised = getattr(builder, "leaving", None), exception(context, builder, error, (message,), loc)
    if leaving is not None:
        _branch(builder, condition, leaving.raised(raised))
        return
    with builder.if_then(condition, likely=False):
        builder.store(raised, context.call_conv._get_excinfo_argument(builder.function))
        builder.ret(callconv.RETCODE_USEREXC)


def leave_if(builder, condition):
    """Leave the function with the exception that something which was called has put into its place."""
    leaving = getattr(builder, "leaving", None)
    if leaving is not None:
        _branch(builder, condition, leaving.failed())
        return
    with builder.if_then(condition, likely=False):
        builder.ret(callconv.RETCODE_USEREXC)


def _branch(builder, condition, block):
    behind = builder.append_basic_block("behind")
    builder.cbranch(condition, block, behind).set_weights([1, 99])
    builder.position_at_end(behind)


def _lengths(context, builder, kind, shape):
    """The lengths of the axes."""
    if isinstance(kind, types.Integer):
        return [context.cast(builder, shape, kind, types.intp)]
    parts = cgutils.unpack_tuple(builder, shape, count=kind.count)
    return [
        context.cast(builder, part, given, types.intp) for part, given in zip(parts, kind.types, strict=True)
    ]
