"""Integer arithmetic with what is known of signs and differences.

Lengths are not negative, so ``0 if n < 0 else n`` is ``n`` for them; ``n - 1 + 1`` is ``n``; a test whether a
thing differs from itself is decided. Each integer that keeps its value is a linear form (`optimize.linear`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Program, Statement, Var
from pullback.ir.types import BOOL, INT
from pullback.ir.walk import with_blocks, with_body
from pullback.optimize.linear import Linear
from pullback.optimize.uses import Uses

_DECIDED = {
    np.equal: lambda d: d == 0, np.not_equal: lambda d: d != 0, np.less: lambda d: d < 0,
    np.less_equal: lambda d: d <= 0, np.greater: lambda d: d > 0, np.greater_equal: lambda d: d >= 0,
}  # fmt: skip


def fold_integers(program: Program) -> Program:
    """The same function with integers as short sums, and without tests that are decided."""
    return with_body(program, _Folding(program).block(program.body))


class _Folding:
    def __init__(self, program: Program) -> None:
        self._linear = Linear(program, Uses(program))
        self._open: set[str] = set()

    def block(self, block: Block) -> Block:
        return tuple(self._statement(statement) for statement in block)

    def _statement(self, statement: Statement) -> Statement:
        if not isinstance(statement, For):
            return with_blocks(self._folded(statement), self.block)
        self._open.add(statement.index.name)
        new = with_blocks(statement, self.block)
        self._open.discard(statement.index.name)
        return new

    def _folded(self, statement: Statement) -> Statement:
        if not isinstance(statement, Assign) or len(statement.targets) != 1:
            return statement
        kind = statement.targets[0].type
        if statement.function is primitives.select and isinstance(statement.args[0], Const):
            chosen = statement.args[1 if statement.args[0].value else 2]
            same = isinstance(chosen, Var | Const) and operand_type(chosen) == kind
            return _bound(statement, chosen) if same else statement  # type: ignore[arg-type]
        if kind == BOOL and statement.function in _DECIDED:
            return self._decided(statement)
        if kind != INT:
            return statement
        clamped = self._linear.clamped(statement)
        if clamped is not None:
            form = self._linear.form(clamped)
            return (
                _bound(statement, clamped)
                if form is not None and self._linear.is_natural(form)
                else statement
            )
        return self._shortened(statement) if statement.function in (np.add, np.subtract) else statement

    def _decided(self, statement: Assign) -> Assign:
        forms = [self._linear.form(arg) for arg in statement.args if isinstance(arg, Var | Const)]
        if len(forms) != 2 or forms[0] is None or forms[1] is None:
            return statement
        difference = forms[0].plus(forms[1], -1)
        if not difference.terms:
            return _bound(statement, Const(bool(_DECIDED[statement.function](difference.constant))))
        if statement.function is np.less and self._linear.is_natural(difference):
            return _bound(statement, Const(False))
        return statement

    def _shortened(self, statement: Assign) -> Assign:
        """A sum that is a variable, or one and a number."""
        target = statement.targets[0]
        form = self._linear.form(target)
        if form is None or len(form.terms) > 1 or any(c != 1 or a == target.name for a, c in form.terms):
            return statement
        if not form.terms:
            # What divides by zero is to say so when it runs.
            return _bound(statement, Const(form.constant)) if form.constant else statement
        base = Var(form.terms[0][0], INT)
        # After a loop its index is not to be read: another pass may rename it.
        if base.name in self._linear.indices - self._open:
            return statement
        if form.constant == 0:
            return _bound(statement, base)
        function = np.add if form.constant > 0 else np.subtract
        if statement.function is function and statement.args[0] == base:
            return statement
        return replace(statement, function=function, args=(base, Const(abs(form.constant))))


def _bound(statement: Assign, value: Operand) -> Assign:
    return replace(statement, function=primitives.bind, args=(value,), kwargs=())
