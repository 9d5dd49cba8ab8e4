"""Which names may refer to the same memory, without regard to the order of statements.

Two arrays are in one group if a chain of `bind`, `view`, `transpose`, `reshape` or stack traffic leads from
one to the other. (Steensgaard, *Points-to analysis in almost linear time*, 1996, without fields.)
"""

from __future__ import annotations

import itertools

from pullback.ir.nodes import Assign, Pop, Program, Push, Statement, Var
from pullback.ir.once import once
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array
from pullback.ir.walk import walk


class Memory:
    """The groups of the arrays and stacks of a program, each known by one of its names."""

    def __init__(self, program: Program, *, apart: bool = True) -> None:
        self._parent: dict[str, str] = {}
        arrays = [param.name for param in program.params if isinstance(param.type, Array)]
        # The caller may pass one array twice, or two views of one, if not `apart`.
        for a, b in () if apart else itertools.pairwise(arrays):
            self._unite(a, b)
        for statement in walk(program.body):
            if type(statement) is Assign:
                if is_alias(statement):
                    source = statement.args[0]
                    assert isinstance(source, Var)
                    self._unite(statement.targets[0].name, source.name)
            elif isinstance(statement, Push):
                value = statement.value
                if isinstance(value, Var) and isinstance(value.type, Array):
                    self._unite(statement.stack.name, value.name)
            elif isinstance(statement, Pop) and isinstance(statement.target.type, Array):
                self._unite(statement.target.name, statement.stack.name)

    def group(self, name: str) -> str:
        """One name for all that may refer to the same memory as `name`."""
        while name in self._parent:
            name = self._parent[name]
        return name

    def _unite(self, a: str, b: str) -> None:
        a, b = self.group(a), self.group(b)
        if a != b:
            self._parent[a] = b


def is_alias(statement: Statement) -> bool:
    """Whether the statement's target refers to its first argument's memory."""
    return (
        isinstance(statement, Assign)
        and statement.function in ALIASING
        and isinstance(statement.args[0], Var)
        and isinstance(statement.targets[0].type, Array)
    )


memory_of = once(8)(Memory)
"""The `Memory` of a program."""
