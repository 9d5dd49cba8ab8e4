"""Checks of lengths: made before the loops between which they stand, and believed after them.

    for i in range(n): …                     if n != m: raise …
    if n != m: raise …            becomes    for i in range(n): …
    for i in range(m): …                     for i in range(n): …

so that loops over the same range meet and become one, and loops over an axis that has to have three entries
are loops of three iterations.
"""

from __future__ import annotations

import numpy as np

from pullback.ir import primitives
from pullback.ir.memory import Memory, memory_of
from pullback.ir.nodes import (
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
    While,
)
from pullback.ir.types import INT, Scalar
from pullback.ir.walk import assigns, reads, substitute, walk, with_body
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import cells_of

_PLAIN = frozenset([primitives.dim, primitives.bind, primitives.cast, primitives.select, max, min])


def believe_checks(program: Program) -> Program:
    """The same function with its outermost checks ahead of loops, and what they say of lengths in use."""
    cells = cells_of(program)
    return with_body(program, _believed(_ahead(program, cells), cells))


def _ahead(program: Program, cells: frozenset[str]) -> Block:
    """The body, with checks and the integers they need ahead of loops that have nothing to do with them."""
    memory = memory_of(program)
    given = {memory.group(param.name) for param in program.params}
    made: list[_Passed] = []
    for statement in program.body:
        place = len(made)
        checks = _is_check(statement)
        if checks or _is_integer(statement, cells):
            needed = {v.name for v in reads(statement)}
            while place and not made[place - 1].holds_up(needed, checks):
                place -= 1
            if not any(isinstance(passed.statement, For | While) for passed in made[place:]):
                place = len(made)
        made.insert(place, _Passed(statement, memory, given))
    return tuple(passed.statement for passed in made)


class _Passed:
    """A statement that others may move ahead of: what it assigns, and whether it is seen from outside."""

    def __init__(self, statement: Statement, memory: Memory, given: set[str]) -> None:
        inside = list(walk((statement,)))
        self.statement = statement
        self.is_check = _is_check(statement)
        self.assigned = {target.name for inner in inside for target in assigns(inner)}
        self.has_effect = any(_has_effect(inner, memory, given) for inner in inside)

    def holds_up(self, needed: set[str], checks: bool) -> bool:
        """Whether what needs these names cannot run before this; checks stay in their order."""
        return self.is_check or (checks and self.has_effect) or not self.assigned.isdisjoint(needed)


def _is_check(statement: Statement) -> bool:
    if not isinstance(statement, If) or statement.orelse or not statement.then:
        return False
    return all(isinstance(inner, Raise) for inner in statement.then)


def _is_integer(statement: Statement, cells: frozenset[str]) -> bool:
    """Whether a statement computes an integer or a truth of nothing but such, and of lengths."""
    if not isinstance(statement, Assign) or len(statement.targets) != 1 or statement.kwargs:
        return False
    target = statement.targets[0]
    numbers = [v for v in reads(statement) if isinstance(v.type, Scalar)]
    return (
        all(isinstance(v.type, Scalar) and v.type.dtype.kind in "ib" for v in (target, *numbers))
        and not any(v.name in cells for v in (target, *numbers))
        and (statement.function in _PLAIN or (is_elementwise(statement.function) and _has_numbers(statement)))
    )


def _has_numbers(statement: Assign) -> bool:
    return all(isinstance(v.type, Scalar) for v in reads(statement))


def _has_effect(statement: Statement, memory: Memory, given: set[str]) -> bool:
    """Whether it matters to the caller that a statement runs before an error."""
    return isinstance(statement, Raise) or (
        isinstance(statement, Store) and memory.group(statement.array.name) in given
    )


def _believed(block: Block, cells: frozenset[str]) -> Block:
    """The block, where what is not equal would have raised."""
    made: list[Statement] = []
    tests: dict[str, tuple[Operand, Operand]] = {}
    places: dict[str, int] = {}
    rest = list(block)
    while rest:
        statement = rest.pop(0)
        made.append(statement)
        places |= {target.name: len(made) for target in assigns(statement)}
        match statement:
            case Assign(
                targets=(target,), function=np.not_equal, args=(Var() | Const() as a, Var() | Const() as b)
            ):
                if target.name not in cells:
                    tests[target.name] = a, b
            case If(test=Var(name=name)) if _is_check(statement) and name in tests:
                known = _equal(*tests[name], cells, places)
                rest = list(substitute(tuple(rest), known)) if known else rest
    return tuple(made)


def _equal(a: Operand, b: Operand, cells: frozenset[str], places: dict[str, int]) -> dict[str, Operand]:
    """What stands for which length from now on: a number where there is one, else what is older."""

    def age(operand: Operand) -> int:
        return places.get(operand.name, 0) if isinstance(operand, Var) else -1

    older, newer = sorted((a, b), key=age)
    if not isinstance(newer, Var) or newer.type != INT or newer.name in cells:
        return {}
    if isinstance(older, Const):
        return {newer.name: older} if type(older.value) is int else {}
    return {newer.name: older} if older.type == INT and older.name not in cells else {}
