"""Numba's versions of `native.empty` and `native.zeros`: instructions in the caller.

Numba's ``np.empty`` is a function, compiled anew for every program and rank in a tenth of a second.
"""

import hashlib
import pickle
from itertools import accumulate
from typing import Any

from llvmlite import ir
from numba.core import callconv, cgutils, types
from numba.core.runtime import nrtdynmod
from numba.core.typing.npydecl import parse_dtype, parse_shape
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import get_itemsize

from pullback.emit import native
from pullback.emit.direct.elements import View, contiguous_steps
from pullback.emit.shared import shared


def _typer(context):
    def typer(shape, dtype):
        return types.Array(parse_dtype(dtype), parse_shape(shape), "C")

    return typer


type_callable(native.empty)(_typer)
type_callable(native.zeros)(_typer)


@lower_builtin(native.empty, types.Any, types.Any)
def _empty(context, builder, signature, arguments, loc=None):
    return _given(context, builder, signature, arguments, loc).whole(context, builder)


@lower_builtin(native.zeros, types.Any, types.Any)
def _zeros(context, builder, signature, arguments, loc=None):
    array = _given(context, builder, signature, arguments, loc)
    clear(context, builder, array)
    return array.whole(context, builder)


def _given(context, builder, signature, arguments, loc):
    lengths = _lengths(context, builder, signature.args[0], arguments[0])
    return allocated(context, builder, signature.return_type, lengths, loc, natural=False)


def clear(context, builder, array):
    """Write zeros into a contiguous array, a `View`."""
    size = builder.mul(array.size(builder), cgutils.intp_t(get_itemsize(context, array.kind)))
    cgutils.memset(builder, array.data, size, 0)


def allocated(context, builder, kind, lengths, loc=None, natural=True):
    """A new array of type `kind` and these lengths, contiguous in C order, as a `View`.

    Args:
        natural: whether the lengths are known not to be negative, or something else checks them.
    """
    itemsize = ir.Constant(cgutils.intp_t, get_itemsize(context, kind))
    alignment = ir.Constant(ir.IntType(32), context.get_preferred_array_alignment(kind.dtype))
    function = _function(context, builder.module, len(lengths))
    # A natural length that seems negative is too large for an integer.
    refused = (*_REFUSALS[:2], _REFUSALS[1]) if natural else _REFUSALS
    refusals = exceptions(context, builder, refused, loc)
    place = context.call_conv._get_excinfo_argument(builder.function)
    memory = builder.call(function, [itemsize, alignment, place, refusals, *lengths])
    leave_if(builder, cgutils.is_null(builder, memory))
    parts = builder.bitcast(memory, nrtdynmod._meminfo_struct_type.as_pointer())
    data = builder.load(cgutils.gep_inbounds(builder, parts, 0, _DATA))
    data = builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer())
    return View(kind, data, lengths, contiguous_steps(builder, "C", lengths), memory)


_DATA = 3
"""Where Numba's account of some memory has the pointer to it."""
_REFUSALS = (
    (MemoryError, "Allocation failed"),
    (ValueError, "array is too big; its size in bytes is larger than the maximum possible size"),
    (ValueError, "negative dimensions not allowed"),
)


def _function(context, module, rank):
    """What allocates an array of so many axes; null if it has left an exception."""
    word, refusal = cgutils.intp_t, callconv.excinfo_ptr_t
    kinds = [word, ir.IntType(32), refusal.as_pointer(), refusal, *(word,) * rank]

    def write(builder, size, alignment, place, refusals, *lengths):
        no_memory, too_big, negative = (refusal_of(builder, refusals, k) for k in range(len(_REFUSALS)))
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

    kind = ir.FunctionType(cgutils.voidptr_t, kinds)
    function = shared(module, f"pullback.allocate.{rank}", kind, write)
    function.return_value.add_attribute("noalias")
    return function


def exception(context, builder, error, arguments, loc):
    """The constant that stands for an exception, which is raised at a place in the source."""
    if not error.__module__.startswith(("builtins", "numpy", "pullback")):
        return context.get_python_api(builder).serialize_object((error, arguments, _place(builder, loc)))
    return _pickled(builder.module, [(error, arguments, _place(builder, loc))])


def exceptions(context, builder, refusals, loc):
    """A constant with one exception after the other, as `exception` has each, for `refusal_of`.

    Args:
        refusals: pairs of a class of Python or NumPy, and a message.
    """
    place = _place(builder, loc)
    return _pickled(builder.module, [(error, (message,), place) for error, message in refusals])


def refusal_of(builder, refusals, k):
    """The exception that is at position `k` in `exceptions`."""
    return builder.gep(refusals, [ir.IntType(32)(k)])


def _place(builder, loc):
    leaving = getattr(builder, "leaving", None)
    return None if loc is None else ("compiled" if leaving is None else leaving.name, loc.filename, loc.line)


def _pickled(module, described):
    """Constants as `callconv` has them, with what they point to behind, since each global takes time."""
    data = [pickle.dumps(one, pickle.DEFAULT_PROTOCOL) for one in described]
    name = f".const.exception.{hashlib.sha1(b''.join(data)).hexdigest()}"
    if name not in module.globals:
        hashed = {one: hashlib.sha1(one).digest() for one in data}
        parts = [part for pair in hashed.items() for part in pair]
        place = dict(zip(parts, accumulate(map(len, parts), initial=0), strict=False))
        body, length = cgutils.make_bytearray(b"".join(parts)), ir.IntType(32)
        kind = ir.ArrayType(callconv.excinfo_t, len(data))
        made: Any = cgutils.add_global_variable(module, ir.LiteralStructType([kind, body.type]), name)
        made.linkage, made.global_constant = "internal", True
        begin = {
            part: made.gep([length(0), length(1), length(at)]).bitcast(cgutils.voidptr_t)
            for part, at in place.items()
        }
        null = ir.Constant(cgutils.voidptr_t, None)
        infos = [[begin[one], length(len(one)), begin[hashed[one]], null, length(0)] for one in data]
        infos = ir.Constant(kind, [ir.Constant.literal_struct(info) for info in infos])
        made.initializer = ir.Constant.literal_struct([infos, body])
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
        _branch(builder, condition, leaving.failing)
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
