"""Loops of which LLVM works on one vector at a time, where it would work on two or four.

That saves steps of the counter, which are few beside many loads, and leaves the numbers of up to three
vectors to be done one by one at the end of each row. What hides latency is the processor; only sums need
several at a time.
(LLVM Language Reference, "'llvm.loop.interleave.count' Metadata".)
"""

import ast

from llvmlite import ir

_MANY = 3
"""So many elements in a statement or several are many."""


def is_wide(body, alone):
    """Whether a loop has many elements, no loop, no branch and no sum; `alone`: names assigned once."""
    for statement in body:
        if not isinstance(statement, ast.Assign | ast.AugAssign):
            return False
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if not isinstance(target, ast.Subscript) and getattr(target, "id", None) not in alone:
            return False
    elements = sum(isinstance(part, ast.Subscript) for statement in body for part in ast.walk(statement))
    return elements >= _MANY


def once_at_a_time(module):
    """The metadata of such a loop, which begins with itself."""
    name = f"loop {len(module.metadata)}"
    count = module.add_metadata(["llvm.loop.interleave.count", ir.IntType(32)(1)])
    found = module.add_metadata([name, count])
    found.operands = (found, *found.operands[1:])
    return found
