"""Loops inside of others whose reverse sweep begins with their forward sweep.

A loop of independent iterations (`transform.independent`) can be walked backwards an iteration at a time,
from what was there before it. Inside of another loop that has been overwritten by then, and is kept for each
trip of the outer one; still, a copy of the arrays that it reads may be much smaller than what its iterations
compute. Then the loop becomes a `Checkpoint`. (Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 12.)
"""

from __future__ import annotations

from collections.abc import Iterable

from pullback.ir import primitives
from pullback.ir.memory import is_alias
from pullback.ir.nodes import Assign, Block, Checkpoint, Const, For, Program, Statement, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import reads, walk, with_blocks
from pullback.transform.alias import AliasClass
from pullback.transform.independent import Independence
from pullback.transform.loops import Loop
from pullback.transform.order import Order

Kept = tuple[Var, tuple[Loop, ...]]
"""A local that is kept, and the loops around its assignment."""


def local_loops(
    program: Program,
    kept: Iterable[Kept],
    classes: dict[str, AliasClass],
    order: Order,
    independence: Independence,
) -> frozenset[str]:
    """The indices of the loops that had better run again, since what they read is smaller than what is kept.

    Sizes are compared by how many loops and axes they are products of.
    """
    deepest: dict[str, int] = {}
    for local, loops in kept:
        size = _kept_size(local, loops)
        for loop in loops[1:]:
            if isinstance(loop.statement, For):
                name = loop.statement.index.name
                deepest[name] = max(size, deepest.get(name, 0))
    found: set[str] = set()
    for statement in walk(program.body):
        if not isinstance(statement, For) or statement.index.name not in deepest:
            continue
        around = order.loops(statement)
        if any(isinstance(loop, For) and loop.index.name in found for loop in around):
            continue
        if order.runs_again(statement) or not independence.holds(statement):
            continue
        sizes = (_read_size(v, statement, classes, order) for v in _arrays_read(statement))
        if len(around) + max(sizes, default=0) < deepest[statement.index.name]:
            found.add(statement.index.name)
    return frozenset(found)


def with_checkpoints(program: Program, indices: frozenset[str]) -> Program:
    """The program with a `Checkpoint` around each loop over one of `indices`."""

    def block(statements: Block) -> Block:
        return tuple(one(with_blocks(statement, block)) for statement in statements)

    def one(statement: Statement) -> Statement:
        if isinstance(statement, For) and statement.index.name in indices:
            place = {"location": statement.location, "comment": statement.comment}
            return Checkpoint(Const(True), (statement,), **place)
        return statement

    return Program(program.name, program.params, block(program.body))


def _kept_size(local: Var, loops: tuple[Loop, ...]) -> int:
    """How many lengths multiply to the room for a kept local; of loops that are known to be short, none."""
    axes = local.type.ndim if isinstance(local.type, Array) else 0
    return axes + sum(not _is_short(loop.statement) for loop in loops)


def _is_short(loop: Statement) -> bool:
    return isinstance(loop, For) and isinstance(loop.start, Const) and isinstance(loop.stop, Const)


def _arrays_read(loop: For) -> list[Var]:
    """The arrays whose elements are read in a loop."""
    found: dict[str, Var] = {}
    for statement in walk(loop.body):
        if is_alias(statement) or (isinstance(statement, Assign) and statement.function is primitives.dim):
            continue
        target = {statement.array.name} if isinstance(statement, Store) else set()
        found |= {v.name: v for v in reads(statement) if isinstance(v.type, Array) and v.name not in target}
    return list(found.values())


def _read_size(array: Var, loop: For, classes: dict[str, AliasClass], order: Order) -> int:
    """How many lengths multiply to the size of a copy of an array; 0 if none is needed."""
    memory = classes[array.name]
    inside = {id(s) for s in walk(loop.body)}
    made_inside = not memory.params and all(id(origin) in inside for origin in memory.origins)
    if made_inside or not order.overwritten(loop, memory):
        return 0
    kind = array.type
    assert isinstance(kind, Array)
    looks = [s for s in walk(loop.body) if isinstance(s, Assign) and array in s.args]
    if not all(s.function is primitives.item for s in looks):
        return kind.ndim
    indices = [s.args[1] for s in looks]
    return sum(
        any(isinstance(index, tuple) and isinstance(index[axis], Var) for index in indices)
        for axis in range(kind.ndim)
    )
