"""`exp`, `log`, `tanh`, `sin` and so on of floats as straight-line code, for loops that LLVM vectorises.

Numba calls the C library one number at a time: 5 to 13 ns. Here is no branch and no call: range reduction
after Cody and Waite (*Software Manual for the Elementary Functions*, 1980), polynomials by Estrin's scheme,
integers by way of the mantissa (a vector unit has no conversion). Within 1 ulp, `tanh` 3; infinities, NaN,
overflow and denormal numbers as in NumPy. Every instruction has its own flags, as `reassoc` would undo the
reductions.
"""

import math
import struct
from typing import NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, type_callable

from pullback.emit import native


class Format(NamedTuple):
    """A floating point format, and what the functions need to know of it.

    Attributes:
        real, word: LLVM's types of a number and of its bits.
        mantissa, bias: bits of the mantissa, and what is added to exponents.
        log_2: log(2) in two parts, of which the first times an exponent is exact.
        exp: the minimax coefficients of (exp(r) - 1 - r) / r² where |r| < log(2) / 2, relative to exp(r) - 1.
        log: those of log(1 + f) = 2 artanh(s), s = f / (2 + f), in powers of s*s.
        overflow, underflow: where `exp` is infinite and where it is 0.
        flat: where `tanh` is 1 to the last bit.
        root: the bits of the root of 1/2.
    """

    real: ir.Type
    word: ir.IntType
    mantissa: int
    bias: int
    log_2: tuple[float, float]
    exp: tuple[float, ...]
    log: tuple[float, ...]
    overflow: float
    underflow: float
    flat: float
    root: int

    @property
    def rounder(self):
        """Adding it leaves a rounded integer in the low bits of the mantissa."""
        return 1.5 * 2.0**self.mantissa


# The coefficients of `log` are those of fdlibm's e_log.c; those of `exp` and of single precision are fits of
# our own, with errors below half a unit in the last place.
DOUBLE = Format(
    ir.DoubleType(), ir.IntType(64), 52, 1023,
    log_2=(6.93147180369123816490e-01, 1.90821492927058770002e-10),
    exp=(
        0.5, 0.1666666666666668, 0.041666666666619695, 0.008333333333319011, 0.0013888888920634123,
        0.00019841269894202616, 2.480151618398498e-05, 2.755723526323133e-06, 2.7622293637675494e-07,
        2.5112316591229125e-08,
    ),
    log=(
        6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
        2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
        1.479819860511658591e-01,
    ),
    overflow=710.0, underflow=-746.0, flat=22.0, root=struct.unpack("q", struct.pack("d", math.sqrt(0.5)))[0],
)  # fmt: skip
SINGLE = Format(
    ir.FloatType(), ir.IntType(32), 23, 127,
    log_2=(0.693359375, math.log(2) - 0.693359375),
    exp=(0.499999981496, 0.166665434243, 0.0416672007108, 0.00836654712515, 0.00138825164992),
    log=(0.666666656455, 0.40000335191, 0.285373085382, 0.235821513682),
    overflow=89.0, underflow=-104.0, flat=10.0, root=struct.unpack("i", struct.pack("f", math.sqrt(0.5)))[0],
)  # fmt: skip
# Half of pi in three parts of 33 bits, whose products with a whole number below 2**20 are exact, and what is
# left; sin and cos between -pi/4 and pi/4: fdlibm's e_rem_pio2.c, k_sin.c and k_cos.c.
HALF_PI = (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624871116645580e-21)
HALF_PI_REST = 8.47842766036889956997e-32
SIN_COEFFICIENTS = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
COS_COEFFICIENTS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
NEAR, TINY = 1e6, 2.0**-27
FLAGS = ("contract",)


class _Code:
    """Arithmetic on LLVM values and Python numbers."""

    def __init__(self, builder, form):
        self.builder = builder
        self.form = form

    def number(self, x):
        return ir.Constant(self.form.real, float(x)) if isinstance(x, int | float) else x

    def word(self, x):
        return ir.Constant(self.form.word, x)

    def add(self, a, b):
        return self.builder.fadd(self.number(a), self.number(b), flags=FLAGS)

    def sub(self, a, b):
        return self.builder.fsub(self.number(a), self.number(b), flags=FLAGS)

    def mul(self, a, b):
        return self.builder.fmul(self.number(a), self.number(b), flags=FLAGS)

    def div(self, a, b):
        return self.builder.fdiv(self.number(a), self.number(b), flags=FLAGS)

    def choose(self, comparison, a, b, then, otherwise):
        test = self.builder.fcmp_ordered(comparison, self.number(a), self.number(b))
        return self.builder.select(test, self.number(then), self.number(otherwise))

    def bits(self, x):
        return self.builder.bitcast(x, self.form.word)

    def real(self, x):
        return self.builder.bitcast(x, self.form.real)

    def polynomial(self, x, coefficients):
        """By Estrin's scheme: neighbours are paired, then pairs, in powers that are squared each time."""
        terms = list(coefficients)
        while len(terms) > 1:
            pairs = [
                self.add(terms[i], self.mul(terms[i + 1], x)) if i + 1 < len(terms) else terms[i]
                for i in range(0, len(terms), 2)
            ]
            terms, x = pairs, self.mul(x, x)
        return terms[0]

    def halves(self, x, coefficients):
        """The same in two polynomials of x * x, of every other coefficient: more steps, fewer products."""
        square = self.mul(x, x)
        even, odd = (self.horner(square, coefficients[k::2]) for k in range(2))
        return self.add(even, self.mul(x, odd))

    def horner(self, x, coefficients):
        value = coefficients[-1]
        for coefficient in coefficients[-2::-1]:
            value = self.add(coefficient, self.mul(value, x))
        return value

    def power_of_two(self, biased):
        """``2 ** (n - bias)`` where the integer `biased` ends in n, of the exponent's bits."""
        return self.real(self.builder.shl(biased, self.word(self.form.mantissa)))

    def reduced(self, x, bias):
        """N + `bias` in the low bits of an integer, and ``exp(r) - 1``, where ``x = n log 2 + r``."""
        log_2, low = self.form.log_2
        rounder = self.form.rounder + bias
        rounded = self.add(self.mul(x, 1 / math.log(2)), rounder)
        n = self.sub(rounded, rounder)
        close = self.sub(x, self.mul(n, log_2))
        r = self.sub(close, self.mul(n, low))
        lost = self.sub(self.sub(close, r), self.mul(n, low))
        tail = self.halves(r, self.form.exp)
        return self.bits(rounded), self.add(r, self.add(lost, self.mul(self.mul(r, r), tail)))

    def exp(self, x):
        most, least = self.form.overflow, self.form.underflow
        x = self.choose(">", x, most, most, x)
        x = self.choose("<", x, least, least, x)
        # In two steps, since 2**n alone may overflow, or be denormal, where the result is not.
        twice, less_one = self.reduced(x, 2 * self.form.bias)
        first = self.builder.lshr(twice, self.word(1))
        second = self.builder.sub(twice, first)
        y = self.mul(self.add(1.0, less_one), self.power_of_two(first))
        return self.mul(y, self.power_of_two(second))

    def tanh(self, x):
        """``m / (m + 2)`` of ``m = exp(2 |x|) - 1``, which is accurate where x is small."""
        positive = self.absolute(x)
        z = self.mul(self.choose(">", positive, self.form.flat, self.form.flat, positive), 2.0)
        n, less_one = self.reduced(z, self.form.bias)
        power = self.power_of_two(n)
        m = self.add(self.mul(power, less_one), self.sub(power, 1.0))
        sign = self.builder.and_(self.bits(x), self.word(1 << (self.form.word.width - 1)))
        return self.real(self.builder.or_(self.bits(self.div(m, self.add(m, 2.0))), sign))

    def log(self, x):
        tiny, steps = 2.0 ** (1 - self.form.bias), self.form.mantissa + 2
        normal = self.choose("<", x, tiny, self.mul(x, 2.0**steps), x)
        shift = self.choose("<", x, tiny, -steps, 0.0)
        y = self.log_of_normal(normal, shift)
        y = self.choose("==", x, 0.0, -math.inf, y)
        y = self.choose("==", x, math.inf, math.inf, y)
        negative = self.builder.fcmp_unordered("<", x, self.number(0.0))
        return self.builder.select(negative, self.number(math.nan), y)

    def log_of_normal(self, x, shift=None, rest=None):
        """The logarithm of ``x + rest``, where `rest` is much less than x, and of 2 to the power `shift`."""
        # x = 2**k m with m between the roots of 1/2 and of 2.
        above = self.builder.sub(self.bits(x), self.word(self.form.root))
        exponent = self.builder.ashr(above, self.word(self.form.mantissa))
        power = self.builder.shl(exponent, self.word(self.form.mantissa))
        counted = self.builder.add(exponent, self.bits(self.number(self.form.rounder)))
        k = self.sub(self.real(counted), self.form.rounder)
        k = k if shift is None else self.add(k, shift)
        f = self.sub(self.real(self.builder.sub(self.bits(x), power)), 1.0)
        log_2, log_2_low = self.form.log_2
        low = self.mul(k, log_2_low)
        if rest is not None:
            inverse = self.real(self.builder.sub(self.bits(self.number(1.0)), power))
            # Where the exponent has no inverse, the number has no rest.
            rest = self.choose("==", rest, 0.0, 0.0, self.mul(rest, inverse))
            short, f = f, self.add(f, rest)
            low = self.add(low, self.add(self.sub(short, f), rest))
        s = self.div(f, self.add(2.0, f))
        square = self.mul(s, s)
        tail = self.mul(square, self.polynomial(square, self.form.log))
        half = self.mul(self.mul(0.5, f), f)
        inner = self.add(self.mul(s, self.add(half, tail)), low)
        return self.sub(self.mul(k, log_2), self.sub(self.sub(half, inner), f))

    def log1p(self, x):
        """``log(u + (x - (u - 1)))`` of ``u = 1 + x``: what is added is what rounding took from `u`."""
        u = self.add(1.0, x)
        y = self.log_of_normal(u, rest=self.sub(x, self.sub(u, 1.0)))
        y = self.choose("==", x, 0.0, x, y)
        y = self.choose("==", x, -1.0, -math.inf, y)
        y = self.choose("==", x, math.inf, math.inf, y)
        negative = self.builder.fcmp_unordered("<", x, self.number(-1.0))
        return self.builder.select(negative, self.number(math.nan), y)

    def near_sin(self, x):
        y = self.turned(x, 0)
        return self.choose("<", self.absolute(x), TINY, x, y)

    def near_cos(self, x):
        return self.turned(x, 1)

    def turned(self, x, quarters):
        """The sine of `x` and so many quarters of a turn; NaN where `x` is not near 0."""
        rounded = self.add(self.mul(x, 2 / math.pi), self.form.rounder)
        n = self.sub(rounded, self.form.rounder)
        first, second, third = (self.mul(n, part) for part in HALF_PI)
        left = self.sub(x, first)
        close = self.sub(left, second)
        lost = self.sub(self.sub(self.sub(left, close), second), self.add(third, self.mul(n, HALF_PI_REST)))
        r = self.add(close, lost)
        tail = self.add(self.sub(close, r), lost)

        square = self.mul(r, r)
        cube = self.mul(square, r)
        rest = self.polynomial(square, SIN_COEFFICIENTS[1:])
        inner = self.sub(self.mul(square, self.sub(self.mul(0.5, tail), self.mul(cube, rest))), tail)
        sine = self.sub(r, self.sub(inner, self.mul(cube, SIN_COEFFICIENTS[0])))

        half = self.mul(0.5, square)
        one = self.sub(1.0, half)
        rest = self.mul(self.mul(square, square), self.polynomial(square, COS_COEFFICIENTS))
        cosine = self.add(
            one, self.add(self.sub(self.sub(1.0, one), half), self.sub(rest, self.mul(r, tail)))
        )

        turns = self.builder.add(self.bits(rounded), self.word(quarters))
        odd = self.builder.icmp_unsigned("!=", self.builder.and_(turns, self.word(1)), self.word(0))
        y = self.builder.select(odd, cosine, sine)
        sign = self.builder.shl(self.builder.and_(turns, self.word(2)), self.word(62))
        y = self.real(self.builder.xor(self.bits(y), sign))
        return self.choose("<", self.absolute(x), NEAR, y, math.nan)

    def absolute(self, x):
        return self.builder.call(self.builder.module.declare_intrinsic("llvm.fabs", [self.form.real]), [x])


_IN_BOTH = frozenset([native.exp, native.log, native.log1p, native.tanh])
_IN_DOUBLE = frozenset([native.near_sin, native.near_cos])
WRITTEN_OUT = _IN_BOTH | _IN_DOUBLE


def _written(function):
    """Let Numba know a function of `_Code`."""
    formats = (
        {types.float32: SINGLE, types.float64: DOUBLE} if function in _IN_BOTH else {types.float64: DOUBLE}
    )

    def typed(context):
        return lambda x: x if x in formats else None

    def lower(context, builder, signature, arguments):
        return getattr(_Code(builder, formats[signature.args[0]]), function.__name__)(arguments[0])

    type_callable(function)(typed)
    lower_builtin(function, types.Float)(lower)


for _function in WRITTEN_OUT:
    _written(_function)


def _type_of_any(context):
    def typer(near, x):
        return x if near == x == types.float64 else None

    return typer


def _lower_any(name):
    def lower(context, builder, signature, arguments):
        near, x = arguments
        found = cgutils.alloca_once_value(builder, near)
        with cgutils.if_unlikely(builder, builder.fcmp_unordered("uno", near, near)):
            library = ir.FunctionType(DOUBLE.real, [DOUBLE.real])
            function = cgutils.get_or_insert_function(builder.module, library, name)
            builder.store(builder.call(function, [x]), found)
        return builder.load(found)

    return lower


for _name in ("sin", "cos"):
    type_callable(getattr(native, f"any_{_name}"))(_type_of_any)
    lower_builtin(getattr(native, f"any_{_name}"), types.Float, types.Float)(_lower_any(_name))
