"""Integers of a program as linear forms over variables that do not change, their signs, and statements."""

from __future__ import annotations

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Arg, Assign, Const, For, Operand, Program, Statement, Var
from pullback.ir.types import INT
from pullback.ir.walk import walk
from pullback.optimize.extents import Form
from pullback.optimize.uses import Uses


class Linear:
    """What the integers of a program are: ``constant + Σ coefficient · variable``.

    Attributes:
        indices: the variables that are the index of a loop.
    """

    def __init__(self, program: Program, uses: Uses) -> None:
        self._uses = uses
        self._made: dict[str, Assign] = {}
        self._forms: dict[str, Form] = {}
        self._tests: dict[str, Assign] = {}
        self._natural: set[str] = set()
        self.indices: set[str] = set()
        for statement in walk(program.body):
            match statement:
                case Assign(targets=(Var(name=name, type=kind),)) if kind == INT and name not in uses.cells:
                    self._made[name] = statement
                case For(index=Var(name=name)):
                    self.indices.add(name)
                case Assign(targets=(Var(name=name),), function=np.less) if name not in uses.cells:
                    self._tests[name] = statement
                case _:
                    pass
        for statement in walk(program.body):
            self._learn(statement)

    def form(self, operand: Operand) -> Form | None:
        """The form of an integer that keeps its value; None for another operand."""
        if isinstance(operand, Const):
            return Form(int(operand.value)) if isinstance(operand.value, int | np.integer) else None
        if operand.type != INT or operand.name in self._uses.cells:
            return None
        if operand.name not in self._forms:
            # What is made of itself, in an invalid program, ends here.
            self._forms[operand.name] = Form(0, ((operand.name, 1),))
            statement = self._made.get(operand.name)
            found = None if statement is None else self._of(statement)
            if found is not None:
                self._forms[operand.name] = found
        return self._forms[operand.name]

    def _learn(self, statement: Statement) -> None:
        match statement:
            case Assign(targets=(target,), function=primitives.dim):
                self._natural.update(self._names(target))
            case Assign(targets=(target,)) if self.clamped(statement) is not None:
                self._natural.update(self._names(target))
            case For(index=index, start=start, stop=stop, step=Const(value=step)):
                first = self.form(start) if step > 0 else self.form(stop)
                if first is not None and self.is_natural(first.shifted(0 if step > 0 else 1)):
                    self._natural.update(self._names(index))
            case _:
                pass

    def _names(self, target: Var) -> tuple[str, ...]:
        """The variable, if it keeps its value."""
        return () if self.form(target) != Form(0, ((target.name, 1),)) else (target.name,)

    def is_natural(self, form: Form) -> bool:
        """Whether the value is known not to be negative."""
        return form.constant >= 0 and all(c > 0 and atom in self._natural for atom, c in form.terms)

    def grows(self, entry: Arg, loop: For) -> Form | None:
        """What an index has besides that of a loop with steps of one, if no two iterations have the same.

        A negative one counts from the end, and could be another iteration's.
        """
        form = self.form(entry) if isinstance(entry, Var) else None
        lowest = self.lowest(loop)
        if form is None or lowest is None or dict(form.terms).get(loop.index.name) != 1:
            return None
        rest = form.plus(Form(0, ((loop.index.name, 1),)), -1)
        return rest if self.is_natural(lowest.plus(rest)) else None

    def lowest(self, loop: For) -> Form | None:
        """The smallest index of a loop with steps of one, if it runs."""
        if not (isinstance(loop.step, Const) and loop.step.value in (1, -1)):
            return None
        if loop.step.value == 1:
            return self.form(loop.start)
        last = self.form(loop.stop)
        return None if last is None else last.shifted(1)

    def clamped(self, statement: Assign) -> Operand | None:
        """What the value is that or 0, whichever is greater."""
        match statement:
            case Assign(function=primitives.select, args=(Var() as test, Const(value=0), other)) if (
                statement.targets[0].type == INT and isinstance(other, Var | Const)
            ):
                made = self._tests.get(test.name)
                if made is None or not _is_zero(made.args[1]):
                    return None
                below = self.form(made.args[0])  # type: ignore[arg-type]
                return other if below is not None and below == self.form(other) else None
            case Assign(function=function, args=(a, b)) if (
                function is max and statement.targets[0].type == INT
            ):
                if isinstance(a, Var | Const) and isinstance(b, Var | Const):
                    return a if _is_zero(b) else b if _is_zero(a) else None
        return None

    def _of(self, statement: Assign) -> Form | None:
        if statement.kwargs or not all(isinstance(arg, Var | Const) for arg in statement.args):
            return None
        parts = [self.form(arg) for arg in statement.args]  # type: ignore[arg-type]
        if any(part is None for part in parts):
            return None
        match statement.function, parts:
            case primitives.bind, [Form() as a]:
                return a
            case np.add, [Form() as a, Form() as b]:
                return a.plus(b)
            case np.subtract, [Form() as a, Form() as b]:
                return a.plus(b, -1)
            case np.multiply, [Form() as a, Form() as b] if not (a.terms and b.terms):
                number, other = (a, b) if not a.terms else (b, a)
                return Form(0).plus(other, number.constant)
        return None

    def write(self, builder: Builder, form: Form) -> Operand:
        """Statements for a form, and the operand that holds its value."""
        total: Operand | None = None
        for name, coefficient in sorted(form.terms, key=lambda term: term[1] < 0):
            term: Operand = Var(name, INT)
            if abs(coefficient) != 1 or (total is None and coefficient < 0):
                size = abs(coefficient) if total is not None else coefficient
                term = builder.call(np.multiply, term, size, name="p")
            if total is None:
                total = term
            else:
                function = np.add if coefficient > 0 else np.subtract
                total = builder.call(function, total, term, name="p")
        if total is None:
            return Const(form.constant)
        if form.constant:
            function = np.add if form.constant > 0 else np.subtract
            total = builder.call(function, total, abs(form.constant), name="p")
        assert total is not None
        return total


def _is_zero(operand: object) -> bool:
    return isinstance(operand, Const) and type(operand.value) is int and operand.value == 0
