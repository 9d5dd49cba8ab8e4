"""Stores into regions of arrays, as loop nests. NumPy computes the right side before it writes: where the
nest could read what it has written, the right side is put in memory first.
"""

from __future__ import annotations

from typing import Any

from pullback.ir import primitives
from pullback.ir.nodes import Assign, Block, Const, For, Statement, Store, Var
from pullback.ir.walk import blocks, walk
from pullback.optimize.delayed import Delayed, Index, Value, element, is_one
from pullback.optimize.emitter import Emitter
from pullback.optimize.slices import region


def store(e: Emitter, array: Delayed, index: tuple[Any, ...], value: Value, *, accumulate: bool) -> None:
    """``array[index] = value``, or ``+=``."""
    if any(isinstance(entry, Delayed) for entry in index):
        e.store(e.variable(array), e.in_memory(index), e.in_memory(value), accumulate=accumulate)
        return
    part = region(e, array, index)
    if isinstance(value, Delayed):
        value = _fitted(e, value, part.shape)
    with e.branch() as trial:
        _nest(e, array, part.shape, part.back, value, accumulate)
    if isinstance(value, Delayed) and _reads_written(e, tuple(trial)):
        value = e.copied(value, "right")
        _nest(e, array, part.shape, part.back, value, accumulate)
    else:
        e.extend(tuple(trial))


def _fitted(e: Emitter, value: Delayed, shape: Index) -> Delayed:
    """`value` without leading axes of length 1, which NumPy drops, and with its lengths checked."""
    extra = value.ndim - len(shape)
    if extra > 0:
        base = value
        value = Delayed(
            base.shape[extra:],
            base.dtype,
            lambda e, index: e.read(base, (*(Const(0),) * extra, *index)),
            base.work,
            base.memory,
            base.cells,
        )
    for n, target in zip(value.shape, shape[len(shape) - value.ndim :], strict=True):
        if not is_one(n):
            e.check_equal(n, target, "a store")
    return value


def _nest(e: Emitter, array: Delayed, shape: Index, back: Any, value: Value, accumulate: bool) -> None:
    with e.nest(shape) as index:
        e.put(array, back(e, index), element(e, value, index), accumulate=accumulate)


def _reads_written(e: Emitter, block: Block) -> bool:
    """Whether a nest may read, in one iteration, what another has written."""
    return any(
        _clash(e, loops, write, read)
        for nest in block
        for loops, write in _writes(nest, ())
        if write.array.name in e.memory
        for read in walk((nest,))
        if isinstance(read, Assign) and read.function is primitives.item
    )


def _writes(statement: Statement, loops: tuple[Var, ...]) -> list[tuple[tuple[Var, ...], Store]]:
    """The stores in a statement, each with the indices of the loops around it."""
    if isinstance(statement, Store):
        return [(loops, statement)]
    inner = (*loops, statement.index) if isinstance(statement, For) else loops
    return [found for block in blocks(statement) for part in block for found in _writes(part, inner)]


def _clash(e: Emitter, loops: tuple[Var, ...], write: Store, read: Assign) -> bool:
    """Whether an element read may be one that another iteration writes.

    It is not where, for each loop, one position of both indices is the same function of that loop's index
    alone: then iterations that touch the same element are the same iteration.
    """
    array, index = read.args
    assert isinstance(array, Var)
    assert isinstance(index, tuple)
    if e.memory.get(array.name) != e.memory[write.array.name]:
        return False
    if array.name != write.array.name:
        return True
    names = {loop.name for loop in loops}
    apart: set[str] = set()
    for ours, theirs in zip(write.index, index, strict=True):
        assert isinstance(ours, Var | Const)
        assert isinstance(theirs, Var | Const)
        form = e.extents.form(ours)
        varying = [atom for atom, _ in form.terms if atom in names]
        if len(varying) == 1 and form == e.extents.form(theirs):
            apart.update(varying)
    return apart != names
