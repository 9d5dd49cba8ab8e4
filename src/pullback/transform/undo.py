"""Memory that the reverse sweep takes back to its earlier contents.

What a loop reads of an array that is overwritten later would have to be kept at each read. Where there are
fewer stores, by a whole loop, it is the overwritten element that is kept instead, at the store:

    a[i] = t          forward: old = a[i]; a[i] = t          reverse: a[i] = old; …

so that in the reverse sweep the array holds what it held, and is read again. (Griewank & Walther, ch. 5, for
the values that a program overwrites as those to keep.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.ir import primitives
from pullback.ir.build import Names, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, Program, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import with_blocks
from pullback.transform.alias import AliasClass
from pullback.transform.order import Order


@dataclass(slots=True)
class Undoing:
    """What is undone in a sweep, and what another one had better undo.

    Attributes:
        names: the arrays that are taken back.
        old: what each store to them has overwritten, by the store's identity.
        wishes: the memory whose undoing would spare keeping something, with the number of loops around that.
    """

    names: frozenset[str] = frozenset()
    old: dict[int, Var] = field(default_factory=dict)
    wishes: list[tuple[list[AliasClass], int]] = field(default_factory=list)

    def chosen(self, order: Order) -> frozenset[str]:
        """The arrays to undo, since all stores to them run less often than what they spare."""
        return frozenset(
            name
            for memories, depth in self.wishes
            if all(len(order.loops(store)) < depth for memory in memories for store in memory.stores)
            for memory in memories
            for name in memory.members
        )


def is_undoable(memory: AliasClass, order: Order) -> bool:
    """Whether all stores to memory of a class can be undone."""
    return (
        memory.plain
        and len(memory.origins) == 1
        and not memory.params
        and not order.loops(memory.origins[0])
        and all(is_integer(entry) for store in memory.stores for entry in store.index)
    )


def with_old(program: Program, undone: frozenset[str], names: Names) -> tuple[Program, Undoing]:
    """The program with each element read before it is overwritten, in the arrays to undo."""
    old: dict[int, Var] = {}

    def block(statements: Block) -> Block:
        made: list[Statement] = []
        for statement in statements:
            statement = with_blocks(statement, block)
            if isinstance(statement, Store) and statement.array.name in undone:
                array = statement.array
                assert isinstance(array.type, Array)
                value = Var(names.fresh(f"{array.name}_old"), Scalar(array.type.dtype))
                old[id(statement)] = value
                read = Assign(
                    (value,), primitives.item, (array, statement.index), location=statement.location
                )
                made.append(read)
            made.append(statement)
        return tuple(made)

    # The program holds the stores, so their identities stay theirs.
    body = block(program.body)
    return Program(program.name, program.params, body), Undoing(undone, old)


def is_integer(entry: Arg) -> bool:
    """Whether an entry of an index is one integer."""
    if not isinstance(entry, Var | Const):
        return False
    kind = operand_type(entry)
    return isinstance(kind, Scalar) and kind.dtype.kind in "iu"
