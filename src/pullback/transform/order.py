"""When statements run relative to each other: whether memory may be written after a statement has read it."""

from __future__ import annotations

from pullback.ir.nodes import Block, For, Program, Statement, Store, While
from pullback.ir.walk import blocks
from pullback.transform.alias import AliasClass

Place = tuple[tuple[int, int, bool], ...]
"""From the top of the program inwards: the block in the enclosing statement, the position in the block,
and whether the statement there is a loop.
"""


class Order:
    """The places of all statements of a program."""

    def __init__(self, program: Program) -> None:
        self._places: dict[int, Place] = {}
        self._block(program.body, 0, ())

    def _block(self, block: Block, number: int, above: Place) -> None:
        for position, statement in enumerate(block):
            place = (*above, (number, position, isinstance(statement, For | While)))
            self._places[id(statement)] = place
            for inner_number, inner in enumerate(blocks(statement)):
                self._block(inner, inner_number, place)

    def overwritten(self, reader: Statement, memory: AliasClass) -> bool:
        """Whether memory of this class may be written after `reader` has run and while it still exists."""
        persistent = 0
        if memory.plain and len(memory.origins) == 1 and not memory.params:
            # Each run of the allocation makes another array, so the loops around it do not bring it back.
            persistent = len(self._places[id(memory.origins[0])]) - 1
        return any(self._follows(reader, store, persistent) for store in memory.stores)

    def _follows(self, reader: Statement, store: Store, persistent: int) -> bool:
        here, there = self._places[id(reader)], self._places[id(store)]
        for depth, (a, b) in enumerate(zip(here, there, strict=False)):
            if a != b:
                return b[:2] > a[:2]
            if a[2] and depth >= persistent:
                return True
        return False
