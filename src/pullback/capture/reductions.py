"""``sum``, ``max``, ``any`` … of a generator of a length known only at run time: the loop one would write."""

from __future__ import annotations

import ast
import builtins
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, execute
from pullback.capture.frame import Frame
from pullback.capture.lending import called
from pullback.capture.liveness import Liveness, stores
from pullback.capture.sequences import items_of
from pullback.ir.nodes import Var

_TOTAL, _ITEMS, _VALUE, _SEEN = "total_of_items", "items", "item_value", "item_seen"
_LARGER: dict[Any, ast.cmpop] = {builtins.max: ast.Gt(), builtins.min: ast.Lt()}
_DECIDES = {builtins.any: True, builtins.all: False}


def reduce_generator(
    context: Context, function: Any, node: ast.GeneratorExp | ast.ListComp, keywords: list[ast.keyword]
) -> tuple[bool, Any]:
    """Whether the call was captured here, and its value."""
    reduces = function is builtins.sum or function in _LARGER or function in _DECIDES
    if not reduces or keywords or len(node.generators) != 1:
        return False, None
    generator = node.generators[0]
    iterable = evaluate(context, generator.iter)
    if items_of(context, iterable) is not None:
        return False, None
    steps: list[ast.stmt] = _steps(function, node)
    for test in reversed(generator.ifs):
        steps = [ast.If(test, steps, [])]
    loop = ast.For(generator.target, ast.Name(_ITEMS, ast.Load()), steps, [])
    for made in ast.walk(loop):
        if isinstance(made, ast.stmt | ast.expr) and not hasattr(made, "lineno"):
            ast.copy_location(made, node)
    outer = context.frame
    names = stores([loop]) | {_ITEMS, _TOTAL, _SEEN}
    liveness = Liveness({id(s): names for s in ast.walk(loop)}, {id(loop): names - {_ITEMS}})
    frame = Frame(outer.source, liveness, names, outer, None, path=(*outer.path, id(node)))
    start = not _DECIDES[function] if function in _DECIDES else 0
    frame.env.update({_TOTAL: start, _SEEN: False, _ITEMS: iterable})
    # The loop is syntax of this capture alone: it must live as long as the plans that name it.
    context.made.append(loop)
    with called(context, frame):
        execute(context, loop)
        total, seen = frame.env[_TOTAL], frame.env[_SEEN]
    if isinstance(seen, Var):
        none = context.call(np.logical_not, seen, name="none")
        context.raise_if(none, ValueError, f"{function.__name__}() iterable argument is empty")
    return True, total


def _steps(function: Any, node: ast.GeneratorExp | ast.ListComp) -> list[ast.stmt]:
    """What is done with each item."""
    if function is builtins.sum:
        return [ast.AugAssign(ast.Name(_TOTAL, ast.Store()), ast.Add(), node.elt)]
    if function in _DECIDES:
        decides = _DECIDES[function]
        test = node.elt if decides else ast.UnaryOp(ast.Not(), node.elt)
        # A list is made as a whole before it is looked at.
        leave: list[ast.stmt] = [ast.Break()] if isinstance(node, ast.GeneratorExp) else []
        return [ast.If(test, [_set(_TOTAL, ast.Constant(decides)), *leave], [])]
    value = ast.Name(_VALUE, ast.Load())
    better = ast.Compare(value, [_LARGER[function]], [ast.Name(_TOTAL, ast.Load())])
    first = ast.UnaryOp(ast.Not(), ast.Name(_SEEN, ast.Load()))
    taken = [_set(_TOTAL, ast.Name(_VALUE, ast.Load())), _set(_SEEN, ast.Constant(True))]
    return [_set(_VALUE, node.elt), ast.If(ast.BoolOp(ast.Or(), [first, better]), taken, [])]


def _set(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)
