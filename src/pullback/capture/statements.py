"""Statements other than loops: assignments, branches, exits, definitions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.capture.axisless import check_update
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, execute, statement
from pullback.capture.join import BREAK, CONTINUE, DEAD, RESULT, RETURN, any_flag, fork, guarded
from pullback.capture.liveness import always_exits
from pullback.capture.names import load_name
from pullback.capture.operators import BINARY, binary, condition
from pullback.capture.sequences import unpack
from pullback.capture.source import is_library
from pullback.capture.stores import augmented, store_flat, store_subscript
from pullback.capture.values import Closure, ListValue, Record, describe, is_array, to_python
from pullback.ir.nodes import Raise, Var

EMPTY: frozenset[str] = frozenset()


def run_block(context: Context, statements: Sequence[ast.stmt]) -> None:
    """Capture statements one after the other; where one may leave, the rest goes under a test."""
    for position, node in enumerate(statements):
        rest = statements[position + 1 :]
        context.temporaries.clear()
        if isinstance(node, ast.If) and rest and (always_exits(node.body) or always_exits(node.orelse)):
            with context.at(node):
                _branch(context, node, rest)
            return
        execute(context, node)
        if context.env.get(DEAD):
            return
        left = any_flag(context)
        if left is True:
            return
        if isinstance(left, Var):
            if rest:
                live = live_after(context, [node, *rest])
                guarded(context, lambda rest=rest: run_block(context, rest), live)
            return


def live_after(context: Context, statements: Sequence[ast.stmt]) -> frozenset[str]:
    """The names live after these statements, on any way out of them."""
    after = context.frame.liveness.after
    return frozenset().union(*(after.get(id(s), EMPTY) for s in statements))


@statement(ast.If)
def _if(context: Context, node: ast.If) -> None:
    _branch(context, node, ())


def _branch(context: Context, node: ast.If, rest: Sequence[ast.stmt]) -> None:
    """``if``, with the statements after it in the branch that does not always leave."""
    then: Sequence[ast.stmt] = node.body
    orelse: Sequence[ast.stmt] = node.orelse
    if always_exits(node.body):
        orelse = (*orelse, *rest)
    elif rest:
        then = (*then, *rest)
    test = condition(context, node.test)
    if isinstance(test, bool):
        run_block(context, then if test else orelse)
        return
    live = live_after(context, [node, *rest])
    fork(context, test, lambda: run_block(context, then), lambda: run_block(context, orelse), live)


@statement(ast.Assign)
def _assign(context: Context, node: ast.Assign) -> None:
    value = evaluate(context, node.value)
    if len(node.targets) > 1 and not isinstance(value, Var):
        context.keep(value)
    for target in node.targets:
        value = assign(context, target, value)


@statement(ast.AnnAssign)
def _annotated(context: Context, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(context, node.target, evaluate(context, node.value))


def assign(context: Context, target: ast.expr, value: Any) -> Any:
    """``target = value``; the value is returned under the name it now has."""
    with context.at(target):
        match target:
            case ast.Name(id=name):
                if name in context.frame.declared_global:
                    context.fail(
                        f"{name} is global here",
                        "a captured function cannot assign names outside itself",
                        "return the value",
                    )
                value = context.named(value, name)
                context.env[name] = value
            case ast.Tuple() | ast.List():
                _assign_parts(context, target.elts, value)
            case ast.Subscript():
                store_subscript(context, target, value)
            case ast.Attribute():
                _assign_attribute(context, target, value)
            case ast.Starred():
                context.fail("a starred target outside a tuple")
            case _:
                context.fail("this cannot be assigned to")
    return value


def _assign_parts(context: Context, targets: Sequence[ast.expr], value: Any) -> None:
    starred = next((k for k, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if starred is None:
        for target, part in zip(targets, unpack(context, value, len(targets)), strict=True):
            assign(context, target, part)
        return
    parts = unpack(context, value, None)
    behind = len(targets) - starred - 1
    if len(parts) < len(targets) - 1:
        context.fail(f"{len(parts)} values cannot be unpacked into {len(targets)} names")
    middle = ListValue(parts[starred : len(parts) - behind], context.home)
    context.keep(middle)
    star = targets[starred]
    assert isinstance(star, ast.Starred)
    plain = [*targets[:starred], star.value, *targets[starred + 1 :]]
    for target, part in zip(plain, [*parts[:starred], middle, *parts[len(parts) - behind :]], strict=True):
        assign(context, target, part)


def _assign_attribute(context: Context, target: ast.Attribute, value: Any) -> None:
    owner = evaluate(context, target.value)
    if is_array(owner) and target.attr == "flat":
        store_flat(context, owner, slice(None), value)
        return
    if is_array(owner) and target.attr in ("real", "imag", "T"):
        context.fail(
            f"a store into `.{target.attr}`",
            "the program has no view of that kind",
            "build the array from its parts and store it whole",
        )
    why = (
        "a frozen dataclass cannot change" if isinstance(owner, Record) else "an attribute outlives the call"
    )
    context.fail(f"attribute {target.attr} of {describe(owner)} is assigned", why, "return the value instead")


@statement(ast.AugAssign)
def _augmented(context: Context, node: ast.AugAssign) -> None:
    function = BINARY[type(node.op)]
    match node.target:
        case ast.Name():
            current = load_name(context, node.target)
            value = evaluate(context, node.value)
            context.frame.storing = True
            if is_array(current):
                augmented(context, current, None, function, value)
            else:
                check_update(context, node.target.id, current)
                assign(context, node.target, _in_place(context, current, function, value))
        case ast.Subscript():
            store_subscript(context, node.target, node.value, function)
        case _:
            context.fail(
                "an attribute is updated in place", "it outlives the call", "return the value instead"
            )


def _in_place(context: Context, current: Any, function: Callable[..., Any], value: Any) -> Any:
    if isinstance(current, ListValue) and function is np.add:
        context.fail("`+=` on a list", "it would change the list in place", "write `x = x + y`")
    return binary(context, function, current, value)


@statement(ast.Expr)
def _expression(context: Context, node: ast.Expr) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(context, node.value)


@statement(ast.Pass)
def _pass(context: Context, node: ast.Pass) -> None:
    pass


@statement(ast.Global)
def _global(context: Context, node: ast.Global) -> None:
    context.frame.declared_global |= set(node.names)


@statement(ast.Nonlocal)
def _nonlocal(context: Context, node: ast.Nonlocal) -> None:
    """The call has bound the names, and hands their values back (`capture.inline`)."""
    if context.frame.function is not None:
        context.fail(
            f"{node.names[0]} is nonlocal here",
            "a captured function cannot assign names outside itself",
            "return the value",
        )


@statement(ast.Import, ast.ImportFrom)
def _import(context: Context, node: ast.Import | ast.ImportFrom) -> None:
    scope: dict[str, Any] = {}
    module = ast.Module([node], [])
    exec(compile(module, context.frame.file, "exec"), dict(context.frame.globals), scope)
    for name, value in scope.items():
        context.env[name] = value


@statement(ast.Delete)
def _delete(context: Context, node: ast.Delete) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            context.fail("`del` of an item", "only a name can be deleted", "make a new list or dict")
        load_name(context, target)
        del context.env[target.id]


@statement(ast.Return)
def _return(context: Context, node: ast.Return) -> None:
    value = None if node.value is None else evaluate(context, node.value)
    context.env[RESULT] = context.named(value, "result")
    context.env[RETURN] = True


@statement(ast.Break)
def _break(context: Context, node: ast.Break) -> None:
    context.env[BREAK] = True


@statement(ast.Continue)
def _continue(context: Context, node: ast.Continue) -> None:
    context.env[CONTINUE] = True


@statement(ast.Assert)
def _assert(context: Context, node: ast.Assert) -> None:
    holds = condition(context, node.test)
    if holds is True:
        return
    text = _message(context, node.msg) if node.msg is not None else ""
    if isinstance(holds, Var):
        fails = context.call(np.logical_not, holds, name="fails")
        context.raise_if(fails, AssertionError, text)
        return
    _raise_now(context, AssertionError, text)


@statement(ast.Raise)
def _raise(context: Context, node: ast.Raise) -> None:
    if node.exc is None:
        context.fail(
            "`raise` without an exception", "there is no `try` in the language", "raise ValueError(text)"
        )
    call = node.exc if isinstance(node.exc, ast.Call) else None
    kind = evaluate(context, call.func if call else node.exc)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        context.fail(f"{describe(kind)} is raised", "only exception classes can be", "raise ValueError(text)")
    if call and issubclass(kind, UnsupportedError) and is_library(context.frame.file):
        raise _refusal(context, call)
    if getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is not kind:
        context.fail(
            f"{kind.__qualname__} is raised",
            "compiled code finds an exception class by its name in a module",
            "define the class at the top of a file",
        )
    text = _message(context, call.args[0]) if call and call.args else ""
    _raise_now(context, kind, text)


def _refusal(context: Context, call: ast.Call) -> UnsupportedError:
    """What a function that stands for a library's says about a call that it does not take."""
    words = {str(k.arg): to_python(evaluate(context, k.value)) for k in call.keywords}
    what = to_python(evaluate(context, call.args[0]))
    return UnsupportedError(what, where=context.location(), **words)


def _raise_now(context: Context, kind: type[BaseException], text: str) -> None:
    context.add(Raise(kind, text))
    context.env[DEAD] = True


def _message(context: Context, node: ast.expr) -> str:
    """The text of an exception: that of the source where it depends on the run."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(part) for part in node.values)
    value = evaluate(context, node)
    return value if isinstance(value, str) else ast.unparse(node) if isinstance(value, Var) else str(value)


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "{" + ast.unparse(part.value) + "}" if isinstance(part, ast.FormattedValue) else ast.unparse(part)


@statement(ast.FunctionDef)
def _define(context: Context, node: ast.FunctionDef) -> None:
    if node.decorator_list:
        context.fail(
            f"{node.name} is decorated",
            "a decorator runs arbitrary Python",
            "decorate it outside the function",
        )
    context.env[node.name] = closure(context, node)


def closure(context: Context, node: ast.FunctionDef | ast.Lambda) -> Closure:
    """A nested function with the values of its defaults."""
    arguments = node.args
    defaults = tuple(evaluate(context, d) for d in arguments.defaults)
    keywords = {
        parameter.arg: evaluate(context, default)
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    }
    return Closure(node, context.frame, defaults, keywords)
