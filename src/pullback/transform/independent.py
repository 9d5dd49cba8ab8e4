"""Loops whose iterations meet only through accumulation, as far as derivatives go.

What carries a derivative in such a loop is

- a number or an array that each iteration only adds to;
- a cell that each iteration assigns before it reads it;
- memory of which no two iterations touch the same element, unless both only read it;
- scratch memory: each element is stored before it is read, in the same iteration, and nothing else reads it.

So the cotangents that flow into an iteration are those that flow into any other, and iterations can be walked
backwards in any order: each right after it has run. (Tapenade calls this loop parallel, and its adjoint
"II-loop": Hascoët, Fidanova & Held, *Adjoining independent computations*, 2001.)
"""

from __future__ import annotations

import numpy as np

from pullback.ir import primitives
from pullback.ir.memory import is_alias
from pullback.ir.nodes import Assign, Block, Checkpoint, For, If, Program, Statement, Store, Var
from pullback.ir.types import Array, Stack
from pullback.ir.walk import assigns, blocks, mentions, reads, variables, walk
from pullback.transform.activity import Activity
from pullback.transform.alias import AliasClass
from pullback.transform.order import Order


class Independence:
    """Tells for each loop of a program in canonical form whether it is of this kind."""

    def __init__(
        self,
        program: Program,
        cells: set[str],
        classes: dict[str, AliasClass],
        activity: Activity,
        order: Order,
    ) -> None:
        self._program = program
        self._cells = frozenset(cells)
        self._classes = classes
        self._activity = activity
        self._order = order

    def holds(self, loop: For) -> bool:
        """Whether the iterations of a loop are independent of each other."""
        inside = list(walk(loop.body))
        own = {id(s) for s in inside}
        outside = {v.name for s in walk(self._program.body) if id(s) not in own for v in reads(s)}
        names = {v.name: v for s in inside for v in (*reads(s), *assigns(s))}
        if any(isinstance(s, Checkpoint) or (isinstance(s, Assign) and not s.targets) for s in inside):
            return False
        if any(isinstance(v.type, Stack) for v in names.values()):
            return False
        arrays = [v for v in names.values() if isinstance(v.type, Array)]
        if not all(self._classes[v.name].plain or self._is_fixed(v, inside) for v in arrays):
            return False
        memories = {
            id(self._classes[v.name]): self._classes[v.name] for v in arrays if v.name in self._activity
        }
        assigned = {target.name for s in inside for target in assigns(s)}
        return all(
            self._is_separate(name, loop, inside, outside)
            for name in assigned & self._cells
            if name in self._activity
        ) and all(self._is_apart(memory, loop, inside) for memory in memories.values())

    def _is_fixed(self, array: Var, inside: list[Statement]) -> bool:
        """Whether neither the memory that references move to is written nor the references move."""
        members = self._classes[array.name].members
        return not any(
            statement.array.name in members
            if isinstance(statement, Store)
            else any(target.name in members & self._cells for target in assigns(statement))
            for statement in inside
        )

    # -- cells -----------------------------------------------------------------------------------------------

    def _is_separate(self, cell: str, loop: For, inside: list[Statement], outside: set[str]) -> bool:
        if _begins(cell, loop.body):
            return cell not in outside
        return self._is_added_to(cell, loop, inside)

    def _is_added_to(self, cell: str, loop: For, inside: list[Statement]) -> bool:
        """Whether what becomes of a cell in an iteration is only what it was before and something added."""
        sums, before = {cell}, 0
        while len(sums) != before:
            before = len(sums)
            for statement in inside:
                if any(v.name in sums for v in reads(statement)):
                    if not _adds(statement, sums):
                        return False
                    sums |= {target.name for target in assigns(statement)}
        for statement in inside:
            into = {target.name for target in assigns(statement)} & sums
            if into and not _adds(statement, sums):
                return False
        return all(_begins(name, loop.body) for name in sums & self._cells - {cell})

    # -- memory ----------------------------------------------------------------------------------------------

    def _is_apart(self, memory: AliasClass, loop: For, inside: list[Statement]) -> bool:
        own = {id(s) for s in inside}
        stores = [s for s in memory.stores if id(s) in own]
        made_inside = not memory.params and all(id(origin) in own for origin in memory.origins)
        if not stores or made_inside:
            return True
        looks = [s for s in inside if _names(s, memory)]
        if not looks and all(store.accumulate for store in stores):
            return True
        if not all(isinstance(s, Assign) and s.function is primitives.item for s in looks):
            return False
        accesses: list[Statement] = [*looks, *stores]
        if not any(self._order.meet_in_others(s, other, loop) for s in stores for other in accesses):
            return True
        elsewhere = (s for s in walk(self._program.body) if id(s) not in own and not is_alias(s))
        if any(_names(s, memory) for s in elsewhere):
            return False
        readers = [*looks, *(s for s in stores if s.accumulate)]
        fills = [s for s in stores if not s.accumulate]
        return all(any(self._order.fills(s, reader, loop) for s in fills) for reader in readers)


def _names(statement: Statement, memory: AliasClass) -> bool:
    """Whether a statement reads a variable of that memory, but for its shape or to store into it."""
    if isinstance(statement, Assign) and statement.function is primitives.dim:
        return False
    used = variables(statement.value) if isinstance(statement, Store) else reads(statement)
    return any(v.name in memory.members for v in used)


def _adds(statement: Statement, sums: set[str]) -> bool:
    """Whether a statement only moves one of `sums`, or adds to it what is none of them."""
    match statement:
        case Assign(function=primitives.bind, args=(Var(name=source),)):
            return source in sums
        case Assign(function=function, args=(a, b)) if function in (np.add, np.subtract):
            first, second = (isinstance(x, Var) and x.name in sums for x in (a, b))
            return first != second and (first or function is np.add)
    return False


def _begins(cell: str, block: Block) -> bool:
    """Whether the first to mention a cell, each time that a block around all mentions runs, assigns it."""
    with_it = [s for s in block if mentions(s, cell)]
    if not with_it or _starts(cell, with_it[0]):
        return True
    if len(with_it) > 1 or any(v.name == cell for v in reads(with_it[0])):
        return False
    return all(_begins(cell, inner) for inner in blocks(with_it[0]))


def _starts(cell: str, statement: Statement) -> bool:
    """Whether a statement assigns a cell for certain, and does not read it before."""
    if any(v.name == cell for v in reads(statement)):
        return False
    if isinstance(statement, If):
        firsts = [next((s for s in b if mentions(s, cell)), None) for b in blocks(statement)]
        return all(first is not None and _starts(cell, first) for first in firsts)
    return any(target.name == cell for target in assigns(statement))
