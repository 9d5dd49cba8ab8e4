"""Stacks of numbers as arrays with a height, where loops fill and empty them an entry a trip.

    top = 0, room                          before
    for k in range(start, stop):           room = reserve(room, top + trips)
        push(stack, x)                     for k in range(start, stop):
                                               room[top - start + k] = x
                                           top = top + trips

The room is looked after once a loop, and the loop itself has nothing left that depends on the trip before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Pop, Program, Push, Statement, Var
from pullback.ir.types import INT, Array, Scalar, Stack
from pullback.ir.walk import walk, with_blocks, with_body

_FIRST = 64
"""Numbers a stack has room for at first."""


def flat_stacks(program: Program) -> Program:
    """The same function with those of its stacks as arrays that only such loops use."""
    everywhere = Counter(stack.name for stack in _used(tuple(walk(program.body))))
    in_loops = Counter(stack.name for s in walk(program.body) if isinstance(s, For) for stack in _regular(s))
    flat = {name for name, count in everywhere.items() if in_loops[name] == count}
    if not flat:
        return program
    return with_body(program, _Flat(Builder(names_of(program)), flat).block(program.body))


def _used(block: Block) -> Iterator[Var]:
    """The stacks of numbers that the statements of a block itself push to or pop from."""
    for statement in block:
        if isinstance(statement, Push | Pop):
            kind = statement.stack.type
            if isinstance(kind, Stack) and isinstance(kind.item, Scalar):
                yield statement.stack


def _regular(loop: For) -> list[Var]:
    """The stacks that a loop uses once in each trip."""
    if not isinstance(loop.step, Const) or abs(loop.step.value) != 1:
        return []
    inside = Counter(stack.name for stack in _used(tuple(walk(loop.body))))
    return [stack for stack in _used(loop.body) if inside[stack.name] == 1]


class _Flat:
    def __init__(self, builder: Builder, flat: set[str]) -> None:
        self._builder = builder
        self._flat = flat
        self._cells: dict[str, tuple[Var, Var]] = {}

    def block(self, block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            match statement:
                case Assign(targets=(target,), function=primitives.stack) if target.name in self._flat:
                    made += self._new(target)
                case For():
                    made += self._loop(statement)
                case _:
                    made.append(with_blocks(statement, self.block))
        return tuple(made)

    def _of(self, stack: Var) -> tuple[Var, Var]:
        """The array and the height of a stack."""
        if stack.name not in self._cells:
            kind = stack.type
            assert isinstance(kind, Stack)
            assert isinstance(kind.item, Scalar)
            room = self._builder.var(stack.name, Array(kind.item.dtype, 1))
            self._cells[stack.name] = room, self._builder.var(f"{stack.name}_top", INT)
        return self._cells[stack.name]

    def _new(self, stack: Var) -> Block:
        room, top = self._of(stack)
        with self._builder.block() as made:
            fresh = self._builder.call(np.empty, (_FIRST,), dtype=room.type.dtype, name=room.name)  # type: ignore[union-attr]
            self._builder.assign(room, fresh)
            self._builder.assign(top, 0)
        return made.statements()

    def _loop(self, loop: For) -> Block:
        """A loop with what it needs before and after it."""
        used = {stack.name: stack for stack in _regular(loop) if stack.name in self._flat}
        if not used:
            return (with_blocks(loop, self.block),)
        trips = self._trips(loop)
        before: list[Statement] = list(trips[0])
        after: list[Statement] = []
        body = loop.body
        for stack in used.values():
            ahead, body, behind = self._entry(stack, loop, body, trips[1])
            before += ahead
            after += behind
        return (*before, replace(loop, body=self.block(body)), *after)

    def _trips(self, loop: For) -> tuple[Block, Operand]:
        assert isinstance(loop.step, Const)
        ends = (loop.stop, loop.start) if loop.step.value == 1 else (loop.start, loop.stop)
        with self._builder.block() as made:
            trips = self._builder.call(
                max, self._builder.call(np.subtract, *ends, name="span"), 0, name="trips"
            )
        return made.statements(), trips

    def _entry(self, stack: Var, loop: For, body: Block, trips: Operand) -> tuple[Block, Block, Block]:
        """What one stack needs before a loop, the body of the loop, and what it needs after it."""
        builder, (room, top) = self._builder, self._of(stack)
        (position,) = (k for k, s in enumerate(body) if isinstance(s, Push | Pop) and s.stack == stack)
        statement = body[position]
        assert isinstance(loop.step, Const)
        # Trip number `step * (k - start)` of a loop that pushes has entry `top + trip`, of one that pops
        # `top - 1 - trip`; so the entry is `base + k` or `base - k`.
        pushes = isinstance(statement, Push)
        forwards = pushes == (loop.step.value == 1)
        with builder.block() as before:
            height = builder.call(primitives.bind, top, name="height")
            first = height if pushes else builder.call(np.subtract, height, 1, name="last")
            base = builder.call(np.subtract if forwards else np.add, first, loop.start, name="base")
            end = builder.call(np.add if pushes else np.subtract, height, trips, name="height")
            if pushes:
                builder.assign(room, builder.call(primitives.reserve, room, end, name=room.name))
        with builder.block() as inner:
            place = builder.call(np.add if forwards else np.subtract, base, loop.index, name="place")
            if isinstance(statement, Push):
                builder.store(room, (place,), statement.value)
            else:
                assert isinstance(statement, Pop)
                builder.add(Assign((statement.target,), primitives.item, (room, (place,))))
        with builder.block() as after:
            builder.assign(top, end)
        return (
            before.statements(),
            (*body[:position], *inner.statements(), *body[position + 1 :]),
            after.statements(),
        )
