"""Variables whose array can be updated in place although the program makes a new one each time.

``y = y + h * f`` in a loop makes a new array and forgets the old one. Where nothing else refers to the old
one, its memory is as good: the statement becomes a store into all of it. (Hudak & Bloss, *The aggregate
update problem in functional programming systems*, 1985.)
"""

from __future__ import annotations

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Assign, Program, Push, Statement, Var
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array
from pullback.ir.walk import assigns, reads, walk
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import Uses


def owned_cells(program: Program, uses: Uses) -> frozenset[str]:
    """The variables, assigned in several places, that alone refer to their arrays if the first is a copy."""
    params = {param.name for param in program.params}
    statements = list(walk(program.body))
    made = {t.name: s for s in statements for t in assigns(s) if isinstance(s, Assign)}
    found = {
        target.name
        for statement in statements
        for target in assigns(statement)
        if isinstance(target.type, Array) and target.name in uses.cells - params and uses.leads(target.name)
    }
    for name in tuple(found):
        updates = [s for s in statements if any(t.name == name for t in assigns(s))]
        if (
            not isinstance(updates[0], Assign)
            or uses.is_stored(name)
            or not all(_makes_anew(s, made, uses) for s in updates[1:])
        ):
            found.discard(name)
    for position, statement in enumerate(statements):
        found -= {v.name for v in reads(statement) if _gives_away(statement, v, position, uses)}
    return frozenset(found)


def _makes_anew(statement: Statement, made: dict[str, Assign], uses: Uses) -> bool:
    """Whether the assignment is of elements that are computed for it alone."""
    match statement:
        case Assign(function=primitives.bind, args=(Var(name=source),)):
            if source in uses.cells or uses.count(source) != 1 or source not in made:
                return False
            return _is_expression(made[source])
        case Assign():
            return _is_expression(statement)
    return False


def _is_expression(statement: Assign) -> bool:
    return statement.function is np.where or is_elementwise(statement.function)


def _gives_away(statement: Statement, variable: Var, position: int, uses: Uses) -> bool:
    """Whether the statement makes another name for the array that lives as long as the next assignment."""
    if isinstance(statement, Push):
        return True
    if not isinstance(statement, Assign) or statement.function not in ALIASING:
        return False
    (target,) = statement.targets
    if target.name in uses.cells or not uses.dominates(target.name, position):
        return True
    return uses.changes(target.name, position, frozenset(), frozenset((variable.name,)))
