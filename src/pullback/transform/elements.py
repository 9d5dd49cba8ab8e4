"""Whether two accesses to an array, in different iterations of loops or in the same, may be to one element.

Indices are written as affine expressions of loop indices and of numbers that are fixed there. A number that
is the same in both iterations, because its assignment is outside the loops in which they differ, is one
symbol; any other is one for each. The accesses are apart where their loops' bounds, the order of their
iterations and the equality of their indices have no solution in common. (Banerjee, *Dependence Analysis*,
1997; Pugh, *The Omega test*, 1991; Naumann & Hascoët on what is "to be recorded".)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.affine import Affine, add, as_number, constant
from pullback.ir.empty import is_empty
from pullback.ir.memory import is_alias
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    Operand,
    Program,
    Slice,
    Statement,
    Store,
    Var,
    While,
)
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, blocks

Loops = tuple[For | While, ...]

MAX_PROOFS = 2000
"""The number of systems that are tried for one program."""

_NEW = frozenset([np.empty, np.zeros, np.ones, np.full])
_LIKE = frozenset([np.empty_like, np.zeros_like, np.ones_like, np.copy])
_ZERO: Affine = {}


@dataclass(frozen=True, slots=True)
class Access:
    """One element that a statement reads or writes: ``array[index]`` inside `loops`."""

    array: Var
    index: tuple[Arg, ...]
    loops: Loops


class Elements:
    """The indices of a program in canonical form.

    Attributes:
        made: the assignment of each local, None for a parameter.
        loops: the loops around each of these assignments; for an index, its own is the last.
        cells: the variables that are no locals.
    """

    def __init__(self, program: Program, cells: Iterable[str]) -> None:
        self.made: dict[str, Statement | None] = {param.name: None for param in program.params}
        self.loops: dict[str, Loops] = {param.name: () for param in program.params}
        self.cells = frozenset(cells)
        self._known: dict[Any, bool] = {}
        self._proofs = 0
        self._block(program.body, ())

    def _block(self, block: Block, loops: Loops) -> None:
        for statement in block:
            inside = (*loops, statement) if isinstance(statement, For | While) else loops
            for target in assigns(statement):
                self.made[target.name] = statement
                self.loops[target.name] = inside if isinstance(statement, For) else loops
            for inner in blocks(statement):
                self._block(inner, inside)

    def access(self, statement: Statement, loops: Loops) -> Access | None:
        """The one element that a statement reads (`item`) or writes; None if it is something else."""
        match statement:
            case Assign(function=primitives.item, args=(Var() as array, tuple() as index)):
                pass
            case Store(array=array, index=index):
                pass
            case _:
                return None
        root = self.root(array)
        return Access(root, index, loops) if root is not None else None

    def root(self, array: Var) -> Var | None:
        """The variable that an array is first known by, through `bind`; None where it is a cell or a view."""
        while array.name not in self.cells:
            statement = self.made[array.name]
            if statement is None or not is_alias(statement):
                return array
            assert isinstance(statement, Assign)
            source = statement.args[0]
            if statement.function is not primitives.bind or not isinstance(source, Var):
                return None
            array = source
        return None

    def meet(self, first: Access, second: Access, shared: int, *, later: bool) -> bool:
        """Whether the two may be to one element.

        Args:
            shared: the number of outer loops, common to both, that are in the same iteration.
            later: whether the second access is in a later iteration of the next common loop.
        """
        if first.array.name != second.array.name or len(first.index) != len(second.index):
            return True
        if len(self.loops[first.array.name]) > shared:
            return True
        key = (shared, later, *(_key(access) for access in (first, second)))
        if key not in self._known:
            if self._proofs >= MAX_PROOFS:
                return True
            self._known[key] = self._meet(first, second, shared, later)
        return self._known[key]

    def _meet(self, first: Access, second: Access, shared: int, later: bool) -> bool:
        system = System(self, shared)
        equations: list[Affine] = []
        for axis, (a, b) in enumerate(zip(first.index, second.index, strict=True)):
            pair = [system.place(x, side, first.array, axis) for x, side in ((a, "first"), (b, "second"))]
            if pair[0] is None or pair[1] is None:
                continue
            length = system.length(first.array, axis, "first")
            if self._is_natural(system, pair[0], length) and self._is_natural(system, pair[1], length):
                equations.append(add(pair[0], pair[1], -1))
        if any(as_number(equation) not in (0, None) for equation in equations):
            return False
        if not equations:
            return True
        if later:
            system.later(first.loops[shared])
        self._proofs += 1
        return not is_empty(system.facts, equations)

    def covers(self, first: Access, second: Access, shared: int) -> bool:
        """Whether the first access, in all iterations of the loops it does not share, is to the second's too.

        Args:
            shared: the number of outer loops, common to both, that are in the same iteration.
        """
        if first.array.name != second.array.name or len(first.index) != len(second.index):
            return False
        if len(self.loops[first.array.name]) > shared:
            return False
        system, array = System(self, shared), first.array
        own = system.free([loop for loop in first.loops[shared:] if isinstance(loop, For)])
        wanted: list[Affine] = []
        for axis, (a, b) in enumerate(zip(first.index, second.index, strict=True)):
            filled, asked = system.place(a, "first", array, axis), system.place(b, "second", array, axis)
            length = system.length(array, axis, "second")
            if filled is None or asked is None or not self._is_natural(system, asked, length):
                return False
            system.facts += [add(add(length, x, -1), constant(1), -1) for x in (asked, _ZERO)]
            moving = [symbol for symbol in filled if symbol in own]
            if not moving:
                if add(filled, asked, -1):
                    return False
                continue
            bounds = system.bounds(own.pop(moving[0]))
            if bounds is None or filled[moving[0]] != 1:
                return False
            position = add(add(asked, filled, -1), {moving[0]: 1})
            wanted += [add(position, bounds[0], -1), add(bounds[1], position, -1)]
        # A loop that no axis moves with may not run, and a bound that moves with another one is none.
        if own or any(symbol in system.moving for want in wanted for symbol in want):
            return False
        self._proofs += len(wanted)
        return all(is_empty([*system.facts, add(constant(-1), want, -1)]) for want in wanted)

    def _is_natural(self, system: System, value: Affine, length: Affine) -> bool:
        """Whether an index is not negative: a negative one counts from the end. The axis has some length."""
        if all(c >= 0 and (not s or s in system.natural) for s, c in value.items()):
            return True
        self._proofs += 1
        return is_empty([*system.facts, add(length, constant(1), -1), add(constant(-1), value, -1)])


@dataclass(slots=True)
class System:
    """Symbols and what is known of them, for two accesses.

    Attributes:
        shared: the number of outer loops that are in the same iteration for both.
        facts: what is not negative.
        natural: symbols that are not negative.
        moving: symbols of indices of which nothing is known, not even that their loops run.
    """

    elements: Elements
    shared: int
    facts: list[Affine] = field(default_factory=list)
    natural: set[int] = field(default_factory=set)
    moving: set[int] = field(default_factory=set)
    _values: dict[tuple[str, str], Affine] = field(default_factory=dict)
    _count: int = 0

    def place(self, entry: Arg, side: str, array: Var, axis: int) -> Affine | None:
        """An index on one axis, counted from the beginning where it is a negative number; None if unknown."""
        value = self.value(entry, side)
        if value is not None and (as_number(value) or 0) < 0:
            return add(value, self.length(array, axis, side))
        return value

    def value(self, operand: Any, side: str) -> Affine | None:
        """What an integer operand is on that side; None if it is no integer."""
        if isinstance(operand, Const):
            whole = isinstance(operand.value, int | np.integer) and not isinstance(operand.value, bool)
            return constant(int(operand.value)) if whole else None
        if not isinstance(operand, Var) or not _is_integer(operand) or operand.name in self.elements.cells:
            return None
        return self._variable(operand.name, side)

    def free(self, loops: Iterable[For]) -> dict[int, For]:
        """Symbols of which nothing is known for the indices of loops on the first side."""
        found: dict[int, For] = {}
        for loop in loops:
            (symbol,) = self._symbol(loop.index.name, self.elements.loops[loop.index.name], "first")
            found[symbol] = loop
        self.moving |= set(found)
        return found

    def bounds(self, loop: For) -> tuple[Affine, Affine] | None:
        """The first and last value of a loop's index, the smaller one first, on the first side."""
        step = loop.step.value if isinstance(loop.step, Const) else 0
        start = self.value(loop.start, "first")
        stop = self.value(loop.stop, "first") if step < 0 else self._stop(loop, "first")
        if start is None or stop is None or abs(step) != 1:
            return None
        last = add(stop, constant(step), -1)
        return (start, last) if step > 0 else (last, start)

    def later(self, loop: For | While) -> None:
        """The second side is in a later iteration of a loop."""
        if not isinstance(loop, For) or not isinstance(loop.step, Const):
            return
        before, after = (self._variable(loop.index.name, side) for side in ("first", "second"))
        step = int(loop.step.value)
        difference = add(after, before, -1)
        self.facts.append(add(add({}, difference, 1 if step > 0 else -1), constant(abs(step)), -1))

    def length(self, array: Var, axis: int, side: str) -> Affine:
        """The length of an axis."""
        kind = array.type
        assert isinstance(kind, Array)
        if axis in kind.ones:
            return constant(1)
        match self.elements.made[array.name]:
            case Assign(function=function, args=(shape, *_)) if function in _NEW:
                value = self.value(shape[axis] if isinstance(shape, tuple) else shape, side)
                if value is not None:
                    return value
            case Assign(function=function, args=(Var() as like, *_)) if function in _LIKE:
                root = self.elements.root(like)
                if root is not None:
                    return self.length(root, axis, side)
        return self._symbol(f"{array.name}.{axis}", self.elements.loops[array.name], side, natural=True)

    def _variable(self, name: str, side: str) -> Affine:
        loops, statement = self.elements.loops[name], self.elements.made[name]
        if isinstance(statement, For):
            return self._index(statement, loops, side)
        if isinstance(statement, Assign) and len(statement.targets) == 1:
            value = self._computed(statement, side)
            if value is not None:
                return value
            return self._extreme(statement, loops, side)
        return self._symbol(name, loops, side)

    def _extreme(self, statement: Assign, loops: Loops, side: str) -> Affine:
        name, known = statement.targets[0].name, len(self._values)
        symbol = self._symbol(name, loops, side)
        if len(self._values) == known:
            return symbol
        for sign, larger in ((1, True), (-1, False)):
            for one, _ in self._extremes(statement, larger=larger):
                value = self.value(one, side)
                if value is not None:
                    self.facts.append(add({}, add(symbol, value, -1), sign))
        return symbol

    def _symbol(self, name: str, loops: Loops, side: str, *, natural: bool = False) -> Affine:
        key = (name, "" if len(loops) <= self.shared else side)
        if key not in self._values:
            self._count += 1
            self._values[key] = {self._count: 1}
            if natural:
                self.natural.add(self._count)
                self.facts.append({self._count: 1})
        return self._values[key]

    def _index(self, loop: For, loops: Loops, side: str) -> Affine:
        key = (loop.index.name, "" if len(loops) <= self.shared else side)
        if key in self._values:
            return self._values[key]
        start = self.value(loop.start, side)
        size = loop.step.value if isinstance(loop.step, Const) else 0
        first = None if start is None else as_number(start)
        natural = size > 0 and first is not None and first >= 0
        index = self._symbol(loop.index.name, loops, side, natural=natural)
        if start is None or not size:
            return index
        sign = 1 if size > 0 else -1
        if abs(size) != 1:
            trip = self._symbol(f"{loop.index.name}.trip", loops, side, natural=True)
            defined = add(add(index, start, -1), trip, -size)
            self.facts += [defined, add({}, defined, -1)]
        stop = self._stop(loop, side) if natural else self.value(loop.stop, side)
        self.facts.append(add({}, add(index, start, -1), sign))
        if stop is not None:
            self.facts.append(add(add({}, add(stop, index, -1), sign), constant(1), -1))
        return index

    def _stop(self, loop: For, side: str) -> Affine | None:
        """The end of a loop that counts from 0 up: where it runs at all, ``max(n, 0)`` is n."""
        made = self.elements.made.get(loop.stop.name) if isinstance(loop.stop, Var) else None
        for one, other in self._extremes(made, larger=True):
            if isinstance(one, Const) and one.value == 0:
                return self.value(other, side)
        return self.value(loop.stop, side)

    def _extremes(self, statement: Statement | None, *, larger: bool) -> list[tuple[Operand, Operand]]:
        """The two numbers, both ways round, of which a statement computes the larger (or the smaller)."""
        functions = (max, np.maximum) if larger else (min, np.minimum)
        match statement:
            case Assign(function=function, args=(Var() | Const() as a, Var() | Const() as b)):
                return [(a, b), (b, a)] if function in functions else []
            case Assign(function=primitives.select, args=(Var(name=test), a, b)):
                match self.elements.made[test] if test not in self.elements.cells else None:
                    case Assign(function=np.less, args=(c, d)):
                        if _same(c, b if larger else a) and _same(d, a if larger else b):
                            return [(a, b), (b, a)]  # type: ignore[list-item]
        return []

    def _computed(self, statement: Assign, side: str) -> Affine | None:
        function, args = statement.function, statement.args
        if function is primitives.dim:
            array, axis = args
            if not isinstance(array, Var) or not isinstance(axis, Const):
                return None
            root = self.elements.root(array)
            return self.length(root, axis.value, side) if root is not None else None
        if function is primitives.bind and isinstance(args[0], Var) and args[0].name in self.elements.cells:
            return None
        if function not in _LINEAR or not all(_is_integer(x) for x in args if isinstance(x, Var)):
            return None
        values = [self.value(x, side) for x in args]
        if function is np.multiply and None not in values:
            return _times(*values)  # type: ignore[arg-type]
        if function in (np.add, np.subtract) and None not in values:
            return add(values[0], values[1], 1 if function is np.add else -1)  # type: ignore[arg-type]
        if function is np.negative and values[0] is not None:
            return add({}, values[0], -1)
        return values[0] if function in (primitives.bind, primitives.weaken) else None


_LINEAR = frozenset([np.add, np.subtract, np.negative, np.multiply, primitives.bind, primitives.weaken])


def _is_integer(variable: Var) -> bool:
    """Whether a variable holds an integer that counts without wrapping round."""
    kind = variable.type
    return isinstance(kind, Scalar) and kind.dtype.kind == "i" and kind.dtype.itemsize == 8


def _same(a: Arg, b: Arg) -> bool:
    """Whether two operands are one variable or one number."""
    if isinstance(a, Const) and isinstance(b, Const):
        return type(a.value) is type(b.value) and a.value == b.value
    return isinstance(a, Var) and a == b


def _times(a: Affine, b: Affine) -> Affine | None:
    for number, other in ((as_number(a), b), (as_number(b), a)):
        if number is not None:
            return add({}, other, number) if number else {}
    return None


def _key(access: Access) -> Any:
    entries = []
    for entry in access.index:
        if isinstance(entry, Slice):
            entries.append("slice")
        else:
            entries.append(entry.name if isinstance(entry, Var) else repr(getattr(entry, "value", entry)))
    return (access.array.name, tuple(entries), tuple(id(loop) for loop in access.loops))
