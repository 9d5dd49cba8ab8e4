"""Rows that are written once, for the reverse sweep to read: the caches are told ahead of each.

Memory that is far is fetched before it is written. A processor begins with that when it comes to the first
number of a row, since a row's end is where it no longer expects more.

    for t: for i:                              for t: for i:
        for j in range(n):                         fetch kept[t, i, j] from 4 KiB on
            kept[t, i, j] = …          →           for j in range(n):
                                                       kept[t, i, j] = …

Only in functions that work on the rows of a grid: ten numbers are written faster than they are fetched. (LLVM
Language Reference, "'llvm.prefetch' Intrinsic"; Drepper, *What every programmer should know about memory*,
2007, §6.3.)
"""

import ast

from llvmlite import ir
from numba.core import cgutils

from pullback.emit.direct.elements import WORD
from pullback.emit.direct.interleaving import is_flat
from pullback.emit.direct.syntax import indices_of, names_in
from pullback.emit.direct.width import has_rows, is_long, loops_in

_LINE, _AHEAD, _MOST = 64, 4096, 4096
"""In bytes: what is fetched at once, how far behind a row's beginning that begins, and how much of it."""


def rows_written_once(tree, alone):
    """The elements that flat loops assign in rows which they come to once, by the `id` of the loop.

    Args:
        tree: a function.
        alone: names that are assigned once.
    """
    if not has_rows(tree, alone):
        return {}
    return {
        id(loop): [*_assigned_in_rows(loop, outermost)]
        for outermost in loops_in(tree)
        for loop in ast.walk(outermost)
        if isinstance(loop, ast.For) and loop is not outermost and is_flat(loop, alone) and is_long(loop)
    }


def _assigned_in_rows(loop, outermost):
    """The elements whose index begins with the outermost loop's, and changes in the last entry alone."""
    index = outermost.target.id
    changing = {loop.target.id}
    for statement in loop.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name):
            changing.add(target.id)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            first, *others = indices_of(target)
            row = {name for entry in others[:-1] for name in names_in(entry)}
            if others and isinstance(first, ast.Name) and first.id == index and changing.isdisjoint(row):
                yield target


def fetch_ahead(builder, row, trips, itemsize):
    """Fetch what will be written soon after `row`, a pointer; it need not exist.

    Args:
        builder: to write instructions with.
        row: where the row begins that is about to be written.
        trips: how many numbers that will write, as an LLVM value.
        itemsize: of one of them.
    """
    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    size, most = builder.mul(trips, ir.Constant(WORD, itemsize)), ir.Constant(WORD, _MOST)
    size = builder.select(builder.icmp_signed("<", size, most), size, most)
    first = builder.gep(builder.bitcast(row, byte), [ir.Constant(WORD, _AHEAD)])
    with cgutils.for_range_slice(builder, ir.Constant(WORD, 0), size, ir.Constant(WORD, _LINE)) as (by, _):
        # For a write, to the nearest cache, of data.
        how = [ir.Constant(word, number) for number in (1, 3, 1)]
        builder.call(prefetch, [builder.gep(first, [by]), *how])
