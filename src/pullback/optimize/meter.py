"""A program that also returns how many bytes it has allocated at the most, so that memory can be planned.

What a loop allocates and forgets counts once, as one trip's array and the next one's: only what is put on a
stack stays. A call that stays whole may need room for its arguments, as LAPACK does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, Names, operand_type
from pullback.ir.memory import Memory, is_alias
from pullback.ir.nodes import (
    Assign,
    Block,
    Const,
    For,
    Program,
    Push,
    Return,
    Statement,
    Var,
    While,
)
from pullback.ir.types import INT, Array
from pullback.ir.walk import assigns, reads, walk, with_blocks

_PLAIN = frozenset(
    [np.empty, np.zeros, np.ones, np.full, np.copy, np.zeros_like, np.empty_like, np.ones_like]
)

_HEADER = 64
"""What an array takes beside its entries."""


def metered(program: Program) -> Program:
    """The program with one more result, the bytes it allocates."""
    return _Meter(program).program()


class _Meter:
    def __init__(self, program: Program) -> None:
        self.original = program
        taken = {p.name for p in program.params}
        taken |= {v.name for s in walk(program.body) for v in (*reads(s), *assigns(s))}
        self.builder = Builder(Names(taken))
        self.total = self.builder.var("allocated", INT)
        memory = Memory(program)
        self.group = memory.group
        self.stacked = {memory.group(s.stack.name) for s in walk(program.body) if isinstance(s, Push)}
        self.sites: list[Var] = []

    def program(self) -> Program:
        body = self._block(self.original.body[:-1], in_loop=False)
        with self.builder.block() as start:
            for variable in (self.total, *self.sites):
                self.builder.assign(variable, 0)
        with self.builder.block() as end:
            for site in self.sites:
                self._add(site)
        last = Return((*self.original.results, self.total))
        return replace(self.original, body=(*start.statements(), *body, *end.statements(), last))

    def _block(self, block: Block, *, in_loop: bool) -> Block:
        made: list[Statement] = []
        for statement in block:
            inside = in_loop or isinstance(statement, For | While)
            made.append(with_blocks(statement, lambda b, inside=inside: self._block(b, in_loop=inside)))
            with self.builder.block() as after:
                self._after(statement, in_loop)
            made += after.statements()
        return tuple(made)

    def _after(self, statement: Statement, in_loop: bool) -> None:
        if isinstance(statement, Push):
            kind = operand_type(statement.value)
            # A stack that has no more room is copied into one of twice the size.
            entry = 8 * (7 + 2 * kind.ndim) if isinstance(kind, Array) else kind.dtype.itemsize
            self._add(Const(3 * entry))
        if not isinstance(statement, Assign) or is_alias(statement):
            return
        if statement.function is primitives.stack:
            self._add(Const(64 * 24))
            return
        arrays = [target for target in statement.targets if isinstance(target.type, Array)]
        if arrays and statement.function not in _PLAIN:
            arrays += [v for v in reads(statement) if isinstance(v.type, Array)]
        for array in arrays:
            size = self._bytes(array)
            if not in_loop or self.group(array.name) in self.stacked:
                self._add(size)
            else:
                site = self.builder.var(f"bytes_{array.name}", INT)
                self.sites.append(site)
                twice = self.builder.call(np.multiply, size, 2, name="bytes")
                self.builder.assign(site, self.builder.call(max, site, twice, name="bytes"))

    def _bytes(self, array: Var) -> Var:
        kind = array.type
        assert isinstance(kind, Array)
        size: Var | Const = Const(kind.dtype.itemsize)
        for axis in range(kind.ndim):
            size = self.builder.call(np.multiply, size, self.builder.dim(array, axis), name="bytes")
        return self.builder.call(np.add, size, _HEADER, name="bytes")

    def _add(self, size: Var | Const) -> None:
        self.builder.assign(self.total, self.builder.call(np.add, self.total, size, name="allocated"))
