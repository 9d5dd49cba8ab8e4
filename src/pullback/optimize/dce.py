"""Dead code: what nothing that matters reads is removed.

What matters: what is returned, raised, pushed, or written into memory that a parameter or something that
matters may refer to. (Cytron et al., *Efficiently computing static single assignment form*, 1991, §7.1: mark
what is needed, backward from what has an effect.)
"""

from __future__ import annotations

from pullback.ir import primitives
from pullback.ir.memory import memory_of
from pullback.ir.nodes import (
    Assign,
    Block,
    Pop,
    Program,
    Push,
    Raise,
    Return,
    Statement,
    Store,
    While,
)
from pullback.ir.walk import assigns, blocks, reads, with_blocks, with_body


def remove_dead(program: Program) -> Program:
    """The same function without statements that have no effect on what it returns, raises or writes."""
    needed = _Needed(program)
    while needed.grow(program.body):
        pass
    return with_body(program, _kept(program.body, needed))


class _Needed:
    """The variables and the memory that matter, as far as they are known."""

    def __init__(self, program: Program) -> None:
        self._group = memory_of(program).group
        self._names: set[str] = set()
        self._memory = {self._group(param.name) for param in program.params}

    def is_live(self, statement: Statement) -> bool:
        """Whether a statement matters by itself, those in it aside."""
        if type(statement) is Assign:
            targets, names = statement.targets, self._names
            return not targets or any(target.name in names for target in targets)
        if isinstance(statement, Store):
            return self._group(statement.array.name) in self._memory
        return isinstance(statement, Raise | Return | Push | Pop | While)

    def grow(self, block: Block) -> bool:
        """Add what the live statements of a block read; whether that was anything new."""
        before = len(self._names) + len(self._memory)
        self._grow(block)
        return len(self._names) + len(self._memory) > before

    def _grow(self, block: Block) -> bool:
        """As `grow`; whether any statement is live."""
        found = False
        for statement in reversed(block):
            inside = [self._grow(inner) for inner in blocks(statement)[::-1]]
            if any(inside) or self.is_live(statement):
                found = True
                named = {*(v.name for v in reads(statement)), *_own(statement)}
                self._names |= named
                # A length has nothing to do with what is in the array.
                if type(statement) is not Assign or statement.function is not primitives.dim:
                    self._memory |= set(map(self._group, named))
        return found


def _own(statement: Statement) -> tuple[str, ...]:
    """What a statement that is kept has to assign."""
    return tuple(v.name for v in assigns(statement)) if isinstance(statement, Pop) else ()


def _kept(block: Block, needed: _Needed) -> Block:
    kept: list[Statement] = []
    for statement in block:
        if not blocks(statement):
            if needed.is_live(statement):
                kept.append(statement)
            continue
        statement = with_blocks(statement, lambda inner: _kept(inner, needed))
        if any(blocks(statement)) or needed.is_live(statement):
            kept.append(statement)
    return tuple(kept)
