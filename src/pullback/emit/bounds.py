"""Checks that indices are in range, only where that is not certain.

Compiled code reads and writes memory without looking; NumPy raises IndexError. Of every access to an element,
``-n <= i < n`` is *proved* where it follows from the bounds of the loops around it, from the lengths that arrays were
made with, and from tests on the way. What is left is *hoisted*: one condition before a loop, which holds for every
iteration or, if not, has the accesses inside checked one by one, so that the error comes exactly where NumPy's does
(LLVM makes two loops of it). What cannot even be bounded before the loop is checked at the access.
(Gupta, *Optimizing array bound checks using flow analysis*, 1993.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from pullback.emit import native
from pullback.emit.affine import Affine, Symbols, add, as_number, constant
from pullback.emit.expressions import runs_in_python
from pullback.emit.functions import stores_in_python
from pullback.emit.scope import Scope
from pullback.ir import primitives
from pullback.ir.build import Builder, Names
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    If,
    Operand,
    Pop,
    Program,
    Raise,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import BOOL, Array
from pullback.ir.walk import assigns, reads, walk


@dataclass(slots=True)
class _Loop:
    """A loop being checked: what was known before it, and what has to hold for every access in it."""

    before: Scope
    first: int
    conditions: dict[tuple[tuple[int, int], ...], Affine] = field(default_factory=dict)
    flag: Var | None = None


def with_checks(program: Program) -> Program:
    """The program with every access proved to be in range, or checked."""
    names = {param.name for param in program.params}
    for statement in walk(program.body):
        names.update(variable.name for variable in (*assigns(statement), *reads(statement)))
    checker = _Checker(Names(names))
    scope = Scope(Symbols())
    for param in program.params:
        scope.forget(param)
    return replace(program, body=checker.block(program.body, scope))


class _Checker:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._loops: list[_Loop] = []

    def block(self, block: Block, scope: Scope) -> Block:
        """The block with checks; `scope` is what is known before it, and then after it."""
        written: list[Statement] = []
        for statement in block:
            written += self._checks(statement, scope)
            before, statement = self._statement(statement, scope)
            written += [*before, statement]
        return tuple(written)

    def _statement(self, statement: Statement, scope: Scope) -> tuple[Block, Statement]:
        match statement:
            case Assign():
                scope.assign(statement)
            case Pop():
                scope.forget(statement.target)
            case For():
                return self._for(statement, scope)
            case While():
                return (), self._while(statement, scope)
            case If():
                return (), self._if(statement, scope)
        return (), statement

    def _for(self, statement: For, scope: Scope) -> tuple[Block, Statement]:
        start, stop, step = (scope.integer(x) for x in (statement.start, statement.stop, statement.step))
        loop = _Loop(scope.copy(), scope.symbols.count + 1)
        inner = scope.copy()
        _forget_assigned(statement, inner)
        size = None if step is None else as_number(step)
        if start is not None and stop is not None and size:
            last = add(stop, constant(1), -1 if size > 0 else 1)
            smallest, greatest = (start, last) if size > 0 else (last, start)
            inner.integers[statement.index.name] = scope.symbols.index(smallest, greatest)
            inner.facts.append(add(greatest, smallest, -1))
        self._loops.append(loop)
        body = self.block(statement.body, inner)
        self._loops.pop()
        _forget_assigned(statement, scope)
        return self._flag(loop, statement), replace(statement, body=body)

    def _while(self, statement: While, scope: Scope) -> Statement:
        # What an iteration finds is unknown, so conditions cannot be hoisted over it: none of the loops around
        # a `while` is of use to the accesses in it, but for the symbols that are older than all of them.
        inner = scope.copy()
        _forget_assigned(statement, inner)
        before = self.block(statement.before, inner)
        inside = inner.copy()
        inside.facts += inside.test(statement.test)[0]
        body = self.block(statement.body, inside)
        _forget_assigned(statement, scope)
        return replace(statement, before=before, body=body)

    def _if(self, statement: If, scope: Scope) -> Statement:
        holds, fails = scope.test(statement.test)
        then, orelse = scope.copy(), scope.copy()
        then.facts += holds
        orelse.facts += fails
        result = replace(
            statement, then=self.block(statement.then, then), orelse=self.block(statement.orelse, orelse)
        )
        _forget_assigned(statement, scope)
        if _raises(statement.then):
            scope.facts += fails
        if _raises(statement.orelse):
            scope.facts += holds
        return result

    def _checks(self, statement: Statement, scope: Scope) -> Block:
        """The checks that a statement's own accesses need."""
        access = _access(statement)
        if access is None:
            return ()
        array, index = access
        unsure: list[tuple[Arg, int, Affine, list[Affine]]] = []
        axis = 0
        for entry in index:
            if isinstance(entry, Const) and entry.value is None:
                continue
            if _is_index_array(entry):
                unsure.append((entry, axis, {}, []))
            value = scope.integer(entry)
            if value is not None:
                length = scope.shape(array)[axis]
                wanted = [add(add(length, constant(1), -1), value, -1), add(length, value)]
                missing = [w for w in wanted if not scope.symbols.is_nonnegative(w, scope.facts)]
                if missing:
                    unsure.append((entry, axis, value, missing))
                    scope.facts += missing
            axis += 1
        return self._write_checks(statement, array, unsure, scope) if unsure else ()

    def _write_checks(
        self,
        statement: Statement,
        array: Operand,
        unsure: list[tuple[Arg, int, Affine, list[Affine]]],
        scope: Scope,
    ) -> Block:
        loop = self._hoist([condition for *_, missing in unsure for condition in missing], scope)
        if any(not missing for *_, missing in unsure):
            loop = None
        builder = Builder(self._names)
        builder.location, builder.comment = statement.location, statement.comment
        for entry, axis, _, missing in unsure:
            length = builder.dim(array, axis) if isinstance(array, Var) else Const(array.value.shape[axis])
            check = native.check_index if missing else native.check_indices
            builder.add(Assign((), check, (entry, length)))
        checks = builder.statements()
        if loop is None:
            return checks
        if loop.flag is None:
            loop.flag = Var(self._names.fresh("in_range"), BOOL)
        return (If(loop.flag, (), checks, location=statement.location, comment=statement.comment),)

    def _hoist(self, conditions: list[Affine], scope: Scope) -> _Loop | None:
        """The outermost loop before which the conditions can be bounded, with the bounds added to it."""
        for loop in self._loops:
            bounds = [scope.symbols.at_least(condition, loop.first) for condition in conditions]
            symbols = {s for bound in bounds for s in bound if s}
            if all(s < loop.first and _holder(s, loop.before) for s in symbols):
                for bound in bounds:
                    loop.conditions[tuple(sorted(bound.items()))] = bound
                return loop
        return None

    def _flag(self, loop: _Loop, statement: For) -> Block:
        """The statements before a loop that say whether every access in it is in range."""
        if loop.flag is None:
            return ()
        builder = Builder(self._names)
        builder.location, builder.comment = statement.location, statement.comment
        flag: Operand | None = None
        for condition in loop.conditions.values():
            more = self._sum({s: c for s, c in condition.items() if c > 0}, loop.before, builder)
            less = self._sum({s: -c for s, c in condition.items() if c < 0}, loop.before, builder)
            holds = builder.call(np.greater_equal, more, less)
            flag = holds if flag is None else builder.call(np.logical_and, flag, holds)
        builder.add(Assign((loop.flag,), primitives.bind, (flag if flag is not None else Const(True),)))
        return builder.statements()

    def _sum(self, terms: Affine, scope: Scope, builder: Builder) -> Operand:
        total: Operand | None = None
        for symbol, coefficient in sorted(terms.items(), reverse=True):
            part: Operand = Const(coefficient)
            if symbol:
                holder = _holder(symbol, scope)
                assert holder is not None
                variable, axis = holder
                value = variable if axis is None else builder.dim(variable, axis)
                part = value if coefficient == 1 else builder.call(np.multiply, coefficient, value)
            total = part if total is None else builder.call(np.add, total, part)
        return Const(0) if total is None else total


def _holder(symbol: int, scope: Scope) -> tuple[Var, int | None] | None:
    """A variable that holds a symbol's value, or an array and the axis whose length it is."""
    for name, value in scope.integers.items():
        if value == {symbol: 1}:
            return scope.variables[name], None
    for name, lengths in scope.lengths.items():
        for axis, length in enumerate(lengths):
            if length == {symbol: 1}:
                return scope.variables[name], axis
    return None


def _forget_assigned(statement: Statement, scope: Scope) -> None:
    for inner in walk((statement,)):
        for target in assigns(inner):
            scope.forget(target)


def _raises(block: Block) -> bool:
    return bool(block) and isinstance(block[-1], Raise)


def _access(statement: Statement) -> tuple[Operand, tuple[Arg, ...]] | None:
    """The array and the index of what compiled code reads or writes without looking."""
    if isinstance(statement, Store):
        return None if stores_in_python(statement) else (statement.array, statement.index)
    indexing = (primitives.item, primitives.view, primitives.pick)
    if not isinstance(statement, Assign) or statement.function not in indexing:
        return None
    array, index = statement.args
    if runs_in_python(statement) or not isinstance(array, Var | Const) or not isinstance(index, tuple):
        return None
    return array, index


def _is_index_array(entry: Arg) -> bool:
    if isinstance(entry, Const):
        return isinstance(entry.value, np.ndarray)
    return isinstance(entry, Var) and isinstance(entry.type, Array)
