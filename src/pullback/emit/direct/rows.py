"""Functions that work on the rows of a grid, which are long: LLVM takes the longest vectors there are.

Of a processor with vectors of 512 bits LLVM uses 256 where the longer ones were once said to make the clock
slower. A stencil, all loads and additions, takes a tenth to a fifth less time with them. Loops of ten
numbers, which are many where no stencil is, take up to twice as much: none of their numbers fits a vector.
(LLVM Language Reference, "Function Attributes"; Intel, *Optimization Reference Manual*, on 512-bit vectors.)
"""

import ast

from pullback.emit.direct.interleaving import is_flat
from pullback.emit.direct.syntax import constant_int, indices_of, range_of


def has_rows(tree, alone):
    """Whether a function has a loop, run again and again, that reads neighbours along a row.

    Args:
        tree: the function.
        alone: names that are assigned once.
    """
    outer = (loop for loop in ast.walk(tree) if isinstance(loop, ast.For | ast.While))
    inner = (loop for around in outer for loop in _loops_in(around))
    return any(is_flat(loop, alone) and _is_long(loop) and _reads_neighbours(loop) for loop in inner)


def prefer_long_vectors(function):
    """Say so to LLVM; llvmlite itself knows only attributes without a value."""
    set.add(function.attributes, '"prefer-vector-width"="512"')


def _loops_in(loop):
    """The loops in the body of a loop, and not in one of these."""
    waiting = list(loop.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.For):
            yield node
        elif isinstance(node, ast.If):
            waiting += (*node.body, *node.orelse)


def _is_long(loop):
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
