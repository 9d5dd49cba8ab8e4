"""Elements that a block stores and reads again, as the numbers they are; stores that nothing sees removed.

    a[i] = 0                                a[i] = t
    a[i] += t               →               y = t
    y = a[i]

Within a block, between statements that have blocks in them. (Muchnick, *Advanced Compiler Design and
Implementation*, 1997, §12.5 and §20.3, for forwarding of stores and scalar replacement.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, Names, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, Operand, Program, Raise, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, walk, with_blocks
from pullback.optimize.uses import Uses

Key = tuple[object, ...]


def forward_stores(program: Program) -> Program:
    """The same function with fewer reads and stores of elements."""
    taken = {v.name for s in walk(program.body) for v in (*reads(s), *assigns(s))}
    names = Names(taken | {param.name for param in program.params})
    return replace(program, body=_Forwarding(program, Builder(names)).block(program.body))


@dataclass(slots=True)
class _Stored:
    """The last store into some memory, in the block so far.

    Attributes:
        key: the element.
        value: what the element holds, where that is known.
        at: the place of the store among the statements.
        unseen: whether nothing has read the memory since.
    """

    key: Key
    value: Operand | None
    at: int
    unseen: bool = True


class _Forwarding:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._builder = builder
        self._params = {self._uses.memory(param.name) for param in program.params}

    def block(self, block: Block) -> Block:
        stored: dict[str, _Stored] = {}
        made: list[Statement | None] = []
        for statement in block:
            statement = with_blocks(statement, self.block)
            match statement:
                case Assign(function=primitives.item, args=(Var() as array, tuple(index))):
                    statement = self._load(statement, array, index, stored)
                case Store() if self._is_element(statement):
                    self._store(statement, stored, made)
                    continue
                case _:
                    self._look(statement, stored)
            made.append(statement)
        return tuple(statement for statement in made if statement is not None)

    def _is_element(self, store: Store) -> bool:
        return self._key(store.array, store.index) is not None and isinstance(
            operand_type(store.value), Scalar
        )

    def _key(self, array: Var, index: tuple[Arg, ...]) -> Key | None:
        """The element, by names that keep their values."""
        entries: list[object] = [array.name]
        if array.name in self._uses.cells:
            return None
        for entry in index:
            match entry:
                case Const(value=int() | np.integer()):
                    entries.append(int(entry.value))
                case Var(name=name, type=Scalar()) if name not in self._uses.cells:
                    entries.append(name)
                case _:
                    return None
        return tuple(entries)

    def _load(
        self, statement: Assign, array: Var, index: tuple[Arg, ...], stored: dict[str, _Stored]
    ) -> Statement:
        last = stored.get(self._uses.memory(array.name))
        if last is None:
            return statement
        if last.value is not None and last.key == self._key(array, index):
            return replace(statement, function=primitives.bind, args=(last.value,))
        last.unseen = False
        return statement

    def _store(self, store: Store, stored: dict[str, _Stored], made: list[Statement | None]) -> None:
        memory = self._uses.memory(store.array.name)
        key = self._key(store.array, store.index)
        assert key is not None
        last = stored.get(memory)
        same = last is not None and last.key == key
        value = self._exact(store)
        if store.accumulate and same and last is not None and last.value is not None and value is not None:
            value = self._added(last.value, value, store, made)
            store = replace(store, value=value, accumulate=False)
        if same and last is not None and last.unseen and not store.accumulate:
            made[last.at] = None
        stored[memory] = _Stored(key, None if store.accumulate else value, len(made))
        made.append(store)

    def _exact(self, store: Store) -> Operand | None:
        """What the store writes, as an element of the array, where it stays known."""
        kind = store.array.type
        assert isinstance(kind, Array)
        value = store.value
        if isinstance(value, Const):
            return Const(kind.dtype.type(value.value)) if operand_type(value).dtype.kind != "c" else None
        return value if value.type == Scalar(kind.dtype) and value.name not in self._uses.cells else None

    def _added(self, a: Operand, b: Operand, store: Store, made: list[Statement | None]) -> Operand:
        if isinstance(a, Const) and a.value == 0:
            return b
        with self._builder.block() as adding:
            self._builder.location, self._builder.comment = store.location, store.comment
            total = self._builder.call(np.add, a, b, name="total")
        made += adding.statements()
        return total

    def _look(self, statement: Statement, stored: dict[str, _Stored]) -> None:
        """Forget what a statement may store into; note what it may read."""
        for part in walk((statement,)):
            if isinstance(part, Raise):
                for memory in self._params & set(stored):
                    stored[memory].unseen = False
            for variable in (*reads(part), *assigns(part)):
                last = stored.get(self._uses.memory(variable.name))
                if last is not None:
                    last.unseen = False
            if isinstance(part, Store):
                stored.pop(self._uses.memory(part.array.name), None)
