"""The order of the passes."""

from __future__ import annotations

from pullback.ir.nodes import Program
from pullback.optimize.dce import remove_dead
from pullback.optimize.lower import lower
from pullback.optimize.values import share_values


def simplify(program: Program) -> Program:
    """Cheaper, in the same language: of arrays or of scalars, before differentiation or after."""
    return remove_dead(share_values(program))


def optimize(program: Program) -> Program:
    """What differentiation and emission take: fused loops over scalars, simplified."""
    return simplify(lower(program))
