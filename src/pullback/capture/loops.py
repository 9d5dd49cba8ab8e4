"""Loops.

What a loop carries from one turn to the next becomes cells; their types are found by capturing the body again
until they no longer change (`capture.search`).

A loop over a range, an array, or a zip of such is a `For`; one that can be left early is a `While` on a
counter. A loop over a tuple or a list is unrolled, and so is one over a constant range whose body needs to
know the index (to take an item of a list).
"""

from __future__ import annotations

import ast
import functools
from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, statement
from pullback.capture.frame import StaticNeededError
from pullback.capture.join import (
    BREAK,
    CONTINUE,
    DEAD,
    FLAGS,
    RETURN,
    any_flag,
    guarded,
)  # fmt: skip
from pullback.capture.liveness import stores
from pullback.capture.operators import condition, whole
from pullback.capture.search import PeelError, Search, Turn, close, leave, surely_bound
from pullback.capture.sequences import items_of, sequence, trips
from pullback.capture.statements import assign, live_after, run_block
from pullback.capture.values import (
    Flat,
    RangeValue,
    Sequence,
    as_operand,
    is_array,
    is_static,
)  # fmt: skip
from pullback.ir.nodes import Block, For, Var, While
from pullback.ir.types import INT

UNROLLED = 64
"""The longest constant range that is unrolled where the body needs the index."""


def _live(context: Context, node: ast.For | ast.While) -> frozenset[str]:
    liveness = context.frame.liveness
    return liveness.header.get(id(node), frozenset()) | liveness.after.get(id(node), frozenset())


WRITTEN_OUT = 1000
"""The longest list or tuple that a loop is written out for."""


@statement(ast.While)
def _while(context: Context, node: ast.While) -> None:
    def test() -> Any:
        left = any_flag(context, (BREAK, RETURN))
        if left is True:
            return False
        if left is False:
            return condition(context, node.test)
        go = "$go"
        context.env[go] = False

        def ask() -> None:
            context.env[go] = condition(context, node.test)

        flags = {flag: context.env[flag] for flag in (BREAK, RETURN) if flag in context.env}
        guarded(context, ask, frozenset(context.frame.local_names), (BREAK, RETURN))
        context.env.update(flags)
        return context.env.pop(go)

    names = stores([*node.body, node.test])
    live = _live(context, node)
    turn = Search(context, node, names, live, test, lambda: run_block(context, node.body)).run()
    if turn.test is False:
        # Never entered: what was captured of the body is dropped.
        context.builder.extend(turn.before)
        context.frame.env = dict(turn.env_after_test)
    else:
        body = close(context, turn)
        context.add(While(turn.before, as_operand(turn.test), body))
        leave(context, turn)
    _finish(context, node)


def _finish(context: Context, node: ast.For | ast.While) -> None:
    """The ``else`` of a loop, for the runs that did not leave it."""
    left = any_flag(context, (BREAK, RETURN)) if node.orelse else True
    if left is True:
        context.env.pop(BREAK, None)
        return
    if isinstance(left, Var):
        live = live_after(context, [node, *node.orelse])
        guarded(context, lambda: run_block(context, node.orelse), live, (BREAK, RETURN), used_up=BREAK)
        return
    run_block(context, node.orelse)


@statement(ast.For)
def _for(context: Context, node: ast.For) -> None:
    iterable = evaluate(context, node.iter)
    if isinstance(iterable, RangeValue):
        if not is_static(iterable):
            _counted(context, node, iterable)
            return
        if not items_of(context, iterable):
            _finish(context, node)
            return
        state, frame = context.snapshot(), context.frame
        depth = len(context.builder.innermost)
        try:
            _counted(context, node, iterable)
        except StaticNeededError:
            if len(list(items_of(context, iterable) or ())) > UNROLLED:
                raise
            del context.frames[context.frames.index(frame) + 1 :]
            del context.builder.innermost[depth:]
            context.restore(state)
            _unrolled(context, node, items_of(context, iterable) or [])
        return
    if is_array(iterable) or isinstance(iterable, Sequence | Flat):
        if isinstance(iterable, Sequence) and isinstance(iterable.length, int):
            _unrolled(context, node, items_of(context, iterable) or [])
            return
        _counted(context, node, sequence(context, iterable))
        return
    items = items_of(context, iterable)
    if items is None:
        sequence(context, iterable)
    if len(items or ()) > WRITTEN_OUT:
        context.fail(
            f"a loop over {len(items or ())} items",
            "a loop over a list is written out item by item",
            "loop over np.array(...), or over a range",
            node.iter,
        )
    _unrolled(context, node, items or [])


def _unrolled(context: Context, node: ast.For, items: list[Any], position: int = 0) -> None:
    """One copy of the body for each item; after one that may leave, the others stand under a test."""
    path = context.frame.path
    for k in range(position, len(items)):
        context.frame.path = (*path, k)
        try:
            assign(context, node.target, items[k])
            run_block(context, node.body)
        finally:
            context.frame.path = path
        context.env.pop(CONTINUE, None)
        if context.env.get(DEAD):
            return
        left = any_flag(context, (BREAK, RETURN))
        if left is True:
            break
        if isinstance(left, Var) and k + 1 < len(items):
            rest = functools.partial(_unrolled, context, node, items, k + 1)
            guarded(context, rest, _live(context, node), (BREAK, RETURN))
            break
    if position == 0:
        _finish(context, node)


def _counted(context: Context, node: ast.For, iterable: RangeValue | Sequence, peelable: bool = True) -> None:
    """A `For`, or a `While` on a counter where the loop can be left early."""
    state, depth = context.snapshot(), len(context.builder.innermost)
    wish = node.target.id if isinstance(node.target, ast.Name) else "k"
    plain = isinstance(iterable, RangeValue)
    index = context.builder.var(wish if plain else f"k_{wish}" if wish != "k" else "k", INT)
    if isinstance(iterable, RangeValue):
        bounds = (iterable.start, iterable.stop, iterable.step)
    else:
        bounds = (0, iterable.length, 1)

    def body() -> None:
        value: Any = index if isinstance(iterable, RangeValue) else iterable.at(index)
        if isinstance(node.target, ast.Name) and value is index:
            context.env[node.target.id] = index
        else:
            assign(context, node.target, value)
        run_block(context, node.body)

    names = stores([*node.body, node.target])
    try:
        turn = Search(context, node, names, _live(context, node), None, body, peelable=peelable).run()
    except PeelError:
        del context.builder.innermost[depth:]
        context.restore(state)
        _peeled(context, node, iterable)
        return
    with context.block() as counting:
        count = trips(context, iterable) if isinstance(iterable, RangeValue) else iterable.length
    early = any(isinstance(turn.carried.head.get(flag), Var) for flag in (BREAK, RETURN))
    block = close(context, turn)
    if not early:
        start, stop, step = (as_operand(x) for x in bounds)
        context.add(For(index, start, stop, step, block))
    else:
        context.builder.extend(counting.block)
        _early(context, turn, index, bounds, count, block)
    leave(context, turn)
    if isinstance(count, int) and count > 0:
        surely_bound(context, turn)
    _finish(context, node)


def _peeled(context: Context, node: ast.For, iterable: RangeValue | Sequence) -> None:
    """The first turn by itself, then a loop over the others.

    So ``total = 0.0`` may become an array in the loop. Where the loop runs zero times it would stay a number,
    which no program can say: that is an error at run time.
    """
    if isinstance(iterable, RangeValue):
        count, first, step = trips(context, iterable), iterable.start, iterable.step
        rest: RangeValue | Sequence = RangeValue(whole(context, np.add, first, step), iterable.stop, step)
    else:
        count, first, at = iterable.length, iterable.at(0), iterable.at
        length = whole(context, np.subtract, count, 1)
        rest = Sequence(length, lambda k: at(whole(context, np.add, k, 1)))
    if isinstance(count, Var):
        none = context.call(np.less, count, 1, name="no_turn")
        context.raise_if(none, ValueError, "a loop that makes an array of a number ran zero times")
    path = context.frame.path
    try:
        context.frame.path = (*path, "first")
        assign(context, node.target, first)
        run_block(context, node.body)
        context.frame.path = (*path, "others")
        context.env.pop(CONTINUE, None)
        left = any_flag(context, (BREAK, RETURN))
        if context.env.get(DEAD):
            return
        others = functools.partial(_counted, context, node, rest, False)
        if left is True:
            _finish(context, node)
        elif isinstance(left, Var):
            guarded(context, others, _live(context, node), (BREAK, RETURN), used_up=BREAK)
        else:
            others()
    finally:
        context.frame.path = path


def _early(
    context: Context, turn: Turn, index: Var, bounds: tuple[Any, Any, Any], count: Any, block: Block
) -> None:
    """``while turn < count and not left: index = start + turn * step; ...``."""
    counter = context.builder.var(f"turn_{index.name}", INT)
    context.assign(counter, 0)
    after = dict(context.env)
    with context.block() as before:
        context.frame.env = {
            **context.env,
            **{f: turn.carried.head[f] for f in FLAGS if f in turn.carried.head},
        }
        more = context.call(np.less, counter, count, name="more")
        left = any_flag(context, (BREAK, RETURN))
        stay = context.call(np.logical_not, left, name="stay")
        go = context.call(np.logical_and, more, stay, name="go")
    context.frame.env = after
    with context.block() as head:
        start, _, step = bounds
        place = whole(context, np.add, start, whole(context, np.multiply, counter, step))
        context.assign(index, place)
        context.assign(counter, whole(context, np.add, counter, 1))
    context.add(While(before.block, go, head.block + block))
