"""Reads of elements that do not change in a loop move ahead of it, where the index is known to be in range.

What is read once is kept once for a reverse sweep. A loop that does not run reads nothing, so an index that
could be out of range stays where it is. (Muchnick, *Advanced Compiler Design and Implementation*, 1997,
§13.2.)
"""

from __future__ import annotations

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Statement, Store, Var, While
from pullback.ir.types import Array
from pullback.ir.walk import assigns, changed, kept, reads, walk, with_blocks, with_body
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.uses import Uses


def hoist_loads(program: Program) -> Program:
    """The same function with loop-invariant reads of elements ahead of the loops."""
    return with_body(program, _Hoisting(program).block(program.body))


class _Hoisting:
    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self._linear = Linear(program, self._uses)
        self._loops: dict[str, For] = {}
        self._lengths: dict[tuple[str, int], Form] = {}
        for statement in walk(program.body):
            self._learn(statement)

    def _learn(self, statement: Statement) -> None:
        match statement:
            case For(index=index):
                self._loops[index.name] = statement
            case Assign(targets=(target,), function=primitives.dim, args=(Var(name=name), Const(value=axis))):
                self._put(name, axis, target)
            case Assign(targets=(Var(name=name),), function=np.empty | np.zeros, args=(tuple(shape), *_)):
                for axis, length in enumerate(shape):
                    if isinstance(length, Var | Const):
                        self._put(name, axis, length)
            case _:
                pass

    def _put(self, array: str, axis: int, length: Operand) -> None:
        form = self._linear.form(length)
        if form is not None and array not in self._uses.cells:
            self._lengths[array, axis] = form

    def block(self, block: Block) -> Block:
        """A block with what moves out of its loops ahead of each."""
        new: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, self.block)
            if isinstance(statement, For):
                ahead = self._ahead(statement)
                new.extend(ahead)
                moved = {id(s) for s in ahead}
                left = [s for s in statement.body if id(s) not in moved]
                statement = changed(statement, body=kept(statement.body, left))
            new.append(statement)
        return tuple(new)

    def _ahead(self, loop: For) -> list[Statement]:
        inside = list(walk((loop,)))
        changing = {target.name for s in inside for target in assigns(s)}
        written = {self._uses.memory(s.array.name) for s in inside if isinstance(s, Store)}
        if any(isinstance(s, While) for s in inside):
            return []
        return [s for s in loop.body if self._stays_the_same(s, changing, written)]

    def _stays_the_same(self, statement: Statement, changing: set[str], written: set[str]) -> bool:
        match statement:
            case Assign(targets=(target,), function=primitives.item, args=(Var() as array, tuple(index))):
                return (
                    target.name not in self._uses.cells
                    and not any(v.name in changing for v in reads(statement))
                    and self._uses.memory(array.name) not in written
                    and isinstance(array.type, Array)
                    and all(self._is_in_range(entry, array.name, axis) for axis, entry in enumerate(index))
                )
        return False

    def _is_in_range(self, entry: Arg, array: str, axis: int) -> bool:
        length = self._lengths.get((array, axis))
        form = self._linear.form(entry) if isinstance(entry, Var | Const) else None
        if length is None or form is None:
            return False
        lowest, highest = self._end(form, lowest=True), self._end(form, lowest=False)
        return (
            lowest is not None
            and highest is not None
            and self._linear.is_natural(lowest)
            and self._linear.is_natural(length.shifted(-1).plus(highest, -1))
        )

    def _end(self, form: Form, *, lowest: bool) -> Form | None:
        """The least or the greatest that a form gets to be in the loops around it."""
        for _ in range(8):
            found = next(((name, c) for name, c in form.terms if name in self._loops), None)
            if found is None:
                return form
            name, coefficient = found
            loop = self._loops[name]
            if not (isinstance(loop.step, Const) and loop.step.value == 1):
                return None
            first, stop = self._linear.form(loop.start), self._linear.form(loop.stop)
            end = first if lowest == (coefficient > 0) else stop and stop.shifted(-1)
            if end is None:
                return None
            form = form.plus(Form(0, ((name, 1),)), -coefficient).plus(end, coefficient)
        return None
