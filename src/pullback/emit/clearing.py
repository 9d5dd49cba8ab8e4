"""Arrays that are made zero as a whole: a call of what the C library does it with, instead of loops.

    for i in range(n):
        for j in range(m):
            x[i, j] = 0.0              →          native.clear(x)

Cotangents begin so. LLVM finds it out as well, in more time than all else takes that is done to such loops.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from pullback.emit import native
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Program, Slice, Statement, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import walk, with_blocks
from pullback.optimize.uses import cells_of


def with_clearing(program: Program) -> Program:
    """The same function without loops that write zeros over a whole array."""
    cells = cells_of(program)
    shapes = {
        s.targets[0].name: s.args[0]
        for s in walk(program.body)
        if isinstance(s, Assign) and s.function in (np.empty, np.zeros) and s.targets[0].name not in cells
    }

    def cleared(block: Block) -> Block:
        return tuple(one(statement) for statement in block)

    def one(statement: Statement) -> Statement:
        stores, stops = _nest(statement)
        if stores and _fills(stores, stops, shapes, cells):
            place = {"location": statement.location, "comment": statement.comment}
            return Assign((), native.clear, (stores[0].array,), **place)
        return with_blocks(statement, cleared)

    return replace(program, body=cleared(program.body))


def _nest(statement: Statement) -> tuple[list[Store], dict[str, Arg]]:
    """The stores of zeros that are all there is to nested loops, and where these end."""
    stops: dict[str, Arg] = {}
    body: Block = (statement,)
    while len(body) == 1 and isinstance(body[0], For):
        loop = body[0]
        if not (_is(loop.start, 0) and _is(loop.step, 1)):
            return [], {}
        stops[loop.index.name] = loop.stop
        body = loop.body
    stores = [s for s in body if isinstance(s, Store) and not s.accumulate and _is_zero(s.value)]
    return (stores, stops) if len(stores) == len(body) else ([], {})


def _fills(stores: list[Store], stops: dict[str, Arg], shapes: dict[str, Arg], cells: frozenset[str]) -> bool:
    """Whether the stores come to every element of one array that is contiguous."""
    array, index = stores[0].array, stores[0].index
    assert isinstance(array.type, Array)
    if array.type.layout == "A" or any(store.array != array for store in stores):
        return False
    if all(entry == Slice() for entry in index):
        return len(stores) == 1
    shape = shapes.get(array.name)
    if not isinstance(shape, tuple):
        return False
    moving = [axis for axis, entry in enumerate(index) if isinstance(entry, Var)]
    if sorted(str(index[axis]) for axis in moving) != sorted(stops):
        return False
    for axis in moving:
        if not _same(stops[str(index[axis])], shape[axis], cells):
            return False
    fixed = [axis for axis in range(len(index)) if axis not in moving]
    lengths = [shape[axis] for axis in fixed]
    places = {tuple(_number(store.index[axis]) for axis in fixed) for store in stores}
    if any(store.index[axis] != index[axis] for store in stores for axis in moving):
        return False
    every = itertools.product(*(range(_number(n) or 0) for n in lengths))
    return all(isinstance(n, Const) for n in lengths) and places == set(every)


def _number(entry: Arg) -> int | None:
    return (
        int(entry.value) if isinstance(entry, Const) and isinstance(entry.value, int | np.integer) else None
    )


def _is(operand: Arg, value: int) -> bool:
    return _number(operand) == value


def _same(a: Arg, b: Arg, cells: frozenset[str]) -> bool:
    """Whether two lengths are surely the same."""
    if isinstance(a, Var) and isinstance(b, Var):
        return a == b and a.name not in cells
    return _number(a) is not None and _number(a) == _number(b)


def _is_zero(operand: Arg) -> bool:
    """Whether all bits are zero."""
    if not isinstance(operand, Const) or not isinstance(operand.value, int | float | complex | np.generic):
        return False
    return not any(np.asarray(operand.value).tobytes())
