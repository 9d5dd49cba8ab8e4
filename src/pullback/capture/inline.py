"""Inlining: a call of a Python function becomes its body, with its parameters bound to the arguments."""

from __future__ import annotations

import ast
import inspect
import types
from typing import Any

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate
from pullback.capture.frame import Frame
from pullback.capture.join import DEAD, RESULT, RETURN
from pullback.capture.lending import called
from pullback.capture.liveness import Liveness, analyse, stores
from pullback.capture.names import lift
from pullback.capture.source import Source, source_of
from pullback.capture.statements import run_block
from pullback.capture.values import Closure, DictValue, Poison
from pullback.ir.nodes import Var

_KINDS = inspect.Parameter

DEPTH = 8
"""How often a function may stand on the stack: a function of functions may, a recursion ends here."""

_analysed: dict[int, tuple[ast.AST, Liveness, frozenset[str]]] = {}


def analysis(node: ast.FunctionDef | ast.Lambda) -> tuple[Liveness, frozenset[str]]:
    """Liveness and local names of a function, found once."""
    known = _analysed.get(id(node))
    if known is None or known[0] is not node:
        parameters = {
            p.arg
            for p in (
                *node.args.posonlyargs,
                *node.args.args,
                *node.args.kwonlyargs,
                node.args.vararg,
                node.args.kwarg,
            )
            if p is not None
        }
        body = node.body if isinstance(node, ast.FunctionDef) else [node.body]
        known = (node, analyse(node), stores(body) | parameters)
        _analysed[id(node)] = known
    return known[1], known[2]


def inline_function(
    context: Context, function: types.FunctionType, args: list[Any], kwargs: dict[str, Any]
) -> Any:
    """A call of a Python function."""
    source = source_of(function.__code__)
    if sum(frame.function is function for frame in context.frames) >= DEPTH:
        context.fail(
            f"{function.__name__} calls itself", "recursion has no finite program", "write it as a loop"
        )
    context.sources[function.__code__] = source
    defaults = [
        lift(context, value, f"default of {function.__name__}", lambda k=k: (function.__defaults__ or ())[k])
        for k, value in enumerate(function.__defaults__ or ())
    ]
    keyword_defaults = {
        name: lift(context, value, name, lambda name=name: (function.__kwdefaults__ or {})[name])
        for name, value in (function.__kwdefaults__ or {}).items()
    }
    bound = bind(context, source.node, defaults, keyword_defaults, args, kwargs, function.__name__)
    frame = new_frame(context, source, source.node, None, function)
    return _run(context, frame, source.node, bound)


def inline_closure(context: Context, closure: Closure, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A call of a function defined in a function that is being captured."""
    if sum(frame.source.node is closure.node for frame in context.frames) >= DEPTH:
        context.fail(f"{closure.name} calls itself", "recursion has no finite program", "write it as a loop")
    outer: Frame = closure.frame
    bound = bind(
        context, closure.node, list(closure.defaults), closure.keyword_defaults, args, kwargs, closure.name
    )
    source = Source(outer.source.file, closure.name, closure.node, "")
    frame = new_frame(context, source, closure.node, outer, None)
    return _run(context, frame, closure.node, bound, closure)


def new_frame(
    context: Context, source: Source, node: ast.FunctionDef | ast.Lambda, parent: Frame | None, function: Any
) -> Frame:
    liveness, local_names = analysis(node)
    path: tuple[Any, ...] = ()
    if context.frames:
        path = (*context.frame.path, id(context.node))
    return Frame(source, liveness, local_names, parent, function, path=path)


def bind(
    context: Context,
    node: ast.FunctionDef | ast.Lambda,
    defaults: list[Any],
    keyword_defaults: dict[str, Any],
    args: list[Any],
    kwargs: dict[str, Any],
    name: str,
) -> dict[str, Any]:
    """Parameters to arguments, as Python binds them."""
    a = node.args
    positional = [(p.arg, _KINDS.POSITIONAL_ONLY) for p in a.posonlyargs]
    positional += [(p.arg, _KINDS.POSITIONAL_OR_KEYWORD) for p in a.args]
    missing = [_KINDS.empty] * (len(positional) - len(defaults))
    parameters = [
        inspect.Parameter(word, kind, default=default)
        for (word, kind), default in zip(positional, [*missing, *defaults], strict=True)
    ]
    if a.vararg:
        parameters.append(inspect.Parameter(a.vararg.arg, _KINDS.VAR_POSITIONAL))
    parameters += [
        inspect.Parameter(p.arg, _KINDS.KEYWORD_ONLY, default=keyword_defaults.get(p.arg, _KINDS.empty))
        for p in a.kwonlyargs
    ]
    if a.kwarg:
        parameters.append(inspect.Parameter(a.kwarg.arg, _KINDS.VAR_KEYWORD))
    try:
        bound = inspect.Signature(parameters).bind(*args, **kwargs)
    except TypeError as error:
        context.fail(f"{name} does not take these arguments", f"Python says: {error}")
    bound.apply_defaults()
    values = dict(bound.arguments)
    if a.kwarg:
        values[a.kwarg.arg] = DictValue(dict(values[a.kwarg.arg]), context.home)
    return values


def _run(
    context: Context,
    frame: Frame,
    node: ast.FunctionDef | ast.Lambda,
    bound: dict[str, Any],
    closure: Closure | None = None,
) -> Any:
    call_node = frame.called_at = context.node
    context.keep(tuple(bound.values()))
    frame.env.update(bound)
    try:
        with called(context, frame, closure):
            value = body_value(context, node)
            died = bool(frame.env.get(DEAD))
    finally:
        context.node = call_node
    if died:
        context.env[DEAD] = True
    return value


def body_value(context: Context, node: ast.FunctionDef | ast.Lambda) -> Any:
    """Capture a function's body in the frame that is on top, and give what it returns."""
    if isinstance(node, ast.Lambda):
        return evaluate(context, node.body)
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node)):
        context.fail(f"{node.name} is a generator", "only plain functions are captured", "return a tuple")
    run_block(context, node.body)
    env = context.env
    returned, value = env.get(RETURN, False), env.get(RESULT)
    if isinstance(value, Poison):
        context.fail(
            f"{node.name} returns values of unlike types", value.why, "return values of one type", node
        )
    if isinstance(returned, Var) and value is not None:
        context.fail(
            f"{node.name} returns a value on one way and None on another",
            "the program's result has one type",
            "end every way with a return, or a raise",
            node,
        )
    return value if returned else None
