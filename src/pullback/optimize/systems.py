"""Linear systems in two steps: ``y = np.linalg.solve(a, b)`` by the factors of `a`, which others can share.

    factors = factorised(a)              once for all systems with `a`, and ahead of the loops where it does
    y = solved_by(a, b, factors)         not change

Derivatives of the second are systems with the same factors (`rules.systems`). Factors that serve a single
system after all are not worth two calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Assign, Block, Const, Operand, Program, Statement, Var
from pullback.ir.types import Array
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import Uses
from pullback.rules.systems import factorised, solved_by


def with_factors(program: Program) -> Program:
    """The same function, with the factors of matrices as variables."""
    if not any(map(_suits, walk(program.body))):
        return program
    builder = Builder(names_of(program))

    def rewritten(block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, rewritten)
            if isinstance(statement, Assign) and _suits(statement):
                made += _in_two_steps(statement, builder)
            else:
                made.append(statement)
        return tuple(made)

    return replace(program, body=rewritten(program.body))


def without_factors(program: Program) -> Program:
    """The same function, where each of the factors that are variables serves several systems."""
    uses = Uses(program)
    once: set[str] = set()
    for position, statement in enumerate(walk(program.body)):
        if isinstance(statement, Assign) and statement.function is factorised:
            (a,), (target,) = statement.args, statement.targets
            assert isinstance(a, Var)
            memory, cells = frozenset([uses.memory(a.name)]), frozenset([a.name])
            if (
                [given[3].value for s in uses.readers(target.name) if (given := _by_factors(s))] == [False]
                and uses.count(target.name) == 1
                and not uses.repeats(target.name, position)
                and not uses.changes(target.name, position, memory, cells)
            ):
                once.add(target.name)

    def rewritten(block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, rewritten)
            if isinstance(statement, Assign) and not once.isdisjoint(t.name for t in statement.targets):
                continue
            given = _by_factors(statement)
            if isinstance(statement, Assign) and given and given[2].name in once:
                statement = replace(statement, function=np.linalg.solve, args=given[:2])
            made.append(statement)
        return tuple(made)

    return replace(program, body=rewritten(program.body)) if once else program


def _by_factors(statement: Statement) -> tuple[Any, ...]:
    """The arguments of `solved_by`; none for another statement."""
    return statement.args if isinstance(statement, Assign) and statement.function is solved_by else ()


def _suits(statement: Statement) -> bool:
    """Whether it solves with one matrix, of numbers that LAPACK computes with."""
    match statement:
        case Assign(function=np.linalg.solve, args=(Var() as a, Var() as b), kwargs=()):
            kinds = [operand_type(a), operand_type(b)]
            dtype = kinds[0].dtype
            return (
                all(isinstance(kind, Array) and kind.dtype == dtype for kind in kinds)
                and dtype.char in "fdFD"
                and kinds[0].ndim == 2
                and kinds[1].ndim in (1, 2)
            )
    return False


def _in_two_steps(statement: Assign, builder: Builder) -> Block:
    a, b = statement.args
    with builder.block() as made:
        builder.location, builder.comment = statement.location, statement.comment
        factors: Operand = builder.call(factorised, a, name="factors")
    return (*made.statements(), replace(statement, function=solved_by, args=(a, b, factors, Const(False))))
