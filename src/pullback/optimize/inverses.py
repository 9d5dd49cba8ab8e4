"""Inverses that one product takes and nothing else: a linear system in their place.

    c = np.linalg.inv(a)
    y = c @ b              becomes  y = np.linalg.solve(a, b)

It costs a third where b is a vector, has the smaller error, and its adjoint is a system, too, where that of
the inverse multiplies three matrices. (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002,
§14.1.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Program, Statement, Var
from pullback.ir.types import Array
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import Uses


def systems_for_inverses(program: Program) -> Program:
    """The same function, with `solve` in place of `inv` where a product alone takes the inverse."""
    if not any(_is_inverse(statement) for statement in walk(program.body)):
        return program
    return replace(program, body=_Rewrite(program).block(program.body))


def _is_inverse(statement: Statement) -> bool:
    return isinstance(statement, Assign) and statement.function is np.linalg.inv and not statement.kwargs


class _Rewrite:
    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self._names = names_of(program)

    def block(self, block: Block) -> Block:
        """A block, in which an inverse and the product that takes it are side by side, or further apart."""
        inverses: dict[str, Assign] = {}
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, self.block)
            if isinstance(statement, Assign) and _is_inverse(statement) and self._waits(statement):
                inverses[statement.targets[0].name] = statement
            found = self._system(statement, inverses) if isinstance(statement, Assign) else None
            if found is None:
                made.append(statement)
            else:
                inverse, system = found
                made = [s for s in made if s is not inverse] + [*system]
        return tuple(made)

    def _waits(self, inverse: Assign) -> bool:
        """Whether one statement uses the inverse, and finds the matrix as it was."""
        name, uses = inverse.targets[0].name, self._uses
        if name in uses.cells or uses.count(name) != 1 or not isinstance(inverse.args[0], Var):
            return False
        matrix = inverse.args[0].name
        memory = frozenset((uses.memory(matrix),))
        return not uses.changes(name, uses.place(name), memory, frozenset((matrix,)) & uses.cells)

    def _system(self, product: Assign, inverses: dict[str, Assign]) -> tuple[Assign, Block] | None:
        """The inverse that a product takes, and what takes the place of the product."""
        if product.function not in (np.matmul, np.dot) or len(product.args) != 2 or product.kwargs:
            return None
        a, b = product.args
        if not isinstance(a, Var) or not isinstance(b, Var):
            return None
        ranks = [x.type.ndim if isinstance(x.type, Array) else 0 for x in (a, b)]
        if 0 in ranks or (product.function is np.dot and max(ranks) > 2):
            return None
        on_left = a.name in inverses
        if on_left == (b.name in inverses):
            return None
        inverse = inverses[(a if on_left else b).name]
        other, matrix = (b if on_left else a), inverse.args[0]
        e = Builder(self._names)
        e.location, e.comment = inverse.location, product.comment
        y = e.call(np.linalg.solve, matrix, other) if on_left else _from_right(e, matrix, other)
        (target,) = product.targets
        if y.type != target.type:
            return None
        *ahead, last = e.statements()
        return inverse, (*ahead, replace(last, targets=(target,)))


def _from_right(e: Builder, matrix: Any, other: Var) -> Any:
    """``other @ inv(matrix)``."""
    if isinstance(other.type, Array) and other.type.ndim == 1:
        return e.call(np.linalg.solve, e.call(np.swapaxes, matrix, -1, -2), other)
    turned = (e.call(np.swapaxes, x, -1, -2) for x in (matrix, other))
    return e.call(np.ascontiguousarray, e.call(np.swapaxes, e.call(np.linalg.solve, *turned), -1, -2))
