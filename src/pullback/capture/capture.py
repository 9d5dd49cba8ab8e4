"""The entry: a function and the types of its arguments in, a `Captured` program out."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.capture import calls, literals, loops, standard
from pullback.capture.context import Context
from pullback.capture.frame import Frame, Guard, StaticNeededError
from pullback.capture.inline import analysis, bind
from pullback.capture.inline import body_value as captured_value
from pullback.capture.join import DEAD
from pullback.capture.names import lift
from pullback.capture.source import Source, source_of
from pullback.capture.sparse import SparseMatrix
from pullback.capture.values import (
    Closure,
    DictValue,
    ListValue,
    Method,
    Partial,
    Record,
    Var,
    children,
    describe,
    is_namedtuple,
    is_number,
    is_static,
    lacking,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Const, Operand, Program, Return
from pullback.ir.types import Array, Scalar

__all__ = ["Captured", "Leaf", "calls", "capture", "literals", "loops", "standard"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Stands in `Captured.result` for the program's result of this position."""

    position: int


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured function.

    Attributes:
        program: its parameters are the dynamic leaves of the arguments in traversal order (tuples and lists
            by position, dicts and dataclasses by insertion and field order; positional arguments first), then
            the captured arrays.
        result: what the function returns, with a `Leaf` for each number and array.
        captives: the arrays captured from closures and globals, in the order of the last parameters.
        guards: what must still hold at a later call.
        sources: (file, qualified name, text) of each function that was inlined, this one first.
    """

    program: Program
    result: Any
    captives: tuple[np.ndarray, ...]
    guards: tuple[Guard, ...]
    sources: tuple[tuple[str, str, str], ...]

    def rebuild(self, results: Sequence[Any]) -> Any:
        """The Python result from the program's results."""
        return _rebuild(self.result, results)

    def valid(self) -> bool:
        """Whether what the function refers to is what it was."""
        return all(guard.holds() for guard in self.guards)


def _rebuild(structure: Any, results: Sequence[Any]) -> Any:
    if isinstance(structure, Leaf):
        return results[structure.position]
    if isinstance(structure, tuple):
        parts = [_rebuild(part, results) for part in structure]
        return type(structure)(*parts) if is_namedtuple(structure) else tuple(parts)
    if isinstance(structure, list):
        return [_rebuild(part, results) for part in structure]
    if isinstance(structure, dict):
        return {key: _rebuild(part, results) for key, part in structure.items()}
    if isinstance(structure, Record):
        return structure.kind(**{key: _rebuild(part, results) for key, part in structure.fields.items()})
    return structure


def capture(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Captured:
    """Capture a Python function for arguments of given types.

    Args:
        function: a Python function, lambda, bound method, or object that wraps one.
        args, kwargs: trees of tuples, lists, dicts, namedtuples and frozen dataclasses whose leaves are
            `ir.types.Scalar` or `Array` (known at run time) or any other object (static).

    Raises:
        UnsupportedError: with the place in the user's source, the reason and a remedy.
    """
    plain, extra = _plain_function(function)
    source = source_of(plain.__code__)
    context = Context()
    context.sources[plain.__code__] = source
    liveness, local_names = analysis(source.node)
    frame = Frame(source, liveness, local_names, None, plain)
    context.frames.append(frame)
    context.node = source.node
    params: list[Var] = []
    names = _parameter_names(source, len(args), bool(extra))
    values = [_argument(context, arg, name, params) for arg, name in zip(args, names, strict=True)]
    named = {key: _argument(context, arg, key, params) for key, arg in kwargs.items()}
    context.outside.update(p.name for p in params)
    defaults = [
        lift(context, value, f"default_{k}", lambda k=k: (plain.__defaults__ or ())[k])
        for k, value in enumerate(plain.__defaults__ or ())
    ]
    keyword_defaults = {
        key: lift(context, value, key, lambda key=key: (plain.__kwdefaults__ or {})[key])
        for key, value in (plain.__kwdefaults__ or {}).items()
    }
    bound = bind(context, source.node, defaults, keyword_defaults, [*extra, *values], named, plain.__name__)
    frame.env.update(bound)
    try:
        value = captured_value(context, source.node)
    except StaticNeededError as error:
        error.position = next((k for k, param in enumerate(params) if param == error.operand), None)
        raise
    results: list[Operand] = []
    if frame.env.get(DEAD):
        value = None
    with context.at(_where_it_returns(source.node)):
        structure = _result(context, value, results)
    body = (*context.prologue, *context.builder.statements(), Return(tuple(results)))
    captives = tuple(context.captives.values())
    name = "".join(c if c.isidentifier() or c.isdigit() else "_" for c in plain.__name__).strip("_") or "f"
    program = Program(name, (*params, *(var for _, var in captives)), body)
    return Captured(
        program,
        structure,
        tuple(array for array, _ in captives),
        tuple(context.guards.values()),
        tuple((s.file, s.name, s.text) for s in context.sources.values()),
    )


def _plain_function(function: Any) -> tuple[types.FunctionType, list[Any]]:
    """The Python function behind `function`, and the arguments it already has."""
    extra: list[Any] = []
    for _ in range(8):
        if isinstance(function, types.FunctionType):
            return function, extra
        if isinstance(function, types.MethodType):
            extra = [function.__self__, *extra]
            function = function.__func__
        elif callable(getattr(function, "__wrapped__", None)):
            function = function.__wrapped__
        elif callable(getattr(function, "py_func", None)):
            function = function.py_func
        elif isinstance(inspect.getattr_static(type(function), "__call__", None), types.FunctionType):
            extra = [function, *extra]
            function = type(function).__call__
        else:
            break
    raise UnsupportedError(
        f"{getattr(function, '__name__', function)!r} is no Python function",
        why="it has no source to read",
        remedy="wrap it in a function",
    )


def _parameter_names(source: Source, count: int, bound: bool) -> list[str]:
    arguments = source.node.args
    names = [p.arg for p in (*arguments.posonlyargs, *arguments.args)][1 if bound else 0 :]
    star = arguments.vararg.arg if arguments.vararg else "argument"
    return [names[k] if k < len(names) else f"{star}_{k - len(names)}" for k in range(count)]


def _argument(context: Context, tree: Any, name: str, params: list[Var]) -> Any:
    """An argument as a value; its dynamic leaves become parameters."""
    if isinstance(tree, Scalar | Array):
        params.append(context.builder.var(name, tree))
        return params[-1]
    if isinstance(tree, tuple):
        words = getattr(type(tree), "_fields", range(len(tree)))
        parts = [_argument(context, x, f"{name}_{w}", params) for w, x in zip(words, tree, strict=True)]
        return type(tree)(*parts) if is_namedtuple(tree) else tuple(parts)
    if isinstance(tree, list):
        return ListValue([_argument(context, x, f"{name}_{k}", params) for k, x in enumerate(tree)])
    if isinstance(tree, dict):
        return DictValue({k: _argument(context, x, f"{name}_{k}", params) for k, x in tree.items()})
    if is_dataclass(tree) and not isinstance(tree, type):
        values = {f.name: getattr(tree, f.name) for f in fields(tree)}
        return Record(
            type(tree), {k: _argument(context, x, f"{name}_{k}", params) for k, x in values.items()}
        )
    return tree


def _where_it_returns(node: ast.FunctionDef | ast.Lambda) -> ast.AST:
    """The last ``return``, or what a lambda returns."""
    last = node.body if isinstance(node, ast.Lambda) else node.body[-1]
    return last if isinstance(last, ast.expr | ast.Return) else node


def _result(context: Context, value: Any, results: list[Operand]) -> Any:
    """What is returned, with a `Leaf` for each number and array."""
    if isinstance(value, Var):
        results.append(value)
        return Leaf(len(results) - 1)
    if is_number(value):
        results.append(Const(value))
        return Leaf(len(results) - 1)
    if isinstance(value, tuple):
        parts = [_result(context, part, results) for part in value]
        return type(value)(*parts) if is_namedtuple(value) else tuple(parts)
    if isinstance(value, ListValue):
        return [_result(context, part, results) for part in value.items]
    if isinstance(value, DictValue):
        return {key: _result(context, part, results) for key, part in value.items.items()}
    if isinstance(value, Record):
        if value.kind is SparseMatrix:
            context.fail("a sparse matrix is returned", "it is taken apart into its arrays", "return A.data")
        if hasattr(value.kind, "without"):
            raise context.refusal(f"{describe(value)} is returned", *lacking(value, ""))
        return Record(value.kind, {key: _result(context, x, results) for key, x in value.fields.items()})
    if is_static(value) and not isinstance(value, Closure | Method | Partial):
        return value if children(value) is None else to_python(value)
    raise context.refusal(
        f"{describe(value)} is returned", "only numbers, arrays and structures of them can be"
    )
