"""When statements run relative to each other: whether memory may be written after a statement has read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pullback.ir.nodes import Block, Checkpoint, For, If, Program, Statement, Store, Var, While
from pullback.ir.walk import blocks
from pullback.transform.alias import AliasClass, is_final
from pullback.transform.elements import Access, Elements


@dataclass(frozen=True, slots=True)
class Step:
    """One level of the way to a statement.

    Attributes:
        block: which block of the statement around.
        position: in that block.
        statement: the one that stands there.
    """

    block: int
    position: int
    statement: Statement


class Order:
    """The places of all statements of a program in canonical form."""

    def __init__(self, program: Program, cells: Iterable[str]) -> None:
        self._body, self._cells = program.body, set(cells)
        self._final: dict[int, bool] = {}
        self._places: dict[int, tuple[Step, ...]] = {}
        self._elements = Elements(program, cells)
        self._block(program.body, 0, ())

    def _block(self, block: Block, number: int, above: tuple[Step, ...]) -> None:
        for position, statement in enumerate(block):
            place = (*above, Step(number, position, statement))
            self._places[id(statement)] = place
            for inner_number, inner in enumerate(blocks(statement)):
                self._block(inner, inner_number, place)

    def overwritten(self, reader: Statement, memory: AliasClass, array: Var | None = None) -> bool:
        """Whether what `reader` reads of memory of this class may be written after it has run.

        What a store itself has written counts as read by it. Memory that no longer exists does not matter.

        Args:
            array: what it reads that by, where that is known.
        """
        if array is not None and self._is_settled(memory, array) and not self.runs_again(reader):
            return False
        persistent = 0
        if memory.plain and len(memory.origins) == 1 and not memory.params:
            # Each run of the allocation makes another array, so the loops around it do not bring it back.
            persistent = len(self.loops(memory.origins[0]))
        return any(self._follows(reader, store, persistent) for store in memory.stores)

    def _is_settled(self, memory: AliasClass, array: Var) -> bool:
        """Whether an array is not written into any more: all stores are ahead of its memory's second name."""
        if not memory.origins or any(array in origin.targets for origin in memory.origins):
            return False
        known = self._final.get(id(memory))
        if known is None:
            known = self._final[id(memory)] = is_final(memory, self._body, self._cells, None)
        return known

    def overwritten_in_block(self, reader: Statement, memory: AliasClass) -> bool:
        """As `overwritten`, by the time when the block that `reader` stands in has run once."""
        *around, own = self._places[id(reader)]
        depth, shared = len(around), len(self.loops(reader))
        for store in memory.stores:
            place = self._places[id(store)]
            inside = len(place) > depth and all(
                a.statement is b.statement and a.block == b.block for a, b in zip(around, place, strict=False)
            )
            if inside and place[depth].block == own.block and place[depth].position > own.position:
                accesses = [self._elements.access(s, self.loops(s)) for s in (reader, store)]
                if self._meet(accesses, shared, later=False):
                    return True
        return False

    def loops(self, statement: Statement) -> tuple[For | While, ...]:
        """The loops around a statement, the outermost first."""
        around = (step.statement for step in self._places[id(statement)][:-1])
        return tuple(s for s in around if isinstance(s, For | While))

    def runs_again(self, statement: Statement) -> bool:
        """Whether a statement is in a checkpoint, whose reverse sweep is its own."""
        return any(isinstance(step.statement, Checkpoint) for step in self._places[id(statement)])

    def meet_in_others(self, a: Statement, b: Statement, loop: For) -> bool:
        """Whether two statements in a loop may access the same element in different iterations of it."""
        shared = len(self.loops(loop))
        accesses = [self._elements.access(s, self.loops(s)) for s in (a, b)]
        return any(self._meet(pair, shared, later=True) for pair in (accesses, accesses[::-1]))

    def fills(self, store: Statement, reader: Statement, loop: For) -> bool:
        """Whether a store in a loop has, in each iteration, written the element that is read there later."""
        common, depth = 0, 0
        ways = self._places[id(store)], self._places[id(reader)]
        for here, there in zip(*ways, strict=False):
            if here.statement is not there.statement:
                break
            depth += isinstance(here.statement, For | While)
            common += 1
        else:
            return False
        here, there = ways[0][common], ways[1][common]
        is_before = here.block == there.block and here.position < there.position
        within = any(step.statement is loop for step in ways[0][:common])
        if not (is_before and within and all(isinstance(s.statement, For) for s in ways[0][common:-1])):
            return False
        first, second = (self._elements.access(s, self.loops(s)) for s in (store, reader))
        return first is not None and second is not None and self._elements.covers(first, second, depth)

    def _follows(self, reader: Statement, store: Store, persistent: int) -> bool:
        depth, around = 0, None
        accesses = [self._elements.access(s, self.loops(s)) for s in (reader, store)]
        for here, there in zip(self._places[id(reader)], self._places[id(store)], strict=False):
            if here.statement is not there.statement:
                if isinstance(around, If) and here.block != there.block:
                    return False
                after = (there.block, there.position) > (here.block, here.position)
                return after and self._meet(accesses, depth, later=False)
            around = here.statement
            if isinstance(around, For | While):
                if depth >= persistent and self._meet(accesses, depth, later=True):
                    return True
                depth += 1
        return False

    def _meet(self, accesses: list[Access | None], shared: int, *, later: bool) -> bool:
        reader, store = accesses
        if reader is None or store is None:
            return True
        return self._elements.meet(reader, store, shared, later=later)
