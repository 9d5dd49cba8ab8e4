"""Loops. What a loop carries from one turn to the next becomes cells; their types are found by capturing the
body again until they no longer change (a fixpoint over `ir.types.join`).

A loop over a range, an array, or a zip of such is a `For`; one that can be left early is a `While` on a
counter. A loop over a tuple or a list is unrolled, and so is one over a constant range whose body needs to
know the index (to take an item of a list).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.capture.carried import Carried, fits, same_plan, widened
from pullback.capture.context import Context, StaticNeededError
from pullback.capture.dispatch import evaluate, statement
from pullback.capture.join import (
    BREAK,
    CONTINUE,
    DEAD,
    FLAGS,
    MISSING,
    RETURN,
    any_flag,
    coalesce,
    guarded,
    parts_of,
    set_cell,
)  # fmt: skip
from pullback.capture.liveness import stores
from pullback.capture.operators import binary, condition
from pullback.capture.sequences import items_of, sequence, trips
from pullback.capture.statements import assign, live_after, run_block
from pullback.capture.values import (
    BOTTOM,
    Maybe,
    Poison,
    RangeValue,
    Sequence,
    UnreachedError,
    as_operand,
    children,
    is_array,
    is_static,
    same,
)  # fmt: skip
from pullback.ir.nodes import Block, For, Var, While
from pullback.ir.primitives import bind
from pullback.ir.types import INT

UNROLLED = 64
"""The longest constant range that is unrolled where the body needs the index."""


@dataclass
class Turn:
    """A captured loop body: what to put before the loop, in it, and the names after the test."""

    block: Block
    before: Block
    test: Any
    env_after_test: dict[str, Any]
    carried: Carried
    ends: dict[str, Any]
    head: dict[str, Any]


@dataclass
class Search:
    """The fixpoint: captures a loop's body with cells for what it carries until their types hold.

    Attributes:
        names: what the body may bind.
        live: what may be read in a later turn or after the loop.
        test: captures the condition of a while loop, in a block of its own.
        settled: whether no turn binds the names that are unbound before the loop and read early in it.
    """

    context: Context
    node: ast.stmt
    names: frozenset[str]
    live: frozenset[str]
    test: Callable[[], Any] | None
    body: Callable[[], None]
    settled: bool = False
    plans: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Turn:
        context = self.context
        self.plans = context.plans.setdefault((context.frame.path, id(self.node)), {})
        state, unreached = context.snapshot(), context.unreached
        while True:
            turn = self._attempt()
            if turn is not None and not self._widen(turn):
                context.unreached = context.unreached or unreached
                return turn
            context.restore(state)

    def _before(self, name: str) -> Any:
        return self.entry.get(name, False if name in FLAGS else MISSING)

    def _attempt(self) -> Turn | None:
        """The body captured with the plans known so far; None where the test itself is not reached."""
        context = self.context
        self.entry = dict(context.env)
        carried = Carried(context, {n: p for n, p in self.plans.items() if fits(p, self._before(n))})
        for name in carried.types:
            carried.enter(name)
        if not self.settled:
            early = context.frame.liveness.header.get(id(self.node), frozenset()) & self.names
            context.env.update({name: BOTTOM for name in early if name not in context.env})
        context.unreached = False
        head = dict(context.env)
        condition = None
        with context.block() as before:
            try:
                condition = self.test() if self.test is not None else None
            except UnreachedError:
                if self.settled:
                    raise
                self.settled = True
                return None
        after_test = dict(context.env)
        if condition is False:
            return Turn((), before.block, False, after_test, carried, dict(after_test), after_test)
        for left in (BREAK, RETURN):
            # A turn begins only if no turn before has left.
            context.env.pop(left, None)
        with context.block() as collected:
            try:
                self.body()
            except UnreachedError:
                context.env[DEAD] = True
        context.env.pop(CONTINUE, None)
        return Turn(collected.block, before.block, condition, after_test, carried, context.env, head)

    def _widen(self, turn: Turn) -> bool:
        """Make the plans hold what the names have at the end of the body; whether any had to change."""
        changed = False
        used = turn.carried.types
        for name in dict.fromkeys((*turn.head, *turn.ends)):
            if turn.ends.get(DEAD) or (name in self.names - self.live):
                continue
            absent: Any = False if name in FLAGS else MISSING
            now, then = turn.head.get(name, absent), turn.ends.get(name, absent)
            if unchanged(now, then) or isinstance(self.plans.get(name), Poison):
                continue
            plan = widened(name, used.get(name), self._before(name), now, then, self.context)
            if name not in used or not same_plan(plan, used[name]):
                self.plans[name] = plan
                changed = True
        if not changed and self.context.unreached and not self.settled:
            # No turn binds what was read: it is unbound whenever that way is taken.
            self.settled = changed = True
        return changed


def unchanged(now: Any, then: Any) -> bool:
    """Whether a name ends a turn as it began; having been read, it is known to be bound."""
    return same(now, then) or (isinstance(now, Maybe) and same(now.value, then))


def close(context: Context, turn: Turn) -> Block:
    """The body with the assignments of the cells at its end; the cells' first values go before the loop."""
    pairs: list[tuple[Var, Any]] = []
    for name, head in turn.carried.head.items():
        end = turn.ends.get(name, False if name in FLAGS else MISSING)
        if not isinstance(head, Poison) and not turn.ends.get(DEAD):
            _pair(head, end, pairs)
    for cell, start in turn.carried.starts:
        set_cell(context, cell, start)
    cells = {cell.name for cell, _ in pairs}
    with context.block() as ending:
        for k, (cell, value) in enumerate(pairs):
            if isinstance(value, Var) and value.name in cells and value.name != cell.name:
                pairs[k] = (cell, context.call(bind, value, name=f"old_{value.name}"))
        for cell, value in pairs:
            if not (isinstance(value, Var) and value.name == cell.name):
                set_cell(context, cell, value)
    return coalesce(turn.block + ending.block, pairs)


def _pair(head: Any, end: Any, pairs: list[tuple[Var, Any]]) -> None:
    if isinstance(head, Maybe):
        value, flag = parts_of(end)
        if not same(head.flag, flag):
            pairs.append((head.flag, flag))
        if value is not MISSING:
            _pair(head.value, value, pairs)
        return
    if end is MISSING:
        return
    end = end.value if isinstance(end, Maybe) else end
    if isinstance(head, Var):
        if not same(head, end):
            pairs.append((head, end))
        return
    for part, value in zip(children(head) or (), children(end) or (), strict=True):
        _pair(part, value, pairs)


def leave(context: Context, turn: Turn) -> None:
    """The names after the loop: what they are at its head."""
    entry = {name: value for name, value in turn.env_after_test.items() if value is not BOTTOM}
    bound = [n for n in turn.ends if n not in entry and not n.startswith("$")]
    for name in bound:
        entry[name] = Poison(f"{name} is not read after the loop, as its syntax says")
    if turn.ends.get(DEAD):
        for name in bound:
            del entry[name]
    context.frame.env = entry


def _live(context: Context, node: ast.For | ast.While) -> frozenset[str]:
    liveness = context.frame.liveness
    return liveness.header.get(id(node), frozenset()) | liveness.after.get(id(node), frozenset())


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
    if is_array(iterable) or isinstance(iterable, Sequence):
        if isinstance(iterable, Sequence) and isinstance(iterable.length, int):
            _unrolled(context, node, items_of(context, iterable) or [])
            return
        _counted(context, node, sequence(context, iterable))
        return
    items = items_of(context, iterable)
    if items is None:
        sequence(context, iterable)
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


def _counted(context: Context, node: ast.For, iterable: RangeValue | Sequence) -> None:
    """A `For`, or a `While` on a counter where the loop can be left early."""
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
    with context.block() as counting:
        count = trips(context, iterable) if isinstance(iterable, RangeValue) else iterable.length
    turn = Search(context, node, names, _live(context, node), None, body).run()
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
        _surely_bound(context, turn)
    _finish(context, node)


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
        place = binary(context, np.add, start, binary(context, np.multiply, counter, step))
        context.assign(index, place)
        context.assign(counter, binary(context, np.add, counter, 1))
    context.add(While(before.block, go, head.block + block))


def _surely_bound(context: Context, turn: Turn) -> None:
    """Names that every turn binds are bound after a loop of at least one turn."""
    for name, head in turn.carried.head.items():
        if isinstance(head, Maybe) and parts_of(turn.ends.get(name, MISSING))[1] is True:
            context.env[name] = head.value
