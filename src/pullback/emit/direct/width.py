"""How wide the vectors are that LLVM uses.

Of 512 bits, where a processor has them, it uses half, and short rows need that: what is left over at the
end of one costs more than wide vectors save. But a loop in no other loop is long, or takes no time at all.
So a function without inner loops has whole vectors, if it computes functions that are written out, which
are worth it.

LLVM reads the wish as an attribute of the function. (A width that is said of one loop gets a line on standard
error for each loop that has no vectors in the end.)
"""

import ast

from pullback.emit.vector_math import WRITTEN_OUT


def wants_whole_vectors(tree, found):
    """Whether a function has them.

    Args:
        tree: its syntax tree.
        found: its `Types`.
    """
    calls = False
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For | ast.While):
            inside = [part for statement in loop.body for part in ast.walk(statement)]
            if any(isinstance(part, ast.For | ast.While) for part in inside):
                return False
            called = {found.value(part.func) for part in inside if isinstance(part, ast.Call)}
            calls |= not called.isdisjoint(WRITTEN_OUT)
    return calls


def with_whole_vectors(function):
    """Ask for them in an LLVM function; nothing changes where a processor has none of 512 bits."""
    # The set takes no attributes but those that it knows.
    set.add(function.attributes, '"prefer-vector-width"="512"')
