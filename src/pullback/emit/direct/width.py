"""How wide the vectors are that LLVM uses.

Of 512 bits, where a processor has them, it uses half, and short rows need that: what is left over at the
end of one costs more than wide vectors save (loops of ten numbers take up to twice as much). Whole vectors
are for two kinds of functions. One has no inner loops, and computes functions that are written out: a loop in
no other loop is long, or takes no time at all. The other works on the rows of a grid, which are long: a
stencil, all loads and additions, takes a tenth to a fifth less time with them.

LLVM reads the wish as an attribute of the function. (A width that is said of one loop gets a line on standard
error for each loop that has no vectors in the end.) (LLVM Language Reference, "Function Attributes"; Intel,
*Optimization Reference Manual*, on 512-bit vectors.)
"""

import ast

from pullback.emit.direct.interleaving import is_flat
from pullback.emit.direct.syntax import constant_int, indices_of, nodes_of, range_of
from pullback.emit.vector_math import WRITTEN_OUT


def wants_whole_vectors(tree, found, alone):
    """Whether a function has them.

    Args:
        tree: its syntax tree.
        found: its `Types`.
        alone: names that are assigned once.
    """
    return has_long_functions(tree, found) or has_rows(tree, alone)


def has_long_functions(tree, found):
    """Whether a function has no inner loops, and functions that are written out in the outer ones."""
    calls = False
    for loop in nodes_of(tree):
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


def has_rows(tree, alone):
    """Whether a function has a loop, run again and again, that reads neighbours along a row."""
    outer = (loop for loop in nodes_of(tree) if type(loop) in (ast.For, ast.While))
    inner = (loop for around in outer for loop in loops_in(around))
    return any(is_long(loop) and is_flat(loop, alone) and _reads_neighbours(loop) for loop in inner)


def loops_in(loop):
    """The loops in the body of a loop or a function, and not in one of these."""
    waiting = list(loop.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.For):
            yield node
        elif isinstance(node, ast.If):
            waiting += (*node.body, *node.orelse)


def is_long(loop):
    """Whether a loop may be; short axes have lengths that are known."""
    return constant_int(range_of(loop, {})[1]) is None


def _reads_neighbours(loop):
    """Whether elements of one array are mentioned that are a known number of places apart along the loop."""
    places = {loop.target.id: 0}
    found = {}
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                found.setdefault(node.value.id, set()).add(_place(indices_of(node)[-1], places))
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            places[statement.targets[0].id] = _place(statement.value, places)
    return any(len(known - {None}) > 1 for known in found.values())


def _place(node, places):
    """How far behind the loop's index an index is; None if that is not a known number."""
    if isinstance(node, ast.Name):
        return places.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        place, by = _place(node.left, places), constant_int(node.right)
        if place is not None and by is not None:
            return place + by if isinstance(node.op, ast.Add) else place - by
    return None
