"""Loops. What a loop carries from one turn to the next becomes cells; their types are found by capturing the
body again until they no longer change (a fixpoint over `ir.types.join`).

A loop over a range, an array, or a zip of such is a `For`; one that can be left early is a `While` on a
counter. A loop over a tuple or a list is unrolled, and so is one over a constant range whose body needs to
know the index (to take an item of a list).
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.capture.context import Context, StaticNeededError
from pullback.capture.dispatch import evaluate, statement
from pullback.capture.join import (
    BREAK,
    CONTINUE,
    DEAD,
    FLAGS,
    MISSING,
    RETURN,
    Nothing,
    any_flag,
    cell_name,
    coalesce,
    guarded,
    parts_of,
    set_cell,
)  # fmt: skip
from pullback.capture.liveness import stores
from pullback.capture.operators import binary, truth
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
    is_numeric,
    is_static,
    kind_of,
    labels,
    same,
    shape_of_structure,
    with_children,
)  # fmt: skip
from pullback.ir.nodes import Block, For, Var, While
from pullback.ir.types import INT, Array, Scalar, join

UNROLLED = 64
"""The longest constant range that is unrolled where the body needs the index."""


@dataclass
class Carried:
    """The cells of a loop: for each name its value at the head, and what it is before and after the body."""

    context: Context
    types: dict[str, Any]
    head: dict[str, Any] = field(default_factory=dict)
    starts: list[tuple[Var, Any]] = field(default_factory=list)

    def enter(self, name: str) -> None:
        """Give `name` its value at the head of the loop."""
        env = self.context.env
        before = env.get(name, False if name in FLAGS else MISSING)
        plan = self.types[name]
        if isinstance(plan, Poison):
            self.head[name] = env[name] = plan
            return
        value, flag = parts_of(before)
        structure, flag_kind = plan
        head = self._cells(cell_name(name), structure, value)
        if flag_kind and not name.startswith("$"):
            cell = self.context.flag(f"{cell_name(name)}_is_bound")
            self.starts.append((cell, flag))
            head = Maybe(head, cell)
        self.head[name] = env[name] = head

    def _cells(self, name: str, structure: Any, before: Any) -> Any:
        """A structure of cells; `structure` has types where the cells go, static values elsewhere."""
        if isinstance(structure, Scalar | Array):
            cell = self.context.builder.var(name, structure)
            start = Nothing(structure) if before is MISSING else before
            self.starts.append((cell, start))
            self.context.unite(cell, start)
            return cell
        parts = children(structure)
        if parts is None:
            return structure
        befores = [MISSING] * len(parts) if before is MISSING else children(before) or []
        cells = [
            self._cells(f"{name}_{word}", part, start)
            for word, part, start in zip(labels(structure), parts, befores, strict=True)
        ]
        return with_children(structure, cells, self.context.home)


def widened(name: str, plan: Any, before: Any, head: Any, end: Any, context: Context) -> Any:
    """The plan for a name whose value at the head does not hold at the end of the body."""
    (start, start_flag), (last, last_flag) = parts_of(before), parts_of(end)
    needs_flag = start_flag is not True or last_flag is not True or (plan is not None and plan[1])
    structure = MISSING if plan is None else plan[0]
    for value in (start, last):
        structure = _join(name, structure, value, context)
        if isinstance(structure, Poison):
            return structure
    if needs_flag:
        structure = _without_ones(structure)
    return structure, needs_flag


def _join(name: str, structure: Any, value: Any, context: Context) -> Any:
    """A structure of types that holds `value` too."""
    if value is MISSING:
        return structure
    if structure is MISSING:
        return _types(value)
    if isinstance(value, Poison):
        return value
    if isinstance(structure, Scalar | Array):
        if is_numeric(value):
            kind = join(structure, kind_of(value))
            if kind is not None:
                return kind
        return _no_type(name, structure, value, context)
    parts, values = children(structure), children(value)
    if (
        parts is not None
        and values is not None
        and shape_of_structure(structure) == shape_of_structure(value)
    ):
        joined = [_join(name, part, v, context) for part, v in zip(parts, values, strict=True)]
        poison = next((part for part in joined if isinstance(part, Poison)), None)
        return poison or with_children(structure, joined, context.home)
    if same(structure, value):
        return structure
    return _no_type(name, structure, value, context)


def _no_type(name: str, structure: Any, value: Any, context: Context) -> Poison:
    from pullback.capture.values import describe

    words = describe(Var(name, structure) if isinstance(structure, Scalar | Array) else structure)
    return Poison(
        f"{name} is {words} in one turn of the loop and {describe(value)} in another", context.location()
    )


def _types(value: Any) -> Any:
    """A value with the types of its numbers and arrays in their places."""
    if isinstance(value, Poison):
        return value
    if is_numeric(value):
        return kind_of(value)
    parts = children(value)
    return value if parts is None else with_children(value, [_types(part) for part in parts])


def _without_ones(structure: Any) -> Any:
    """For cells that may hold an empty array while the name is unbound."""
    if isinstance(structure, Array):
        return Array(structure.dtype, structure.ndim, layout="C" if structure.layout == "C" else "A")
    parts = None if isinstance(structure, Scalar) else children(structure)
    return structure if parts is None else with_children(structure, [_without_ones(p) for p in parts])


@dataclass
class Turn:
    """A captured loop body: what to put before the loop, in it, and the names after the test."""

    block: Block
    before: Block
    test: Any
    env_after_test: dict[str, Any]
    carried: Carried
    ends: dict[str, Any]


def fixpoint(
    context: Context,
    node: ast.stmt,
    names: frozenset[str],
    live: frozenset[str],
    test: Callable[[], Any] | None,
    body: Callable[[], None],
) -> Turn:
    """Capture a loop's body with cells for what it carries, again until their types hold.

    Args:
        names: what the body may bind.
        live: what may be read in a later turn or after the loop.
        test: captures the condition of a while loop, in a block of its own.
    """
    key = (context.frame.path, id(node))
    plans = context.plans.setdefault(key, {})
    state = context.snapshot()
    early = context.frame.liveness.header.get(id(node), frozenset()) & names
    settled = False
    while True:
        entry = dict(context.env)
        usable = {n: p for n, p in plans.items() if _fits(p, entry.get(n, False if n in FLAGS else MISSING))}
        carried = Carried(context, usable)
        for name in usable:
            carried.enter(name)
        if not settled:
            context.env.update({name: BOTTOM for name in early if name not in context.env})
        context.unreached = False
        head = dict(context.env)
        with context.block() as before:
            try:
                condition = test() if test is not None else None
            except UnreachedError:
                if settled:
                    raise
                settled = True
        if settled and context.unreached:
            context.restore(state)
            continue
        after_test = dict(context.env)
        if condition is False:
            return Turn((), before.block, False, after_test, carried, dict(after_test))
        for left in (BREAK, RETURN):
            # A turn begins only if no turn before has left.
            context.env.pop(left, None)
        with context.block() as collected:
            try:
                body()
            except UnreachedError:
                context.env[DEAD] = True
        ends = context.env
        ends.pop(CONTINUE, None)
        changed = False
        if not ends.get(DEAD):
            for name in dict.fromkeys((*head, *ends)):
                if name in names and name not in live and not name.startswith("$"):
                    continue
                absent: Any = False if name in FLAGS else MISSING
                now, then = head.get(name, absent), ends.get(name, absent)
                if same(now, then) or isinstance(plans.get(name), Poison):
                    continue
                plan = widened(name, usable.get(name), entry.get(name, absent), now, then, context)
                if name not in usable or not _same_plan(plan, usable[name]):
                    plans[name] = plan
                    changed = True
        if not changed and context.unreached and not settled:
            # No turn binds what was read: it is unbound whenever that way is taken.
            settled = changed = True
        if not changed:
            return Turn(collected.block, before.block, condition, after_test, carried, ends)
        context.restore(state)


def _fits(plan: Any, before: Any) -> bool:
    """Whether a plan of an earlier capture suits the value a name has now."""
    if isinstance(plan, Poison):
        return True
    value, _ = parts_of(before)
    return value is MISSING or _holds(plan[0], value)


def _holds(structure: Any, value: Any) -> bool:
    if isinstance(structure, Scalar | Array):
        return is_numeric(value) and join(structure, kind_of(value)) == structure
    parts, values = children(structure), children(value)
    if parts is None or values is None or shape_of_structure(structure) != shape_of_structure(value):
        return same(structure, value)
    return all(_holds(part, v) for part, v in zip(parts, values, strict=True))


def _same_plan(a: Any, b: Any) -> bool:
    if isinstance(a, Poison) or isinstance(b, Poison):
        return isinstance(a, Poison) and isinstance(b, Poison)
    return a[1] == b[1] and _same_structure(a[0], b[0])


def _same_structure(a: Any, b: Any) -> bool:
    if isinstance(a, Scalar | Array) or isinstance(b, Scalar | Array):
        return a == b
    parts_a, parts_b = children(a), children(b)
    if parts_a is None or parts_b is None:
        return same(a, b)
    return len(parts_a) == len(parts_b) and all(map(_same_structure, parts_a, parts_b))


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
                from pullback.ir.primitives import bind

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
            return truth(context, evaluate(context, node.test))
        go = "$go"
        context.env[go] = False

        def ask() -> None:
            context.env[go] = truth(context, evaluate(context, node.test))

        flags = {flag: context.env[flag] for flag in (BREAK, RETURN) if flag in context.env}
        guarded(context, ask, frozenset(context.frame.local_names), (BREAK, RETURN))
        context.env.update(flags)
        return context.env.pop(go)

    names = stores([*node.body, node.test])
    turn = fixpoint(context, node, names, _live(context, node), test, lambda: run_block(context, node.body))
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
            rest = k + 1
            live = _live(context, node)
            guarded(context, lambda: _unrolled(context, node, items, rest), live, (BREAK, RETURN))
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
    turn = fixpoint(context, node, names, _live(context, node), None, body)
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
