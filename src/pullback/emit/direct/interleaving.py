"""Loops of which LLVM works on one vector at a time, where it would work on two or four, and one iteration.

Several save steps of the counter, which are few beside the loads, leave the numbers of up to three vectors to
be done one by one at the end of each row, and take half as much again of LLVM's time. What hides latency is
the processor; only sums need several at a time.
(LLVM Language Reference, "'llvm.loop.interleave.count' Metadata", "'llvm.loop.unroll.runtime.disable'
Metadata".)
"""

import ast

from llvmlite import ir
from numba.core import types

from pullback.emit.direct.syntax import indices_of, names_in


def is_flat(loop, alone):
    """Whether an iteration leaves nothing to the next: no sum in a name, none in an element.

    Args:
        loop: a `for` statement.
        alone: names that are assigned once.
    """
    changing = {loop.target.id}
    for statement in loop.body:
        if type(statement) not in (ast.Assign, ast.AugAssign):
            return False
        target = statement.targets[0] if type(statement) is ast.Assign else statement.target
        if type(target) is ast.Name and type(statement) is ast.Assign and target.id in alone:
            changing.add(target.id)
        elif type(target) is not ast.Subscript or changing.isdisjoint(names_in(target.slice)):
            return False
    return True


def only_moves(loop, kinds):
    """Whether a loop does nothing but copy complex numbers, conjugated perhaps: one at a time is as fast.

    Args:
        kinds: the types of expressions.
    """
    return all(
        type(statement) is ast.Assign
        and type(statement.targets[0]) is ast.Subscript
        and isinstance(kinds[statement.value], types.Complex)
        and _is_moved(statement.value, kinds)
        for statement in loop.body
    )


def _is_moved(node, kinds):
    if type(node) is ast.Call:
        return ast.unparse(node.func) in ("np.conj", "complex") and all(
            type(a) is ast.Constant or _is_moved(a, kinds) for a in node.args
        )
    return type(node) in (ast.Name, ast.Subscript)


def only_clears(loop, kinds):
    """Whether a loop over all of a row, or over its beginning, does nothing but write zeros.

    Args:
        kinds: the types of expressions.
    """
    return all(
        type(statement) is ast.Assign
        and _is_zero(statement.value)
        and _is_row(statement.targets[0], loop, kinds)
        for statement in loop.body
    )


def _is_zero(node):
    if type(node) is ast.Call:
        return ast.unparse(node.func) == "complex" and all(map(_is_zero, node.args))
    # Not one that is negative.
    return type(node) is ast.Constant and node.value in (0.0, False) and str(node.value)[0] != "-"


def _is_row(node, loop, kinds):
    if type(node) is not ast.Subscript or not isinstance(node.value, ast.Name):
        return False
    *row, last = indices_of(node)
    index = loop.target.id
    is_last = type(last) is ast.Name and last.id == index
    return is_last and kinds[node.value].layout == "C" and not any(index in names_in(entry) for entry in row)


def once_at_a_time(module, *, scalar=False):
    """The metadata of such a loop, which begins with itself; `scalar` for one without vectors."""
    name = f"loop {len(module.metadata)}"
    said = [["llvm.loop.interleave.count", ir.IntType(32)(1)], ["llvm.loop.unroll.runtime.disable"]]
    if scalar:
        said = [["llvm.loop.vectorize.enable", ir.IntType(1)(0)], ["llvm.loop.unroll.disable"]]
    found = module.add_metadata([name, *map(module.add_metadata, said)])
    found.operands = (found, *found.operands[1:])
    return found
