"""A program that also returns how many bytes it has allocated at the most, so that memory can be planned.

What a loop allocates and forgets counts once, as one trip's array and the next one's: only what is put on a
stack stays. A call that stays whole may need room for its arguments, as LAPACK does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.memory import is_alias, memory_of
from pullback.ir.nodes import (
    Assign,
    Block,
    Const,
    For,
    Operand,
    Program,
    Push,
    Return,
    Statement,
    Var,
    While,
)
from pullback.ir.types import INT, Array
from pullback.ir.walk import reads, walk, with_blocks
from pullback.optimize.pipeline import finish

_PLAIN = frozenset(
    [np.empty, np.zeros, np.ones, np.full, np.copy, np.zeros_like, np.empty_like, np.ones_like]
)

_HEADER = 64
"""What an array takes beside its entries."""


def metered(program: Program) -> Program:
    """What emission takes of an optimized program, with one more result, the bytes it allocates."""
    meter = _Meter(program)
    pushing = any(isinstance(s, Push) for s in walk(program.body))
    # Stacks are arrays later, and grow in leaps then.
    program = finish(meter.pushes() if pushing else program)
    meter = _Meter(program)
    return meter.allocations(program.results[-1] if pushing else Const(0))


class _Meter:
    def __init__(self, program: Program) -> None:
        self.original = program
        self.builder = Builder(names_of(program))
        self.total = self.builder.var("allocated", INT)
        memory = memory_of(program)
        self.group = memory.group
        self.stacked = {memory.group(s.stack.name) for s in walk(program.body) if isinstance(s, Push)}
        self.sites: list[Var] = []

    def pushes(self) -> Program:
        """The program that also returns what its stacks take."""
        results = self.original.results
        return self._with(self._pushes, Const(0), lambda: (*results, self.total))

    def allocations(self, already: Operand) -> Program:
        """The program that also returns what its arrays take, beside `already` (its last result)."""
        results = self.original.results
        results = results[:-1] if isinstance(already, Var) else results
        return self._with(self._arrays, already, lambda: (*results, self.total))

    def _with(
        self, counting: Callable[[Statement, bool], None], already: Operand, results: Callable[[], Any]
    ) -> Program:
        body = self._block(self.original.body[:-1], counting, in_loop=False)
        with self.builder.block() as start:
            for variable in (self.total, *self.sites):
                self.builder.assign(variable, 0)
        with self.builder.block() as end:
            for site in (*self.sites, already):
                self._add(site)
        block = (*start.statements(), *body, *end.statements(), Return(results()))
        return replace(self.original, body=block)

    def _block(self, block: Block, counting: Callable[[Statement, bool], None], *, in_loop: bool) -> Block:
        made: list[Statement] = []
        for statement in block:
            inside = in_loop or isinstance(statement, For | While)

            def inner(b: Block, inside: bool = inside) -> Block:
                return self._block(b, counting, in_loop=inside)

            made.append(with_blocks(statement, inner))
            with self.builder.block() as after:
                counting(statement, in_loop)
            made += after.statements()
        return tuple(made)

    def _pushes(self, statement: Statement, in_loop: bool) -> None:
        if isinstance(statement, Push):
            kind = operand_type(statement.value)
            # A stack that has no more room is copied into one of twice the size.
            entry = 8 * (7 + 2 * kind.ndim) if isinstance(kind, Array) else kind.dtype.itemsize
            self._add(Const(3 * entry))
        elif isinstance(statement, Assign) and statement.function is primitives.stack:
            self._add(Const(64 * 24))

    def _arrays(self, statement: Statement, in_loop: bool) -> None:
        if not isinstance(statement, Assign) or is_alias(statement):
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

    def _add(self, size: Operand) -> None:
        self.builder.assign(self.total, self.builder.call(np.add, self.total, size, name="allocated"))
