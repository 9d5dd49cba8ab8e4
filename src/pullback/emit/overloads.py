"""Numba's versions of the functions in `native`. Importing this module registers them.

There are no annotations here: Numba compares the signatures of an overload and its implementation, text and
all. The small ones are generated as LLVM instructions in their caller, since Numba takes about 50 ms for a
function of its own, and its ``inline="always"`` was seen to lose stores (0.68).
"""

import math

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, overload, type_callable
from numba.np.arrayobj import make_array

from pullback.emit import allocation, arithmetic, native


@type_callable(native.reserve)
def _type_of_reserve(context):
    def typer(room, size):
        return room if isinstance(room, types.Array) and isinstance(size, types.Integer) else None

    return typer


@lower_builtin(native.reserve, types.Array, types.Integer)
def _reserve(context, builder, signature, arguments):
    kind, given = signature.args
    room = make_array(kind)(context, builder, arguments[0])
    size = context.cast(builder, arguments[1], given, types.intp)
    result = cgutils.alloca_once(builder, arguments[0].type)
    fits = builder.icmp_signed("<=", size, room.nitems)
    with builder.if_else(fits) as (enough, more):
        with enough:
            context.nrt.incref(builder, kind, arguments[0])
            builder.store(arguments[0], result)
        with more:
            twice = builder.mul(room.nitems, ir.Constant(cgutils.intp_t, 2))
            length = builder.select(builder.icmp_signed(">", twice, size), twice, size)
            wider = allocation.allocated(context, builder, signature.return_type, [length])
            cgutils.raw_memcpy(builder, wider.data, room.data, room.nitems, room.itemsize)
            builder.store(wider.whole(context, builder), result)
    return builder.load(result)


@overload(native.divide)
def _divide(a, b):
    """As NumPy divides (Smith, *Algorithm 116: Complex division*, 1962)."""

    def divide(a, b):
        c, d = b.real, b.imag
        if abs(c) >= abs(d):
            if c == 0 and d == 0:
                return complex(a.real / abs(c), a.imag / abs(c))
            ratio = d / c
            scale = c + d * ratio
            return complex((a.real + a.imag * ratio) / scale, (a.imag - a.real * ratio) / scale)
        ratio = c / d
        scale = d + c * ratio
        return complex((a.real * ratio + a.imag) / scale, (a.imag * ratio - a.real) / scale)

    return divide


@overload(native.magnitude)
def _magnitude(z):
    """Without ``hypot``, which takes ten times as long, where the squares are neither huge nor tiny."""
    kind = z.underlying_float

    def magnitude(z):
        x, y = float(z.real), float(z.imag)
        square = x * x + y * y
        if 1e-280 < square < 1e300:
            return kind(math.sqrt(square))
        return kind(math.hypot(x, y))

    return magnitude


@overload(native.direction)
def _direction(z):
    kind = z

    def direction(z):
        size = native.magnitude(z)
        if size == 0:
            return kind(0)
        if size == math.inf:
            x, y = math.isinf(z.real), math.isinf(z.imag)
            if x and y:
                return kind(complex(math.nan, math.nan))
            return kind(complex(math.copysign(x, z.real), math.copysign(y, z.imag)))
        return kind(complex(z.real / size, z.imag / size))

    return direction


@type_callable(native.scale)
def _type_of_scale(context):
    def typer(partial, seed):
        if isinstance(partial, types.Boolean):
            return seed
        if isinstance(partial, types.Number) and isinstance(seed, types.Number):
            return context.unify_types(partial, seed)
        return None

    return typer


@lower_builtin(native.scale, types.Boolean, types.Number)
@lower_builtin(native.scale, types.Number, types.Number)
def _scale(context, builder, signature, arguments):
    """Without branches where it can be, so that a loop over it stays one that vectorises."""
    kind = signature.return_type
    a, b = (
        context.cast(builder, value, given, kind)
        for value, given in zip(arguments, signature.args, strict=True)
    )
    if isinstance(kind, types.Float):
        zero = ir.Constant(context.get_value_type(kind), 0.0)
        either = builder.or_(builder.fcmp_ordered("==", a, zero), builder.fcmp_ordered("==", b, zero))
        return builder.select(either, zero, builder.fmul(a, b))
    if isinstance(kind, types.Integer):
        return builder.mul(a, b)
    product = arithmetic.multiply(builder, a, b)
    both = builder.and_(arithmetic.is_not_zero(builder, a), arithmetic.is_not_zero(builder, b))
    return builder.select(both, product, context.get_constant_null(kind))


@type_callable(native.check_index)
def _type_of_check_index(context):
    def typer(index, length):
        return types.none if isinstance(index, types.Integer) else None

    return typer


@lower_builtin(native.check_index, types.Integer, types.Integer)
def _check_index(context, builder, signature, arguments, loc=None):
    index, length = (
        context.cast(builder, value, given, types.int64)
        for value, given in zip(arguments, signature.args, strict=True)
    )
    low = builder.icmp_signed("<", index, builder.neg(length))
    high = builder.icmp_signed(">=", index, length)
    allocation.raise_if(context, builder, builder.or_(low, high), IndexError, "index out of range", loc)
    return context.get_dummy_value()


def _typer_of_a_check(kind):
    def type_of(context):
        def typer(number):
            return types.none if isinstance(number, kind) else None

        return typer

    return type_of


type_callable(native.check_divisor)(_typer_of_a_check(types.Integer))
type_callable(native.check_fits)(_typer_of_a_check(types.Float))


@lower_builtin(native.check_divisor, types.Integer)
def _check_divisor(context, builder, signature, arguments, loc=None):
    fails = builder.icmp_signed("==", arguments[0], ir.Constant(arguments[0].type, 0))
    allocation.raise_if(context, builder, fails, ZeroDivisionError, native.BY_ZERO, loc)
    return context.get_dummy_value()


@lower_builtin(native.check_fits, types.Float)
def _check_fits(context, builder, signature, arguments, loc=None):
    nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])
    allocation.raise_if(context, builder, nan, ValueError, native.NOT_A_NUMBER, loc)
    limit = ir.Constant(arguments[0].type, 2.0**63)
    below = builder.fcmp_ordered("<", arguments[0], limit)
    above = builder.fcmp_ordered(">", arguments[0], builder.fneg(limit))
    fails = builder.not_(builder.and_(below, above))
    allocation.raise_if(context, builder, fails, OverflowError, native.TOO_LARGE, loc)
    return context.get_dummy_value()


@type_callable(native.opaque)
def _type_of_opaque(context):
    def typer(index):
        return index if isinstance(index, types.Integer) else None

    return typer


@lower_builtin(native.opaque, types.Integer)
def _opaque(context, builder, signature, arguments):
    kind = arguments[0].type
    # No instruction: the register it is in is named as input and as output.
    return builder.asm(ir.FunctionType(kind, [kind]), "", "=r,0", arguments, side_effect=False)


@overload(native.check_indices)
def _check_indices(indices, length):
    def check_indices(indices, length):
        for index in indices:
            if index < -length or index >= length:
                raise IndexError("index out of range")

    return check_indices


@overload(np.may_share_memory)
def _may_share_memory(a, b):
    def may_share_memory(a, b):
        if a.size == 0 or b.size == 0:
            return False
        first, behind = np.int64(a.ctypes.data), np.int64(a.ctypes.data) + a.itemsize
        for n, stride in zip(a.shape, a.strides):  # noqa: B905
            first += min((n - 1) * stride, 0)
            behind += max((n - 1) * stride, 0)
        start, end = np.int64(b.ctypes.data), np.int64(b.ctypes.data) + b.itemsize
        for n, stride in zip(b.shape, b.strides):  # noqa: B905
            start += min((n - 1) * stride, 0)
            end += max((n - 1) * stride, 0)
        return first < end and start < behind

    return may_share_memory
