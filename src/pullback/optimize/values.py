"""Each value computed once, copies and constants passed on, tests decided that are known.

Value numbering over the structured program: an expression is known by its function and the values of its
operands; a variable that is assigned again, and memory that is stored into, have a version. A loop starts
with new versions of all that changes in it. (Briggs, Cooper & Simpson, *Value numbering*, 1997, §3,
dominator-based.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import (
    Assign,
    Block,
    Checkpoint,
    Const,
    For,
    If,
    Operand,
    Program,
    Raise,
    Return,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import Array, Scalar, as_operator
from pullback.ir.walk import assigns, changed, kept, map_reads, reads, walk, with_body
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import Uses
from pullback.rules.table import BY_USERS, TABLE

Known = dict[Any, Any]


def share_values(program: Program) -> Program:
    """The same function with each scalar value, and each solution of a system, computed once."""
    return with_body(program, _Values(program).block(program.body, {}))


class _Values:
    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self._versions: dict[str | tuple[str, str], int] = {}
        self._copies: dict[str, Operand] = {}
        returned = (v for s in walk(program.body) if isinstance(s, Return) for v in reads(s))
        self._returned = {self._uses.memory(v.name) for v in returned}

    def block(self, block: Block, known: Known) -> Block:
        """A block, where `known` are the values of what ran before it."""
        known = dict(known)
        new: list[Statement] = []
        for statement in block:
            statement = map_reads(statement, self._copy)
            match statement:
                case Assign():
                    if not self._shared(statement, known):
                        new.append(self._folded(statement))
                        self._touch(statement)
                case If():
                    new.extend(self._if(statement, known))
                case For():
                    self._touch(statement)
                    new.append(changed(statement, body=self.block(statement.body, known)))
                    self._touch(statement)
                case While():
                    self._touch(statement)
                    before = self.block(statement.before, known)
                    test = self._copy(statement.test)
                    body = self.block(statement.body, known)
                    new.append(changed(statement, before=before, test=test, body=body))
                    self._touch(statement)
                case _:
                    new.append(statement)
                    self._touch(statement)
        return kept(block, new)

    def _copy(self, operand: Operand) -> Operand:
        return self._copies.get(operand.name, operand) if isinstance(operand, Var) else operand

    def _if(self, statement: If, known: Known) -> Block:
        if isinstance(statement, Checkpoint):
            then = self.block(statement.then, known)
            self._touch(statement)
            return (changed(statement, then=then),)
        test = statement.test
        decided = known.get(("test", test.name)) if isinstance(test, Var) else bool(test.value)
        if decided is not None:
            return self._inline(statement.then if decided else statement.orelse, known)
        assert isinstance(test, Var)
        stable = test.name not in self._uses.cells
        then = self.block(statement.then, known | ({("test", test.name): True} if stable else {}))
        orelse = self.block(statement.orelse, known | ({("test", test.name): False} if stable else {}))
        self._touch(statement)
        if stable and then and isinstance(then[-1], Raise):
            known["test", test.name] = False
        return (changed(statement, then=then, orelse=orelse),)

    def _inline(self, block: Block, known: Known) -> Block:
        result = self.block(block, known)
        for statement in block:
            self._touch(statement)
        return result

    def _touch(self, statement: Statement) -> None:
        """New versions of what a statement, or anything in it, changes."""
        versions = self._versions
        for inner in (statement,) if isinstance(statement, Assign | Store) else walk((statement,)):
            for target in assigns(inner):
                versions[target.name] = versions.get(target.name, 0) + 1
            if isinstance(inner, Store):
                memory = ("memory", self._uses.memory(inner.array.name))
                versions[memory] = versions.get(memory, 0) + 1

    def _is_pure(self, statement: Assign) -> bool:
        return statement.function in _PURE or is_elementwise(statement.function)

    def _shared(self, statement: Assign, known: Known) -> bool:
        """Whether the assignment is not needed, as its value is known under another name."""
        if len(statement.targets) != 1:
            return False
        target = statement.targets[0]
        if target.name in self._uses.cells:
            return False
        if statement.function is primitives.bind:
            source = statement.args[0]
            if isinstance(source, Const) or (isinstance(source, Var) and source.name not in self._uses.cells):
                return self._alias(target, source)
            return False
        if not (self._is_own(target) if isinstance(target.type, Array) else self._is_pure(statement)):
            return False
        if isinstance(target.type, Array) and not _is_costly(statement.function):
            return False
        key = self._key(statement)
        if key in known:
            return self._alias(target, known[key])
        known[key] = target
        return False

    def _is_own(self, target: Var) -> bool:
        """Whether nobody would notice that an array is the same as another: it is only read, and here."""
        memory = self._uses.memory(target.name)
        return not self._uses.is_stored(target.name) and memory not in self._returned

    def _alias(self, target: Var, source: Operand) -> bool:
        if isinstance(source, Const) and not isinstance(
            source.value, bool | int | float | complex | np.generic
        ):
            return False
        kind = operand_type(source)
        if isinstance(kind, Scalar) and kind != target.type:
            return False
        if isinstance(kind, Array) and kind != target.type:
            return False
        self._copies[target.name] = source
        return True

    def _key(self, statement: Assign) -> Any:
        def number(arg: Any) -> Any:
            if isinstance(arg, Var):
                return (arg.name, self._versions.get(arg.name, 0))
            if isinstance(arg, Const):
                return (type(arg.value), repr(arg.value))
            if isinstance(arg, tuple):
                return tuple(number(part) for part in arg)
            return repr(arg)

        memory = None
        if statement.function is primitives.item or isinstance(statement.targets[0].type, Array):
            memory = tuple(
                self._versions.get(("memory", self._uses.memory(v.name)), 0)
                for v in reads(statement)
                if isinstance(v.type, Array)
            )
        keywords = tuple((name, number(value)) for name, value in statement.kwargs)
        return (statement.function, number(statement.args), keywords, memory, statement.targets[0].type)

    def _folded(self, statement: Assign) -> Assign:
        """The assignment of a constant where all that is computed with is constant."""
        if len(statement.targets) != 1 or statement.kwargs or not self._is_pure(statement):
            return statement
        target = statement.targets[0]
        if not isinstance(target.type, Scalar) or not all(isinstance(a, Const) for a in statement.args):
            return statement
        values = tuple(arg.value for arg in statement.args)  # type: ignore[union-attr]
        try:
            with np.errstate(all="ignore"):
                result = as_operator(statement.function, values)(*values)
        except (ArithmeticError, ValueError):
            return statement
        constant = Const(result)
        if target.name not in self._uses.cells and operand_type(constant) == target.type:
            self._copies[target.name] = constant
        return replace(statement, function=primitives.bind, args=(constant,))


def _is_costly(function: Callable[..., Any]) -> bool:
    """Whether a result that is an array is worth being known again: there is a row, and no other work."""
    rule = TABLE.get(function)
    return rule is not None and rule.partials is None and not rule.view and function not in BY_USERS


_PURE: frozenset[Callable[..., Any]] = frozenset([
    primitives.item, primitives.dim, primitives.cast, primitives.weaken, primitives.truncate,
    primitives.select, primitives.stopped,
])  # fmt: skip
