"""Products of matrices that a vector, a sum or a diagonal matrix makes cheaper: n² in place of n³.

    p = a @ b                         t = b @ v
    y = p @ v            becomes      y = a @ t             where p is used nowhere else

    y = np.sum(p)        becomes      y = np.sum(a, 0) @ np.sum(b, 1)

    d = np.diag(v)
    y = a @ d            becomes      y = a * v

The adjoint has no products of matrices then either: the cotangent of p, the product of a column and a row, is
never written down. (Hu & Shing, *Computation of matrix chain products*, 1982.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, Operand, Program, Statement, Var
from pullback.ir.types import Array
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import Uses

_PRODUCTS = frozenset([np.matmul, np.dot])


def associated(program: Program) -> Program:
    """The same function with cheaper products."""
    while any(map(_is_taken, walk(program.body))):
        rewrite = _Rewrite(program)
        body = rewrite.block(program.body)
        if not rewrite.changed:
            break
        program = replace(program, body=body)
    return program


def _is_taken(statement: Statement) -> bool:
    """Whether something else may be taken of it than it is: a product of two matrices, or a diagonal one."""
    return isinstance(statement, Assign) and (
        _factors(statement) is not None or _diagonal(statement) is not None
    )


def _factors(statement: Assign) -> tuple[Var, Var] | None:
    """The two matrices that a statement multiplies."""
    match statement:
        case Assign(function=function, args=(Var() as a, Var() as b), kwargs=()) if function in _PRODUCTS:
            return (a, b) if _ndim(a) == _ndim(b) == 2 else None
    return None


def _diagonal(statement: Assign) -> Var | None:
    """What stands on the diagonal of the matrix that a statement makes."""
    match statement:
        case Assign(function=np.diag, args=(Var() as v,), kwargs=()) if _ndim(v) == 1:
            return v
    return None


def _ndim(operand: Arg) -> int:
    kind = operand_type(operand) if isinstance(operand, Var) else None
    return kind.ndim if isinstance(kind, Array) else 0


class _Rewrite:
    """One walk over a program; `changed` says whether it has found anything."""

    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self._names = names_of(program)
        self.changed = False

    def block(self, block: Block) -> Block:
        """A block, in which a matrix and the statement that takes it are side by side, or further apart."""
        waiting: dict[str, Assign] = {}
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, self.block)
            found = self._taken(statement, waiting) if isinstance(statement, Assign) else None
            if found is not None:
                matrix, statements = found
                made = [s for s in made if s is not matrix] + [*statements]
                self.changed = True
                continue
            if isinstance(statement, Assign) and _is_taken(statement) and self._waits(statement):
                waiting[statement.targets[0].name] = statement
            made.append(statement)
        return tuple(made)

    def _waits(self, matrix: Assign) -> bool:
        """Whether one statement uses the matrix, and finds what it is made of as it was."""
        name, uses = matrix.targets[0].name, self._uses
        if name in uses.cells or uses.count(name) != 1:
            return False
        names = frozenset(arg.name for arg in matrix.args if isinstance(arg, Var))
        memory = frozenset(map(uses.memory, names))
        return not uses.changes(name, uses.place(name), memory, names & uses.cells)

    def _taken(self, statement: Assign, waiting: dict[str, Assign]) -> tuple[Assign, Block] | None:
        """The matrix that a statement takes, and what takes the place of both."""
        for place, arg in enumerate(statement.args):
            matrix = waiting.get(arg.name) if isinstance(arg, Var) else None
            if matrix is None:
                continue
            e = Builder(self._names)
            e.location, e.comment = statement.location, statement.comment
            y = _of(e, statement, place, matrix)
            target, *others = statement.targets
            if y is None or others or operand_type(y) != target.type:
                return None
            *ahead, last = e.statements()
            return matrix, (*ahead, replace(last, targets=(target,)))
        return None


def _of(e: Builder, statement: Assign, place: int, matrix: Assign) -> Operand | None:
    """The result of a statement that has `matrix` at `place`; None if it would be no cheaper without."""
    factors, entries = _factors(matrix), _diagonal(matrix)
    if statement.function is np.sum and factors is not None:
        return _sum(e, statement, *factors)
    if statement.function not in _PRODUCTS or statement.kwargs or len(statement.args) != 2:
        return None
    other = statement.args[1 - place]
    if not isinstance(other, Var) or other == statement.args[place]:
        return None
    if entries is not None:
        return _scaled(e, entries, other, place == 0)
    assert factors is not None
    if _ndim(other) != 1:
        return None
    a, b = factors
    if place == 0:
        return e.call(np.matmul, a, e.call(np.matmul, b, other))
    return e.call(np.matmul, e.call(np.matmul, other, a), b)


def _sum(e: Builder, statement: Assign, a: Var, b: Var) -> Operand | None:
    """The sum of a product, over all of it or one axis."""
    keywords = dict(statement.kwargs)
    axis = keywords.pop("axis", statement.args[1] if len(statement.args) == 2 else Const(None))
    if keywords or len(statement.args) > 2 or not isinstance(axis, Const):
        return None
    total: Callable[..., Any] = np.sum
    match axis.value:
        case None:
            return e.call(np.matmul, e.call(total, a, axis=0), e.call(total, b, axis=1))
        case 0 | -2:
            return e.call(np.matmul, e.call(total, a, axis=0), b)
        case 1 | -1:
            return e.call(np.matmul, a, e.call(total, b, axis=1))
    return None


def _scaled(e: Builder, entries: Var, other: Var, on_left: bool) -> Operand | None:
    """The product with a diagonal matrix, which may stand on the left."""
    axis = 0 if on_left else _ndim(other) - 1
    kinds = (operand_type(entries), operand_type(other))
    if _ndim(other) not in (1, 2) or 0 in kinds[0].ones or axis in kinds[1].ones:
        # Elementwise, an axis of length 1 would be stretched.
        return None
    if on_left and _ndim(other) == 2:
        entries = e.call(np.expand_dims, entries, 1)
    return e.call(np.multiply, other, entries)
