"""`Emitter`: writes scalar statements and loops, each statement in the outermost loop it can stand in.

What is asked for inside a nest goes into the block of the innermost loop whose index it depends on, and is
shared by all who ask for it there: code motion and common subexpressions while a nest is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, Names, operand_type
from pullback.ir.nodes import Assign, Const, For, If, Operand, Raise, Statement, Var
from pullback.ir.types import INT, Array, DType, Scalar, Type
from pullback.optimize.delayed import Delayed, Index, in_memory, is_one
from pullback.optimize.extents import Extents

_LETTERS = "ijklmn"
_STRETCHED = """lengths differ, and neither axis was of length 1 when this was compiled \
(an axis is stretched only where its length of 1 is known by then)"""


class Emitter(Builder):
    """A builder of loop nests.

    Attributes:
        extents: what is known of integers.
        cells: names of variables that the program assigns more than once.
        memory: the class of memory (`Uses.memory`) of the arrays of the original program, by variable.
    """

    def __init__(self, names: Names, cells: frozenset[str]) -> None:
        super().__init__(names)
        self.extents = Extents()
        self.cells = cells
        self.memory: dict[str, str] = {}
        self._ages: dict[str, int] = {}
        self._depths: dict[str, int] = {}
        self._loops: dict[str, frozenset[str]] = {}
        self._open: list[Var] = []
        self._offsets: dict[str, tuple[Var, int]] = {}
        self._memo: list[dict[Any, Any]] = [{}]
        self._base = 0
        self._floor = 0

    def var(self, wish: str, kind: Type) -> Var:
        variable = super().var(wish, kind)
        self._ages[variable.name] = len(self._ages)
        return variable

    # Blocks

    @contextmanager
    def inner(self) -> Iterator[list[Statement]]:
        """Collect an inner block in a list, which is complete after the ``with``."""
        collected: list[Statement] = []
        self._memo.append({})
        self.extents.open()
        try:
            with self.block() as block:
                yield collected
            collected.extend(block.statements())
        finally:
            self._memo.pop()
            self.extents.close()

    @contextmanager
    def level(self, depth: int) -> Iterator[None]:
        """Emit into the enclosing block at `depth`, ahead of the loop that is open there."""
        hidden, memo, loops = self._blocks[depth + 1 :], self._memo[depth + 1 :], self._open
        del self._blocks[depth + 1 :], self._memo[depth + 1 :]
        self._open = [index for index in loops if self._depths[index.name] <= depth]
        try:
            yield
        finally:
            self._blocks.extend(hidden)
            self._memo.extend(memo)
            self._open = loops

    @contextmanager
    def statement(self) -> Iterator[None]:
        """One statement of the original program: what it emits stays in the current block or inside."""
        base, floor = self._base, self._floor
        self._base = self._floor = len(self._blocks) - 1
        self._memo[-1].clear()
        try:
            yield
        finally:
            self._memo[-1].clear()
            self._base, self._floor = base, floor

    @contextmanager
    def loop(self, stop: Operand, start: Operand | None = None) -> Iterator[Operand]:
        """``for i in range(start, stop)``; an axis of known length 1 needs no loop."""
        if is_one(stop) and start is None:
            yield Const(0)
            return
        index = self.var(_LETTERS[len(self._open) % len(_LETTERS)], INT)
        self.extents.natural(index.name)
        with self.inner() as body:
            self._depths[index.name] = len(self._blocks) - 1
            self._loops[index.name] = frozenset((index.name,))
            self._open.append(index)
            try:
                yield index
            finally:
                self._open.pop()
        self.add(For(index, start or Const(0), stop, Const(1), tuple(body)))

    @contextmanager
    def nest(self, shape: Index) -> Iterator[Index]:
        """One loop per axis of `shape`, the last innermost."""
        if not shape:
            yield ()
            return
        with self.loop(self.known(shape[0])) as first, self.nest(shape[1:]) as rest:
            yield (first, *rest)

    @contextmanager
    def branch(self) -> Iterator[list[Statement]]:
        """A block that runs on a condition: what is asked for in it is not moved out of it."""
        floor, self._floor = self._floor, len(self._blocks)
        try:
            with self.inner() as collected:
                yield collected
        finally:
            self._floor = floor

    def choose(
        self, test: Operand, then: Callable[[], None], orelse: Callable[[], None] | None = None
    ) -> None:
        """``if test: then() else: orelse()``, where the two emit the branches."""
        with self.branch() as first:
            then()
        second: list[Statement] = []
        if orelse is not None:
            with self.branch() as second:
                orelse()
        self.add(If(test, tuple(first), tuple(second)))

    # Scalars

    def _depth(self, operands: tuple[Any, ...]) -> int:
        """The depth of the outermost block where all of these are known."""
        depths = (self._depths.get(x.name, 0) for x in operands if isinstance(x, Var))
        return min(max(self._floor, *depths, 0), len(self._blocks) - 1)

    def _within(self, operands: tuple[Any, ...]) -> frozenset[str]:
        """The loops that the operands depend on."""
        return frozenset().union(
            *(self._loops.get(x.name, frozenset()) for x in operands if isinstance(x, Var))
        )

    def scalar(self, function: Callable[..., Any], *args: Any, name: str = "t", **kwargs: Any) -> Any:
        """A number computed from numbers, as far outside as it can be, and once."""
        operands = tuple(x if isinstance(x, Var | Const) else Const(x) for x in args)
        key = (function, *map(_key, operands), *map(str, kwargs.items()))
        return self._once(
            key, operands, lambda: self._made(self.call(function, *operands, name=name, **kwargs), operands)
        )

    def item(self, array: Var, index: Index) -> Operand:
        """An element of an array in memory."""
        wish, place = f"{array.name}_i", (array, *index)
        return self.shared("item", place, lambda: self.call(primitives.item, array, index, name=wish))

    def _made(self, result: Any, operands: tuple[Any, ...]) -> Any:
        for part in result if isinstance(result, tuple) else (result,):
            self._depths[part.name] = len(self._blocks) - 1
            self._loops[part.name] = self._within(operands)
        return result

    def _once(self, key: tuple[Any, ...], operands: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        for memo in self._memo[self._base :]:
            if key in memo:
                return memo[key]
        with self.level(self._depth(operands)):
            result = make()
            self._memo[-1][key] = result
        return result

    def read(self, array: Delayed, index: Index) -> Operand:
        """The element of a delayed array, as far outside as it can be, and once."""
        if array.work:
            array = self.unrepeated(array, index)
        return self._once(("read", array, *map(_key, index)), index, lambda: array.at(self, index))

    def shared(self, what: object, index: Index, make: Callable[[], Any]) -> Any:
        """What `make` emits of something at an index, as far outside as it can be, and once."""
        key = (what, *map(_key, index))
        return self._once(key, index, lambda: self._made(make(), index))

    def unrepeated(self, array: Delayed, index: Index) -> Delayed:
        """`array`, put in memory ahead of the outermost loop in which its elements would be repeated."""
        needed, depth = self._within(index), self._depth(index)
        for loop in self._open:
            at = self._depths[loop.name]
            if at <= depth and loop.name not in needed and at > self._floor:
                with self.level(at - 1):
                    return self.stored(array)
        return array

    def accumulator(self, wish: str, initial: Operand, dtype: DType) -> Var:
        """A variable for the loops that follow to accumulate in."""
        cell = self.var(wish, Scalar(dtype))
        self._depths[cell.name] = len(self._blocks) - 1
        self._loops[cell.name] = frozenset(index.name for index in self._open)
        self.set(cell, initial)
        return cell

    def set(self, cell: Var, value: Operand) -> None:
        """``cell = value``, converted to the cell's dtype."""
        self.add(Assign((cell,), primitives.bind, (self.cast(value, cell.type.dtype),)))  # type: ignore[union-attr]

    def update(self, cell: Var, function: Callable[..., Any], *operands: Operand) -> None:
        """``cell = function(*operands)``, in the block that is open now."""
        self.add(Assign((cell,), function, operands))

    def cast(self, value: Operand, dtype: DType) -> Operand:
        """`value` as a NumPy number of `dtype`."""
        kind = operand_type(value)
        if kind.dtype == dtype and not kind.weak:
            return value
        if isinstance(value, Const):
            return Const(primitives.cast(value.value, dtype))
        return self.scalar(primitives.cast, value, dtype, name=value.name)

    # Integers

    def plus(self, a: Operand, b: Operand) -> Operand:
        return self._integer(np.add, a, b, 1)

    def minus(self, a: Operand, b: Operand) -> Operand:
        return self._integer(np.subtract, a, b, -1)

    def _integer(self, function: Any, a: Operand, b: Operand, sign: int) -> Operand:
        """``a + sign * b``, where a variable less or more a constant is written as one operation."""
        if isinstance(a, Const) and isinstance(b, Const):
            return Const(a.value + sign * b.value)
        if isinstance(a, Const) and sign > 0:
            a, b = b, a
        if isinstance(b, Const) and isinstance(a, Var):
            return self._shifted(a, sign * b.value)
        form = self.extents.form(a).plus(self.extents.form(b), sign)
        if not form.terms:
            return Const(form.constant)
        result = self.scalar(function, a, b, name="p")
        self.extents.define(result.name, form)
        return result

    def _shifted(self, a: Var, by: int) -> Operand:
        base, offset = self._offsets.get(a.name, (a, 0))
        total = offset + by
        if total == 0:
            return base
        result = self.scalar(np.add if total > 0 else np.subtract, base, abs(total), name="p")
        self._offsets[result.name] = (base, total)
        self.extents.define(result.name, self.extents.form(base).plus(self.extents.form(Const(total))))
        return result

    def times(self, a: Operand, b: Operand) -> Operand:
        if isinstance(a, Const) and isinstance(b, Const):
            return Const(a.value * b.value)
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(b, Const) and b.value in (0, 1):
            return a if b.value else b
        result = self.scalar(np.multiply, a, b, name="p")
        if isinstance(b, Const):
            zero = self.extents.form(Const(0))
            self.extents.define(result.name, zero.plus(self.extents.form(a), b.value))
        elif self.extents.is_natural(a) and self.extents.is_natural(b):
            self.extents.natural(result.name)
        return result

    def larger(self, a: Operand, b: Operand) -> Operand:
        """The larger of two integers."""
        difference = self.extents.difference(a, b)
        if difference is not None:
            return a if difference >= 0 else b
        return self.scalar(primitives.select, self.scalar(np.less, a, b), b, a, name="p")

    def smaller(self, a: Operand, b: Operand) -> Operand:
        """The smaller of two integers."""
        difference = self.extents.difference(a, b)
        if difference is not None:
            return a if difference <= 0 else b
        return self.scalar(primitives.select, self.scalar(np.less, b, a), b, a, name="p")

    def natural(self, a: Operand, name: str = "n") -> Operand:
        """``max(a, 0)``."""
        if isinstance(a, Const):
            return Const(max(a.value, 0))
        if self.extents.is_natural(a):
            return a
        result = self.scalar(primitives.select, self.scalar(np.less, a, Const(0)), Const(0), a, name=name)
        self.extents.clamped(result.name, self.extents.form(a))
        return result

    def product(self, extents: Index) -> Operand:
        """The number of elements of a shape."""
        result: Operand = Const(1)
        for extent in extents:
            result = self.times(result, extent)
        return result

    def known(self, extent: Operand) -> Operand:
        """A length, as a number where it is known to be one here."""
        return self.extents.known(extent)

    # Checks

    def check(self, fails: Operand, exception: type[Exception], message: str) -> None:
        """``if fails: raise exception(message)``."""
        if isinstance(fails, Const) and not fails.value:
            return
        self.add(If(fails, (Raise(exception, message, location=self.location),)))

    def check_equal(
        self, a: Operand, b: Operand, what: str, why: str = _STRETCHED, kind: type[Exception] = ValueError
    ) -> None:
        """Raise an error at run time unless two lengths are equal, where they are not known to be."""
        if self.extents.equal(a, b):
            return
        with self.level(self._depth((a, b))):
            self.check(self.scalar(np.not_equal, a, b, name="differs"), kind, f"{what}: {why}")
        first, second = sorted((a, b), key=lambda x: self._ages.get(x.name, 0) if isinstance(x, Var) else -1)
        self.extents.prove(first, second)

    # Arrays

    def stored(self, array: Delayed, name: str = "t") -> Delayed:
        """`array` in memory: as it is, or copied into fresh memory here."""
        if array.place is not None:
            return array
        key = ("stored", array)
        for memo in self._memo[self._base :]:
            if key in memo:
                return memo[key]
        self._memo[-1][key] = result = self.copied(array, name)
        return result

    def copied(self, array: Delayed, name: str = "t") -> Delayed:
        """The elements of `array` in fresh memory; zeros outside loops come cleared from the system."""
        if array.is_zero and len(self._blocks) == 1 and not all(isinstance(n, Const) for n in array.shape):
            return self.empty(array.shape, array.dtype, name, np.zeros)
        if array.product is not None:
            return array.product.copied(self, array.shape, name)
        fresh = self.empty(array.shape, array.dtype, name)
        with self.nest(array.shape) as index:
            self.put(fresh, index, self.read(array, index))
        return fresh

    def empty(self, shape: Index, dtype: DType, name: str = "t", function: Any = np.empty) -> Delayed:
        """Fresh memory, made by `function`."""
        array = self.call(function, shape, dtype=dtype, name=name)
        self._depths[array.name] = len(self._blocks) - 1
        self._loops[array.name] = frozenset(index.name for index in self._open)
        return in_memory(array, shape, frozenset(), frozenset())

    def put(self, array: Delayed, index: Index, value: Operand, *, accumulate: bool = False) -> None:
        """``array[index] = value`` for an element of an array in memory."""
        assert array.place is not None
        base, where = array.place(self, index)
        self.store(base, where, self.cast(value, array.dtype), accumulate=accumulate)

    def variable(self, array: Delayed, name: str = "t") -> Var:
        """A variable that refers to `array`, which is put in memory for it where it is not."""
        reference = self.stored(array, name).reference
        assert reference is not None
        return reference(self)

    def contiguous(self, array: Delayed) -> Var:
        """As `variable`, for what takes no array that is contiguous in no order."""
        variable = self.variable(array)
        kind = variable.type
        assert isinstance(kind, Array)
        return variable if kind.layout != "A" else self.variable(self.copied(array, variable.name))

    def in_memory(self, value: Any) -> Any:
        """`value` with variables for the delayed arrays in it."""
        if isinstance(value, tuple):
            return tuple(self.in_memory(part) for part in value)
        return self.variable(value) if isinstance(value, Delayed) else value

    def once(self, array: Delayed) -> Delayed:
        """`array`, safe to read any number of times."""
        return self.stored(array) if array.work else array


def _key(operand: Any) -> Any:
    if isinstance(operand, Var):
        return operand.name
    value = operand.value
    return (type(value), repr(value))
