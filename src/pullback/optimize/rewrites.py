"""What the calls of a program become: one function here per function there, from values to a value.

A rewrite takes the call's own arguments, arrays delayed, and returns a number or a delayed array; it raises
`OpaqueError` for a call that it cannot write as loops, which then stays as it is.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import Scalar
from pullback.optimize.broadcast import cast, elementwise, is_elementwise, where
from pullback.optimize.delayed import Delayed, Value
from pullback.optimize.emitter import Emitter
from pullback.optimize.slices import OpaqueError, position, static, transposed, view

REWRITES: dict[Callable[..., Any], Callable[..., Any]] = {}

CREATORS: set[Callable[..., Any]] = set()
"""The functions among these that make arrays of numbers alone."""


def rewrites(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate what calls of each of these functions become: ``f(e, *args, **kwargs)``."""

    def add(rewrite: Callable[..., Any]) -> Callable[..., Any]:
        REWRITES.update(dict.fromkeys(functions, rewrite))
        return rewrite

    return add


def creates(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """As `rewrites`, for functions that make an array of numbers alone."""
    CREATORS.update(functions)
    return rewrites(*functions)


def rewrite(
    e: Emitter, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wish: str
) -> Any:
    """The value of a call.

    Raises:
        OpaqueError: it stays a call.
    """
    if not any(isinstance(arg, Delayed) for arg in _flat((*args, *kwargs.values()))):
        return _of_numbers(e, function, args, kwargs, wish)
    found = REWRITES.get(function)
    if found is not None:
        return _bound(e, found, args, kwargs)
    if is_elementwise(function):
        return _elementwise(e, function, args, kwargs)
    raise OpaqueError(f"{function} is not written as loops")


def _bound(e: Emitter, found: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        _signature(found).bind(e, *args, **kwargs)
    except TypeError as error:
        raise OpaqueError("an argument that is not written as loops") from error
    return found(e, *args, **kwargs)


_signature = functools.cache(inspect.signature)


def _flat(args: tuple[Any, ...]) -> list[Any]:
    return [part for arg in args for part in (_flat(arg) if isinstance(arg, tuple) else [arg])]


def _elementwise(
    e: Emitter, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Value:
    dtype = static(kwargs.pop("dtype", None))
    fixed = {key: static(value) for key, value in kwargs.items()}
    if isinstance(function, np.ufunc) and fixed:
        raise OpaqueError("a ufunc with where= or out=")
    if not isinstance(function, np.ufunc):
        arrays = function.__code__.co_argcount if hasattr(function, "__code__") else len(args)
        args, rest = args[:arrays], args[arrays:]
        if rest:
            raise OpaqueError("more arguments than it has")
    return elementwise(e, function, *args, dtype=None if dtype is None else np.dtype(dtype), **fixed)


_INTEGER = {np.add: 1, np.subtract: -1}


def _of_numbers(
    e: Emitter, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wish: str
) -> Any:
    """A call without arrays: as it is, and what it says of integers is noted."""
    if function is primitives.bind:
        if isinstance(args[0], Const) and np.ndim(args[0].value):
            raise OpaqueError("an array of constants")
        return args[0]
    created = REWRITES.get(function)
    if created is not None and function in CREATORS:
        return created(e, *args, **kwargs)
    if any(not isinstance(arg, Var | Const) for arg in args) or function is primitives.stack:
        raise OpaqueError("no arithmetic")
    integers = not kwargs and all(_is_python_integer(arg) for arg in args)
    if integers and all(isinstance(arg, Const) for arg in args) and function in (*_INTEGER, np.multiply):
        return {np.add: e.plus, np.subtract: e.minus, np.multiply: e.times}[function](*args)
    result = e.call(function, *args, name=wish, **kwargs)
    if isinstance(result, tuple) or not isinstance(result.type, Scalar):
        raise OpaqueError("not a number")
    stable = all(isinstance(arg, Const) or arg.name not in e.cells for arg in args)
    if integers and stable and function in _INTEGER:
        sign = _INTEGER[function]
        e.extents.define(result.name, e.extents.form(args[0]).plus(e.extents.form(args[1]), sign))
    return result


def _is_python_integer(x: Any) -> bool:
    kind = operand_type(x) if not isinstance(x, Const) or isinstance(x.value, int | np.integer) else None
    return isinstance(kind, Scalar) and kind.dtype.kind == "i"


@rewrites(primitives.bind)
def _bind(e: Emitter, x: Value) -> Value:
    return x


@rewrites(primitives.item)
def _item(e: Emitter, array: Delayed, index: tuple[Any, ...]) -> Operand:
    where = tuple(position(e, array, axis, entry) for axis, entry in enumerate(index))
    return e.read(array, where)


@rewrites(primitives.view)
def _view(e: Emitter, array: Delayed, index: tuple[Any, ...]) -> Delayed:
    return view(e, array, index)


@rewrites(primitives.dim)
def _dim(e: Emitter, array: Delayed, axis: Const) -> Operand:
    return array.shape[axis.value]


@rewrites(primitives.cast)
def _cast(e: Emitter, x: Value, dtype: Const) -> Value:
    return cast(e, x, np.dtype(dtype.value))


@rewrites(np.transpose)
def _transpose(e: Emitter, array: Delayed, axes: Any = None) -> Delayed:
    order = static(axes)
    order = range(array.ndim)[::-1] if order is None else (a % array.ndim for a in order)
    return transposed(array, tuple(order))


@rewrites(np.where)
def _where(e: Emitter, test: Value, *choices: Value) -> Value:
    if len(choices) != 2:
        raise OpaqueError("where without choices has a length known only at run time")
    return where(e, test, *choices)


@rewrites(primitives.select)
def _select(e: Emitter, test: Operand, a: Value, b: Value) -> Value:
    raise OpaqueError("of arrays")
