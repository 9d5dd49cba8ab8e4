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
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, Operand, Program, Raise, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, walk, with_blocks, with_body
from pullback.optimize.uses import Uses

Key = tuple[object, ...]


def forward_stores(program: Program) -> Program:
    """The same function with fewer reads and stores of elements."""
    names = names_of(program)
    return with_body(program, _Forwarding(program, Builder(names)).block(program.body))


@dataclass(slots=True)
class _Stored:
    """The last store into an element, in the block so far.

    Attributes:
        value: what the element holds, where that is known.
        at: the place of the store among the statements.
        unseen: whether nothing has read the element since.
    """

    value: Operand | None
    at: int
    unseen: bool = True


Stored = dict[str, dict[Key, _Stored]]
"""By memory and element."""


class _Forwarding:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._builder = builder
        self._params = {self._uses.memory(param.name) for param in program.params}

    def block(self, block: Block) -> Block:
        stored: Stored = {}
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

    def _load(self, statement: Assign, array: Var, index: tuple[Arg, ...], stored: Stored) -> Statement:
        key = self._key(array, index)
        elements = stored.get(self._uses.memory(array.name), {})
        last = elements.get(key) if key is not None else None
        if last is not None and last.value is not None:
            return replace(statement, function=primitives.bind, args=(last.value,))
        for other, element in elements.items():
            if key is None or not _differ(key, other):
                element.unseen = False
        return statement

    def _store(self, store: Store, stored: Stored, made: list[Statement | None]) -> None:
        key = self._key(store.array, store.index)
        assert key is not None
        elements = stored.setdefault(self._uses.memory(store.array.name), {})
        last = elements.get(key)
        value = self._exact(store)
        if store.accumulate and last is not None and last.value is not None and value is not None:
            value = self._added(last.value, value, store, made)
            store = replace(store, value=value, accumulate=False)
        if last is not None and last.unseen and not store.accumulate:
            made[last.at] = None
        for other in [other for other in elements if not _differ(key, other)]:
            del elements[other]
        elements[key] = _Stored(None if store.accumulate else value, len(made))
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

    def _look(self, statement: Statement, stored: Stored) -> None:
        """Forget what a statement may store into; note what it may read."""
        for part in walk((statement,)):
            if isinstance(part, Raise):
                _see(stored, self._params)
            _see(stored, {self._uses.memory(variable.name) for variable in (*reads(part), *assigns(part))})
            if isinstance(part, Store):
                stored.pop(self._uses.memory(part.array.name), None)


def _see(stored: Stored, memory: set[str]) -> None:
    """Note that all that is in some memory may be read."""
    for name in memory & stored.keys():
        for element in stored[name].values():
            element.unseen = False


def _differ(a: Key, b: Key) -> bool:
    """Whether two elements are known to be different ones of one array."""
    return a[0] == b[0] and any(
        isinstance(x, int) and isinstance(y, int) and x != y and (x < 0) == (y < 0)
        for x, y in zip(a[1:], b[1:], strict=True)
    )
