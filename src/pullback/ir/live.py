"""Which variables are live at a place: read later, before they are assigned again.

(Aho, Lam, Sethi & Ullman, *Compilers*, 2nd ed. 2006, §9.2.5, on structured programs.)
"""

from __future__ import annotations

from pullback.ir.nodes import Block, Checkpoint, For, If, Statement, While
from pullback.ir.walk import assigns, reads

Live = frozenset[str]


def live_before(block: Block, live: Live) -> Live:
    """The variables that are live before a block, of those that are `live` after it.

    A store into an array reads the array: its other elements stay.
    """
    for statement in reversed(block):
        live = _before(statement, live)
    return live


def _before(statement: Statement, live: Live) -> Live:
    own = frozenset(v.name for v in reads(statement))
    match statement:
        case Checkpoint():
            return live_before(statement.then, live)
        case If():
            return own | live_before(statement.then, live) | live_before(statement.orelse, live)
        case For():
            # It may run zero times, and what one trip needs the trip before it may have left.
            head = live
            while (more := head | live_before(statement.body, head) - {statement.index.name}) != head:
                head = more
            return own | head
        case While():
            head: Live = frozenset()
            while (
                more := live_before(statement.before, own | live | live_before(statement.body, head))
            ) != head:
                head = more
            return head
    return (live - {v.name for v in assigns(statement)}) | own


def surely_assigned(block: Block) -> frozenset[str]:
    """The variables that a block assigns on every way through it."""
    found: frozenset[str] = frozenset()
    for statement in block:
        match statement:
            case Checkpoint():
                found |= surely_assigned(statement.then)
            case If():
                found |= surely_assigned(statement.then) & surely_assigned(statement.orelse)
            case While():
                found |= surely_assigned(statement.before)
            case For():
                pass
            case _:
                found |= {v.name for v in assigns(statement)}
    return found
