"""Reading names: locals, the frames around a nested function, globals and builtins.

What is found outside is lifted into the program: captured arrays become parameters, captured numbers
constants with a guard.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.foreign import is_sparse
from pullback.capture.context import Context
from pullback.capture.dispatch import expression
from pullback.capture.frame import Frame, Guard
from pullback.capture.sparse import arrays_of
from pullback.capture.values import (
    DROPPED,
    Bottom,
    DictValue,
    Lent,
    ListValue,
    Maybe,
    Poison,
    Record,
    UnreachedError,
    is_number,
    with_children,
)  # fmt: skip
from pullback.ir.nodes import Var
from pullback.ir.types import type_of


@expression(ast.Name)
def load_name(context: Context, node: ast.Name) -> Any:
    """The value of a name; a run-time check where it may be unbound."""
    frame: Frame | None = context.frame
    function = None
    while frame is not None:
        if node.id in frame.env:
            holder, name = holder_of(frame, node.id)
            if name not in holder.env:
                _unbound(context, node, False)
            return _bound(context, holder, name, node)
        if node.id in frame.local_names and node.id not in frame.declared_global:
            _unbound(context, node, frame is context.frame)
        function = function or frame.function
        frame = frame.parent
    return load_outside(context, node.id, function)


def holder_of(frame: Frame, name: str) -> tuple[Frame, str]:
    """The frame that has the value of a name of `frame`, and under which name (`capture.lending`)."""
    while isinstance(value := frame.env.get(name), Lent):
        frame, name = value.frame, value.name
    return frame, name


def _unbound(context: Context, node: ast.Name, local: bool) -> None:
    context.fail(
        f"{node.id} has no value here",
        "it is assigned on no way that leads here" if local else "it is not assigned yet",
        "assign it first",
        node,
    )


def _bound(context: Context, frame: Frame, name: str, node: ast.Name) -> Any:
    value = frame.env[name]
    if isinstance(value, Bottom):
        context.unreached = True
        raise UnreachedError
    assert value is not DROPPED, f"{node.id} is read where liveness says it is not"
    if isinstance(value, Poison):
        where = "" if value.where is None else f" (they meet at line {value.where.line})"
        context.fail(
            f"{node.id} has no single type here",
            value.why + where,
            "use another name for one of them, or make them of one type",
            node,
        )
    if isinstance(value, Maybe):
        with context.at(node):
            missing = context.call(np.logical_not, value.flag, name=f"{node.id}_is_missing")
            if value.none:
                context.raise_if(missing, TypeError, f"{node.id} is None")
            else:
                message = f"cannot access local variable '{node.id}' where it is not associated with a value"
                context.raise_if(missing, UnboundLocalError, message)
        value = value.value
        if frame is context.frame:
            frame.env[name] = value
    return value


def load_outside(context: Context, name: str, function: Any) -> Any:
    """The value of a name of a Python function's closure, of its globals or of the builtins."""
    code = getattr(function, "__code__", None)
    if code is not None and name in code.co_freevars:
        cell = function.__closure__[code.co_freevars.index(name)]
        try:
            value = cell.cell_contents
        except ValueError:
            context.fail(f"{name} has no value yet", "the closure's variable is not assigned")
        return lift(context, value, name, lambda: cell.cell_contents)
    scope = getattr(function, "__globals__", {})
    if name in scope:
        return lift(context, scope[name], name, lambda: scope[name])
    if hasattr(builtins, name):
        return getattr(builtins, name)
    raise context.refusal(f"name {name!r} is not defined", "Python raises a NameError")


def lift(context: Context, value: Any, name: str, getter: Callable[[], Any]) -> Any:
    """A Python object that the function refers to, as a value."""
    if isinstance(value, np.ndarray):
        return _captive(context, value, name, getter)
    if isinstance(value, types.ModuleType):
        return value
    if isinstance(value, tuple):
        parts = [lift(context, part, f"{name}_{k}", lambda k=k: getter()[k]) for k, part in enumerate(value)]
        return with_children(value, parts)
    if isinstance(value, list):
        _guard_length(context, value, name, getter)
        return ListValue(
            [lift(context, part, f"{name}_{k}", lambda k=k: getter()[k]) for k, part in enumerate(value)]
        )
    if isinstance(value, dict):
        _guard_length(context, value, name, getter)
        return DictValue(
            {k: lift(context, part, f"{name}_{k}", lambda k=k: getter()[k]) for k, part in value.items()}
        )
    if is_sparse(value):
        return _arrays(context, value, name, getter)
    if _is_frozen(value):
        names = [field.name for field in dataclasses.fields(value)]
        return Record(
            type(value),
            {
                f: lift(context, getattr(value, f), f"{name}_{f}", lambda f=f: getattr(getter(), f))
                for f in names
            },
        )
    guard(context, value, name, getter)
    return value


def _arrays(context: Context, matrix: Any, name: str, getter: Callable[[], Any]) -> Record:
    """A sparse matrix as its arrays, which are captured."""
    try:
        opened = arrays_of(matrix)
    except UnsupportedError as error:
        raise context.refusal(f"{name} is {error.what}", error.why or "", error.remedy or "") from None
    guard(context, matrix, name, getter)
    fields = {field.name: getattr(opened, field.name) for field in dataclasses.fields(opened)}
    return Record(
        type(opened),
        {
            f: _captive(context, part, f"{name}_{f}", lambda f=f: getattr(arrays_of(getter()), f))
            if isinstance(part, np.ndarray)
            else part
            for f, part in fields.items()
        },
    )


def _is_frozen(value: Any) -> bool:
    return (
        dataclasses.is_dataclass(value)
        and not isinstance(value, type)
        and type(value).__dataclass_params__.frozen  # type: ignore[attr-defined]
    )


def guard(context: Context, value: Any, name: str, getter: Callable[[], Any]) -> None:
    """Note that the capture is right only while `getter` gives `value`."""
    if isinstance(value, str | bytes) or is_number(value):
        kept: Any = value
    elif isinstance(value, types.BuiltinFunctionType | np.ufunc | np.dtype) or value is None:
        return
    else:
        kept = value
    key = (name, id(value) if not is_number(value) else repr(value), context.frame.source.name)
    context.guards.setdefault(key, Guard(f"{name} is {kept!r}"[:80], getter, kept))


def _guard_length(context: Context, value: Any, name: str, getter: Callable[[], Any]) -> None:
    context.guards.setdefault(
        (name, "length", len(value)), Guard(f"len({name}) is {len(value)}", lambda: len(getter()), len(value))
    )


def _captive(context: Context, value: np.ndarray, name: str, getter: Callable[[], Any]) -> Any:
    known = context.captives.get(id(value))
    if known is None:
        try:
            kind = type_of(value)
        except TypeError:
            context.fail(
                f"{name} is an array of {value.dtype}", "only numbers can be in a program", "convert it first"
            )
        known = (value, Var(context.builder.names.fresh(name), kind))
        context.captives[id(value)] = known
        context.outside.add(known[1].name)
        context.kept.add(known[1].name)
        context.guards[name, id(value)] = Guard(f"{name} is the same array", getter, value)
    return known[1]
