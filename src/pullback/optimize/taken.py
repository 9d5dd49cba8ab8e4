"""What one statement takes and nothing else: something cheaper in the place of both.

An inverse that a product takes (`optimize.inverses`), a product that a vector takes (`optimize.associate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Assign, Block, Operand, Program, Statement, Var
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import Uses

Waiting = Mapping[str, Assign]
"""What may be taken, by name."""

Instead = Callable[[Builder, Assign, int, Waiting], Operand | None]
"""The result of a statement that takes what its argument at a place waits under; None to leave it."""


def retaken(program: Program, may_wait: Callable[[Assign], bool], instead: Instead) -> Program:
    """The same function, with `instead` of what may wait and the statement that takes it."""
    while any(isinstance(s, Assign) and may_wait(s) for s in walk(program.body)):
        rewrite = _Rewrite(program, may_wait, instead)
        body = rewrite.block(program.body)
        if not rewrite.changed:
            break
        program = replace(program, body=body)
    return program


class _Rewrite:
    """One walk over a program; `changed` says whether it has found anything."""

    def __init__(self, program: Program, may_wait: Callable[[Assign], bool], instead: Instead) -> None:
        self._uses = Uses(program)
        self._names = names_of(program)
        self._may_wait, self._instead = may_wait, instead
        self.changed = False

    def block(self, block: Block) -> Block:
        """A block, in which what waits and the statement that takes it are side by side, or further apart."""
        waiting: dict[str, Assign] = {}
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, self.block)
            found = self._taken(statement, waiting) if isinstance(statement, Assign) else None
            if found is not None:
                taken, statements = found
                made = [s for s in made if s is not taken] + [*statements]
                self.changed = True
                continue
            if isinstance(statement, Assign) and self._may_wait(statement) and self._waits(statement):
                waiting[statement.targets[0].name] = statement
            made.append(statement)
        return tuple(made)

    def _waits(self, made: Assign) -> bool:
        """Whether one statement uses the result, and finds what it is made of as it was."""
        name, uses = made.targets[0].name, self._uses
        if name in uses.cells or uses.count(name) != 1:
            return False
        names = frozenset(arg.name for arg in made.args if isinstance(arg, Var))
        memory = frozenset(map(uses.memory, names))
        return not uses.changes(name, uses.place(name), memory, names & uses.cells)

    def _taken(self, statement: Assign, waiting: Waiting) -> tuple[Assign, Block] | None:
        """What a statement takes, and what takes the place of both."""
        for place, arg in enumerate(statement.args):
            taken = waiting.get(arg.name) if isinstance(arg, Var) else None
            if taken is None:
                continue
            e = Builder(self._names)
            e.location, e.comment = statement.location, statement.comment
            y = self._instead(e, statement, place, waiting)
            target, *others = statement.targets
            if y is None or others or operand_type(y) != target.type:
                return None
            *ahead, last = e.statements()
            return taken, (*ahead, replace(last, targets=(target,)))
        return None
