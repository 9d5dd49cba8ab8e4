"""Which names may refer to the same memory, without regard to the order of statements.

Two arrays are in one group if a chain of `bind`, `view`, `transpose`, `reshape` or stack traffic leads from
one to the other. (Steensgaard, *Points-to analysis in almost linear time*, 1996, without fields.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pullback.ir.nodes import Assign, Pop, Program, Push, Statement, Var
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
            for a, b in _same(statement):
                self._unite(a, b)

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


def _same(statement: Statement) -> Iterator[tuple[str, str]]:
    """Pairs of names that a statement makes refer to one memory."""
    match statement:
        case Assign(targets=(target,), args=(Var() as source, *_)) if is_alias(statement):
            yield target.name, source.name
        case Push(stack=stack, value=Var(type=Array()) as value):
            yield stack.name, value.name
        case Pop(target=Var(type=Array()) as target, stack=stack):
            yield target.name, stack.name
