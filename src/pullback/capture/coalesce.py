"""Cells take the place of the values bound to them at the end of a branch or of a loop's body.

They do where nothing can tell the difference, so that the program reads as the user's source does.
"""

from __future__ import annotations

from typing import Any

from pullback.ir.nodes import Assign, Block, If, Statement, Var
from pullback.ir.primitives import bind
from pullback.ir.walk import assigns, blocks, map_reads, map_targets, reads, with_blocks


def coalesce(block: Block, pairs: list[tuple[Var, Any]]) -> Block:
    """`block`, which ends in ``cell = value`` for each pair, with the values it makes renamed to cells."""
    if not pairs:
        return block
    seen = _Names(block)
    mapping: dict[str, Var] = {}
    for cell, value in pairs:
        if (
            isinstance(value, Var)
            and value.name in seen.assigned
            and value.name not in mapping
            and value.type == cell.type
            and _safe(block, cell, value, False, seen) is not None
        ):
            mapping[value.name] = cell
    return _renamed(block, mapping) if mapping else block


class _Names:
    """The names that each statement of a block reads and assigns, the blocks in it included."""

    def __init__(self, block: Block) -> None:
        self.reads: dict[int, set[str]] = {}
        self.assigns: dict[int, set[str]] = {}
        self.assigned = self._add(block)[1]

    def _add(self, block: Block) -> tuple[set[str], set[str]]:
        all_reads: set[str] = set()
        all_assigns: set[str] = set()
        for statement in block:
            read = {v.name for v in reads(statement)}
            assigned = {v.name for v in assigns(statement)}
            for part in blocks(statement):
                more_reads, more_assigns = self._add(part)
                read |= more_reads
                assigned |= more_assigns
            self.reads[id(statement)], self.assigns[id(statement)] = read, assigned
            all_reads |= read
            all_assigns |= assigned
        return all_reads, all_assigns


def _safe(block: Block, cell: Var, value: Var, read_later: bool, seen: _Names) -> bool | None:
    """Whether `cell` is read from the start of the block on; None if `value` may not take its name.

    It may where it is assigned only while the old value of the cell is needed no more.
    """
    for statement in reversed(block):
        if _is_bind(statement, cell, value):
            continue
        reads_cell = cell.name in seen.reads[id(statement)]
        assigned = seen.assigns[id(statement)]
        inner = blocks(statement)
        if inner and (value.name in assigned or cell.name in assigned):
            later = read_later or (reads_cell and not isinstance(statement, If))
            if value in assigns(statement):
                return None
            if any(_safe(part, cell, value, later, seen) is None for part in inner):
                return None
        elif value.name in assigned:
            if read_later or not isinstance(statement, Assign) or cell.name in assigned:
                return None
        elif cell.name in assigned:
            return None
        read_later = read_later or reads_cell
    return read_later


def _is_bind(statement: Statement, cell: Var, value: Var) -> bool:
    return (
        isinstance(statement, Assign)
        and statement.targets == (cell,)
        and statement.function is bind
        and statement.args == (value,)
    )


def _renamed(block: Block, mapping: dict[str, Var]) -> Block:
    """`block` with variables renamed, and without the ``x = x`` that come of it."""

    def new(x: Any) -> Any:
        return mapping.get(x.name, x) if isinstance(x, Var) else x

    kept: list[Statement] = []
    changed = False
    for statement in block:
        touched = any(v.name in mapping for v in reads(statement)) or any(
            v.name in mapping for v in assigns(statement)
        )
        result = map_targets(map_reads(statement, new), new) if touched else statement
        inner = blocks(result)
        fresh = tuple(_renamed(part, mapping) for part in inner)
        if any(a is not b for a, b in zip(inner, fresh, strict=True)):
            parts = iter(fresh)
            result = with_blocks(result, lambda _, parts=parts: next(parts))
        changed = changed or result is not statement
        if isinstance(result, Assign) and result.function is bind and result.args == result.targets:
            changed = True
            continue
        kept.append(result)
    return tuple(kept) if changed else block
