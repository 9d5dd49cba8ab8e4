"""Linear systems in two steps: ``y = np.linalg.solve(a, b)`` by the factors of `a`, which others can share.

    factors = factorised(a)              once for all systems with `a`, and ahead of the loops where it does
    y = solved_by(a, b, factors)         not change

So are inverses and determinants. Derivatives of the second are made of the same factors (`rules.systems`).
Factors that serve a single system after all are not worth two calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, Operand, Program, Statement, Var
from pullback.ir.types import Array
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import Uses
from pullback.rules.systems import det_by, factorised, inverted_by, slogdet_by, solved_by

_BY_FACTORS: dict[Any, Any] = {
    np.linalg.inv: inverted_by, np.linalg.det: det_by, np.linalg.slogdet: slogdet_by,
}  # fmt: skip
"""What makes of factors what a function of a matrix alone makes of it."""


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
    """Whether it is made of the factors of one matrix, of numbers that LAPACK computes with."""
    match statement:
        case Assign(function=np.linalg.solve, args=(Var() as a, Var() as b), kwargs=()):
            return _is_matrix(a) and isinstance(b.type, Array) and b.type.ndim in (1, 2) and _is_inexact(b)
        case Assign(function=function, args=(Var() as a,), kwargs=()) if function in _BY_FACTORS:
            return _is_matrix(a)
    return False


def _is_matrix(a: Var) -> bool:
    return isinstance(a.type, Array) and a.type.ndim == 2 and _is_inexact(a)


def _is_inexact(array: Var) -> bool:
    return isinstance(array.type, Array) and array.type.dtype.char in "fdFD"


def _of_one_dtype(arrays: tuple[Any, ...], builder: Builder) -> list[Var]:
    """The arrays, those of a narrower dtype converted: a real matrix and complex right sides, say."""
    dtype = np.result_type(*(array.type.dtype for array in arrays))
    return [
        array if array.type.dtype == dtype else builder.call(primitives.cast, array, dtype, name=array.name)
        for array in arrays
    ]


def _in_two_steps(statement: Assign, builder: Builder) -> Block:
    with builder.block() as made:
        builder.location, builder.comment = statement.location, statement.comment
        a, *others = _of_one_dtype(statement.args, builder)
        factors: Operand = builder.call(factorised, a, name="factors")
    if others:
        rest = replace(statement, function=solved_by, args=(a, *others, factors, Const(False)))
    else:
        rest = replace(statement, function=_BY_FACTORS[statement.function], args=(a, factors))
    return (*made.statements(), rest)
