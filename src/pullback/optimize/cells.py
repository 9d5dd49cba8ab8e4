"""Cells, which are assigned in several places, in straight-line code: what they hold is known there.

    t = x_bar; x_bar = 0; x_bar = x_bar + t        is nothing at all but  t = x_bar

A read of a cell becomes one of what it was last given; a value that no one reads before the next is not
given, nor is one that the cell holds anyway. (Cooper & Torczon, *Engineering a Compiler*, 2011, §8.4, local
value numbering; §10.2, dead stores.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Assign, Block, Const, Operand, Program, Statement, Var, While
from pullback.ir.types import Scalar
from pullback.ir.walk import assigns, map_reads, reads, walk, with_blocks, with_body
from pullback.optimize.uses import cells_of


def forward_cells(program: Program) -> Program:
    """The same function with fewer reads of and assignments to cells."""
    cells = cells_of(program)
    body = _Forward(cells).block(program.body, {})
    body = _without_dead(body, cells)
    return with_body(program, _Forward(cells).block(body, {}))


class _Forward:
    """Replaces reads of cells, and leaves out assignments of what they hold."""

    def __init__(self, cells: frozenset[str]) -> None:
        self._cells = cells

    def block(self, block: Block, held: dict[str, Operand]) -> Block:
        """A block at whose start variables hold what `held` says."""
        held = dict(held)
        made: list[Statement] = []
        for statement in block:
            if isinstance(statement, While):
                # Its test is made anew in each turn.
                held = _without(held, statement)
            statement = map_reads(statement, lambda x: held.get(x.name, x) if isinstance(x, Var) else x)  # noqa: B023
            if isinstance(statement, Assign):
                statement = _simpler(statement)
                if not self._assign(statement, held):
                    made.append(statement)
                continue
            known = _without(held, statement)
            made.append(with_blocks(statement, lambda inner: self.block(inner, known)))  # noqa: B023
            held = known
        return tuple(made)

    def _assign(self, statement: Assign, held: dict[str, Operand]) -> bool:
        """Take note of an assignment; True if it assigns what its cell holds."""
        if statement.function is primitives.bind:
            (target,), source = statement.targets, statement.args[0]
            assert isinstance(source, Var | Const)
            if self._is_steady(source, target):
                known = held.get(target.name) if target.name in self._cells else None
                held[target.name] = source
                return known is not None and _same(known, source)
            if isinstance(source, Var) and self._is_steady(target, source):
                held[source.name] = target
        for target in statement.targets:
            held.pop(target.name, None)
        return False

    def _is_steady(self, operand: Operand, like: Var) -> bool:
        """Whether a number of one definition, or a constant, can stand for a variable."""
        if isinstance(operand, Var) and operand.name in self._cells:
            return False
        return isinstance(like.type, Scalar) and operand_type(operand) == like.type


def _without(held: dict[str, Operand], statement: Statement) -> dict[str, Operand]:
    """What a statement with blocks leaves as it is."""
    inside = {target.name for inner in walk((statement,)) for target in assigns(inner)}
    return {name: operand for name, operand in held.items() if name not in inside}


def _same(a: Operand, b: Operand) -> bool:
    if isinstance(a, Const) and isinstance(b, Const):
        return type(a.value) is type(b.value) and repr(a.value) == repr(b.value)
    return a == b


def _simpler(statement: Assign) -> Assign:
    """The assignment, where it adds nothing, as a copy."""
    if statement.function is np.add and statement.targets[0].type != Scalar(np.dtype(bool)):
        for number, other in (statement.args, statement.args[::-1]):
            zero = isinstance(number, Const) and np.ndim(number.value) == 0 and number.value == 0
            if zero and operand_type(other) == statement.targets[0].type:  # type: ignore[arg-type]
                return replace(statement, function=primitives.bind, args=(other,))
    return statement


def _without_dead(block: Block, cells: frozenset[str]) -> Block:
    """A block without assignments to cells that are assigned again before anything reads them."""
    made: list[Statement] = []
    overwritten: set[str] = set()
    for statement in reversed(block):
        match statement:
            case Assign(targets=(target,), function=primitives.bind) if target.name in cells:
                if target.name in overwritten:
                    continue
                overwritten.add(target.name)
            case Assign(targets=targets):
                overwritten |= {t.name for t in targets if t.name in cells and isinstance(t.type, Scalar)}
        for inner in walk((statement,)):
            overwritten -= {variable.name for variable in reads(inner)}
        made.append(with_blocks(statement, lambda inner: _without_dead(inner, cells)))
    return tuple(reversed(made))
