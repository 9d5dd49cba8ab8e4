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
from typing import Any

import numpy as np

from pullback.ir.build import Builder, operand_type
from pullback.ir.nodes import Arg, Assign, Const, Operand, Program, Var
from pullback.ir.types import Array
from pullback.optimize.taken import Waiting, retaken

_PRODUCTS = frozenset([np.matmul, np.dot])


def associated(program: Program) -> Program:
    """The same function with cheaper products."""
    return retaken(program, _is_taken, _of)


def _is_taken(statement: Assign) -> bool:
    """Whether something else may be taken of it than it is: a product of two matrices, or a diagonal one."""
    return _factors(statement) is not None or _diagonal(statement) is not None


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


def _of(e: Builder, statement: Assign, place: int, waiting: Waiting) -> Operand | None:
    """The result of a statement that takes a matrix at `place`; None if it would be no cheaper without."""
    taken = statement.args[place]
    assert isinstance(taken, Var)
    matrix = waiting[taken.name]
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
