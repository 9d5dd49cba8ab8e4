"""Divisions by one number in the factors of an adjoint: one division, and products with the reciprocal.

Both partial derivatives of a quotient divide by its denominator, and divisions do not overlap as products do.
``x * (1 / b)`` is ``x / b`` but for the last bits, except where ``1 / b`` overflows: then it is infinite or
NaN. So this is for plain products whose results are looked at (`optimistic`), in factors that reach results
through nothing but sums and products.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Assign, Block, Const, Operand, Program, Statement, Var
from pullback.ir.types import Scalar
from pullback.ir.walk import with_blocks, with_body
from pullback.optimize.uses import Uses


def share_reciprocals(program: Program, builder: Builder) -> Program:
    """The program with one division by each number in the factors that a block computes for `scale`."""
    return with_body(program, _Sharing(program, builder).block(program.body))


class _Sharing:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._builder = builder
        self._factors: dict[str, bool] = {}

    def block(self, block: Block) -> Block:
        groups: dict[str, list[Assign]] = {}
        for statement in block:
            if self._is_quotient(statement):
                groups.setdefault(statement.args[1].name, []).append(statement)  # type: ignore[union-attr]
        put: dict[int, Block] = {}
        for quotients in groups.values():
            if len(quotients) > 1 and len({q.targets[0].type for q in quotients}) == 1:
                put |= self._products(quotients)
        made: list[Statement] = []
        for statement in block:
            made += put.get(id(statement), ()) or (() if id(statement) in put else (statement,))
        return tuple(with_blocks(statement, self.block) for statement in made)

    def _products(self, quotients: list[Assign]) -> dict[int, Block]:
        """What stands for each of the divisions by one number."""
        first = quotients[0]
        known = next((q for q in quotients if _is_one(q.args[0])), None)
        if known is None:
            target = self._builder.var("reciprocal", first.targets[0].type)
            known = replace(first, targets=(target,), args=(Const(1), first.args[1]))
        put: dict[int, Block] = {}
        for quotient in quotients:
            product = replace(quotient, function=np.multiply, args=(quotient.args[0], known.targets[0]))
            put[id(quotient)] = () if quotient is known else (product,)
        put[id(first)] = (known, *put[id(first)])
        return put

    def _is_quotient(self, statement: Statement) -> bool:
        match statement:
            case Assign(targets=(target,), function=np.divide, args=(_, Var() as by), kwargs=()):
                plain = target.name not in self._uses.cells and by.name not in self._uses.cells
                return plain and _is_real(target) and _is_real(by) and self._is_factor(target.name)
        return False

    def _is_factor(self, name: str) -> bool:
        """Whether all that comes of a variable are factors for `scale`, without sums on the way."""
        if name not in self._factors:
            # What is read by itself, around a loop, is none.
            self._factors[name] = False
            self._factors[name] = all(self._passes(name, reader) for reader in self._uses.readers(name))
        return self._factors[name]

    def _passes(self, name: str, reader: Statement) -> bool:
        match reader:
            case Assign(function=primitives.scale, args=(Var(name=factor), other)):
                return factor == name and not _is_name(other, name)
            case Assign(targets=(target,), function=function, args=args):
                if target.name in self._uses.cells or not _is_real(target):
                    return False
                over = function is np.divide and not _is_name(args[1], name)
                return (over or function in (np.negative, np.multiply)) and self._is_factor(target.name)
        return False


def _is_one(operand: object) -> bool:
    return isinstance(operand, Const) and operand.value == 1


def _is_name(operand: object, name: str) -> bool:
    return isinstance(operand, Var) and operand.name == name


def _is_real(variable: Operand) -> bool:
    kind = variable.type if isinstance(variable, Var) else None
    return isinstance(kind, Scalar) and kind.dtype.kind == "f"
