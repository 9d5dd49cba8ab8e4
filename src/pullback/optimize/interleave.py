"""Nests over rows that follow each other, row by row, where the second may lag behind the first.

    for i in range(n):                          for i in range(n + 1):
        new[i] = row of u[i] … u[i + 2]             if i < n:
    for k in range(n):                                  new[i] = row of u[i] … u[i + 2]
        u[k + 1] += new[k]                          if i >= 1:
                                                        k = i - 1
                                                        u[k + 1] += new[k]

What the second works on is then still near. It may not begin a row before the first is through with what both
touch there: the lag. (Wolfe, *Loop skewing: the wavefront method revisited*, 1986; Kennedy & McKinley,
*Maximizing loop parallelism and improving data locality via loop fusion and distribution*, 1993, on fusion
with alignment.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, For, If, Operand, Program, Statement, Var
from pullback.ir.walk import assigns, reads, walk, with_body
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.rolling import Rolling
from pullback.optimize.touched import Access, touched
from pullback.optimize.uses import Uses

_LAG = 8


def interleave(program: Program) -> Program:
    """The same function with neighbouring nests row by row."""
    interleaving = _Interleaving(program, Builder(names_of(program)))
    body = interleaving.block(program.body)
    return with_body(program, interleaving.rolling.shorter(body))


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A loop over loops, if `test` holds, after integers that are found ahead of it."""

    ahead: tuple[Assign, ...]
    test: Operand | None
    loop: For


class _Interleaving:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._linear = Linear(program, self._uses)
        self._builder = builder
        self.rolling = Rolling(program, self._linear, builder)

    def block(self, block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            statement = self._uses.within(statement, self.block)
            second = _guarded(statement)
            at = len(made) - 1
            while second is not None and at >= 0 and _is_integer_sum(made[at]):
                at -= 1
            if second is not None and at >= 0 and isinstance(made[at], For):
                together = self._together(made[at], made[at + 1 :], second)  # type: ignore[arg-type]
                if together is not None:
                    made[at:] = together
                    continue
            made.append(statement)
        return tuple(made)

    def _together(self, first: For, between: list[Statement], second: _Guarded) -> Block | None:
        ahead = (*between, *second.ahead)
        lag = self._lag(first, ahead, second)
        if lag is None:
            return None
        forms = [self._linear.form(x) for x in (first.start, first.stop, second.loop.start, second.loop.stop)]
        if any(form is None for form in forms):
            return None
        start, stop, later, end = forms
        assert start is not None
        assert stop is not None
        assert later is not None
        assert end is not None
        late, longer = later.shifted(lag).plus(start, -1), end.shifted(lag).plus(stop, -1)
        if late.terms or longer.terms:
            return None
        first, loop = self.rolling.together(first, second.loop, lag)
        return self._written(first, ahead, replace(second, loop=loop), lag, late.constant, longer.constant)

    def _lag(self, first: For, ahead: tuple[Statement, ...], second: _Guarded) -> int | None:
        """By how many iterations the second loop has to lag; None where that is unknown or of no use."""
        ours, theirs = touched(first, self._uses), touched(second.loop, self._uses)
        if not (ours.known and theirs.known) or ours.raises or theirs.raises:
            return None
        own = {first.index.name, second.loop.index.name}
        needed = {v.name for s in ahead for v in reads(s)}
        needed |= {second.test.name} if isinstance(second.test, Var) else set()
        if (ours.assigned - own) & (theirs.reads | theirs.assigned | needed):
            return None
        made = {target.name for s in ahead for target in assigns(s)}
        if (theirs.assigned | made) & ours.reads or made & ours.assigned or own & needed:
            return None
        if not all(_is_over_loops(loop) and self._is_own(loop) for loop in (first, second.loop)):
            return None
        conflicts = ours.conflicts(theirs)
        lags = [self._lag_of(first, x, second.loop, y) for x, y in conflicts]
        if not lags or any(lag is None or lag > _LAG for lag in lags):
            return None
        return max(0, *(lag for lag in lags if lag is not None))

    def _is_own(self, loop: For) -> bool:
        """Whether the index of a loop is read in it only."""
        name = loop.index.name
        inside = sum(name in {v.name for v in reads(s)} for s in walk(loop.body))
        return name not in self._uses.cells and self._uses.count(name) == inside

    def _lag_of(self, a: For, first: Access, b: For, second: Access) -> int | None:
        """How much later an iteration of `b` has to come than that of `a`, for two accesses to one memory."""
        if first[1] != second[1]:
            return None
        found: list[int] = []
        for x, y in zip(first[2], second[2], strict=True):
            ours, theirs = self._linear.grows(x, a), self._linear.grows(y, b)
            if ours is not None and theirs is not None:
                difference = theirs.plus(ours, -1)
                if not difference.terms:
                    found.append(difference.constant)
        return min(found, default=None)

    def _written(
        self, first: For, ahead: tuple[Statement, ...], second: _Guarded, lag: int, late: int, longer: int
    ) -> Block:
        builder, index = self._builder, first.index
        with builder.block() as made:
            builder.extend(ahead)
            start = first.start if late >= 0 else self._sum(second.loop.start, lag)
            stop = first.stop if longer <= 0 else self._sum(second.loop.stop, lag)
            begins = self._sum(second.loop.start, lag)
            ends = self._sum(second.loop.stop, lag)
            with builder.block() as body:
                self._guarded(
                    [(np.greater_equal, first.start)] * (late < 0) + [(np.less, first.stop)] * (longer > 0),
                    index,
                    first.body,
                )
                own = Assign(
                    (second.loop.index,),
                    np.subtract if lag else primitives.bind,
                    (index, Const(lag)) if lag else (index,),
                )
                self._guarded(
                    [(np.greater_equal, begins)] * (late > 0) + [(np.less, ends)] * (longer < 0),
                    index,
                    (own, *second.loop.body),
                    second.test,
                )
            builder.add(replace(first, start=start, stop=stop, body=body.statements()))
        return made.statements()

    def _guarded(
        self,
        tests: list[tuple[Callable[..., Any], Operand]],
        index: Var,
        body: Block,
        test: Operand | None = None,
    ) -> None:
        """A block where the tests hold."""
        builder = self._builder
        if test is not None:
            with builder.block() as inner:
                self._guarded(tests, index, body)
            builder.add(If(test, inner.statements()))
        elif tests:
            (function, bound), *rest = tests
            holds = builder.call(function, index, bound, name="inside")
            with builder.block() as inner:
                self._guarded(rest, index, body)
            builder.add(If(holds, inner.statements()))
        else:
            builder.extend(body)

    def _sum(self, operand: Operand, by: int) -> Operand:
        form = self._linear.form(operand)
        if isinstance(operand, Const) or by == 0 or form is None:
            return operand if by == 0 else Const(operand.value + by)  # type: ignore[union-attr]
        return self._linear.write(self._builder, Form(by, ((operand.name, 1),)))


def _guarded(statement: Statement) -> _Guarded | None:
    match statement:
        case For():
            return _Guarded((), None, statement)
        case If(test=test, then=(*ahead, For() as loop), orelse=()) if all(map(_is_integer_sum, ahead)):
            return _Guarded(tuple(ahead), test, loop)  # type: ignore[arg-type]
    return None


def _is_integer_sum(statement: Statement) -> bool:
    if not isinstance(statement, Assign) or statement.function not in (np.add, np.subtract):
        return False
    return getattr(statement.targets[0].type, "dtype", np.dtype(float)).kind == "i"


def _is_over_loops(loop: For) -> bool:
    upward = isinstance(loop.step, Const) and loop.step.value == 1
    return upward and any(isinstance(statement, For) for statement in loop.body)
