"""Loops whose iterations lie apart in memory, some at a time, so that LLVM vectorises what they compute.

    for i in range(n):                      for first in range(0, n, 32):
        x = a[i, 0]                             count = min(n - first, 32)
        y[i, 1] = long(x)           →           for k in range(count): read[0, k] = a[first + k, 0]
                                                for k in range(count): made[0, k] = long(read[0, k])
                                                for k in range(count): y[first + k, 1] = made[0, k]

The statements of an iteration fall into levels. What touches memory, or is no floating-point arithmetic,
runs in even ones, a number at a time; arithmetic runs in odd ones, whose numbers come from and go to rows
that stay in the cache. Stores come last, in their order: so all that is asked of a loop is that it reads
nothing that it stores. (Allen & Kennedy, *Automatic translation of FORTRAN programs to vector form*, 1987, on
distribution and strip mining.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.memory import Memory
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    If,
    Operand,
    Program,
    Raise,
    Statement,
    Store,
    Var,
)
from pullback.ir.types import INT, Array, DType, Scalar
from pullback.ir.walk import assigns, operands, reads, substitute, walk, with_blocks

WIDTH = 32
_LEAST, _PER_ROW, _LEVELS = 60, 3, 4
"""How much arithmetic pays: in all, and for each number that is put down on the way; and the last level."""
_COSTS: dict[Callable[..., Any], int] = {
    np.add: 1, np.subtract: 1, np.multiply: 1, np.divide: 6, np.negative: 1, np.positive: 1, np.square: 1,
    np.absolute: 1, np.sqrt: 6, np.reciprocal: 6, np.less: 1, np.less_equal: 1, np.greater: 1,
    np.greater_equal: 1, np.equal: 1, np.not_equal: 1, primitives.bind: 0, primitives.scale: 2,
    primitives.select: 1, native.exp: 20, native.log: 20, native.log1p: 20, native.tanh: 20,
    native.near_sin: 20, native.near_cos: 20,
}  # fmt: skip
"""What a vector unit does, with the number of additions that each costs, or about so."""
_WRITTEN_OUT: dict[Callable[..., Any], Callable[..., Any]] = {
    np.exp: native.exp, np.log: native.log, np.log1p: native.log1p, np.tanh: native.tanh,
}  # fmt: skip
_NEAR: dict[Callable[..., Any], tuple[Callable[..., Any], Callable[..., Any]]] = {
    np.sin: (native.near_sin, native.any_sin), np.cos: (native.near_cos, native.any_cos),
}  # fmt: skip
"""Functions that are written out for arguments of moderate size, and what sees to the others afterwards."""
_HARMLESS = frozenset([
    *_COSTS, native.any_sin, native.any_cos, native.check_index, primitives.item, primitives.cast,
    primitives.weaken, primitives.dim, primitives.stopped, max, min,
])  # fmt: skip
_DOUBLE = Scalar(np.dtype(np.float64))


def with_lanes(program: Program) -> Program:
    """The same function with loops taken apart where that pays."""
    builder = Builder(names_of(program))
    body = _Lanes(program, builder).block(program.body)
    return replace(program, body=(*builder.statements(), *body))


@dataclass(slots=True)
class _Plan:
    """The statements of a loop by their levels.

    Attributes:
        made: the level at which each variable is assigned.
        cost: of the arithmetic in an iteration.
        early: the levels at which an iteration reads what the one before assigned.
        sound: whether checks come ahead of all else, and no store needs the iteration before.
        strays: whether LLVM, left alone, would see no rows or a call.
    """

    levels: dict[int, list[Statement]] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    early: dict[str, set[int]] = field(default_factory=dict)
    sound: bool = True
    cost: int = 0
    strays: bool = False

    def add(self, statement: Statement, level: int) -> None:
        self.levels.setdefault(level, []).append(statement)
        for name in _names(statement) - self.made.keys():
            self.early.setdefault(name, set()).add(level)
        self.made |= dict.fromkeys((target.name for target in assigns(statement)), level)

    def needed(self, level: int) -> dict[str, Var]:
        """What the statements of a level read that an earlier level makes."""
        parts = walk(tuple(self.levels[level]))
        return {v.name: v for part in parts for v in reads(part) if self.made.get(v.name, level) < level}

    def rows(self) -> dict[str, Var]:
        """What any level reads that an earlier one makes."""
        return {name: v for level in self.levels for name, v in self.needed(level).items()}

    def pays(self) -> bool:
        rows = len(self.rows())
        return self.strays and self.cost >= max(_LEAST, _PER_ROW * rows) and max(self.levels) <= _LEVELS


class _Lanes:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._builder = builder
        self._memory = Memory(program)
        self._given = {self._memory.group(param.name) for param in program.params}
        self._reads = _reads(program.body)

    def block(self, block: Block) -> Block:
        return tuple(self._one(statement) for statement in block)

    def _one(self, statement: Statement) -> Statement:
        plan = self._plan(statement) if isinstance(statement, For) else None
        if plan is None or not plan.pays():
            return with_blocks(statement, self.block)
        assert isinstance(statement, For)
        return self._written(statement, plan)

    def _plan(self, loop: For) -> _Plan | None:
        """The levels of a loop's statements; None where they cannot be taken apart."""
        if not self._may_be_apart(loop):
            return None
        body = [part for statement in loop.body for part in self._spelled(statement)]
        # What goes from iteration to iteration is read and assigned in one level.
        carried = _carried(body)
        for _ in range(_LEVELS):
            plan = _levels(body, carried, loop)
            if not plan.sound:
                return None
            if all(plan.early[name] == {plan.made[name]} for name in carried):
                return plan
            carried = {name: max(plan.made[name], *plan.early[name]) for name in carried}
        return None

    def _may_be_apart(self, loop: For) -> bool:
        """Whether a loop is of numbers, and stores into memory of the program's that it does not read."""
        if not isinstance(loop.step, Const) or loop.step.value != 1:
            return False
        if isinstance(loop.stop, Const) and loop.stop.value < WIDTH:
            return False
        index = loop.index.name
        if _reads(loop.body)[index] != self._reads[index]:
            return False
        targets = [target.name for statement in loop.body for target in assigns(statement)]
        if len(set(targets)) < len(targets) or not all(map(_is_plain, loop.body)):
            return False
        stored = {self._memory.group(s.array.name) for s in loop.body if isinstance(s, Store)}
        read = {
            self._memory.group(v.name)
            for statement in walk(loop.body)
            if isinstance(statement, Assign) and statement.function is not primitives.dim
            for v in reads(statement)
            if isinstance(v.type, Array)
        }
        return not stored & (read | self._given)

    def _spelled(self, statement: Statement) -> Iterator[Statement]:
        """A statement with functions that are written out."""
        if not isinstance(statement, Assign) or not _is_of_a_double(statement.args):
            yield statement
        elif statement.function in _WRITTEN_OUT:
            yield replace(statement, function=_WRITTEN_OUT[statement.function])
        elif statement.function in _NEAR:
            near, any_ = _NEAR[statement.function]
            found = self._builder.var(statement.targets[0].name, _DOUBLE)
            yield replace(statement, targets=(found,), function=near)
            yield replace(statement, function=any_, args=(found, *statement.args))
        else:
            yield statement

    def _written(self, loop: For, plan: _Plan) -> For:
        builder = self._builder
        first, rows = builder.var("first", INT), self._allocated(plan)
        with builder.block() as outer:
            left = builder.call(np.subtract, loop.stop, first, name="left")
            count = builder.call(min, left, WIDTH, name="count")
            for level in sorted(plan.levels):
                builder.add(self._level(loop, plan, level, rows, first, count))
        return replace(loop, index=first, step=Const(WIDTH), body=outer.statements())

    def _allocated(self, plan: _Plan) -> dict[str, tuple[Var, int]]:
        """Where each number is put down that a later level reads: an array of a level, and a row."""
        groups: dict[tuple[int, DType], list[str]] = {}
        for name, variable in plan.rows().items():
            groups.setdefault((plan.made[name], variable.type.dtype), []).append(name)  # type: ignore[union-attr]
        places: dict[str, tuple[Var, int]] = {}
        for (_, dtype), names in groups.items():
            # An axis of length 1 is of another type.
            lanes = self._builder.call(np.empty, (max(len(names), 2), WIDTH), dtype=dtype, name="lanes")
            places |= {name: (lanes, row) for row, name in enumerate(names)}
        return places

    def _level(
        self, loop: For, plan: _Plan, level: int, rows: dict[str, tuple[Var, int]], first: Var, count: Var
    ) -> For:
        builder = self._builder
        k = builder.var("k", INT)
        statements = tuple(plan.levels[level])
        with builder.block() as body:
            now: dict[str, Operand] = {}
            if any(v == loop.index for part in walk(statements) for v in reads(part)):
                now[loop.index.name] = builder.call(np.add, first, k, name=loop.index.name)
            for name, variable in plan.needed(level).items():
                number = builder.call(primitives.item, rows[name][0], (Const(rows[name][1]), k), name=name)
                if variable.type.weak:  # type: ignore[union-attr]
                    number = builder.call(primitives.weaken, number, name=name)
                now[name] = number
            builder.extend(substitute(statements, now))
            for part in statements:
                for target in assigns(part):
                    if target.name in rows:
                        builder.store(rows[target.name][0], (rows[target.name][1], k), target)
        return For(k, Const(0), count, Const(1), body.statements(), location=loop.location)


def _carried(body: list[Statement]) -> dict[str, int]:
    """The variables of which an iteration reads what the one before assigned, at level 0."""
    assigned = {target.name for statement in body for target in assigns(statement)}
    carried: dict[str, int] = {}
    for statement in body:
        carried |= dict.fromkeys(_names(statement) & assigned, 0)
        assigned -= {target.name for target in assigns(statement)}
    return carried


def _levels(body: list[Statement], carried: dict[str, int], loop: For) -> _Plan:
    """The statements with their levels, where variables that are carried have levels of at least these."""
    plan = _Plan()
    stores: list[Store] = []
    for statement in body:
        if isinstance(statement, Store):
            stores.append(statement)
            plan.strays |= _strays(statement.array, statement.index, loop)
            plan.sound &= not any(name in carried and name not in plan.made for name in _names(statement))
            continue
        level = max((plan.made.get(name, carried.get(name, 0)) for name in _names(statement)), default=0)
        if isinstance(statement, Assign) and _is_arithmetic(statement):
            level += level % 2 == 0
            plan.cost += _COSTS[statement.function]
        else:
            level += level % 2
        if isinstance(statement, Assign):
            plan.strays |= statement.function in (native.any_sin, native.any_cos)
            if statement.function is primitives.item:
                plan.strays |= _strays(statement.args[0], statement.args[1], loop)
        if isinstance(statement, If) or not assigns(statement):
            plan.sound &= level == 0
        plan.add(statement, level)
    last = max(plan.levels, default=0)
    for store in stores:
        plan.add(store, last + last % 2)
    return plan


def _names(statement: Statement) -> set[str]:
    """What a statement reads, in the blocks in it, too."""
    return {v.name for part in walk((statement,)) for v in reads(part)}


def _reads(block: Block) -> Counter[str]:
    return Counter(v.name for statement in walk(block) for v in reads(statement))


def _is_of_a_double(args: tuple[Arg, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], Var) and args[0].type == _DOUBLE


def _is_plain(statement: Statement) -> bool:
    """Whether a statement is one of numbers alone: a check, a load, a store, an operation."""
    match statement:
        case Store(index=index, value=value):
            return all(isinstance(x, Const) or _is_number(x) for x in (*index, value))
        case If():
            return all(
                isinstance(part, If | Raise)
                or (isinstance(part, Assign) and part.function is native.check_index)
                for part in walk((statement,))
            )
        case Assign(function=primitives.dim):
            return True
        case Assign(function=primitives.item, args=(_, tuple(index))):
            return all(isinstance(x, Const) or _is_number(x) for x in index)
        case Assign():
            known = statement.function in _HARMLESS or isinstance(statement.function, np.ufunc)
            return (
                known
                and not statement.kwargs
                and all(map(_is_number, (*reads(statement), *assigns(statement))))
            )
    return False


def _is_number(x: Arg) -> bool:
    return isinstance(x, Var) and isinstance(x.type, Scalar)


def _is_arithmetic(statement: Assign) -> bool:
    """Whether a vector unit does it: of floating-point numbers, and of comparisons of such."""
    numbers = (*reads(statement), *statement.targets)
    return statement.function in _COSTS and all(v.type.dtype.kind in "fb" for v in numbers)  # type: ignore[union-attr]


def _strays(array: Arg, index: Arg, loop: For) -> bool:
    """Whether an access is at another place than along the rows of an array."""
    if not isinstance(array, Var) or not isinstance(array.type, Array):
        return False
    *rows, last = list(operands(index))
    return array.type.layout != "C" or last != loop.index or loop.index in rows
