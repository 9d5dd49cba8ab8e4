"""Dead code: what nothing that matters reads is removed.

What matters: what is returned, raised, pushed, or written into memory that a parameter or something that
matters may refer to. (Cytron et al., *Efficiently computing static single assignment form*, 1991, §7.1: mark
what is needed, backward from what has an effect.)
"""

from __future__ import annotations

from dataclasses import replace

from pullback.ir import primitives
from pullback.ir.nodes import (
    Assign,
    Block,
    For,
    If,
    Pop,
    Program,
    Push,
    Raise,
    Return,
    Statement,
    Store,
    While,
)
from pullback.ir.walk import assigns, blocks, reads
from pullback.optimize.uses import Uses


def remove_dead(program: Program) -> Program:
    """The same function without statements that have no effect on what it returns, raises or writes."""
    needed = _Needed(program)
    while needed.grow(program.body):
        pass
    return replace(program, body=_kept(program.body, needed))


class _Needed:
    """The variables and the memory that matter, as far as they are known."""

    def __init__(self, program: Program) -> None:
        self._uses = Uses(program)
        self._names: set[str] = set()
        self._memory = {self._uses.memory(param.name) for param in program.params}

    def is_live(self, statement: Statement) -> bool:
        match statement:
            case Assign(targets=()) | Raise() | Return() | Push() | Pop() | While():
                return True
            case Assign():
                return any(target.name in self._names for target in statement.targets)
            case Store():
                return self._uses.memory(statement.array.name) in self._memory
        return any(self.is_live(inner) for block in blocks(statement) for inner in block)

    def grow(self, block: Block) -> bool:
        """Add what the live statements of a block read; whether that was anything new."""
        before = len(self._names) + len(self._memory)
        for statement in reversed(block):
            for inner in blocks(statement)[::-1]:
                self.grow(inner)
            if self.is_live(statement):
                named = {*(v.name for v in reads(statement)), *_own(statement)}
                self._names |= named
                # A length has nothing to do with what is in the array.
                if not (isinstance(statement, Assign) and statement.function is primitives.dim):
                    self._memory |= set(map(self._uses.memory, named))
        return len(self._names) + len(self._memory) > before


def _own(statement: Statement) -> tuple[str, ...]:
    """What a statement that is kept has to assign."""
    return tuple(v.name for v in assigns(statement)) if isinstance(statement, Pop) else ()


def _kept(block: Block, needed: _Needed) -> Block:
    kept: list[Statement] = []
    for statement in block:
        if not needed.is_live(statement):
            continue
        match statement:
            case For():
                kept.append(replace(statement, body=_kept(statement.body, needed)))
            case While():
                before, body = _kept(statement.before, needed), _kept(statement.body, needed)
                kept.append(replace(statement, before=before, body=body))
            case If():
                then, orelse = _kept(statement.then, needed), _kept(statement.orelse, needed)
                kept.append(replace(statement, then=then, orelse=orelse))
            case _:
                kept.append(statement)
    return tuple(kept)
