"""Sums and products of complex numbers as instructions: as NumPy defines them, without a detour by memory.

Numba's product is a function of its own, which is compiled anew in every process.
"""

from llvmlite import ir


def add(builder, x, y):
    """``x + y``."""
    (a, b), (c, d) = parts(builder, x), parts(builder, y)
    return whole(builder, x.type, builder.fadd(a, c), builder.fadd(b, d))


def subtract(builder, x, y):
    """``x - y``."""
    (a, b), (c, d) = parts(builder, x), parts(builder, y)
    return whole(builder, x.type, builder.fsub(a, c), builder.fsub(b, d))


def multiply(builder, x, y):
    """``x * y``."""
    (a, b), (c, d) = parts(builder, x), parts(builder, y)
    real = builder.fsub(builder.fmul(a, c), builder.fmul(b, d))
    return whole(builder, x.type, real, builder.fadd(builder.fmul(a, d), builder.fmul(b, c)))


def is_not_zero(builder, x):
    """``x != 0``."""
    tests = [builder.fcmp_unordered("!=", part, ir.Constant(part.type, 0.0)) for part in parts(builder, x)]
    return builder.or_(*tests)


def parts(builder, x):
    """Real and imaginary part."""
    return [builder.extract_value(x, position) for position in range(2)]


def whole(builder, kind, real, imag):
    """The number of two parts."""
    return builder.insert_value(builder.insert_value(ir.Constant(kind, ir.Undefined), real, 0), imag, 1)
