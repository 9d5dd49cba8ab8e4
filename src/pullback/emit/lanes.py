"""Loops whose iterations lie apart in memory, some at a time, so that LLVM vectorises what they compute.

    for i in range(n):                      for first in range(0, n, 32):
        x = a[i, 0]                             count = min(n - first, 32)
        y[i, 1] = long(x)           →           for k in range(count): read[0, k] = a[first + k, 0]
                                                for k in range(count): made[0, k] = long(read[0, k])
                                                for k in range(count): y[first + k, 1] = made[0, k]

The statements of an iteration fall into levels, of three kinds. What touches memory, or is no floating-point
arithmetic, runs a number at a time; arithmetic runs on numbers that come from and go to rows, which stay in
the cache; and for powers, `arctan` and so on NumPy's own loops are called, on whole rows. Stores come last,
in their order: so all that is asked of a loop is that it reads nothing that it stores. (Allen & Kennedy,
*Automatic translation of FORTRAN programs to vector form*, 1987, on distribution and strip mining.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.emit.inner_loops import has_loop
from pullback.emit.levels import CALL, COSTS, KINDS, LEVELS, WIDTH, Plan, carried_by, levels_of
from pullback.emit.streams import streams
from pullback.emit.vectorize import FLOATS, INLINED
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.memory import memory_of
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
from pullback.ir.walk import assigns, reads, substitute, walk, with_blocks, with_body

_NEAR: dict[Callable[..., Any], tuple[Callable[..., Any], Callable[..., Any]]] = {
    np.sin: (native.near_sin, native.any_sin), np.cos: (native.near_cos, native.any_cos),
}  # fmt: skip
"""Functions that are written out for arguments of moderate size, and what sees to the others afterwards."""
_HARMLESS = frozenset([
    *COSTS, native.any_sin, native.any_cos, native.check_index, primitives.item, primitives.cast,
    primitives.weaken, primitives.dim, primitives.stopped, max, min,
])  # fmt: skip
_DOUBLE = Scalar(np.dtype(np.float64))


def with_lanes(program: Program) -> Program:
    """The same function with loops taken apart where that pays."""
    builder = Builder(names_of(program))
    body = _Lanes(program, builder).block(program.body)
    return with_body(program, (*builder.statements(), *body))


class _Lanes:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._builder = builder
        self._memory = memory_of(program)
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

    def _plan(self, loop: For) -> Plan | None:
        """The levels of a loop's statements; None where they cannot be taken apart."""
        if not self._may_be_apart(loop):
            return None
        inside = {target.name for statement in loop.body for target in assigns(statement)}
        body = [part for statement in loop.body for part in self._spelled(statement, inside)]
        # What goes from iteration to iteration is read and assigned in one level.
        carried = carried_by(body)
        for _ in range(LEVELS):
            plan = levels_of(body, carried, loop)
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

    def _spelled(self, statement: Statement, inside: set[str]) -> Iterator[Statement]:
        """A statement with functions that are written out, or called on rows."""
        if not isinstance(statement, Assign):
            yield statement
        elif statement.function in INLINED and _is_of_a(FLOATS, statement.args):
            yield replace(statement, function=INLINED[statement.function])
        elif statement.function in _NEAR and _is_of_a([_DOUBLE], statement.args):
            near, any_ = _NEAR[statement.function]
            found = self._builder.var(statement.targets[0].name, _DOUBLE)
            yield replace(statement, targets=(found,), function=near)
            yield replace(statement, function=any_, args=(found, *statement.args))
        else:
            yield from self._on_rows(statement, inside)

    def _on_rows(self, statement: Assign, inside: set[str]) -> Iterator[Statement]:
        """A statement, with the function that takes rows where there is one; then all arguments are rows."""
        if not _is_called(statement):
            yield statement
            return
        kind = statement.targets[0].type
        assert isinstance(kind, Scalar)
        args: list[Var] = []
        for arg in statement.args:
            if not isinstance(arg, Var) or arg.name not in inside:
                value = Const(kind.dtype.type(arg.value)) if isinstance(arg, Const) else arg
                arg = self._builder.var("repeated", Scalar(kind.dtype))
                yield Assign((arg,), primitives.bind, (value,))
            args.append(arg)
        yield replace(statement, function=native.ROWS[statement.function], args=tuple(args))

    def _written(self, loop: For, plan: Plan) -> For:
        builder = self._builder
        first, rows = builder.var("first", INT), self._allocated(plan)
        with builder.block() as outer:
            left = builder.call(np.subtract, loop.stop, first, name="left")
            count = builder.call(min, left, plan.width, name="count")
            for level in sorted(plan.levels):
                if level % KINDS == CALL:
                    builder.extend(tuple(self._calls(plan.levels[level], rows, count)))
                    continue
                for part in streams(plan.levels[level], self._memory):
                    builder.add(self._part(loop, plan, tuple(part), level, rows, first, count))
        return replace(loop, index=first, step=Const(plan.width), body=outer.statements())

    def _allocated(self, plan: Plan) -> dict[str, tuple[Var, int]]:
        """Where each number is put down that a later level reads: an array of a level, and a row."""
        groups: dict[tuple[int, DType], list[str]] = {}
        for name, variable in plan.rows().items():
            groups.setdefault((plan.made[name], variable.type.dtype), []).append(name)  # type: ignore[union-attr]
        places: dict[str, tuple[Var, int]] = {}
        for (_, dtype), names in groups.items():
            # An axis of length 1 is of another type.
            lanes = self._builder.call(np.empty, (max(len(names), 2), plan.width), dtype=dtype, name="lanes")
            places |= {name: (lanes, row) for row, name in enumerate(names)}
        return places

    def _part(
        self,
        loop: For,
        plan: Plan,
        statements: Block,
        level: int,
        rows: dict[str, tuple[Var, int]],
        first: Var,
        count: Var,
    ) -> For:
        builder = self._builder
        k = builder.var("k", INT)
        with builder.block() as body:
            now: dict[str, Operand] = {}
            if any(v == loop.index for part in walk(statements) for v in reads(part)):
                now[loop.index.name] = builder.call(np.add, first, k, name=loop.index.name)
            for name, variable in plan.needed(statements, level).items():
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

    def _calls(
        self, statements: list[Statement], rows: dict[str, tuple[Var, int]], count: Var
    ) -> Iterator[Statement]:
        """Calls that fill the rows of what the statements assign."""
        for statement in statements:
            assert isinstance(statement, Assign)
            (target,) = statement.targets
            if target.name in rows:
                made, *given = (rows[v.name] for v in (target, *reads(statement)))
                places = [Const(row) if k else lanes for lanes, row in given for k in range(2)]
                done = self._builder.var("done", INT)
                args = (made[0], Const(made[1]), count, *places)
                yield replace(statement, targets=(done,), args=args)


def _reads(block: Block) -> Counter[str]:
    return Counter(v.name for statement in walk(block) for v in reads(statement))


def _is_of_a(kinds: Sequence[Scalar], args: tuple[Arg, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], Var) and args[0].type in kinds


def _is_called(statement: Assign) -> bool:
    """Whether a function of numbers of one precision is one of those that NumPy's loops are called for."""
    if statement.function not in native.ROWS or statement.kwargs:
        return False
    kind = statement.targets[0].type
    if not isinstance(kind, Scalar):
        return False
    if statement.function is np.power and isinstance(statement.args[1], Const):
        exponent = statement.args[1].value
        if float(exponent).is_integer() or abs(exponent) == 0.5:
            return False  # products, a root
    return has_loop(statement.function, kind.dtype) and all(
        isinstance(arg.value, float)
        if isinstance(arg, Const)
        else isinstance(arg, Var) and isinstance(arg.type, Scalar) and arg.type.dtype == kind.dtype
        for arg in statement.args
    )


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
