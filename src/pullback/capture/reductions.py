"""``sum(... for ... in ...)`` over a number of items known only at run time: the loop a user would write."""

from __future__ import annotations

import ast
import builtins
from typing import Any

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, execute
from pullback.capture.frame import Frame
from pullback.capture.lending import called
from pullback.capture.liveness import Liveness, stores
from pullback.capture.sequences import items_of

_TOTAL, _ITEMS = "sum_of_items", "summed_items"


def reduce_generator(
    context: Context, function: Any, node: ast.GeneratorExp | ast.ListComp, keywords: list[ast.keyword]
) -> tuple[bool, Any]:
    """Whether the call was captured here, and its value."""
    if function is not builtins.sum or keywords or len(node.generators) != 1:
        return False, None
    generator = node.generators[0]
    iterable = evaluate(context, generator.iter)
    if items_of(context, iterable) is not None:
        return False, None
    step: ast.stmt = ast.AugAssign(ast.Name(_TOTAL, ast.Store()), ast.Add(), node.elt)
    for test in reversed(generator.ifs):
        step = ast.If(test, [step], [])
    loop = ast.For(generator.target, ast.Name(_ITEMS, ast.Load()), [step], [])
    for made in (step, loop, loop.iter):
        ast.copy_location(made, node)
    ast.fix_missing_locations(loop)
    outer = context.frame
    names = stores([loop]) | {_ITEMS}
    liveness = Liveness({id(s): names for s in ast.walk(loop)}, {id(loop): names - {_ITEMS}})
    frame = Frame(outer.source, liveness, names, outer, None, path=(*outer.path, id(node)))
    frame.env.update({_TOTAL: 0, _ITEMS: iterable})
    # The loop is syntax of this capture alone: it must live as long as the plans that name it.
    context.made.append(loop)
    with called(context, frame):
        execute(context, loop)
        total = frame.env[_TOTAL]
    return True, total
