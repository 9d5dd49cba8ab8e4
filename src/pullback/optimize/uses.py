"""Where a program's variables are assigned and used, and which names may refer to the same memory.

Statements are numbered in textual order. Between a definition and a use in the same innermost loop, what
runs is within the text between them, whatever branches are taken, so an interval of numbers tells what may
have changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.memory import memory_of
from pullback.ir.nodes import Arg, Assign, Block, For, If, Program, Statement, Store, Var, While
from pullback.ir.once import once
from pullback.ir.walk import assigns, blocks, reads, walk, with_blocks


@once(8)
def cells_of(program: Program) -> frozenset[str]:
    """The names assigned more than once (a parameter counts as assigned once), whose value may change."""
    once = {param.name for param in program.params}
    again: set[str] = set()
    for statement in walk(program.body):
        for target in assigns(statement):
            (again if target.name in once else once).add(target.name)
    return frozenset(again)


def index_of(statement: Statement, name: str) -> tuple[Arg, ...] | None:
    """The index of the element of an array that a statement itself reads or writes; None if it does not."""
    match statement:
        case Assign(function=primitives.item, args=(Var(name=array), tuple(index))) if array == name:
            return index
        case Store(array=Var(name=array), index=index) if array == name:
            return index
    return None


class Text:
    """Where the statements of a program are, by their numbers in textual order.

    Attributes:
        statements: the statements.
        loops: for each the loops around it.
        ends: for each how far what is in it goes.
        blocks: for each the blocks around it, by numbers of their own.
        assigned: by name, where it is assigned; a parameter at -1.
        used: by name, where it is read.
        stores: where arrays are stored into, with their names.
    """

    def __init__(self, program: Program) -> None:
        self.assigned: dict[str, list[int]] = {param.name: [-1] for param in program.params}
        self.used: dict[str, list[int]] = {}
        self.stores: list[tuple[int, str]] = []
        self.statements: list[Statement] = []
        self.loops: list[tuple[int, ...]] = []
        self.ends: dict[int, int] = {}
        self.blocks: list[tuple[int, ...]] = []
        self._block_count = 0
        self._number(program.body, (), ())

    def _number(self, block: Block, loops: tuple[int, ...], path: tuple[int, ...]) -> None:
        self._block_count += 1
        path = (*path, self._block_count)
        used, assigned = self.used, self.assigned
        for statement in block:
            position = len(self.loops)
            self.statements.append(statement)
            self.loops.append(loops)
            self.blocks.append(path)
            for variable in reads(statement):
                at = used.get(variable.name)
                if at is None:
                    used[variable.name] = [position]
                elif at[-1] != position:
                    at.append(position)
            for target in assigns(statement):
                assigned.setdefault(target.name, []).append(position)
            if isinstance(statement, Store):
                self.stores.append((position, statement.array.name))
            inner = (*loops, position) if isinstance(statement, For | While) else loops
            for nested in blocks(statement):
                self._number(nested, inner, path)
            self.ends[position] = len(self.loops)


class Uses:
    """The positions of assignments, uses and stores of a program, by name.

    Attributes:
        cells: names assigned more than once (a parameter counts as assigned once), whose value may change.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._memory = memory_of(program)
        self._apart: set[str] = set()

    @functools.cached_property
    def cells(self) -> frozenset[str]:
        return cells_of(self._program)

    @functools.cached_property
    def _text(self) -> Text:
        return Text(self._program)

    @functools.cached_property
    def _stored(self) -> set[str]:
        return {self.memory(s.array.name) for s in walk(self._program.body) if isinstance(s, Store)}

    @functools.cached_property
    def _tested(self) -> dict[str, str]:
        """The array that a test finds to be apart, by the test."""
        tested: dict[str, str] = {}
        for statement in walk(self._program.body):
            if type(statement) is not Assign:
                continue
            match statement:
                case Assign(targets=(test,), function=np.may_share_memory, args=(Var(name=name), *_)):
                    tested[test.name] = name
                case Assign(targets=(test,), function=np.logical_or, args=(Var(name=first), _)):
                    if first in tested:
                        tested[test.name] = tested[first]
                case _:
                    pass
        return tested

    def memory(self, name: str) -> str:
        """One name for all the names that may refer to the same memory as `name`."""
        return f"{name} alone" if name in self._apart else self._memory.group(name)

    def within(self, statement: Statement, new: Callable[[Block], Block]) -> Statement:
        """`statement` with `new` applied to each block in it, which may ask for `memory` meanwhile.

        Where a test has found an array to be apart from all others that the branch has, `memory` says so.
        """
        test = statement.test if isinstance(statement, If) else None
        tested = self._tested.get(test.name) if isinstance(test, Var) else None
        if tested is None or tested in self._apart:
            return with_blocks(statement, new)
        assert isinstance(statement, If)
        then = new(statement.then)
        self._apart.add(tested)
        orelse = new(statement.orelse)
        self._apart.discard(tested)
        return replace(statement, then=then, orelse=orelse)

    def is_stored(self, name: str) -> bool:
        """Whether any store may write into the memory of `name`."""
        return self.memory(name) in self._stored

    def count(self, name: str) -> int:
        """How many statements use a variable."""
        return len(self._text.used.get(name, ()))

    def readers(self, name: str) -> list[Statement]:
        """The statements that use a variable."""
        return [self._text.statements[at] for at in self._text.used.get(name, ())]

    def place(self, name: str) -> int:
        """Where a variable is first assigned."""
        return self._text.assigned[name][0]

    def dominates(self, name: str, position: int) -> bool:
        """Whether every use of a variable assigned at `position` is within the block it is assigned in."""
        path = self._text.blocks[position]
        return all(self._text.blocks[use][: len(path)] == path for use in self._text.used.get(name, ()))

    def leads(self, name: str) -> bool:
        """Whether all uses of a variable and its other assignments are in the block of the first of these."""
        first, *others = self._text.assigned[name]
        path = self._text.blocks[first]
        return all(
            self._text.blocks[at][: len(path)] == path for at in (*others, *self._text.used.get(name, ()))
        )

    def repeats(self, name: str, position: int) -> bool:
        """Whether a variable assigned at `position` is used inside a loop that the assignment is not in."""
        return any(
            self._text.loops[use] != self._text.loops[position] for use in self._text.used.get(name, ())
        )

    def changes(self, name: str, position: int, memory: frozenset[str], cells: frozenset[str]) -> bool:
        """Whether `memory` or `cells` may change between the assignment of `name` and its last use."""
        last = max((self._horizon(position, use) for use in self._text.used.get(name, ())), default=position)
        return any(
            position < at < last and self.memory(stored) in memory for at, stored in self._text.stores
        ) or any(position < at < last for cell in cells for at in self._text.assigned.get(cell, ()))

    def _horizon(self, position: int, use: int) -> int:
        """The end of the text that may run between an assignment and a use."""
        for loop in self._text.loops[use]:
            if loop not in self._text.loops[position]:
                return self._text.ends[loop]
        return use
