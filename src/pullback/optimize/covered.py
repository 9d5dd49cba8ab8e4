"""Zeros whose every element a product of matrices is the first to be added to: the product is stored there.

    y = zeros((3, n, n))                        y = empty((3, n, n))
    for i in range(3):              →           for i in range(3):
        y[i, :, :] += a[i] @ b                      y[i, :, :] = a[i] @ b

So the cotangent of a matrix that is multiplied once is written once, by the BLAS, where it was cleared, read
and written. (`optimize.first` does the same for elements.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.memory import is_alias
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Slice, Statement, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import assigns, reads, walk, with_blocks, with_body
from pullback.optimize.first import with_stores
from pullback.optimize.uses import Uses
from pullback.rules.conjugating import PRODUCTS

Lengths = tuple[Arg | None, ...]
"""Of the axes of an array, where they are known."""


def store_products_first(program: Program) -> Program:
    """The same function with fewer zeros."""
    if not any(isinstance(s, Assign) and s.function is np.zeros for s in walk(program.body)):
        return program
    covered = _Covered(program)
    body = covered.block(program.body)
    return with_body(program, with_stores(body, covered.stores)) if covered.stores else program


class _Covered:
    """What is found in a program.

    Attributes:
        stores: the additions that become stores, by `id`.
    """

    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self.stores: set[int] = set()
        self._made: dict[str, Assign] = {}
        for statement in walk(program.body):
            if isinstance(statement, Assign):
                self._made.update(dict.fromkeys((target.name for target in statement.targets), statement))

    def block(self, block: Block) -> Block:
        """A block with `np.empty` where zeros are covered."""
        made = [with_blocks(statement, self.block) for statement in block]
        for at, statement in enumerate(block):
            match statement:
                case Assign(targets=(Var() as array,), function=np.zeros, args=(tuple(shape), *_)) if (
                    array.name not in self._uses.cells
                ):
                    store = self._first(block[at + 1 :], self._uses.memory(array.name), {array.name: shape})
                    if store is not None:
                        self.stores.add(id(store))
                        made[at] = replace(statement, function=np.empty)
                case _:
                    pass
        return tuple(made)

    def _first(self, block: Block, memory: str, whole: dict[str, Lengths]) -> Store | None:
        """The addition that comes to all of an array before anything else does; None if none is known to.

        Args:
            block: where the array is of use.
            memory: the array's.
            whole: the names by which all of the array goes, or all that the loops around come to.
        """
        whole = dict(whole)
        for statement in block:
            if not self._mentions(statement, memory):
                continue
            if is_alias(statement):
                assert isinstance(statement, Assign)
                self._alias(statement, whole)
            elif isinstance(statement, Store):
                return statement if self._adds_product(statement, memory, whole) else None
            elif isinstance(statement, For):
                return self._in_loop(statement, memory, whole)
            elif not _refers(statement):
                return None
        return None

    def _alias(self, statement: Assign, whole: dict[str, Lengths]) -> None:
        """Note a new name of all of the array."""
        (target,), (source, *rest) = statement.targets, statement.args
        assert isinstance(source, Var)
        lengths = whole.get(source.name)
        if lengths is None or target.name in self._uses.cells:
            return
        if statement.function is np.reshape:
            (shape,) = rest
            whole[target.name] = shape if isinstance(shape, tuple) else (shape,)
        elif statement.function is primitives.bind:
            whole[target.name] = lengths
        elif statement.function is np.transpose:
            whole[target.name] = (None,) * len(lengths)
        elif all(entry == Slice() for entry in rest[0]):  # type: ignore[union-attr]
            whole[target.name] = lengths

    def _in_loop(self, loop: For, memory: str, whole: dict[str, Lengths]) -> Store | None:
        """As `_first`, in the body of a loop, where each iteration comes to a part of its own."""
        parts: dict[str, Lengths] = {}
        for statement in loop.body:
            if self._mentions(statement, memory) and is_alias(statement):
                assert isinstance(statement, Assign)
                source = statement.args[0]
                assert isinstance(source, Var)
                if source.name in whole:
                    lengths = self._part(statement, loop, whole[source.name])
                    if lengths is None:
                        self._alias(statement, whole)
                    else:
                        parts[statement.targets[0].name] = lengths
        seen = [s for s in walk(loop.body) if self._touches(s, memory) and not _refers(s)]
        found = self._first(loop.body, memory, parts)
        # What else an iteration comes to may be in the part of another.
        return found if len(seen) == 1 else None

    def _part(self, statement: Assign, loop: For, lengths: Lengths) -> Lengths | None:
        """The lengths of a view of all along the other axes than that of a loop; None if it is none."""
        if statement.function is not primitives.view:
            return None
        index = statement.args[1]
        assert isinstance(index, tuple)
        along = [axis for axis, entry in enumerate(index) if entry == loop.index]
        if len(along) != 1 or len(index) != len(lengths):
            return None
        if any(entry != Slice() for axis, entry in enumerate(index) if axis != along[0]):
            return None
        length = lengths[along[0]]
        if length is None or not self._covers(loop, length):
            return None
        return (*lengths[: along[0]], *lengths[along[0] + 1 :])

    def _covers(self, loop: For, length: Arg) -> bool:
        """Whether a loop comes to all places of an axis, up or down."""
        start, stop, step = (self._known(x) for x in (loop.start, loop.stop, loop.step))
        count = self._known(length) if isinstance(length, Var | Const) else None
        if count is None or loop.index.name in self._uses.cells:
            return False
        if step == 1:
            return start == 0 and stop == count
        return step == -1 and stop == -1 and self._is_last(loop.start, count)

    def _known(self, operand: Operand) -> int | str | None:
        """A number, or a name for one that stays as it is; None for what may be assigned again."""
        if isinstance(operand, Const):
            return int(operand.value)
        match self._made.get(operand.name):
            case Assign(function=primitives.dim, args=(Var(name=array), Const(value=axis))) if (
                array not in self._uses.cells
            ):
                return f"{array}.shape[{axis}]"
        return None if operand.name in self._uses.cells else operand.name

    def _is_last(self, start: Operand, count: int | str) -> bool:
        """Whether a number is one less than a length."""
        if isinstance(start, Const):
            return isinstance(count, int) and start.value == count - 1
        match self._made.get(start.name):
            case Assign(function=np.subtract, args=(Var() | Const() as first, Const(value=1))):
                return start.name not in self._uses.cells and self._known(first) == count
        return False

    def _adds_product(self, store: Store, memory: str, whole: dict[str, Lengths]) -> bool:
        """Whether a store adds a product of matrices to all of the array."""
        value, array = store.value, store.array
        if not store.accumulate or array.name not in whole or not isinstance(value, Var):
            return False
        if any(entry != Slice() for entry in store.index) or self._uses.memory(value.name) == memory:
            return False
        kind = value.type
        assert isinstance(array.type, Array)
        return isinstance(kind, Array) and kind.dtype == array.type.dtype and self._is_product(value)

    def _is_product(self, value: Var) -> bool:
        """Whether an array is a product of matrices, or the conjugate or a transpose of one."""
        made = None if value.name in self._uses.cells else self._made.get(value.name)
        if made is not None and made.function in (np.conjugate, np.transpose):
            source = made.args[0]
            return isinstance(source, Var) and self._is_product(source)
        return made is not None and made.function in PRODUCTS

    def _mentions(self, statement: Statement, memory: str) -> bool:
        """Whether a statement, or one in it, has an array in this memory."""
        return any(self._touches(inner, memory) for inner in walk((statement,)))

    def _touches(self, statement: Statement, memory: str) -> bool:
        return any(self._uses.memory(v.name) == memory for v in (*reads(statement), *assigns(statement)))


def _refers(statement: Statement) -> bool:
    """Whether a statement reads and writes no elements: it names an array, or measures it."""
    return is_alias(statement) or (isinstance(statement, Assign) and statement.function is primitives.dim)
