"""Attributes, and methods of arrays, numbers, lists and dicts. Methods of arrays are NumPy's functions."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture import conversions, views
from pullback.capture.arrays import as_array, copy, size, transpose
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, expression
from pullback.capture.inline import inline_function
from pullback.capture.names import lift
from pullback.capture.numpy_calls import call_numpy, is_numpy
from pullback.capture.operators import binary, weak
from pullback.capture.sequences import unpack
from pullback.capture.stores import store
from pullback.capture.values import (
    Closure,
    DictValue,
    Flat,
    ListValue,
    Method,
    Partial,
    RangeValue,
    Record,
    Sequence,
    describe,
    is_array,
    is_namedtuple,
    is_number,
    is_scalar,
    is_static,
    kind_of,
    lacking,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Slice, Var
from pullback.ir.primitives import item
from pullback.ir.types import Scalar

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "std": np.std, "var": np.var, "max": np.max,
    "min": np.min, "argmax": np.argmax, "argmin": np.argmin, "argsort": np.argsort, "cumsum": np.cumsum,
    "cumprod": np.cumprod, "dot": np.dot, "conj": np.conj, "conjugate": np.conj, "clip": np.clip,
    "round": np.round, "trace": np.trace, "diagonal": np.diagonal, "ptp": np.ptp, "repeat": np.repeat,
    "take": np.take, "all": np.all, "any": np.any, "nonzero": np.nonzero, "searchsorted": np.searchsorted,
    "swapaxes": np.swapaxes, "squeeze": np.squeeze, "ravel": np.ravel, "compress": np.compress,
    "choose": np.choose, "argpartition": np.argpartition,
}  # fmt: skip
_OWN = frozenset(
    ["copy", "astype", "reshape", "transpose", "flatten", "fill", "item", "tolist", "sort", "view", "resize"]
)


@expression(ast.Attribute)
def _attribute(context: Context, node: ast.Attribute) -> Any:
    return attribute(context, evaluate(context, node.value), node.attr)


def attribute(context: Context, owner: Any, name: str) -> Any:
    """``owner.name``."""
    if isinstance(owner, Var) or is_number(owner):
        return _of_number(context, owner, name)
    if isinstance(owner, Record):
        return _of_record(context, owner, name)
    if isinstance(owner, tuple) and name in getattr(type(owner), "_fields", ()):
        return getattr(owner, name)
    if isinstance(owner, ListValue | DictValue | tuple | str):
        return Method(owner, name)
    if isinstance(owner, RangeValue) and name in ("start", "stop", "step"):
        return getattr(owner, name)
    if isinstance(owner, Sequence | Closure | Partial | Method | RangeValue):
        context.fail(f"attribute {name} of {describe(owner)}", "it has none in the language")
    return _of_object(context, owner, name)


def _of_object(context: Context, owner: Any, name: str) -> Any:
    """An attribute of a static object, read now and guarded."""
    try:
        value = getattr(owner, name)
    except AttributeError as error:
        context.fail(f"no attribute {name}", f"Python says: {error}")
    if isinstance(owner, types.ModuleType):
        if owner.__name__.partition(".")[0] in ("numpy", "math", "cmath", "scipy"):
            return value
        return lift(context, value, name, lambda: getattr(owner, name))
    if isinstance(value, types.MethodType) or is_numpy(value) or callable(value):
        return value
    return lift(context, value, name, lambda: getattr(owner, name))


def _of_record(context: Context, owner: Record, name: str) -> Any:
    if name in owner.fields:
        return owner.fields[name]
    found = getattr(owner.kind, name, None)
    if isinstance(found, types.FunctionType):
        return Partial(found, (owner,), {})
    if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
        return inline_function(context, found.fget, [owner], {})
    if found is None:
        why, remedy = lacking(owner, "Python raises an AttributeError")
        context.fail(f"{describe(owner)} has no attribute {name}", why, remedy)
    return lift(context, found, name, lambda: getattr(owner.kind, name))


def _of_number(context: Context, owner: Any, name: str) -> Any:
    """An attribute of an array or of a number."""
    kind = kind_of(owner)
    ndim = 0 if isinstance(kind, Scalar) else kind.ndim
    simple: dict[str, Callable[[], Any]] = {
        "shape": lambda: tuple(context.dim(owner, axis) for axis in range(ndim)),
        "ndim": lambda: ndim,
        "dtype": lambda: kind.dtype,
        "itemsize": lambda: kind.dtype.itemsize,
        "size": lambda: size(context, owner),
        "nbytes": lambda: binary(context, np.multiply, size(context, owner), kind.dtype.itemsize),
        "flat": lambda: Flat(owner if is_array(owner) else as_array(context, ListValue([owner]))),
        "T": lambda: transpose(context, owner),
        "mT": lambda: views.swapaxes(context, owner, -1, -2),
        "real": lambda: _part(context, views.real, owner),
        "imag": lambda: _part(context, views.imag, owner),
    }
    if name in simple:
        return simple[name]()
    if name in _FUNCTIONS or name in _OWN or name in ("is_integer", "bit_length"):
        return Method(owner, name)
    raise context.refusal(
        f"attribute {name} of {describe(owner)}", "it is not in the language", "use a function of NumPy"
    )


def _part(context: Context, function: Callable[..., Any], owner: Any) -> Any:
    """``.real`` and ``.imag``, which give Python numbers of Python numbers."""
    result = function(context, owner)
    kind = kind_of(owner)
    return weak(context, result) if isinstance(kind, Scalar) and kind.weak else result


def call_method(context: Context, method: Method, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of a method."""
    owner, name = method.receiver, method.name
    if isinstance(owner, ListValue):
        return _list_method(context, owner, name, args)
    if isinstance(owner, DictValue):
        return _dict_method(context, owner, name, args)
    if name == "_replace" and is_namedtuple(owner):
        return owner._replace(**kwargs)
    if name == "_asdict" and is_namedtuple(owner):
        return DictValue(owner._asdict(), context.home)
    if isinstance(owner, tuple | str):
        if not is_static((owner, *args)):
            context.fail(f"method {name} of {describe(owner)}", "its items are known only at run time")
        return getattr(to_python(owner), name)(*(to_python(a) for a in args))
    if name in _OWN:
        return _own_method(context, owner, name, args, kwargs)
    if name in ("conj", "conjugate") and is_array(owner) and owner.type.dtype.kind != "c":
        return owner
    if name not in _FUNCTIONS:
        context.fail(f"method {name} of {describe(owner)}", "it is not in the language")
    return call_numpy(context, _FUNCTIONS[name], [owner, *args], kwargs)


def _own_method(context: Context, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Methods that are no function of the same arguments."""
    if name == "reshape":
        shape = args[0] if len(args) == 1 else tuple(args)
        return views.np_reshape(context, owner, shape, **kwargs)
    if name == "transpose":
        axes = None if not args else args[0] if len(args) == 1 and not is_scalar(args[0]) else tuple(args)
        return views.np_transpose(context, owner, axes)
    if name == "copy":
        return _copied(context, owner, *args, **kwargs)
    if name == "flatten":
        return views.ravel(context, copy(context, owner), *args, **kwargs)
    if name == "astype":
        return _converted(context, owner, *args, **kwargs)
    if name == "fill" and is_array(owner):
        store(context, owner, (Slice(),) * owner.type.ndim, as_array(context, args[0]))
        return None
    if name == "sort" and is_array(owner):
        ordered = call_numpy(context, np.sort, [owner, *args], kwargs)
        store(context, owner, (Slice(),) * owner.type.ndim, ordered)
        return None
    if name == "item":
        return _item(context, owner, args)
    remedies = {
        "tolist": "index the array", "view": "use astype", "resize": "make a new array",
    }  # fmt: skip
    raise context.refusal(
        f"method {name} of {describe(owner)}", "it is not in the language", remedies.get(name, "")
    )


def _copied(context: Context, owner: Any, order: Any = "C") -> Any:
    """``a.copy(order)``."""
    if order == "F":
        return transpose(context, copy(context, transpose(context, owner)))
    return copy(context, owner) if order == "C" else conversions.np_copy(context, owner, order)


def _converted(
    context: Context, owner: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: Any = True,
    copy: Any = True,
) -> Any:  # fmt: skip
    """``a.astype(...)``."""
    if order != "K" or casting != "unsafe":
        context.fail("astype with order= or casting=", "they are not in the language", "use .copy(order=...)")
    return conversions.astype(context, owner, dtype, copy=copy)


def _item(context: Context, owner: Any, args: list[Any]) -> Any:
    """``a.item(...)``: a Python number."""
    if not is_array(owner):
        return weak(context, owner)
    kind = owner.type
    if args and isinstance(args[0], tuple):
        args = list(args[0])
    if not args:
        for axis in range(kind.ndim):
            length = context.dim(owner, axis)
            if isinstance(length, Var):
                many = context.call(np.not_equal, length, 1, name="many")
                message = "can only convert an array of size 1 to a Python scalar"
                context.raise_if(many, ValueError, message)
        args = [0] * kind.ndim
    if len(args) != kind.ndim:
        context.fail(
            f"item with {len(args)} indices of {describe(owner)}",
            "one per axis is in the language",
            "a[i, j]",
        )
    return weak(context, context.call(item, owner, tuple(args)))


def _list_method(context: Context, owner: ListValue, name: str, args: list[Any]) -> Any:
    if name in ("append", "extend", "pop", "insert", "reverse", "clear"):
        context.changes_shape(f"{describe(owner)} is changed by {name}", owner.home)
        if name == "extend":
            args = [unpack(context, args[0], None)]
        context.keep(tuple(args) if name != "extend" else tuple(args[0]))
        if name in ("pop", "insert") and args and not isinstance(args[0], int):
            context.static_needed("a place in a list", args[0])
        try:
            return getattr(owner.items, name)(*args)
        except IndexError as error:
            context.fail(f"{name} of {describe(owner)}", f"Python says: {error}")
    if name == "copy":
        return ListValue(list(owner.items), context.home)
    if name in ("index", "count") and is_static(owner) and is_static(tuple(args)):
        return getattr(to_python(owner), name)(*(to_python(a) for a in args))
    raise context.refusal(f"method {name} of {describe(owner)}", "it is not in the language")


def _dict_method(context: Context, owner: DictValue, name: str, args: list[Any]) -> Any:
    items = owner.items
    if name == "items":
        return tuple(items.items())
    if name == "keys":
        return tuple(items)
    if name == "values":
        return tuple(items.values())
    if name == "get" and is_static(args[0]):
        return items.get(to_python(args[0]), args[1] if len(args) > 1 else None)
    if name == "copy":
        return DictValue(dict(items), context.home)
    if name == "update" and owner.home is context.home and args and isinstance(args[0], DictValue):
        items.update(args[0].items)
        return None
    raise context.refusal(f"method {name} of {describe(owner)}", "it is not in the language")
