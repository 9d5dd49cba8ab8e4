"""Where a program's variables are assigned and used, and which names may refer to the same memory.

Statements are numbered in textual order. Between a definition and a use in the same innermost loop, what
runs is within the text between them, whatever branches are taken, so an interval of numbers tells what may
have changed. Aliasing is by union of names, whatever the order of the statements (Steensgaard, *Points-to
analysis in almost linear time*, 1996, without fields).
"""

from __future__ import annotations

from collections.abc import Iterator

from pullback.ir.nodes import Assign, Block, For, Pop, Program, Push, Statement, Store, Var, While
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array
from pullback.ir.walk import assigns, blocks, reads, walk


class Uses:
    """The positions of assignments, uses and stores of a program, by name.

    Attributes:
        cells: names assigned more than once (a parameter counts as assigned once), whose value may change.
    """

    def __init__(self, program: Program) -> None:
        self._parent: dict[str, str] = {}
        self._assigned: dict[str, list[int]] = {param.name: [-1] for param in program.params}
        self._used: dict[str, list[int]] = {}
        self._stores: list[tuple[int, str]] = []
        self._loops: list[tuple[int, ...]] = []
        self._ends: dict[int, int] = {}
        self._blocks: list[tuple[int, ...]] = []
        self._block_count = 0
        self._number(program.body, (), ())
        for statement in walk(program.body):
            self._unite(statement)
        self.cells = frozenset(name for name, at in self._assigned.items() if len(at) > 1)
        self._stored = {self.memory(name) for _, name in self._stores}

    def _number(self, block: Block, loops: tuple[int, ...], path: tuple[int, ...]) -> None:
        self._block_count += 1
        path = (*path, self._block_count)
        for statement in block:
            position = len(self._loops)
            self._loops.append(loops)
            self._blocks.append(path)
            for name in dict.fromkeys(variable.name for variable in reads(statement)):
                self._used.setdefault(name, []).append(position)
            for target in assigns(statement):
                self._assigned.setdefault(target.name, []).append(position)
            if isinstance(statement, Store):
                self._stores.append((position, statement.array.name))
            inner = (*loops, position) if isinstance(statement, For | While) else loops
            for nested in blocks(statement):
                self._number(nested, inner, path)
            self._ends[position] = len(self._loops)

    def _unite(self, statement: Statement) -> None:
        for a, b in _same_memory(statement):
            first, second = self.memory(a), self.memory(b)
            if first != second:
                self._parent[first] = second

    def memory(self, name: str) -> str:
        """One name for all the names that may refer to the same memory as `name`."""
        root = name
        while root in self._parent:
            root = self._parent[root]
        return root

    def is_stored(self, name: str) -> bool:
        """Whether any store may write into the memory of `name`."""
        return self.memory(name) in self._stored

    def count(self, name: str) -> int:
        """How many statements use a variable."""
        return len(self._used.get(name, ()))

    def dominates(self, name: str, position: int) -> bool:
        """Whether every use of a variable assigned at `position` is within the block it is assigned in."""
        path = self._blocks[position]
        return all(self._blocks[use][: len(path)] == path for use in self._used.get(name, ()))

    def leads(self, name: str) -> bool:
        """Whether all uses of a variable and its other assignments are in the block of the first of these."""
        first, *others = self._assigned[name]
        path = self._blocks[first]
        return all(self._blocks[at][: len(path)] == path for at in (*others, *self._used.get(name, ())))

    def repeats(self, name: str, position: int) -> bool:
        """Whether a variable assigned at `position` is used inside a loop that the assignment is not in."""
        return any(self._loops[use] != self._loops[position] for use in self._used.get(name, ()))

    def changes(self, name: str, position: int, memory: frozenset[str], cells: frozenset[str]) -> bool:
        """Whether `memory` or `cells` may change between the assignment of `name` and its last use."""
        last = max((self._horizon(position, use) for use in self._used.get(name, ())), default=position)
        return any(
            position < at < last and self.memory(stored) in memory for at, stored in self._stores
        ) or any(position < at < last for cell in cells for at in self._assigned.get(cell, ()))

    def _horizon(self, position: int, use: int) -> int:
        """The end of the text that may run between an assignment and a use."""
        for loop in self._loops[use]:
            if loop not in self._loops[position]:
                return self._ends[loop]
        return use


def _same_memory(statement: Statement) -> Iterator[tuple[str, str]]:
    """Pairs of names that a statement makes refer to one memory."""
    match statement:
        case Assign(targets=(target,), function=function, args=args) if function in ALIASING:
            if isinstance(target.type, Array) and isinstance(args[0], Var):
                yield target.name, args[0].name
        case Push(stack=stack, value=Var(type=Array()) as value):
            yield stack.name, value.name
        case Pop(target=Var(type=Array()) as target, stack=stack):
            yield target.name, stack.name
