"""Numba's versions of the functions in `native`. Importing this module registers them.

There are no annotations here: Numba compares the signatures of an overload and its implementation, text and all.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

from pullback.emit import native


@overload(native.grown, inline="never")
def _grown(stack):
    def grown(stack):
        wider = np.empty(2 * stack.size, stack.dtype)
        wider[: stack.size] = stack
        return wider

    return grown


@intrinsic
def _scale_real(typing_context, partial, seed):
    """Without branches, so that a loop over it stays one that vectorises."""
    if not (isinstance(partial, types.Float) and isinstance(seed, types.Float)):
        return None
    kind = partial if partial.bitwidth >= seed.bitwidth else seed

    def generate(context, builder, signature, arguments):
        zero = ir.Constant(context.get_value_type(kind), 0.0)
        a, b = (
            context.cast(builder, value, given, kind)
            for value, given in zip(arguments, signature.args, strict=True)
        )
        either = builder.or_(builder.fcmp_ordered("==", a, zero), builder.fcmp_ordered("==", b, zero))
        return builder.select(either, zero, builder.fmul(a, b))

    return kind(partial, seed), generate


@overload(native.scale, inline="always")
def _scale(partial, seed):
    if isinstance(partial, types.Float) and isinstance(seed, types.Float):
        return lambda partial, seed: _scale_real(partial, seed)

    def scale(partial, seed):
        product = partial * seed
        return product if partial != 0 and seed != 0 else product * 0 * 0

    return scale


@overload(native.check_index, inline="always")
def _check_index(index, length):
    def check_index(index, length):
        if index < -length or index >= length:
            raise IndexError("index out of range")

    return check_index


@overload(native.check_indices)
def _check_indices(indices, length):
    def check_indices(indices, length):
        for index in indices:
            if index < -length or index >= length:
                raise IndexError("index out of range")

    return check_indices
