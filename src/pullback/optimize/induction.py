"""Counters of loops in closed form: what is counted up once a trip follows from the loop's index.

    p = 7                              p = 7
    for k in range(start, stop):       for k in range(start, stop):
        f(p)                               f(p + (k - start) * 2)
        p = p + 2                      p = p + max(stop - start, 0) * 2

Then nothing is carried from trip to trip, and the reverse sweep need not keep what it can compute. (Muchnick,
*Advanced Compiler Design and Implementation*, 1997, §14.1, induction variables.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Program, Statement, Var
from pullback.ir.types import INT
from pullback.ir.walk import assigns, reads, substitute, walk, with_blocks, with_body


@dataclass(frozen=True, slots=True)
class _Counter:
    """A variable that a loop changes once in each trip, by `amount`, in the statement at `position`."""

    variable: Var
    amount: int
    position: int


def without_counters(program: Program) -> Program:
    """The same function with its counters in closed form."""
    builder = Builder(names_of(program))

    def block(statements: Block) -> Block:
        made: list[Statement] = []
        for statement in statements:
            statement = with_blocks(statement, block)
            made += _closed(statement, builder) if isinstance(statement, For) else [statement]
        return tuple(made)

    return with_body(program, block(program.body))


def _closed(loop: For, builder: Builder) -> Block:
    """A loop without its counters, and what sets them before and after it."""
    inside = {target.name for s in walk(loop.body) for target in assigns(s)}
    steady = not any(bound.name in inside for bound in reads(loop))
    if not steady or not isinstance(loop.step, Const) or abs(loop.step.value) != 1:
        return (loop,)
    before: list[Statement] = []
    after: list[Statement] = []
    while counter := _first_counter(loop):
        ahead, loop, behind = _without(counter, loop, builder)
        before += ahead
        after += behind
    return (*before, loop, *after)


def _first_counter(loop: For) -> _Counter | None:
    found = (_counter(loop, position) for position in range(len(loop.body)))
    return next((counter for counter in found if counter is not None), None)


def _counter(loop: For, position: int) -> _Counter | None:
    """What the statement at `position` counts, if it does and nothing else in the loop assigns it."""
    statement = loop.body[position]
    if not isinstance(statement, Assign) or len(statement.targets) != 1 or statement.targets[0].type != INT:
        return None
    variable = statement.targets[0]
    everywhere = [s for s in walk(loop.body) if variable in assigns(s)]
    if len(everywhere) != 1:
        return None
    ahead = {s.targets[0].name: s for s in loop.body[:position] if isinstance(s, Assign) and s.targets}
    amount = _amount(statement, variable, ahead)
    return None if amount is None else _Counter(variable, amount, position)


def _amount(statement: Assign, variable: Var, ahead: dict[str, Assign]) -> int | None:
    """By how much an assignment to `variable` raises it; `ahead` are the assignments before it."""

    def source(operand: object) -> Assign | None:
        return ahead.get(operand.name) if isinstance(operand, Var) else None

    if statement.function is primitives.bind:
        inner = source(statement.args[0])
        return None if inner is None else _amount(inner, variable, ahead)
    if statement.function not in (np.add, np.subtract):
        return None
    first, second = statement.args
    if statement.function is np.add and isinstance(first, Const):
        first, second = second, first
    same = first == variable
    if not same and (bound := source(first)) is not None:
        same = bound.function is primitives.bind and bound.args == (variable,)
    if not same or not isinstance(second, Const) or type(second.value) is not int:
        return None
    return second.value if statement.function is np.add else -second.value


def _without(counter: _Counter, loop: For, builder: Builder) -> tuple[Block, For, Block]:
    """What sets a counter before a loop, the loop without it, and what sets it after the loop."""
    variable, amount = counter.variable, counter.amount
    assert isinstance(loop.step, Const)
    forwards = loop.step.value == 1
    builder.location, builder.comment = loop.location, loop.comment
    with builder.block() as before:
        entry = builder.call(primitives.bind, variable, name=variable.name)
        span = _difference(loop.stop, loop.start, forwards, builder)
        count = _times(builder.call(max, span, 0, name="trips"), amount, builder)
    with builder.block() as top:
        trip = _difference(loop.index, loop.start, forwards, builder)
        now = builder.call(np.add, entry, _times(trip, amount, builder), name=variable.name)
    with builder.block() as raised:
        later = builder.call(np.add, now, amount, name=variable.name)
    with builder.block() as after:
        builder.assign(variable, builder.call(np.add, entry, count))
    builder.location, builder.comment = None, ""
    first, rest = loop.body[: counter.position], loop.body[counter.position + 1 :]
    rest = substitute(rest, {variable.name: later})
    if any(later in reads(s) for s in walk(rest)):
        rest = (*raised.statements(), *rest)
    body = (*top.statements(), *substitute(first, {variable.name: now}), *rest)
    return before.statements(), replace(loop, body=body), after.statements()


def _difference(a: Operand, b: Operand, forwards: bool, builder: Builder) -> Operand:
    if not forwards:
        a, b = b, a
    return a if isinstance(b, Const) and b.value == 0 else builder.call(np.subtract, a, b, name="trip")


def _times(trips: Operand, amount: int, builder: Builder) -> Operand:
    return trips if amount == 1 else builder.call(np.multiply, trips, amount, name="count")
