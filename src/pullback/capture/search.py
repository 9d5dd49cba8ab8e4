"""The search for what a loop carries: its body is captured, with cells for it, until their types hold."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pullback.capture.carried import Carried, fits, same_plan, widened
from pullback.capture.coalesce import coalesce
from pullback.capture.context import Context
from pullback.capture.join import BREAK, CONTINUE, DEAD, FLAGS, MISSING, RETURN, parts_of, set_cell
from pullback.capture.values import (
    BOTTOM,
    DROPPED,
    Maybe,
    Poison,
    UnreachedError,
    children,
    is_array,
    is_scalar,
    same,
)  # fmt: skip
from pullback.ir.nodes import Block, Var
from pullback.ir.primitives import bind


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
    unbound: frozenset[str]


@dataclass
class Search:
    """The fixpoint: captures a loop's body with cells for what it carries until their types hold.

    Attributes:
        names: what the body may bind.
        live: what may be read in a later turn or after the loop.
        test: captures the condition of a while loop, in a block of its own.
        peelable: whether the first turn may be captured by itself.
        settled: whether no turn binds the names that are unbound before the loop and read early in it.
    """

    context: Context
    node: ast.stmt
    names: frozenset[str]
    live: frozenset[str]
    test: Callable[[], Any] | None
    body: Callable[[], None]
    settled: bool = False
    peelable: bool = False
    plans: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Turn:
        context = self.context
        self.plans = context.plans.setdefault((context.frame.path, id(self.node)), {})
        state, unreached, since = context.snapshot(), context.unreached, len(context.uncertain)
        while True:
            turn = self._attempt()
            if turn is not None and not self._widen(turn):
                context.unreached = context.unreached or unreached
                kept = [turn.ends.get(name) for name in turn.carried.head]
                context.check_turns(self.node, since, turn.block, kept)
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
        early: frozenset[str] = frozenset()
        if not self.settled:
            early = context.frame.liveness.header.get(id(self.node), frozenset()) & self.names
            early -= frozenset(context.env)
            context.env.update(dict.fromkeys(early, BOTTOM))
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
            return Turn((), before.block, False, after_test, carried, dict(after_test), after_test, early)
        for left in (BREAK, RETURN):
            # A turn begins only if no turn before has left.
            context.env.pop(left, None)
        with context.block() as collected:
            try:
                self.body()
            except UnreachedError:
                context.env[DEAD] = True
        context.env.pop(CONTINUE, None)
        return Turn(collected.block, before.block, condition, after_test, carried, context.env, head, early)

    def _widen(self, turn: Turn) -> bool:
        """Make the plans hold what the names have at the end of the body; whether any had to change."""
        changed = False
        used = turn.carried.types
        for name in dict.fromkeys((*turn.head, *turn.ends)):
            if turn.ends.get(DEAD) or (name in self.names - self.live):
                continue
            absent: Any = False if name in FLAGS else MISSING
            now, then = turn.head.get(name, absent), turn.ends.get(name, absent)
            if then is DROPPED or unchanged(now, then) or isinstance(self.plans.get(name), Poison):
                continue
            plan = widened(name, used.get(name), self._before(name), then, self.context)
            if isinstance(plan, Poison) and self.peelable and is_scalar(now) and _grows(then):
                raise PeelError
            if name not in used or not same_plan(plan, used[name]):
                self.plans[name] = plan
                changed = True
        if not changed and self.context.unreached and not self.settled:
            # No turn binds what was read: it is unbound whenever that way is taken.
            self.settled = changed = True
        return changed


class PeelError(Exception):
    """A name is a number before the first turn and an array after it: that turn is captured by itself."""


def _grows(then: Any) -> bool:
    return is_array(then) or (isinstance(then, Poison) and then.mixed)


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
    if end is DROPPED:
        return
    if isinstance(head, Maybe):
        value, flag = parts_of(end, head.none)
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
    after = turn.env_after_test.items()
    entry = {name: value for name, value in after if not (value is BOTTOM and name in turn.unbound)}
    ends = turn.ends.items()
    bound = [n for n, v in ends if n not in entry and not n.startswith("$") and v is not BOTTOM]
    for name in bound:
        entry[name] = DROPPED
    if turn.ends.get(DEAD):
        for name in bound:
            del entry[name]
    context.frame.env = entry


def surely_bound(context: Context, turn: Turn) -> None:
    """Names that every turn binds are bound after a loop of at least one turn."""
    for name, head in turn.carried.head.items():
        if isinstance(head, Maybe) and parts_of(turn.ends.get(name, MISSING))[1] is True:
            context.env[name] = head.value
