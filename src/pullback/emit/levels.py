"""The statements of a loop in levels: each is done for many iterations before the next (`lanes`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Block, For, If, Statement, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import assigns, operands, reads, walk

WIDTH, WIDE = 32, 256
"""How many iterations are taken at a time: by LLVM, and where NumPy's loops are called."""
_LEAST, _PER_ROW, LEVELS, _WITH_CALLS = 60, 3, 6, 15
"""How much arithmetic pays, in all and for each number put down; the last level, without and with calls."""
_CALLED = 60
"""What calling one of NumPy's loops is worth: one that is called pays."""
_MEMORY, _ARITHMETIC, CALL, KINDS = 0, 1, 2, 3
"""The kinds of levels, as what is left of a level's number by so many."""
COSTS: dict[Callable[..., Any], int] = {
    np.add: 1, np.subtract: 1, np.multiply: 1, np.divide: 6, np.negative: 1, np.positive: 1, np.square: 1,
    np.absolute: 1, np.sqrt: 6, np.reciprocal: 6, np.less: 1, np.less_equal: 1, np.greater: 1,
    np.greater_equal: 1, np.equal: 1, np.not_equal: 1, primitives.bind: 0, primitives.scale: 2,
    primitives.select: 1, native.exp: 20, native.log: 20, native.log1p: 20, native.tanh: 20,
    native.near_sin: 60, native.near_cos: 60,
}  # fmt: skip
"""What a vector unit does, with the number of additions that each costs, or about so."""
_CALLS = frozenset(native.ROWS.values())
_STRAYING = _CALLS | {native.any_sin, native.any_cos}


@dataclass(slots=True)
class Plan:
    """The statements of a loop by their levels.

    Attributes:
        made: the level at which each variable is assigned.
        cost: of the arithmetic in an iteration.
        early: the levels at which an iteration reads what the one before assigned.
        sound: whether checks come ahead of all else, and no store needs the iteration before.
        strays: whether LLVM, left alone, would see no rows or a call.
    """

    levels: dict[int, list[Statement]] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    early: dict[str, set[int]] = field(default_factory=dict)
    sound: bool = True
    cost: int = 0
    strays: bool = False

    @property
    def width(self) -> int:
        """How many iterations are taken at a time."""
        return WIDE if any(level % KINDS == CALL for level in self.levels) else WIDTH

    def add(self, statement: Statement, level: int) -> None:
        self.levels.setdefault(level, []).append(statement)
        for name in names_in(statement) - self.made.keys():
            self.early.setdefault(name, set()).add(level)
        self.made |= dict.fromkeys((target.name for target in assigns(statement)), level)

    def needed(self, statements: Block, level: int) -> dict[str, Var]:
        """What some statements of a level read that an earlier level makes."""
        parts = walk(statements)
        return {v.name: v for part in parts for v in reads(part) if self.made.get(v.name, level) < level}

    def rows(self) -> dict[str, Var]:
        """What any level reads that an earlier one makes."""
        found: dict[str, Var] = {}
        for level, statements in self.levels.items():
            found |= self.needed(tuple(statements), level)
        return found

    def pays(self) -> bool:
        rows = len(self.rows())
        last = LEVELS if self.width == WIDTH else _WITH_CALLS
        return self.strays and self.cost >= max(_LEAST, _PER_ROW * rows) and max(self.levels) <= last


def carried_by(body: list[Statement]) -> dict[str, int]:
    """The variables of which an iteration reads what the one before assigned, at level 0."""
    assigned = {target.name for statement in body for target in assigns(statement)}
    carried: dict[str, int] = {}
    for statement in body:
        carried |= dict.fromkeys(names_in(statement) & assigned, 0)
        assigned -= {target.name for target in assigns(statement)}
    return carried


def levels_of(body: list[Statement], carried: dict[str, int], loop: For) -> Plan:
    """The statements with their levels, where variables that are carried have levels of at least these."""
    plan = Plan()
    stores: list[Store] = []
    for statement in body:
        if isinstance(statement, Store):
            stores.append(statement)
            plan.strays |= _strays(statement.array, statement.index, loop)
            plan.sound &= not any(name in carried and name not in plan.made for name in names_in(statement))
            continue
        level = max((plan.made.get(name, carried.get(name, 0)) for name in names_in(statement)), default=0)
        if isinstance(statement, Assign) and statement.function in _CALLS:
            plan.sound &= not any(name in carried for name in names_in(statement))
            plan.cost += _CALLED
            level = _next(level + 1, CALL)
        elif isinstance(statement, Assign) and _is_arithmetic(statement):
            plan.cost += COSTS[statement.function]
            level = _next(level, _ARITHMETIC)
        else:
            level = _next(level, _MEMORY)
        if isinstance(statement, Assign):
            plan.strays |= statement.function in _STRAYING
            if statement.function is primitives.item:
                plan.strays |= _strays(statement.args[0], statement.args[1], loop)
        if isinstance(statement, If) or not assigns(statement):
            plan.sound &= level == 0
        plan.add(statement, level)
    last = max(plan.levels, default=0)
    for store in stores:
        plan.add(store, _next(last, _MEMORY))
    return plan


def _next(level: int, kind: int) -> int:
    """The first level of a kind from `level` on."""
    return level + (kind - level) % KINDS


def names_in(statement: Statement) -> set[str]:
    """What a statement reads, in the blocks in it, too."""
    return {v.name for part in walk((statement,)) for v in reads(part)}


def _is_arithmetic(statement: Assign) -> bool:
    """Whether a vector unit does it: of floating-point numbers, and of comparisons of such."""
    numbers = (*reads(statement), *statement.targets)
    return statement.function in COSTS and all(v.type.dtype.kind in "fb" for v in numbers)  # type: ignore[union-attr]


def _strays(array: Arg, index: Arg, loop: For) -> bool:
    """Whether an access is at another place than along the rows of an array."""
    if not isinstance(array, Var) or not isinstance(array.type, Array):
        return False
    *rows, last = list(operands(index))
    return array.type.layout != "C" or last != loop.index or loop.index in rows
