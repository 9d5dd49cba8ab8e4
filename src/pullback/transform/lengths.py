"""Arrays of which the reverse sweep asks for no more than the lengths need not be kept, only these.

Comes in: the forward sweep of the body of a loop, and what its reverse sweep does. Goes out: both, with
the lengths as integers of the forward sweep, said by what is known before the loop where they can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Statement, Var
from pullback.ir.types import Array
from pullback.ir.walk import assigns, reads, walk, with_blocks
from pullback.rules.conjugating import PRODUCTS

Length = Operand | tuple[Var, int]
"""An integer of the forward sweep, or an array that the block does not make, and the axis."""


class Lengths:
    """The lengths of the arrays that a block makes.

    Attributes:
        asked: what has to be added to the block, by the statement that it follows.
    """

    def __init__(self, forward: Block, cells: set[str], builder: Builder) -> None:
        self._made: dict[str, Statement] = {
            target.name: statement
            for statement in forward
            if not isinstance(statement, For)
            for target in assigns(statement)
            if isinstance(target.type, Array) and target.name not in cells
        }
        self._cells = cells
        self._builder = builder
        self._known: dict[tuple[str, int], Length] = {}
        self.asked: dict[int, list[Statement]] = {}

    def only_measured(self, reverse: Block) -> set[str]:
        """The arrays of the block that `reverse` reads nothing of but lengths."""
        measured: set[str] = set()
        read: set[str] = set()
        for statement in walk(reverse):
            names = {variable.name for variable in reads(statement)} & self._made.keys()
            if isinstance(statement, Assign) and statement.function is primitives.dim:
                measured |= names
            else:
                read |= names
        return measured - read

    def instead(self, arrays: set[str]) -> Callable[[Block], Block]:
        """What changes a block so that it asks none of `arrays` for its lengths."""

        def new(block: Block) -> Block:
            return tuple(with_blocks(self._integer(statement, arrays), new) for statement in block)

        return new

    def _integer(self, statement: Statement, arrays: set[str]) -> Statement:
        match statement:
            case Assign(function=primitives.dim, args=(Var(name=name) as array, Const(value=axis))) if (
                name in arrays
            ):
                length = self._length(array, axis)
                if isinstance(length, tuple):
                    return replace(statement, args=(length[0], Const(length[1])))
                return replace(statement, function=primitives.bind, args=(length,))
        return statement

    def _length(self, array: Var, axis: int) -> Length:
        assert isinstance(array.type, Array)
        if axis in array.type.ones:
            return Const(1)
        if array.name not in self._made:
            return array, axis
        found = self._known.get((array.name, axis))
        if found is None:
            found = self._known[array.name, axis] = self._said(array, axis) or self._measured(array, axis)
        return found

    def _said(self, array: Var, axis: int) -> Length | None:
        """What the statement that makes an array says of its length; None if it does not."""
        match self._made[array.name]:
            case Assign(function=np.empty | np.zeros, args=(tuple(shape), *_)):
                return self._steady(shape[axis])
            case Assign(function=np.reshape, args=(_, tuple(shape))):
                return self._steady(shape[axis])
            case Assign(function=function, args=(Var() as a, Var() as b, *_), kwargs=()) if (
                function in PRODUCTS
            ):
                if (
                    isinstance(a.type, Array)
                    and isinstance(b.type, Array)
                    and a.type.ndim == b.type.ndim == 2
                ):
                    return self._of_source((a, b)[axis], axis)
            case Assign(function=np.transpose, args=(Var() as source,), kwargs=()):
                return self._of_source(source, array.type.ndim - 1 - axis)  # type: ignore[union-attr]
        return None

    def _of_source(self, source: Var, axis: int) -> Length | None:
        return None if source.name in self._cells else self._length(source, axis)

    def _steady(self, length: object) -> Operand | None:
        """A length, if it is a number or a variable with one value."""
        if isinstance(length, Const) or (isinstance(length, Var) and length.name not in self._cells):
            return length
        return None

    def _measured(self, array: Var, axis: int) -> Operand:
        with self._builder.block() as measuring:
            length = self._builder.dim(array, axis)
        self.asked.setdefault(id(self._made[array.name]), []).extend(measuring.statements())
        return length
