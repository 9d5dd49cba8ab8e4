"""Loops that run forward and backward at once, one iteration after the other.

Where iterations are independent (`transform.independent`), each is walked backwards right after it has run,
and what it keeps is scratch. The forward sweep then leaves the loop to the reverse sweep, which is possible
where nothing in between needs what the loop computes. Statements that do, and that the reverse sweep does not
need, are put off to the end: as a rule these are a last sum or two. (Hascoët, Fidanova & Held, 2001.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pullback.ir import primitives
from pullback.ir.nodes import Assign, Block, Pop, Push, Statement, Store
from pullback.ir.types import Array
from pullback.ir.walk import assigns, reads, walk
from pullback.transform.alias import AliasClass


@dataclass(slots=True)
class Effects:
    """What statements read and write: variables by name, memory by its class."""

    reads: set[object] = field(default_factory=set)
    writes: set[object] = field(default_factory=set)

    def __or__(self, other: Effects) -> Effects:
        return Effects(self.reads | other.reads, self.writes | other.writes)

    def touches(self, other: Effects) -> bool:
        """Whether these statements read or write what the others write."""
        return bool((self.reads | self.writes) & other.writes)


def effects(block: Iterable[Statement], classes: dict[str, AliasClass]) -> Effects:
    """The effects of a block and of the blocks in it."""
    found = Effects()
    for statement in walk(tuple(block)):
        found.writes |= {target.name for target in assigns(statement)}
        shape_only = isinstance(statement, Assign) and statement.function is primitives.dim
        for variable in reads(statement):
            found.reads.add(variable.name)
            if isinstance(variable.type, Array) and not shape_only:
                found.reads.add(_memory(variable.name, classes))
        match statement:
            case Store(array=array):
                found.writes.add(_memory(array.name, classes))
            case Push(stack=stack) | Pop(stack=stack):
                found.writes.add(stack.name)
    return found


def put_off(
    loop: Block, following: dict[int, Block], reverse: Block, classes: dict[str, AliasClass]
) -> set[int] | None:
    """The statements after a loop that have to wait for it, if it runs after `reverse`; None if it cannot.

    Args:
        following: the statements after the loop, by number, in order.
        reverse: what comes between these and the new place of the loop.
    """
    moved, numbers = effects(loop, classes), set[int]()
    for number, block in following.items():
        own = effects(block, classes)
        if own.touches(moved):
            if any(isinstance(t.type, Array) for s in walk(block) for t in assigns(s)):
                return None
            moved |= own
            numbers.add(number)
        elif moved.touches(own):
            return None
    between = effects(reverse, classes)
    return None if between.touches(moved) or moved.touches(between) else numbers


def _memory(name: str, classes: dict[str, AliasClass]) -> object:
    return id(classes[name]) if name in classes else f"memory of {name}"
