"""The statements of a program: a handful of frozen dataclasses, one operation in each (A-normal form).

Variables are mutable cells, as Python's locals are, with one type each, and names are unique in a program.
A scalar variable holds a number; an array variable refers to an array, and `bind` makes a second name for
it, as Python's assignment does. (Sabry & Felleisen, *Reasoning about programs in continuation-passing
style*, 1992, for A-normal form.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pullback.base.location import Location
from pullback.ir.types import Type


@dataclass(frozen=True, slots=True)
class Var:
    """A variable; two with the same name are the same variable."""

    name: str
    type: Type = field(compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A value known when the program is made: a number, a string, a dtype, None, an array of integers."""

    value: Any

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Slice:
    """``start:stop:step`` in an index; None where Python's slice has None."""

    start: Operand | None = None
    stop: Operand | None = None
    step: Operand | None = None


Operand = Var | Const
Arg = Operand | Slice | tuple["Arg", ...]
"""An argument: an operand, or a tuple of them (a shape, a list of arrays, an index)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What all statements have: where in the user's code they come from, and a comment for the reader."""

    location: Location | None = field(default=None, compare=False)
    comment: str = field(default="", compare=False)


Block = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    """``targets = function(*args, **kwargs)``: a NumPy function, or one of `ir.primitives`."""

    targets: tuple[Var, ...]
    function: Callable[..., Any]
    args: tuple[Arg, ...]
    kwargs: tuple[tuple[str, Arg], ...] = ()


@dataclass(frozen=True, slots=True)
class Store(Statement):
    """``array[index] = value``, or ``+=`` when `accumulate`; the value broadcasts as in NumPy.

    The index is a tuple with one entry per axis of the array (None entries, for new axes, aside): integers,
    `Slice`, integer or boolean arrays. Accumulating at repeated indices adds each time, as ``np.add.at``.
    """

    array: Var
    index: tuple[Arg, ...]
    value: Operand
    accumulate: bool = False


@dataclass(frozen=True, slots=True)
class For(Statement):
    """``for index in range(start, stop, step): body``. The body does not assign `index`."""

    index: Var
    start: Operand
    stop: Operand
    step: Operand
    body: Block


@dataclass(frozen=True, slots=True)
class While(Statement):
    """``while True: before; if not test: break; body``."""

    before: Block
    test: Operand
    body: Block


@dataclass(frozen=True, slots=True)
class If(Statement):
    """``if test: then  else: orelse``."""

    test: Operand
    then: Block
    orelse: Block = ()


@dataclass(frozen=True, slots=True)
class Checkpoint(If):
    """A block that always runs, and of which reverse mode keeps only what it starts from.

    Its test is a constant, and there is no other branch. `transform.canonical` says for the cells that it
    changes which locals hold their values after it.
    """

    after: tuple[tuple[Var, Var], ...] = ()


@dataclass(frozen=True, slots=True)
class Raise(Statement):
    """``raise exception(message)``, the message known when the program is made."""

    exception: type[BaseException]
    message: str


@dataclass(frozen=True, slots=True)
class Push(Statement):
    """Put `value` on `stack`: a number is copied, an array is kept by reference."""

    stack: Var
    value: Operand


@dataclass(frozen=True, slots=True)
class Pop(Statement):
    """``target = stack.pop()``."""

    target: Var
    stack: Var


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """The end of the program, and nowhere else."""

    values: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A whole function.

    Attributes:
        name: what the function was called.
        params: its parameters, flattened: numbers and arrays.
        body: the statements, the last of which is the only `Return`.
    """

    name: str
    params: tuple[Var, ...]
    body: Block

    @property
    def results(self) -> tuple[Operand, ...]:
        last = self.body[-1]
        assert isinstance(last, Return)
        return last.values
