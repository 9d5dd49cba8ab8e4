"""Which temporaries vanish into the expression that uses them, and what keeps them from it.

A variable is *nested* when one statement assigns it and one other, later in the same block and of the same
line of the user's code, reads it, once. Its expression then moves down to the reader, unless a statement
between them assigns a variable or stores into memory that the expression reads. (The inverse of
A-normalisation; Sabry & Felleisen 1992.)
"""

from __future__ import annotations

from collections import Counter

from pullback.ir.memory import Memory, is_alias
from pullback.ir.nodes import Assign, Block, Program, Push, Return, Statement, Store, While
from pullback.ir.types import Stack
from pullback.ir.views import gives_view
from pullback.ir.walk import assigns, blocks, reads, walk


def nested(program: Program) -> frozenset[str]:
    """The names of the variables that are assigned once and read once, by a fitting statement."""
    assigned = Counter(target.name for s in walk(program.body) for target in assigns(s))
    read = Counter(variable.name for s in walk(program.body) for variable in reads(s))
    once = {name for name, count in assigned.items() if count == 1 and read[name] == 1}
    once -= {param.name for param in program.params}
    found: set[str] = set()
    _search(program.body, None, once, found)
    return frozenset(found)


def _search(block: Block, test: Statement | None, once: set[str], found: set[str]) -> None:
    """Add the nested variables of a block; `test` is the `While` whose `before` it is."""
    defined: dict[str, Assign] = {}
    for statement in block:
        for variable in () if isinstance(statement, While) else reads(statement):
            definition = defined.get(variable.name)
            if definition is None or not _of_one_line(definition, statement):
                continue
            if not (_refers(statement) and gives_view(definition)):
                found.add(variable.name)
        if isinstance(statement, Store | Push):
            found.discard((statement.array if isinstance(statement, Store) else statement.stack).name)
        if isinstance(statement, Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if target.name in once and not isinstance(target.type, Stack):
                defined[target.name] = statement
        for index, inner in enumerate(blocks(statement)):
            _search(inner, statement if isinstance(statement, While) and index == 0 else None, once, found)
    if isinstance(test, While):
        found.update(x.name for x in reads(test) if x.name in defined)


def _refers(statement: Statement) -> bool:
    """Whether a statement keeps the very array that it reads, or a part of it."""
    return isinstance(statement, Push | Return) or is_alias(statement)


def _of_one_line(a: Statement, b: Statement) -> bool:
    lines = [s.location and (s.location.file, s.location.line) for s in (a, b)]
    return lines[0] == lines[1] and a.comment == b.comment


def effects(statement: Statement, memory: Memory) -> tuple[frozenset[str], frozenset[str]]:
    """The variables that a statement and the blocks in it assign, and the memory they store into."""
    cells: set[str] = set()
    stored: set[str] = set()
    for s in walk((statement,)):
        cells.update(target.name for target in assigns(s))
        if isinstance(s, Store):
            stored.add(memory.group(s.array.name))
    return frozenset(cells), frozenset(stored)
