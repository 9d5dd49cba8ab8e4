"""Where Python's arithmetic raises and NumPy's does not: checks of numbers that are known at run time.

Python's own numbers (*weak* ones) are divided and raised to powers as Python does it; what comes out of an
array, and every computation with it, is NumPy's, which gives inf and nan. The functions of `math` and `cmath`
raise for either. (CPython, `Objects/floatobject.c` and `Modules/mathmodule.c`.)
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.values import is_array, is_number, kind_of
from pullback.ir.nodes import Var
from pullback.ir.types import Scalar

_DOMAIN = "math domain error"
_RANGE = "math range error"
_POWER_OF_ZERO = "0.0 cannot be raised to a negative power"
_COMPLEX_POWER = (
    "a negative number to a fractional power, which is complex in Python: write complex(base) ** exponent"
)
_WHOLE_POWER = "an int to a negative int power, which is a float in Python: write float(base) ** exponent"
_WHOLE_POWERS = (
    "integers to negative integer powers, which NumPy does not allow: write base.astype(float) ** exponent"
)
_DIVISIONS = frozenset([np.divide, np.floor_divide, np.remainder])
_SHIFTS = frozenset([np.left_shift, np.right_shift])


def check_operands(context: Context, function: Callable[..., Any], a: Any, b: Any) -> None:
    """What Python looks at before it computes with two numbers."""
    if not (is_weak(a) and is_weak(b)):
        return
    if function in _DIVISIONS and not (function is not np.divide and _kind(a) + _kind(b) == "ii"):
        _no_zero(context, b, _by_zero(function, a, b))
    elif function in _SHIFTS:
        _raise(context, _negative(context, b), ValueError, "negative shift count")
    elif function is np.power and _kind(a) + _kind(b) != "ii":
        _raise(context, _is_zero_to_negative(context, a, b), ZeroDivisionError, _POWER_OF_ZERO)
        if _kind(a) in "if" and _kind(b) == "f":
            _raise(context, _is_complex(context, a, b), ValueError, _COMPLEX_POWER)


def check_whole_power(context: Context, base: Any, exponent: Any) -> None:
    """A negative power of an integer: a float in Python, so that no one type holds both; NumPy refuses it."""
    if (
        not isinstance(exponent, Var)
        or kind_of(base).dtype.kind not in "iub"
        or kind_of(exponent).dtype.kind != "i"
    ):
        return
    negative = _negative(context, exponent)
    if is_array(exponent):
        negative = context.call(np.any, negative, name="negative")
    python = is_weak(base) and is_weak(exponent)
    _raise(context, negative, ValueError, _WHOLE_POWER if python else _WHOLE_POWERS)


def check_result(context: Context, function: Callable[..., Any], a: Any, b: Any, result: Any) -> None:
    """What Python looks at once it has computed a power of two numbers."""
    if function is not np.power or not (is_weak(a) and is_weak(b)) or _kind(result) != "f":
        return
    if not (is_number(b) and -1 <= b <= 1):
        _raise(context, _overflows(context, result, a, b), OverflowError, "Numerical result out of range")


def check_argument(context: Context, name: str, numbers: list[Any]) -> None:
    """What a function of `math` looks at before it computes."""
    for function, bound in _OUTSIDE.get(name, ()):
        _raise(context, _compared(context, function, numbers[0], bound), ValueError, _DOMAIN)
    if name == "pow":
        for test in (_is_zero_to_negative, _is_complex):
            _raise(context, test(context, *numbers), ValueError, _DOMAIN)
    if name in _POLES:
        x = numbers[0]
        whole = context.call(np.equal, x, context.call(np.floor, x), name="whole")
        pole = context.call(np.logical_and, whole, context.call(np.less_equal, x, 0), name="pole")
        if name == "lgamma":
            pole = context.call(np.logical_and, pole, context.call(np.isfinite, x), name="pole")
        _raise(context, pole, ValueError, _DOMAIN)


def check_value(context: Context, name: str, numbers: list[Any], result: Any) -> None:
    """What a function of `math` or `cmath` looks at once it has computed."""
    if name == "fmod":
        undefined = context.call(np.isnan, result, name="undefined")
        for x in numbers:
            number = context.call(np.logical_not, context.call(np.isnan, x))
            undefined = context.call(np.logical_and, undefined, number, name="undefined")
        _raise(context, undefined, ValueError, _DOMAIN)
    if name in _OVERFLOWS:
        _raise(context, _overflows(context, result, *numbers), OverflowError, _RANGE)


_OUTSIDE: dict[str, list[tuple[Callable[..., Any], float]]] = {
    "sqrt": [(np.less, 0)],
    "log": [(np.less_equal, 0)],
    "log2": [(np.less_equal, 0)],
    "log10": [(np.less_equal, 0)],
    "log1p": [(np.less_equal, -1)],
    "acos": [(np.less, -1), (np.greater, 1)],
    "asin": [(np.less, -1), (np.greater, 1)],
    "acosh": [(np.less, 1)],
    "atanh": [(np.less_equal, -1), (np.greater_equal, 1)],
    "sin": [(np.equal, -math.inf), (np.equal, math.inf)],
    "cos": [(np.equal, -math.inf), (np.equal, math.inf)],
    "tan": [(np.equal, -math.inf), (np.equal, math.inf)],
}
"""Which comparisons hold outside of what a function is defined for."""
_POLES = frozenset(["gamma", "lgamma"])
_OVERFLOWS = frozenset(["exp", "exp2", "expm1", "sinh", "cosh", "gamma", "lgamma", "pow"])


def check_complex(context: Context, name: str, z: Any, result: Any) -> None:
    """What a function of `cmath` looks at."""
    if name in ("log", "log10"):
        _raise(context, _compared(context, np.equal, z, 0), ValueError, _DOMAIN)
    elif name in _AT_INFINITY:
        odd = _both(context, context.call(np.isnan, result), context.call(np.isinf, z))
        _raise(context, odd, ValueError, _DOMAIN)
        _raise(context, _overflows(context, result, z), OverflowError, _RANGE)
    elif name == "atanh":
        for end in (-1, 1):
            _raise(context, _compared(context, np.equal, z, end), ValueError, _DOMAIN)
    elif name == "atan":
        for end in (-1j, 1j):
            _raise(context, _compared(context, np.equal, z, end), ValueError, _DOMAIN)


_AT_INFINITY = frozenset(name for name in ("exp", "sin", "cos", "sinh", "cosh") if hasattr(cmath, name))


def no_negative(context: Context, numbers: tuple[Any, ...], message: str) -> None:
    """ValueError where an integer among these is negative."""
    for number in numbers:
        if isinstance(number, Var) and not context.is_length(number):
            _raise(context, _negative(context, number), ValueError, message)


def no_step_of_zero(context: Context, step: Any, message: str) -> None:
    """ValueError where a step is 0."""
    if isinstance(step, Var):
        _raise(context, context.call(np.equal, step, 0), ValueError, message)


def _no_zero(context: Context, divisor: Any, message: str) -> None:
    if not (is_number(divisor) and divisor != 0):
        _raise(context, _compared(context, np.equal, divisor, 0), ZeroDivisionError, message)


def _by_zero(function: Callable[..., Any], a: Any, b: Any) -> str:
    kinds = _kind(a) + _kind(b)
    if "c" in kinds:
        return "complex division by zero"
    if "f" not in kinds:
        return "division by zero"
    return {np.divide: "float division by zero", np.floor_divide: "float floor division by zero"}.get(
        function, "float modulo"
    )


def _is_zero_to_negative(context: Context, a: Any, b: Any) -> Any:
    """``0.0 ** -1``."""
    exponent = b if _kind(b) != "c" else b.real if is_number(b) else context.call(np.real, b)
    return _both(context, _compared(context, np.equal, a, 0), _negative(context, exponent))


def _is_complex(context: Context, a: Any, b: Any) -> Any:
    """``(-8.0) ** 0.5``."""
    if is_number(b):
        fractional: Any = not float(b).is_integer()
    else:
        fractional = context.call(np.less, context.call(np.floor, b), b, name="fractional")
    negative = _both(context, _negative(context, a), _compared(context, np.greater, a, -math.inf))
    return _both(context, negative, fractional)


def _overflows(context: Context, result: Any, *numbers: Any) -> Any:
    """Whether a result is infinite, and what it was computed of is not."""
    test = context.call(np.isinf, result, name="overflows")
    for x in numbers:
        if isinstance(x, Var) and _kind(x) in "fc":
            test = context.call(np.logical_and, test, context.call(np.isfinite, x), name="overflows")
    return test


def _both(context: Context, a: Any, b: Any) -> Any:
    """Whether both hold."""
    for known, other in ((a, b), (b, a)):
        if isinstance(known, bool):
            return known and other
    return context.call(np.logical_and, a, b, name="odd")


def _compared(context: Context, function: Callable[..., Any], a: Any, b: Any) -> Any:
    return bool(function(a, b)) if is_number(a) and is_number(b) else context.call(function, a, b)


def _negative(context: Context, number: Any) -> Any:
    return _compared(context, np.less, number, 0)


def _raise(context: Context, test: Any, kind: type[Exception], message: str) -> None:
    if isinstance(test, Var):
        context.raise_if(test, kind, message)
    elif test:
        context.fail("this always fails", f"Python says: {kind.__name__}: {message}")


def is_weak(value: Any) -> bool:
    """Whether a value is a number of Python's own."""
    if isinstance(value, Var):
        return isinstance(value.type, Scalar) and value.type.weak
    return is_number(value) and not isinstance(value, np.generic)


def _kind(value: Any) -> str:
    """What kind of number: ``"i"`` for booleans, too, which count as integers."""
    return kind_of(value).dtype.kind.replace("b", "i")
