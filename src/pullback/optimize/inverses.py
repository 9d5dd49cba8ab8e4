"""Inverses that one product takes and nothing else: a linear system in their place.

    c = np.linalg.inv(a)
    y = c @ b              becomes  y = np.linalg.solve(a, b)

It costs a third where b is a vector, has the smaller error, and its adjoint is a system, too, where that of
the inverse multiplies three matrices. (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002,
§14.1.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir.build import Builder
from pullback.ir.nodes import Assign, Operand, Program, Var
from pullback.ir.types import Array
from pullback.optimize.taken import Waiting, retaken


def systems_for_inverses(program: Program) -> Program:
    """The same function, with `solve` in place of `inv` where a product alone takes the inverse."""
    return retaken(program, _is_inverse, _system)


def _is_inverse(statement: Assign) -> bool:
    return statement.function is np.linalg.inv and not statement.kwargs and isinstance(statement.args[0], Var)


def _system(e: Builder, product: Assign, place: int, waiting: Waiting) -> Operand | None:
    """The solution in place of a product that takes an inverse; None where it takes two."""
    if product.function not in (np.matmul, np.dot) or len(product.args) != 2 or product.kwargs:
        return None
    taken, other = product.args[place], product.args[1 - place]
    if not isinstance(taken, Var) or not isinstance(other, Var) or other.name in waiting:
        return None
    ranks = [x.type.ndim if isinstance(x.type, Array) else 0 for x in (taken, other)]
    if 0 in ranks or (product.function is np.dot and max(ranks) > 2):
        return None
    inverse = waiting[taken.name]
    matrix = inverse.args[0]
    e.location = inverse.location
    return e.call(np.linalg.solve, matrix, other) if place == 0 else _from_right(e, matrix, other)


def _from_right(e: Builder, matrix: Any, other: Var) -> Any:
    """``other @ inv(matrix)``."""
    if isinstance(other.type, Array) and other.type.ndim == 1:
        return e.call(np.linalg.solve, e.call(np.swapaxes, matrix, -1, -2), other)
    turned = (e.call(np.swapaxes, x, -1, -2) for x in (matrix, other))
    return e.call(np.ascontiguousarray, e.call(np.swapaxes, e.call(np.linalg.solve, *turned), -1, -2))
