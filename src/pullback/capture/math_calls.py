"""The functions of `math` and `cmath`, in terms of NumPy's.

A `math` function gives a Python number, so its NumPy equivalent is weakened. Where `math` raises (the root of
a negative number) the program does (`capture.domain`); a `cmath` function computes with complex numbers.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.domain import check_argument, check_complex, check_value
from pullback.capture.number_calls import PYTHON
from pullback.capture.operators import binary, weak
from pullback.capture.python_calls import Handler, constant, handles, scalar
from pullback.capture.values import is_number, is_static, kind_of
from pullback.ir.primitives import cast, truncate
from pullback.rules.lookup import row_of


def _math(function: Callable[..., Any], original: Callable[..., Any]) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if is_static(tuple(args)):
            return constant(context, original, args, kwargs)
        numbers = [scalar(context, a, original.__name__) for a in args]
        if kwargs:
            context.fail(
                f"math.{original.__name__} with keywords", "only positional arguments are translated"
            )
        return _of_numbers(context, function, original, numbers)

    return handler


def _of_numbers(
    context: Context, function: Callable[..., Any], original: Callable[..., Any], numbers: list[Any]
) -> Any:
    name = original.__name__
    if getattr(original, "__module__", "") == "cmath":
        (z,) = (_complex(context, x) for x in numbers)
        result = context.call(function, z)
        check_complex(context, name, z, result)
        return weak(context, result)
    for x in numbers:
        if kind_of(x).dtype.kind == "c":
            context.fail(f"math.{name} of a complex number", "Python raises a TypeError", f"cmath.{name}")
    check_argument(context, name, numbers)
    result = weak(context, context.call(function, *numbers))
    check_value(context, name, numbers, result)
    return result


def _complex(context: Context, x: Any) -> Any:
    if kind_of(x).dtype == np.dtype(complex):
        return x
    return complex(x) if is_number(x) else weak(context, context.call(cast, x, np.dtype(complex)))


_MATH = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "exp": np.exp, "expm1": np.expm1, "log1p": np.log1p,
    "log10": np.log10, "log2": np.log2, "sqrt": np.sqrt, "fabs": np.fabs, "hypot": np.hypot, "pow": np.power,
    "copysign": np.copysign, "fmod": np.fmod, "degrees": np.degrees, "radians": np.radians,
    "isnan": np.isnan, "isfinite": np.isfinite, "isinf": np.isinf, "exp2": np.exp2, "cbrt": np.cbrt,
}  # fmt: skip


for _name, _function in _MATH.items():
    for _module in (math, cmath):
        _original = getattr(_module, _name, None)
        if _original is not None:
            PYTHON[_original] = _math(_function, _original)


@handles(cmath.phase)
def _phase(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(tuple(args)):
        return constant(context, cmath.phase, args, kwargs)
    return weak(context, context.call(np.angle, _complex(context, scalar(context, args[0], "phase"))))


def _special(name: str, original: Callable[..., Any]) -> Handler:
    """A function that NumPy does not have, and SciPy has."""

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if is_static(tuple(args)):
            return constant(context, original, args, kwargs)
        from scipy import special

        function = getattr(special, name)
        row_of(function)  # which lets its row join the table
        return _math(function, original)(context, args, kwargs)

    return handler


for _name, _original in {
    "erf": math.erf, "erfc": math.erfc, "gamma": math.gamma, "gammaln": math.lgamma,
}.items():  # fmt: skip
    PYTHON[_original] = _special(_name, _original)


@handles(math.hypot)
def _hypot(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(tuple(args)):
        return constant(context, math.hypot, args, kwargs)
    of_two = _math(np.hypot, math.hypot)
    result, *others = args if len(args) > 1 else (0.0, *args)
    for x in others:
        result = of_two(context, [result, x], kwargs)
    return result


def _log(original: Callable[..., Any]) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if is_static(tuple(args)):
            return constant(context, original, args, kwargs)
        result, *base = [_of_numbers(context, np.log, original, [scalar(context, x, "log")]) for x in args]
        return binary(context, np.divide, result, *base) if base else result

    return handler


PYTHON[math.log], PYTHON[cmath.log] = _log(math.log), _log(cmath.log)


def _whole(function: Callable[..., Any], original: Callable[..., Any]) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if is_static(tuple(args)):
            return constant(context, original, args, kwargs)
        return context.call(truncate, context.call(function, scalar(context, args[0], original.__name__)))

    return handler


PYTHON[math.floor] = _whole(np.floor, math.floor)


PYTHON[math.ceil] = _whole(np.ceil, math.ceil)


PYTHON[math.trunc] = _whole(np.trunc, math.trunc)


_EXACT = {math.fsum: "use sum(...) or np.sum(...), whose last digits may differ"}
if (_sumprod := getattr(math, "sumprod", None)) is not None:
    _EXACT[_sumprod] = "use np.dot, whose last digits may differ"


def _of_constants(original: Callable[..., Any]) -> Handler:
    """A function of integers, or one that is rare: of what is known before the program runs."""

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if original in _EXACT and not is_static(tuple(args)):
            what = f"math.{original.__name__} of values known at run time"
            context.fail(what, "compiled code rounds each sum", _EXACT[original])
        if not is_static((*args, *kwargs.values())):
            context.static_needed(f"an argument of math.{original.__name__}", (*args, *kwargs.values()))
        return constant(context, original, args, kwargs)

    return handler


for _original in vars(math).values():
    if callable(_original) and _original not in (math.prod, math.dist):
        PYTHON.setdefault(_original, _of_constants(_original))


__all__ = ["PYTHON"]
