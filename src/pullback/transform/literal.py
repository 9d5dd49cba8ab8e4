"""Arrays written out number by number, as arrays that the numbers are stored into.

Whole-array derivatives take these: `np.array` has no rule, since no engine sees a call of it. In a program of
loops it has become such stores anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir.nodes import Assign, Block, Const, Program, Statement, Store
from pullback.ir.types import Array, is_inexact
from pullback.ir.walk import with_blocks


def with_stored_literals(program: Program) -> Program:
    """The program with ``a = np.array([x, y])`` as ``a = np.empty(2); a[0] = x; a[1] = y``."""

    def stored(block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            made += _stores(statement) if _is_literal(statement) else [with_blocks(statement, stored)]
        return tuple(made)

    return replace(program, body=stored(program.body))


def _is_literal(statement: Statement) -> bool:
    return (
        isinstance(statement, Assign)
        and statement.function in (np.array, np.asarray)
        and isinstance(statement.args[0], tuple)
        and is_inexact(statement.targets[0].type)
    )


def _stores(statement: Any) -> Iterator[Statement]:
    (target,), (values, *_) = statement.targets, statement.args
    assert isinstance(target.type, Array)
    shape, inner = [], values
    while isinstance(inner, tuple):
        shape.append(Const(len(inner)))
        inner = inner[0] if inner else None
    dtype = (("dtype", Const(target.type.dtype)),)
    place = {"location": statement.location, "comment": statement.comment}
    yield Assign((target,), np.empty, (tuple(shape),), dtype, **place)
    for index in np.ndindex(*(length.value for length in shape)):
        number = values
        for k in index:
            number = number[k]
        yield Store(target, tuple(map(Const, index)), number, **place)


__all__ = ["with_stored_literals"]
