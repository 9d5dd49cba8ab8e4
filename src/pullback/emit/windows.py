"""Loops over the end of a row that begins later each time: they go down, from the end that stays.

    for j in range(n):                             for j in range(n):
        for k in range(j + 1, n):          →           for k in range(n - 1, j, -1):
            row[k] += …                                    row[k] += …

A vectorised loop loads what the one before has stored. Where rows are short that is on its way to the cache
still, and a processor hands it on at once only if it is loaded as it was stored: in vectors that begin at the
same elements. Counted from the end they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.emit.direction import may_run_in_any_order, mentions_in
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.memory import memory_of
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Program, Statement, Store, Var
from pullback.ir.walk import assigns, variables, walk, with_blocks, with_body


def with_fixed_ends(program: Program) -> Program:
    """The program with such loops turned."""
    return with_body(program, _Windows(program).block(program.body, None, frozenset()))


class _Windows:
    def __init__(self, program: Program) -> None:
        self._names, self._memory = names_of(program), memory_of(program)
        self._mentions = mentions_in(program.body, (param.name for param in program.params))
        self._made: dict[str, Assign | None] = {}
        for statement in walk(program.body):
            for target in () if isinstance(statement, For) else assigns(statement):
                alone = isinstance(statement, Assign) and target.name not in self._made
                self._made[target.name] = statement if alone else None  # type: ignore[assignment]

    def block(self, block: Block, around: For | None, natural: frozenset[str]) -> Block:
        """A block in the loop `around`, where the indices that are `natural` are not negative."""
        return tuple(part for statement in block for part in self._one(statement, around, natural))

    def _one(self, statement: Statement, around: For | None, natural: frozenset[str]) -> Iterator[Statement]:
        inside = around
        if isinstance(statement, For):
            before = self._before(statement.start, natural)
            if before is not None and around is not None and self._is_window(statement, around):
                yield from self._turned(statement, before)
                return
            inside = statement
            if self._counts_naturals(statement, natural):
                natural |= {statement.index.name}
        yield with_blocks(statement, lambda block: self.block(block, inside, natural))

    def _is_window(self, loop: For, around: For) -> bool:
        """Whether a loop changes elements of a row from a place on that moves in the loop around it."""
        changing = {around.index.name} | {t.name for inner in walk(around.body) for t in assigns(inner)}
        upward = isinstance(loop.step, Const) and loop.step.value == 1
        if not upward or not isinstance(loop.start, Var) or loop.start.name not in changing:
            return False
        if isinstance(loop.stop, Var) and loop.stop.name in changing:
            return False
        rows = [statement for statement in loop.body if self._is_of_a_row(statement, loop, changing)]
        return bool(rows) and may_run_in_any_order(loop, self._mentions, self._memory)

    def _is_of_a_row(self, statement: Statement, loop: For, changing: set[str]) -> bool:
        """Whether a statement changes an element of a row that stays while variables change."""
        if not isinstance(statement, Store) or not statement.index or statement.index[-1] != loop.index:
            return False
        group = self._memory.group(statement.array.name)
        loads = [s.args for s in loop.body if isinstance(s, Assign) and s.function is primitives.item]
        loaded = any(isinstance(a, Var) and self._memory.group(a.name) == group for a, *_ in loads)
        rows = (v.name for v in variables(statement.index[:-1]))
        return (statement.accumulate or loaded) and changing.isdisjoint(rows)

    def _turned(self, loop: For, before: Operand) -> Iterator[Statement]:
        builder = Builder(self._names)
        last = builder.call(np.subtract, loop.stop, 1, name="last")
        yield from builder.statements()
        yield replace(loop, start=last, stop=before, step=Const(-1))

    def _before(self, start: Operand, natural: frozenset[str]) -> Operand | None:
        """The number before `start`, where it is at hand and not negative."""
        match self._made.get(start.name) if isinstance(start, Var) else None:
            case (
                Assign(function=np.add, args=(Var() as number, Const(value=1)))
                | Assign(function=np.add, args=(Const(value=1), Var() as number))
            ) if number.name in natural:
                return number
        return None

    @staticmethod
    def _counts_naturals(loop: For, natural: frozenset[str]) -> bool:
        if not isinstance(loop.step, Const):
            return False
        lowest, least = (loop.start, 0) if loop.step.value > 0 else (loop.stop, -1)
        return lowest.value >= least if isinstance(lowest, Const) else lowest.name in natural
