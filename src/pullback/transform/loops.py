"""`Loop`: a loop of the forward sweep as the reverse sweep needs it: how often it runs, and its way back."""

from __future__ import annotations

import numpy as np

from pullback.ir.build import Builder
from pullback.ir.nodes import Const, For, Operand, Statement, While
from pullback.ir.walk import assigns, reads, walk


class Loop:
    """One loop around the statement at hand.

    Attributes:
        statement: the original loop.
        before: statements to run before it in the forward sweep, which allocate what it keeps.
    """

    def __init__(self, statement: For | While) -> None:
        self.statement = statement
        self.before: list[Statement] = []
        self.assigned = {target.name for s in walk((statement,)) for target in assigns(s)}
        self._trips: dict[str, Operand] = {}  # by index, which is each loop's own

    def is_counted_outside(self, outer: Loop) -> bool:
        """Whether the number of trips is known before the loop `outer` around this one starts."""
        if not isinstance(self.statement, For):
            return False
        return not {v.name for v in reads(self.statement)} & outer.assigned

    def trips_of(self, inner: Loop, builder: Builder) -> Operand:
        """The number of trips of a loop in this one, or of this one, computed once before this one."""
        assert isinstance(inner.statement, For)
        index = inner.statement.index.name
        if index not in self._trips:
            with builder.block() as before:
                self._trips[index] = inner.trips(builder)
            self.before += before.statements()
        return self._trips[index]

    def trips(self, builder: Builder) -> Operand:
        """The number of trips, computed in the builder's present block."""
        start, stop, step = self._range()
        if value_of(step) == 1:
            count = minus(builder, stop, start)
        elif value_of(step) == -1:
            count = minus(builder, start, stop)
        else:
            span = builder.call(np.subtract, start, stop, name="span")
            whole = builder.call(np.floor_divide, span, step, name="span")
            count = builder.call(np.negative, whole, name="trips")
        if isinstance(count, Const):
            return Const(max(count.value, 0))
        return builder.call(max, count, 0, name="trips")

    def position(self, builder: Builder) -> Operand:
        """The number of the present trip, counted from 0."""
        start, _, step = self._range()
        assert isinstance(self.statement, For)
        index = self.statement.index
        if value_of(step) == -1:
            return minus(builder, start, index)
        position = minus(builder, index, start)
        if value_of(step) != 1:
            position = builder.call(np.floor_divide, position, step, name="trip")
        return position

    def backwards(self, builder: Builder) -> tuple[Operand, Operand, Operand]:
        """The ``range`` that runs through the same indices in reverse order."""
        start, stop, step = self._range()
        end = minus(builder, start, step)
        if value_of(step) == 1:
            return minus(builder, stop, Const(1)), end, Const(-1)
        if value_of(step) == -1:
            return plus(builder, stop, Const(1)), end, Const(1)
        trips = self.trips(builder)
        last = plus(builder, end, builder.call(np.multiply, trips, step, name="last"))
        back = Const(-step.value) if isinstance(step, Const) else builder.call(np.negative, step, name="step")
        return last, end, back

    def _range(self) -> tuple[Operand, Operand, Operand]:
        assert isinstance(self.statement, For)
        return self.statement.start, self.statement.stop, self.statement.step


def value_of(operand: Operand) -> int | None:
    """The value of a constant, None for a variable."""
    return operand.value if isinstance(operand, Const) else None


def minus(builder: Builder, a: Operand, b: Operand) -> Operand:
    """``a - b`` of integers, folded where both are known."""
    if isinstance(a, Const) and isinstance(b, Const):
        return Const(a.value - b.value)
    if value_of(b) == 0:
        return a
    return builder.call(np.subtract, a, b, name="last")


def plus(builder: Builder, a: Operand, b: Operand) -> Operand:
    """``a + b`` of integers, folded where both are known."""
    if isinstance(a, Const) and isinstance(b, Const):
        return Const(a.value + b.value)
    return builder.call(np.add, a, b, name="last")
