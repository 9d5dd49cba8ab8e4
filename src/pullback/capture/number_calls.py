"""Python's conversions to a number: `float`, `complex`, `int`, `bool` and `round`."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.operators import binary, weak
from pullback.capture.python_calls import PYTHON, constant, handles, scalar
from pullback.capture.truth import truth
from pullback.capture.values import is_static, kind_of
from pullback.ir.primitives import cast, truncate

__all__ = ["PYTHON"]


@handles(builtins.float)
def _float(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(args[0] if args else 0):
        return constant(context, float, args, kwargs)
    value = scalar(context, args[0], "float()")
    kind = kind_of(value)
    if kind.dtype.kind == "c":
        context.fail("float() of a complex number", "Python raises a TypeError", "use .real")
    if kind.dtype != np.dtype(float):
        value = context.call(cast, value, np.dtype(float))
    return weak(context, value)


@handles(builtins.complex)
def _complex(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(tuple(args)):
        return constant(context, complex, args, kwargs)
    value = scalar(context, args[0], "complex()")
    if len(args) > 1:
        imaginary = binary(context, np.multiply, scalar(context, args[1], "complex()"), 1j)
        value = binary(context, np.add, value, imaginary)
    if kind_of(value).dtype != np.dtype(complex):
        value = context.call(cast, value, np.dtype(complex))
    return weak(context, value)


@handles(builtins.int)
def _int(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(args[0] if args else 0):
        return constant(context, int, args, kwargs)
    value = scalar(context, args[0], "int()")
    kind = kind_of(value).dtype.kind
    if kind == "c":
        context.fail("int() of a complex number", "Python raises a TypeError", "use .real")
    if kind == "f":
        return context.call(truncate, value)
    if kind_of(value).dtype != np.dtype(np.int64):
        value = context.call(cast, value, np.dtype(np.int64))
    return weak(context, value)


@handles(builtins.bool)
def _bool(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    test = truth(context, args[0]) if args else False
    return weak(context, test)


@handles(builtins.round)
def _round(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_static(tuple(args)):
        return constant(context, round, args, kwargs)
    if len(args) > 1:
        return weak(context, context.call(np.round, args[0], args[1]))
    return context.call(truncate, context.call(np.rint, scalar(context, args[0], "round()")))
