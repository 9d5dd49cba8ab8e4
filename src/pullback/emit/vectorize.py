"""Loops that LLVM can vectorise call `native.exp` where others call ``np.exp``.

Such a loop has no inner loop or branch; what an iteration leaves to the next is nothing but sums; and an
array it stores into is otherwise touched at the same index only. A guess at what LLVM finds out by itself:
where it is wrong, the result is the same and comes some nanoseconds later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.ir import primitives
from pullback.ir.memory import Memory, memory_of
from pullback.ir.nodes import Arg, Assign, Block, For, Program, Statement, Store, Var
from pullback.ir.types import Scalar
from pullback.ir.walk import assigns, operands, reads, with_blocks, with_body

INLINED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.exp: native.exp,
    np.log: native.log,
    np.log1p: native.log1p,
    np.tanh: native.tanh,
}
"""Functions that are written out, of numbers of the types in `FLOATS`."""
FLOATS = [Scalar(np.dtype(kind)) for kind in (np.float32, np.float64)]
_SUMS = frozenset([np.add, np.subtract, np.maximum, np.minimum, np.multiply, primitives.bind])


def with_inlined_functions(program: Program) -> Program:
    """The program with `native`'s functions in the loops that can be vectorised."""
    memory = memory_of(program)

    def block(statements: Block) -> Block:
        return tuple(one(statement) for statement in statements)

    def one(statement: Statement) -> Statement:
        if isinstance(statement, For) and _is_parallel(statement, memory):
            return replace(statement, body=tuple(map(_inlined, statement.body)))
        return with_blocks(statement, block)

    return with_body(program, block(program.body))


def _inlined(statement: Statement) -> Statement:
    if not isinstance(statement, Assign) or statement.function not in INLINED or statement.kwargs:
        return statement
    kinds = [x.type for x in (*statement.targets, *statement.args) if isinstance(x, Var)]
    if not any(kinds == [kind, kind] for kind in FLOATS):
        return statement
    return replace(statement, function=INLINED[statement.function])


def _is_parallel(loop: For, memory: Memory) -> bool:
    body = loop.body
    return (
        all(isinstance(statement, Assign | Store) for statement in body)
        and any(isinstance(s, Assign) and s.function in INLINED for s in body)
        and _leaves_sums(body)
        and _touches_its_own(loop, memory)
    )


def _leaves_sums(body: Block) -> bool:
    """Whether the variables that an iteration finds from the one before are sums."""
    assigned = {target.name for statement in body for target in assigns(statement)}
    seen: set[str] = set()
    running: set[str] = set()
    for statement in body:
        carried = {x.name for x in reads(statement) if x.name in assigned - seen or x.name in running}
        targets = {target.name for target in assigns(statement)}
        seen |= targets
        if not carried:
            running -= targets
            continue
        if not isinstance(statement, Assign) or statement.function not in _SUMS:
            return False
        running |= targets
    return True


def _touches_its_own(loop: For, memory: Memory) -> bool:
    """Whether arrays that are stored into are read and stored at one index alone, be it in several rows."""
    changing = {loop.index.name} | {target.name for inner in loop.body for target in assigns(inner)}
    indices: dict[str, set[str]] = {}
    stored: set[str] = set()
    for statement in loop.body:
        if isinstance(statement, Store):
            group = memory.group(statement.array.name)
            stored.add(group)
            indices.setdefault(group, set()).add(_lane(statement.index, changing))
        elif isinstance(statement, Assign) and statement.function in (primitives.item, primitives.view):
            array = statement.args[0]
            if isinstance(array, Var):
                indices.setdefault(memory.group(array.name), set()).add(_lane(statement.args[1], changing))
    return all(len(indices[group]) == 1 for group in stored)


def _lane(index: Arg, changing: set[str]) -> str:
    """An index without the rows in it that stay as they are in the loop: LLVM finds whether they differ."""
    *rows, last = map(str, operands(index)) if index else ("",)
    return ", ".join((*(row for row in rows if row in changing), last))
