"""Calls: what is called decides.

Python functions are inlined, NumPy's become statements, a few builtins and
`math` are translated, and structures (namedtuples, dataclasses) are built during capture.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from pullback.base.lost import instead_of_solver
from pullback.capture import decompositions, managers, matching, stopping
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, expression
from pullback.capture.inline import inline_closure, inline_function
from pullback.capture.literals import elements
from pullback.capture.math_calls import PYTHON
from pullback.capture.methods import call_method
from pullback.capture.numpy_calls import call_numpy, is_numpy
from pullback.capture.python_calls import handles
from pullback.capture.reductions import reduce_generator
from pullback.capture.sequences import items_of, zipped
from pullback.capture.source import is_library
from pullback.capture.values import (
    Closure,
    DictValue,
    Method,
    Partial,
    Record,
    Var,
    describe,
    is_static,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Checkpoint, Const
from pullback.rules.table import PARTS, name_of

REGISTERED = (decompositions, managers, matching, stopping)
"""Modules that are imported for what they register."""

Kwargs = dict[str, Any]


@expression(ast.Call)
def _call(context: Context, node: ast.Call) -> Any:
    function = evaluate(context, node.func)
    if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp):
        done, value = reduce_generator(context, function, node.args[0], node.keywords)
        if done:
            return value
    args = elements(context, node.args)
    kwargs: Kwargs = {}
    for keyword in node.keywords:
        value = evaluate(context, keyword.value)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, DictValue):
            kwargs |= value.items
        else:
            context.fail(f"`**` of {describe(value)}", "only a dict can be spread")
    return call(context, function, args, kwargs)


def call(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """``function(*args, **kwargs)`` for any value `function`."""
    if isinstance(function, Closure):
        return inline_closure(context, function, args, kwargs)
    if isinstance(function, Partial):
        return call(context, function.function, [*function.args, *args], {**function.kwargs, **kwargs})
    if isinstance(function, Method):
        return call_method(context, function, args, kwargs)
    if isinstance(function, Var) or not callable(function):
        context.fail(f"{describe(function)} is called", "it is no function")
    handler = _known(function)
    if handler is not None:
        return handler(context, args, kwargs)
    if function is map:
        return _map(context, args)
    if function is functools.reduce:
        return _reduce(context, args)
    if function is functools.partial:
        return Partial(args[0], tuple(args[1:]), kwargs)
    has_row = is_numpy(function)  # which lets rows join the table
    parts = PARTS.get(function) if isinstance(function, types.FunctionType) else None
    if parts is not None:
        return inline_function(context, parts, args, kwargs)
    if has_row:
        return call_numpy(context, function, args, kwargs)
    if isinstance(function, type):
        return _construct(context, function, args, kwargs)
    return _python(context, function, args, kwargs)


def _known(function: Any) -> Callable[..., Any] | None:
    if (getattr(function, "__module__", None) or "").startswith(("scipy.sparse", "pullback.scipy.sparse")):
        from pullback.capture.sparse_calls import handler_of

        return handler_of(function)
    try:
        return PYTHON.get(function)
    except TypeError:
        return None


def run_again(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A call of what `pullback.checkpoint` made of `function`."""
    return function(*args, **kwargs)


@handles(run_again)
def _run_again(context: Context, args: list[Any], kwargs: Kwargs) -> Any:
    with context.block() as inside:
        value = call(context, args[0], args[1:], kwargs)
    context.add(Checkpoint(Const(True), inside.block))
    return value


def _map(context: Context, args: list[Any]) -> Any:
    items = zipped(context, args[1:])
    if not isinstance(items, tuple):
        context.fail(
            "map over something of unknown length", "it would be a list of that length", "use a loop"
        )
    return tuple(call(context, args[0], list(item), {}) for item in items)


def _reduce(context: Context, args: list[Any]) -> Any:
    items = items_of(context, args[1])
    if items is None or not (items or len(args) > 2):
        context.fail(
            "functools.reduce over something of unknown length", "it is a loop in disguise", "write the loop"
        )
    values = [*args[2:], *items]
    total = values[0]
    for value in values[1:]:
        total = call(context, args[0], [total, value], {})
    return total


def _construct(context: Context, kind: type, args: list[Any], kwargs: Kwargs) -> Any:
    """An instance of a namedtuple or of a plain dataclass."""
    try:
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return kind(*args, **kwargs)
        if dataclasses.is_dataclass(kind) and not hasattr(kind, "__post_init__"):
            bound = inspect.signature(kind).bind(*args, **kwargs)
            bound.apply_defaults()
            return Record(kind, dict(bound.arguments))
    except TypeError as error:
        context.fail(f"{kind.__name__} does not take these arguments", f"Python says: {error}")
    if is_static((*args, *kwargs.values())) and (issubclass(kind, BaseException) or kind in (dict, slice)):
        return kind(*(to_python(a) for a in args), **{k: to_python(v) for k, v in kwargs.items()})
    raise context.refusal(
        f"an instance of {kind.__name__} is made",
        "only namedtuples and dataclasses without __post_init__ can be built",
        "use one of those, or make it outside the function",
    )


_OUTSIDE = "give it one with pb.primitive and pb.vjp_rule, or call it outside of the compiled function"


def _python(context: Context, function: Any, args: list[Any], kwargs: Kwargs) -> Any:
    """Anything else that can be called from Python: inlined where it is Python all the way."""
    if isinstance(function, types.FunctionType):
        # By the file, not the module: an example in a docstring has its module's name.
        file = function.__code__.co_filename
        if is_library(file) and not is_library(context.frame.file):
            marked = function.__dict__.get("__checkpoint__")
            if marked is function:
                return Partial(run_again, tuple(args), kwargs)
            if marked is not None:
                return call(context, run_again, [marked, *args], kwargs)
            if "__compiled__" in function.__dict__:
                return call(context, function.__dict__["__compiled__"], args, kwargs)
            _no_transform(context, function)
            context.fail(
                f"{name_of(function)} has no rule",
                "it is neither in the table of rules nor a function of yours",
                instead_of_solver(name_of(function)) or _OUTSIDE,
            )
        return inline_function(context, function, args, kwargs)
    if isinstance(function, types.MethodType):
        return inline_function(context, function.__func__, [function.__self__, *args], kwargs)
    if isinstance(function, functools.partial):
        return call(context, function.func, [*function.args, *args], {**function.keywords, **kwargs})
    if getattr(function, "is_native", False) and not function.effects:
        context.fail(
            f"pb.purify of {function.__name__} is called in compiled code",
            "it leaves alone what its function writes into, here or elsewhere",
            "call the function itself, on an array made for what it writes: z = np.empty(4); f(z, y)",
        )
    for attribute in ("__wrapped__", "py_func"):
        inner = getattr(function, attribute, None)
        if callable(inner) and _is_transparent(function):
            return call(context, inner, args, kwargs)
    method = inspect.getattr_static(type(function), "__call__", None)
    if isinstance(method, types.FunctionType):
        return inline_function(context, method, [function, *args], kwargs)
    raise context.refusal(
        f"{name_of(function)} has no translation",
        "it is neither Python source nor a function that pullback has a rule for",
        "call it outside, or write it with NumPy",
    )


def _no_transform(context: Context, function: types.FunctionType) -> None:
    """Refuse a transform, and what one has made."""
    made = function.__dict__.get("__transform__")
    if made is not None or function.__module__.startswith("pullback.api"):
        called = (
            f"pb.{function.__name__}" if made is None else f"pb.{made[0].__name__} of {function.__name__}"
        )
        context.fail(
            f"{called} in compiled code",
            "a compiled program is derived as a whole",
            "call it outside; transforms of a compiled function run compiled code",
        )


def _is_transparent(function: Any) -> bool:
    """Whether calling `function` is calling what it wraps: ours, Numba's and functools.lru_cache's are."""
    module = (type(function).__module__ or "").partition(".")[0]
    return module in ("pullback", "numba") or isinstance(function, functools._lru_cache_wrapper)
