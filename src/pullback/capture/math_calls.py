"""The functions of `math` and `cmath`, in terms of NumPy's.

A `math` function gives a Python number, so its NumPy equivalent is weakened. Where `math` raises (the root of
a negative number) the program gives NumPy's nan.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.number_calls import PYTHON
from pullback.capture.operators import weak
from pullback.capture.python_calls import Handler, constant, handles, scalar
from pullback.capture.values import is_static
from pullback.ir.primitives import truncate
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
        return weak(context, context.call(function, *numbers))

    return handler


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


@handles(math.log, cmath.log)
def _log(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(tuple(args)):
        return constant(context, math.log, args, kwargs)
    result = context.call(np.log, scalar(context, args[0], "log"))
    if len(args) > 1:
        result = context.call(np.divide, result, context.call(np.log, scalar(context, args[1], "log")))
    return weak(context, result)


def _whole(function: Callable[..., Any], original: Callable[..., Any]) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if is_static(tuple(args)):
            return constant(context, original, args, kwargs)
        return context.call(truncate, context.call(function, scalar(context, args[0], original.__name__)))

    return handler


PYTHON[math.floor] = _whole(np.floor, math.floor)


PYTHON[math.ceil] = _whole(np.ceil, math.ceil)


PYTHON[math.trunc] = _whole(np.trunc, math.trunc)


def _of_constants(original: Callable[..., Any]) -> Handler:
    """A function of integers, or one that is rare: of what is known before the program runs."""

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if not is_static((*args, *kwargs.values())):
            context.static_needed(f"an argument of math.{original.__name__}", (*args, *kwargs.values()))
        return constant(context, original, args, kwargs)

    return handler


for _original in vars(math).values():
    if callable(_original) and _original not in (math.prod, math.dist):
        PYTHON.setdefault(_original, _of_constants(_original))


__all__ = ["PYTHON"]
