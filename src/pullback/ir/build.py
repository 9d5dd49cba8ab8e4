"""`Builder`: makes statements with fresh names and the types NumPy gives.

b = Builder(names)
y = b.call(np.multiply, a, b_, name="y")        # a Var, typed by NumPy
with b.block() as body: ...                     # statements of an inner block
b.add(For(index, start, stop, step, body.statements()))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pullback.base.location import Location
from pullback.ir import primitives
from pullback.ir.nodes import Assign, Block, Const, Operand, Program, Statement, Store, Var
from pullback.ir.once import once
from pullback.ir.results import TYPES, as_arg, dummy_arg, operand_type, types_of_call
from pullback.ir.types import Array, Scalar, Stack, Type
from pullback.ir.walk import assigns, reads, walk

_NUMBER = re.compile(r"_\d+$")


class Names:
    """Gives each variable of a program a name of its own, close to the one that is wished for."""

    def __init__(self, taken: set[str] | None = None) -> None:
        self._taken = set(taken or ())
        self._next: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        """`wish`, or `wish` with the first free number behind it."""
        name = wish
        if name in self._taken:
            stem = _NUMBER.sub("", wish)
            number = self._next.get(stem, 1)
            while (name := f"{stem}_{number}") in self._taken:
                number += 1
            self._next[stem] = number
        self._taken.add(name)
        return name

    def free(self, name: str) -> None:
        """Let a name that is no longer used be given again."""
        self._taken.discard(name)
        self._next.pop(_NUMBER.sub("", name), None)

    def copy(self) -> tuple[set[str], dict[str, int]]:
        """The names taken so far, for `restore`."""
        return set(self._taken), dict(self._next)

    def restore(self, taken: tuple[set[str], dict[str, int]]) -> None:
        """Forget the names given since `copy`."""
        self._taken, self._next = set(taken[0]), dict(taken[1])


def names_of(program: Program) -> Names:
    """The names a program uses."""
    return Names(_names_in(program))


@once(8)
def _names_in(program: Program) -> set[str]:
    taken = {param.name for param in program.params}
    for statement in walk(program.body):
        taken.update([v.name for v in reads(statement)], [v.name for v in assigns(statement)])
    return taken


class Builder:
    """A list of statements under construction.

    Attributes:
        names: shared by all builders of one program.
        location, comment: given to the statements added from now on.
    """

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self.location: Location | None = None
        self.comment = ""
        self._blocks: list[list[Statement]] = [[]]

    def var(self, wish: str, kind: Type) -> Var:
        """A variable with a fresh name."""
        return Var(self.names.fresh(wish), kind)

    def add(self, statement: Statement) -> None:
        """Append a statement to the innermost open block."""
        if statement.location is None and self.location is not None:
            object.__setattr__(statement, "location", self.location)
        if self.comment and not statement.comment:
            object.__setattr__(statement, "comment", self.comment)
        self._blocks[-1].append(statement)

    def extend(self, block: Block) -> None:
        """Append statements as they are."""
        self._blocks[-1].extend(block)

    def call(self, function: Callable[..., Any], *args: Any, name: str = "t", **kwargs: Any) -> Any:
        """Assign what the function returns to a fresh variable, or to one each where it returns a tuple.

        Arguments that are no `Var`, `Const`, `Slice` or tuple become a `Const`.
        """
        arguments = tuple(as_arg(x) for x in args)
        keywords = tuple((key, as_arg(value)) for key, value in kwargs.items())
        types = types_of_call(function, arguments, dict(keywords))
        targets = tuple(self.var(name, kind) for kind in types)
        self.add(Assign(targets, function, arguments, keywords))
        return targets[0] if len(targets) == 1 else targets

    def assign(self, target: Var, value: Any) -> None:
        """``target = value``, converted where the target's type is wider."""
        operand = as_arg(value)
        kind = operand_type(operand)
        if isinstance(target.type, Scalar) and kind != target.type:
            if kind.dtype != target.type.dtype or not target.type.weak:
                operand = self.call(primitives.cast, operand, target.type.dtype, name=target.name)
            if target.type.weak:
                operand = self.call(primitives.weaken, operand, name=target.name)
        self.add(Assign((target,), primitives.bind, (operand,)))

    def store(self, array: Var, index: tuple[Any, ...], value: Any, *, accumulate: bool = False) -> None:
        """``array[index] = value`` or ``+=``."""
        self.add(Store(array, tuple(as_arg(i) for i in index), as_arg(value), accumulate))

    def dim(self, array: Var, axis: int) -> Operand:
        """The length of an axis: 1 where the type says so, else a fresh variable."""
        assert isinstance(array.type, Array)
        if axis in array.type.ones:
            return Const(1)
        return self.call(primitives.dim, array, axis, name=f"n_{array.name}_{axis}")

    @property
    def innermost(self) -> list[Statement]:
        """The statements of the innermost open block."""
        return self._blocks[-1]

    @contextmanager
    def block(self) -> Iterator[BlockBuilder]:
        """Collect what is added in the ``with`` as an inner block."""
        self._blocks.append([])
        collected = BlockBuilder()
        try:
            yield collected
        finally:
            collected.result = tuple(self._blocks.pop())

    def statements(self) -> Block:
        """What was added so far, outside inner blocks."""
        assert len(self._blocks) == 1
        return tuple(self._blocks[0])


class BlockBuilder:
    """The statements of a finished ``with builder.block()``."""

    result: Block = ()

    def statements(self) -> Block:
        return self.result


__all__ = ["TYPES", "Builder", "Names", "Stack", "as_arg", "dummy_arg", "operand_type", "types_of_call"]
