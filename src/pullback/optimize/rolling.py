"""Arrays between two nests that go row by row, of which only the latest rows are kept.

    for i in range(n + 1):                          for i in range(n + 1):
        if i < n:                                       if i < n:
            new[i] = …                                      new[i & 1] = …
        if i >= 1:                                      if i >= 1:
            … new[i - 1]                                    … new[i - 1 & 1]

What is between the nests then stays in the nearest cache. The first nest has to store every row that the
second reads, in this run of the loop; or the array began as zeros, and rows and columns that are never stored
are read as such: the rows at a row of their own. (Lefebvre & Feautrier, *Automatic storage management for
parallel programs*, 1998, whose modulo this is.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Statement, Store, Var
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.contract import apart
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.uses import index_of

_ROWS = 8


@dataclass(frozen=True, slots=True)
class _Access:
    """An element in a nest.

    Attributes:
        statement: what reads or writes it.
        axis, row: where the index of the nest is, and what its entry has besides.
        others: by axis, where the other entries begin and end.
    """

    statement: Statement
    axis: int
    row: Form
    others: dict[int, tuple[Form, Form]]


@dataclass(frozen=True, slots=True)
class _Rolled:
    """Rows of an array.

    Attributes:
        axis: along which they lie.
        count: how many are kept, a power of two.
        start, stop: the rows that are stored.
        outside: by the `id` of what reads an element, how it is told that its row is none of these.
    """

    axis: int
    count: int
    start: Form
    stop: Form
    outside: dict[int, tuple[Callable[..., object], ...]]


class Rolling:
    """What is rolled of a program.

    Attributes:
        lengths: for each array, the axis that is shorter now, and its length.
    """

    def __init__(self, program: Program, linear: Linear, builder: Builder) -> None:
        self._linear = linear
        self._builder = builder
        self._mentions, alone = apart(program)
        self._made = {
            s.targets[0].name: s.function
            for s in walk(program.body)
            if isinstance(s, Assign) and s.function in (np.empty, np.zeros) and s.targets[0].name in alone
        }
        self._known = {param.name for param in program.params}
        self._known |= {t.name for s in program.body if isinstance(s, Assign) for t in s.targets}
        self.lengths: dict[str, tuple[int, int]] = {}

    def together(self, first: For, second: For, lag: int) -> tuple[For, For]:
        """Two nests that are about to go row by row, the second `lag` behind, with rows for arrays."""
        stored = {s.array.name for s in walk(first.body) if isinstance(s, Store)}
        for name in sorted(stored & self._made.keys()):
            writes, reads = self._accesses(first, name), self._accesses(second, name)
            if len(writes) + len(reads) + 1 == self._mentions[name]:
                found = self._rolled(name, first, writes, second, reads, lag)
                if found is not None:
                    self.lengths[name] = found.axis, found.count + any(found.outside.values())
                    first = replace(first, body=self._in_rows(first.body, name, found))
                    second = replace(second, body=self._in_rows(second.body, name, found))
        return first, second

    def shorter(self, block: Block) -> Block:
        """A block that makes the arrays as long as they are now."""

        def one(statement: Statement) -> Statement:
            match statement:
                case Assign(
                    targets=(Var(name=name),), function=np.empty | np.zeros, args=(tuple(shape),)
                ) if name in self.lengths:
                    axis, length = self.lengths[name]
                    changed = (*shape[:axis], Const(length), *shape[axis + 1 :])
                    return replace(statement, args=(changed,))
            return with_blocks(statement, self.shorter)

        return tuple(one(statement) for statement in block) if self.lengths else block

    # -- what may be rolled

    def _accesses(self, nest: For, name: str) -> list[_Access]:
        """The accesses to an array, as far as every iteration of plain loops has them."""
        found: list[_Access] = []

        def within(block: Block, loops: tuple[For, ...]) -> None:
            for statement in block:
                if isinstance(statement, For):
                    within(statement.body, (*loops, statement))
                index = index_of(statement, name)
                access = None if index is None else self._access(statement, index, loops)
                if access is not None:
                    found.append(access)

        within(nest.body, (nest,))
        return found

    def _access(self, statement: Statement, index: tuple[Arg, ...], loops: tuple[For, ...]) -> _Access | None:
        rows: dict[int, Form] = {}
        others: dict[int, tuple[Form, Form]] = {}
        for axis, entry in enumerate(index):
            grown = [(loop, rest) for loop in loops if (rest := self._linear.grows(entry, loop)) is not None]
            if len(grown) != 1:
                return None
            loop, rest = grown[0]
            ends = self._ends(loop)
            if ends is None or not self._is_known(rest):
                return None
            if loop is loops[0]:
                rows[axis] = rest
            else:
                others[axis] = ends[0].plus(rest), ends[1].plus(rest)
        if len(rows) != 1:
            return None
        ((axis, row),) = rows.items()
        return _Access(statement, axis, row, others)

    def _ends(self, loop: For) -> tuple[Form, Form] | None:
        """The smallest index of a loop, and one more than the greatest, if they never change."""
        lowest, stop = self._linear.lowest(loop), self._linear.form(loop.stop)
        upward = isinstance(loop.step, Const) and loop.step.value == 1
        if lowest is None or stop is None or not upward:
            return None
        return (lowest, stop) if self._is_known(lowest) and self._is_known(stop) else None

    def _is_known(self, form: Form) -> bool:
        """Whether a form is the same whenever it is asked for: of what is assigned outside of all loops."""
        return all(atom in self._known for atom, _ in form.terms)

    def _rolled(
        self, name: str, first: For, writes: list[_Access], second: For, reads: list[_Access], lag: int
    ) -> _Rolled | None:
        ours, theirs = self._ends(first), self._ends(second)
        if len(writes) != 1 or not reads or ours is None or theirs is None:
            return None
        (write,) = writes
        store = write.statement
        if (
            not isinstance(store, Store)
            or store.accumulate
            or any(isinstance(r.statement, Store) for r in reads)
        ):
            return None
        ages = [write.row.plus(read.row, -1).shifted(lag).number for read in reads]
        if any(read.axis != write.axis for read in reads) or not all(
            age is not None and age >= 0 for age in ages
        ):
            return None
        oldest = max(age for age in ages if age is not None)
        if not 0 < oldest < _ROWS:
            return None
        start, stop = ours[0].plus(write.row), ours[1].plus(write.row)
        outside: dict[int, tuple[Callable[..., object], ...]] = {}
        for read in reads:
            early = theirs[0].plus(read.row).plus(start, -1).number
            late = stop.plus(theirs[1].plus(read.row), -1).number
            below = early is None or early < 0
            above = late is None or late < 0
            tests = (np.less,) * below + (np.greater_equal,) * above
            outside[id(read.statement)] = tests
            if self._made[name] is np.empty and (tests or not self._covers(write, read)):
                return None
        return _Rolled(write.axis, 1 << oldest.bit_length(), start, stop, outside)

    @staticmethod
    def _covers(write: _Access, read: _Access) -> bool:
        """Whether all that is read of a row has been stored."""
        for axis, (start, stop) in read.others.items():
            low, high = write.others[axis]
            early, late = start.plus(low, -1).number, high.plus(stop, -1).number
            if early is None or late is None or early < 0 or late < 0:
                return False
        return True

    # -- what is written instead

    def _in_rows(self, block: Block, name: str, found: _Rolled) -> Block:
        made: list[Statement] = []
        for statement in block:
            index = index_of(statement, name)
            if index is None:
                made.append(with_blocks(statement, lambda inner: self._in_rows(inner, name, found)))
                continue
            entry = index[found.axis]
            assert isinstance(entry, Var)
            with self._builder.block() as ahead:
                row = self._row(entry, found, found.outside.get(id(statement), ()))
            index = (*index[: found.axis], row, *index[found.axis + 1 :])
            made += ahead.statements()
            if isinstance(statement, Store):
                made.append(replace(statement, index=index))
            else:
                assert isinstance(statement, Assign)
                made.append(replace(statement, args=(statement.args[0], index)))
        return tuple(made)

    def _row(self, entry: Var, found: _Rolled, tests: tuple[Callable[..., object], ...]) -> Operand:
        builder = self._builder
        row = builder.call(np.bitwise_and, entry, found.count - 1, name="row")
        outside: Operand | None = None
        for test in tests:
            bound = self._linear.write(builder, found.start if test is np.less else found.stop)
            more = builder.call(test, entry, bound, name="outside")
            outside = more if outside is None else builder.call(np.logical_or, outside, more, name="outside")
        if outside is not None:
            row = builder.call(primitives.select, outside, found.count, row, name="row")
        return row
