"""Constants, displays, comprehensions, f-strings, lambdas and walrus assignments."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, expression
from pullback.capture.frame import Frame
from pullback.capture.lending import called
from pullback.capture.liveness import Liveness, stores
from pullback.capture.operators import condition
from pullback.capture.sequences import items_of, unpack
from pullback.capture.statements import assign, closure
from pullback.capture.values import DictValue, ListValue, describe, is_static, to_python
from pullback.ir.nodes import Var


@expression(ast.Constant)
def _constant(context: Context, node: ast.Constant) -> Any:
    return node.value


def elements(context: Context, nodes: list[ast.expr]) -> list[Any]:
    """The values of expressions, starred ones spread."""
    values: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            values.extend(unpack(context, evaluate(context, node.value), None))
        else:
            values.append(evaluate(context, node))
    return values


@expression(ast.Tuple)
def _tuple(context: Context, node: ast.Tuple) -> Any:
    values = tuple(elements(context, node.elts))
    statement = context.frame.statement
    if not (isinstance(statement, ast.Assign) and statement.value is node):
        # Its parts may be given more than one name.
        context.keep(values)
    return values


@expression(ast.List)
def _list(context: Context, node: ast.List) -> Any:
    items = elements(context, node.elts)
    context.keep(tuple(items))
    return ListValue(items, context.home)


@expression(ast.Dict)
def _dict(context: Context, node: ast.Dict) -> Any:
    items: dict[Any, Any] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(context, value_node)
        if key_node is None:
            if not isinstance(value, DictValue):
                context.fail(f"`**` of {describe(value)}", "only a dict can be spread")
            items |= value.items
            continue
        key = evaluate(context, key_node)
        if not is_static(key):
            context.static_needed("the key of a dict", key)
        items[to_python(key)] = value
    context.keep(tuple(items.values()))
    return DictValue(items, context.home)


@expression(ast.JoinedStr)
def _fstring(context: Context, node: ast.JoinedStr) -> Any:
    text = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = evaluate(context, part.value)
            if not is_static(value):
                context.fail(
                    f"{describe(value)} is put into text",
                    "a program has no strings",
                    "format the result outside the function",
                )
            spec = evaluate(context, part.format_spec) if part.format_spec else ""
            python = to_python(value)
            python = {115: str, 114: repr, 97: ascii}.get(part.conversion, lambda x: x)(python)
            text += format(python, spec)
        else:
            text += evaluate(context, part)
    return text


@expression(ast.Lambda)
def _lambda(context: Context, node: ast.Lambda) -> Any:
    return closure(context, node)


@expression(ast.NamedExpr)
def _walrus(context: Context, node: ast.NamedExpr) -> Any:
    if context.frame.inner:
        context.fail("`:=` in a comprehension", "it binds a name outside the comprehension", "write the loop")
    return assign(context, node.target, evaluate(context, node.value))


@expression(ast.Starred)
def _starred(context: Context, node: ast.Starred) -> Any:
    context.fail("`*` here", "there is nothing to spread it into")


@expression(ast.ListComp, ast.GeneratorExp)
def _comprehension(context: Context, node: ast.ListComp | ast.GeneratorExp) -> Any:
    items: list[Any] = []
    run_generators(context, node.generators, lambda: items.append(evaluate(context, node.elt)))
    context.keep(tuple(items))
    return ListValue(items, context.home)


@expression(ast.DictComp)
def _dict_comprehension(context: Context, node: ast.DictComp) -> Any:
    items: dict[Any, Any] = {}

    def add() -> None:
        key = evaluate(context, node.key)
        if not is_static(key):
            context.static_needed("the key of a dict", key)
        items[to_python(key)] = evaluate(context, node.value)

    run_generators(context, node.generators, add)
    context.keep(tuple(items.values()))
    return DictValue(items, context.home)


def run_generators(
    context: Context, generators: list[ast.comprehension], element: Callable[[], None]
) -> None:
    """Run the element of a comprehension for each item, in a scope of its own."""
    outer = context.frame
    inner = Frame(
        outer.source,
        Liveness(),
        stores([g.target for g in generators]),
        outer,
        None,
        path=outer.path,
        inner=True,
    )
    first = evaluate(context, generators[0].iter)
    with called(context, inner):
        _generator(context, generators, first, element)


def _generator(
    context: Context, generators: list[ast.comprehension], iterable: Any, element: Callable[[], None]
) -> None:
    generator, rest = generators[0], generators[1:]
    items = items_of(context, iterable)
    if items is None:
        with context.at(generator.iter):
            context.fail(
                f"a comprehension over {describe(iterable)}",
                "its length is not known before the program runs",
                "make an array with np.empty and fill it in a loop",
            )
    for item in items:
        assign(context, generator.target, item)
        if not all(_holds(context, test) for test in generator.ifs):
            continue
        if rest:
            _generator(context, rest, evaluate(context, rest[0].iter), element)
        else:
            element()


def _holds(context: Context, test: ast.expr) -> bool:
    value = condition(context, test)
    if isinstance(value, Var):
        context.static_needed("the `if` of a comprehension", value, "use a boolean mask")
    return value
