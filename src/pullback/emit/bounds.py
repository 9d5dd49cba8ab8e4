"""Checks that indices are in range, only where that is not certain.

Compiled code reads and writes memory without looking; NumPy raises IndexError. Of every access to an
element, ``-n <= i < n`` is *proved* where it follows from the bounds of the loops around it, from the
lengths that arrays were made with, and from tests on the way. What is left is *hoisted* before a loop: if
the loop is sure to come to its extreme indices, it raises at once; if no loop is, the accesses are checked
one by one unless a condition holds for all of them (LLVM makes two loops of it). What cannot be bounded
before the loop is checked at the access. (Gupta, *Optimizing array bound checks using flow analysis*,
1993.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from pullback.base.location import Location
from pullback.emit import native
from pullback.emit.accesses import access_of, called, is_index_array
from pullback.emit.scope import Scope
from pullback.ir import primitives
from pullback.ir.affine import Affine, Symbols, add, as_number, constant
from pullback.ir.build import Builder, Names, names_of
from pullback.ir.memory import memory_of
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
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import BOOL
from pullback.ir.walk import walk, with_body

Key = tuple[tuple[int, int], ...]
Origin = tuple[Location | None, str]
"""Where an access is, and what it is called."""
OUT_OF_RANGE = "index out of range"
Needed = dict[tuple[Key, ...], dict[Key, Affine]]


@dataclass(slots=True)
class _Loop:
    """A loop being checked.

    Attributes:
        before: what was known before it.
        first: the first symbol that came about in it.
        trips: not negative if the loop runs at all; None if its bounds or its step are not known to be plain.
        raises: whether there is a `Raise` in it.
        doubtful: whether it is in a branch or a `while` of the loop around it.
        needed: by the trips of the loops they are in, conditions without which some iteration fails.
        origins: whose conditions these are.
        conditions: what has to hold for every access that `flag` guards.
    """

    before: Scope
    first: int
    trips: Affine | None
    raises: bool
    doubtful: bool
    needed: Needed = field(default_factory=dict)
    origins: dict[Key, Origin] = field(default_factory=dict)
    conditions: dict[Key, Affine] = field(default_factory=dict)
    flag: Var | None = None


def with_checks(program: Program) -> Program:
    """The program with every access proved to be in range, or checked."""
    memory = memory_of(program)
    # What is reserved is large enough.
    enough = {
        memory.group(s.targets[0].name)
        for s in walk(program.body)
        if isinstance(s, Assign) and s.function is primitives.reserve
    }

    def is_safe(array: Operand) -> bool:
        return isinstance(array, Var) and memory.group(array.name) in enough

    first = _Checker(Names(), {}, is_safe)
    first.block(program.body, _scope(program))
    # What the first pass found that a loop needs is known everywhere in it in the second.
    checker = _Checker(names_of(program), first.needed, is_safe)
    return with_body(program, checker.block(program.body, _scope(program)))


def _scope(program: Program) -> Scope:
    scope = Scope(Symbols())
    for param in program.params:
        scope.forget(param)
    return scope


class _Checker:
    """Writes a program with checks.

    Attributes:
        needed: for each loop, by its place among the loops, its first symbol, the conditions that are checked
            before it, and whose they are.
    """

    def __init__(
        self,
        names: Names,
        known: dict[int, tuple[int, Needed, dict[Key, Origin]]],
        is_safe: Callable[[Operand], bool],
    ) -> None:
        self.needed: dict[int, tuple[int, Needed, dict[Key, Origin]]] = {}
        self._known = known
        self._is_safe = is_safe
        self._count = 0
        self._names = names
        self._loops: list[_Loop] = []
        self._doubtful = False

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
        first = scope.symbols.count + 1
        inner = scope.copy()
        inner.forget_assigned(statement)
        trips = None
        size = None if step is None else as_number(step)
        if start is not None and stop is not None and size:
            last = add(stop, constant(1), -1 if size > 0 else 1)
            smallest, greatest = (start, last) if size > 0 else (last, start)
            if as_number(smallest) is not None and smallest.get(0, 0) >= 0:
                greatest = scope.symbols.unclamped(greatest)
            trips = add(greatest, smallest, -1)
            inner.integers[statement.index.name] = scope.symbols.index(smallest, greatest)
            inner.facts.append(trips)
            inner.resolve()
            trips = trips if abs(size) == 1 else None
        raises = any(isinstance(s, Raise) for s in walk(statement.body))
        loop = _Loop(scope.copy(), first, trips, raises, self._doubtful)
        self._count += 1
        number = self._count
        known_first, known, origins = self._known.get(number, (first, {}, {}))
        assert known_first == first
        loop.needed = {
            trips: left
            for trips, needed in known.items()
            if (left := {k: c for k, c in needed.items() if not scope.symbols.is_nonnegative(c, scope.facts)})
        }
        loop.origins = origins
        self.needed[number] = first, loop.needed, origins
        self._loops.append(loop)
        # A condition is certain once all the loops run that it was found in.
        running = {_key(around.trips) for around in self._loops if around.trips is not None}
        for around in self._loops:
            for key, conditions in around.needed.items():
                if running.issuperset(key):
                    inner.facts += conditions.values()
        body = self._inner(statement.body, inner, doubtful=False)
        self._loops.pop()
        scope.forget_assigned(statement)
        return self._before(loop, statement), replace(statement, body=body)

    def _inner(self, block: Block, scope: Scope, *, doubtful: bool) -> Block:
        outer, self._doubtful = self._doubtful, doubtful
        checked = self.block(block, scope)
        self._doubtful = outer
        return checked

    def _while(self, statement: While, scope: Scope) -> Statement:
        # What an iteration finds is unknown: a condition on it is younger than the loops around the `while`,
        # and cannot be hoisted out of them.
        inner = scope.copy()
        inner.forget_assigned(statement)
        before = self._inner(statement.before, inner, doubtful=True)
        inside = inner.copy()
        inside.facts += inside.test(statement.test)[0]
        body = self._inner(statement.body, inside, doubtful=True)
        scope.forget_assigned(statement)
        return replace(statement, before=before, body=body)

    def _if(self, statement: If, scope: Scope) -> Statement:
        holds, fails = scope.test(statement.test)
        then, orelse = scope.copy(), scope.copy()
        then.facts += holds
        orelse.facts += fails
        result = replace(
            statement,
            then=self._inner(statement.then, then, doubtful=True),
            orelse=self._inner(statement.orelse, orelse, doubtful=True),
        )
        scope.forget_assigned(statement)
        if _raises(statement.then):
            scope.facts += fails
        if _raises(statement.orelse):
            scope.facts += holds
        return result

    def _checks(self, statement: Statement, scope: Scope) -> Block:
        """The checks that a statement's own accesses need."""
        access = access_of(statement)
        if access is None or self._is_safe(access[0]):
            return ()
        array, index = access
        before = len(scope.facts)
        unsure: list[tuple[Arg, int, Affine, list[Affine]]] = []
        axis = 0
        for entry in index:
            if isinstance(entry, Const) and entry.value is None:
                continue
            if is_index_array(entry):
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
        return self._write_checks(statement, array, unsure, scope, scope.facts[:before]) if unsure else ()

    def _write_checks(
        self,
        statement: Statement,
        array: Operand,
        unsure: list[tuple[Arg, int, Affine, list[Affine]]],
        scope: Scope,
        facts: list[Affine],
    ) -> Block:
        conditions = [condition for *_, missing in unsure for condition in missing]
        names = {axis: f"axis {axis}{called(array, statement.location)}" for _, axis, _, _ in unsure}
        origins = [(statement.location, names[axis]) for _, axis, _, missing in unsure for _ in missing]
        loops = [] if any(not missing for *_, missing in unsure) else self._hoistable(conditions, scope)
        if any(self._is_certain(loop, conditions, origins, scope) for loop in loops):
            return ()
        loop = loops[0] if loops else None
        builder = Builder(self._names)
        builder.location, builder.comment = statement.location, statement.comment
        for entry, axis, _, missing in unsure:
            length = builder.dim(array, axis) if isinstance(array, Var) else Const(array.value.shape[axis])
            check = native.check_index if missing else native.check_indices
            builder.add(Assign((), check, (entry, length, Const(names[axis]))))
        checks = builder.statements()
        if loop is None:
            return checks
        if loop.flag is None:
            loop.flag = Var(self._names.fresh("in_range"), BOOL)
        for condition in conditions:
            bound = self._bound_where_it_runs(loop, condition, scope.symbols, facts)
            loop.conditions[_key(bound)] = bound
        return (If(loop.flag, (), checks, location=statement.location, comment=statement.comment),)

    def _hoistable(self, conditions: list[Affine], scope: Scope) -> list[_Loop]:
        """The loops before which the conditions can be bounded, the outermost first."""
        return [
            loop
            for loop in self._loops
            if all(_is_known(bound, loop) for bound in self._bounds(loop, conditions, scope))
        ]

    def _bounds(self, loop: _Loop, conditions: list[Affine], scope: Scope) -> list[Affine]:
        return [scope.symbols.at_least(condition, loop.first) for condition in conditions]

    def _bound_where_it_runs(
        self, loop: _Loop, condition: Affine, symbols: Symbols, facts: list[Affine]
    ) -> Affine:
        """As `_bounds`, where a test on the way may say more of an index than its loop does."""
        best = symbols.at_least(condition, loop.first)
        for fact in facts:
            for symbol, coefficient in condition.items():
                times = coefficient * fact.get(symbol, 0)
                if symbol >= loop.first and symbol in symbols.bounds and times == abs(coefficient):
                    other = symbols.at_least(add(condition, fact, -times), loop.first)
                    if _is_known(other, loop) and symbols.is_nonnegative(add(other, best, -1), facts):
                        best = other
        return best

    def _is_certain(self, loop: _Loop, conditions: list[Affine], origins: list[Origin], scope: Scope) -> bool:
        """Whether the loop, once it runs, is sure to fail without the conditions; if so, it needs them."""
        inside = self._loops[self._loops.index(loop) :]
        if self._doubtful or loop.raises or any(inner.doubtful for inner in inside[1:]):
            return False
        trips = [inner.trips for inner in inside]
        if not all(trip is not None and _is_known(trip, loop) for trip in trips):
            return False
        key = tuple(_key(trip) for trip in trips if trip is not None)
        needed = loop.needed.setdefault(key, {})
        for bound, origin in zip(self._bounds(loop, conditions, scope), origins, strict=True):
            needed[_key(bound)] = bound
            loop.origins.setdefault(_key(bound), origin)
        return True

    def _before(self, loop: _Loop, at: For) -> Block:
        """The statements before a loop that say whether the accesses in it are in range."""
        builder = Builder(self._names)
        builder.location, builder.comment = at.location, at.comment
        for trips, needed in loop.needed.items():
            fails = builder.call(np.logical_not, self._all(list(needed.values()), loop.before, builder))
            unknown = [dict(t) for t in trips if not loop.before.symbols.is_nonnegative(dict(t), [])]
            if unknown:
                runs = self._all(unknown, loop.before, builder)
                fails = builder.call(np.logical_and, runs, fails, name="out_of_range")
            builder.add(If(fails, self._error(loop, needed)))
        if loop.flag is not None:
            holds = self._all(list(loop.conditions.values()), loop.before, builder)
            builder.add(Assign((loop.flag,), primitives.bind, (holds,)))
        return builder.statements()

    def _error(self, loop: _Loop, needed: dict[Key, Affine]) -> Block:
        """What raises the error of the first access that fails."""
        accesses: dict[Origin, list[Affine]] = {}
        for key, condition in needed.items():
            accesses.setdefault(loop.origins[key], []).append(condition)
        builder = Builder(self._names)
        for number, ((builder.location, name), conditions) in enumerate(accesses.items()):
            error = Raise(IndexError, f"{OUT_OF_RANGE}: {name}", location=builder.location)
            if number == len(accesses) - 1:
                builder.add(error)
            else:
                holds = self._all(conditions, loop.before, builder)
                builder.add(If(builder.call(np.logical_not, holds), (error,)))
        return builder.statements()

    def _all(self, conditions: list[Affine], scope: Scope, builder: Builder) -> Operand:
        """Whether none of the expressions is negative."""
        flag: Operand = Const(True)
        for number, condition in enumerate(conditions):
            more = self._sum({s: c for s, c in condition.items() if c > 0}, scope, builder)
            less = self._sum({s: -c for s, c in condition.items() if c < 0}, scope, builder)
            holds = builder.call(np.greater_equal, more, less)
            flag = builder.call(np.logical_and, flag, holds) if number else holds
        return flag

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


def _is_known(a: Affine, loop: _Loop) -> bool:
    """Whether the expression can be computed before the loop."""
    return all(s < loop.first and _holder(s, loop.before) is not None for s in a if s)


def _key(a: Affine) -> Key:
    return tuple(sorted(a.items()))


def _raises(block: Block) -> bool:
    return bool(block) and isinstance(block[-1], Raise)
