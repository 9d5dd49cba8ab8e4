"""``sum``, ``max``, ``any`` … of a generator of a length known only at run time: the loop one would write."""

from __future__ import annotations

import ast
import builtins
from typing import Any, NamedTuple

import numpy as np

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, execute
from pullback.capture.frame import Frame
from pullback.capture.lending import called
from pullback.capture.liveness import Liveness, stores
from pullback.capture.sequences import items_of
from pullback.ir.nodes import Var


class _Words(NamedTuple):
    """What the loop's own names are; no name of the generator is among them."""

    total: str
    items: str
    value: str
    seen: str


def _words(node: ast.AST) -> _Words:
    taken = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    words = _Words("total", "items", "value", "seen")
    while not taken.isdisjoint(words):
        words = _Words(*(f"{word}_" for word in words))
    return words


_LARGER: dict[Any, ast.cmpop] = {builtins.max: ast.Gt(), builtins.min: ast.Lt()}
_DECIDES = {builtins.any: True, builtins.all: False}


def reduce_generator(
    context: Context, function: Any, node: ast.GeneratorExp | ast.ListComp, keywords: list[ast.keyword]
) -> tuple[bool, Any]:
    """Whether the call was captured here, and its value."""
    reduces = function is builtins.sum or function in _LARGER or function in _DECIDES
    if not reduces or keywords or (len(node.generators) > 1 and function in _DECIDES):
        return False, None
    generator, *inner = node.generators
    iterable = evaluate(context, generator.iter)
    if items_of(context, iterable) is not None:
        return False, None
    words = _words(node)
    steps: list[ast.stmt] = _steps(function, node, words)
    for deeper in reversed(inner):
        steps = [ast.For(deeper.target, deeper.iter, _under(deeper.ifs, steps), [])]
    steps = _under(generator.ifs, steps)
    loop = ast.For(generator.target, ast.Name(words.items, ast.Load()), steps, [])
    for made in ast.walk(loop):
        if isinstance(made, ast.stmt | ast.expr) and not hasattr(made, "lineno"):
            ast.copy_location(made, node)
    outer = context.frame
    names = stores([loop]) | {*words}
    carried = names - {words.items}
    liveness = Liveness({id(s): names for s in ast.walk(loop)}, {id(s): carried for s in ast.walk(loop)})
    frame = Frame(outer.source, liveness, names, outer, None, path=(*outer.path, id(node)))
    start = not _DECIDES[function] if function in _DECIDES else 0
    frame.env.update({words.total: start, words.seen: False, words.items: iterable})
    # The loop is syntax of this capture alone: it must live as long as the plans that name it.
    context.made.append(loop)
    with called(context, frame):
        execute(context, loop)
        total, seen = frame.env[words.total], frame.env[words.seen]
    if isinstance(seen, Var):
        none = context.call(np.logical_not, seen, name="none")
        context.raise_if(none, ValueError, f"{function.__name__}() iterable argument is empty")
    return True, total


def _under(tests: list[ast.expr], steps: list[ast.stmt]) -> list[ast.stmt]:
    """Steps that are done where all the tests hold."""
    for test in reversed(tests):
        steps = [ast.If(test, steps, [])]
    return steps


def _steps(function: Any, node: ast.GeneratorExp | ast.ListComp, words: _Words) -> list[ast.stmt]:
    """What is done with each item."""
    if function is builtins.sum:
        return [ast.AugAssign(ast.Name(words.total, ast.Store()), ast.Add(), node.elt)]
    if function in _DECIDES:
        decides = _DECIDES[function]
        test = node.elt if decides else ast.UnaryOp(ast.Not(), node.elt)
        # A list is made as a whole before it is looked at.
        leave: list[ast.stmt] = [ast.Break()] if isinstance(node, ast.GeneratorExp) else []
        return [ast.If(test, [_set(words.total, ast.Constant(decides)), *leave], [])]
    value = ast.Name(words.value, ast.Load())
    better = ast.Compare(value, [_LARGER[function]], [ast.Name(words.total, ast.Load())])
    first = ast.UnaryOp(ast.Not(), ast.Name(words.seen, ast.Load()))
    taken = [_set(words.total, ast.Name(words.value, ast.Load())), _set(words.seen, ast.Constant(True))]
    return [_set(words.value, node.elt), ast.If(ast.BoolOp(ast.Or(), [first, better]), taken, [])]


def _set(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)
