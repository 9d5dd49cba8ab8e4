"""Stores into regions of arrays, as loop nests.

NumPy computes the right side before it writes: where the nest could read what it has written, the right side
is put in memory first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Slice, Statement, Store, Var
from pullback.ir.walk import blocks, reads, walk
from pullback.optimize.arrays.pick import Picked, check_mask, for_each_picked, is_mask, located, trues
from pullback.optimize.delayed import Delayed, Index, Value, element, is_one
from pullback.optimize.emitter import Emitter
from pullback.optimize.slices import OpaqueError, region, view


def store(e: Emitter, array: Delayed, index: tuple[Any, ...], value: Value, *, accumulate: bool) -> None:
    """``array[index] = value``, or ``+=``."""
    index = tuple(located(e, entry) for entry in index)
    if index and is_mask(index):
        _store_masked(e, array, index[0], value, accumulate)
        return
    picks = any(isinstance(entry, Delayed) for entry in index)
    try:
        place = Picked(e, array, index) if picks else region(e, array, index)
    except OpaqueError:
        e.store(e.variable(array), e.in_memory(index), e.in_memory(value), accumulate=accumulate)
        return
    if picks:
        # An index array that is read from what is stored into is read to its end first.
        kept = tuple(_apart(e, entry, array) if isinstance(entry, Delayed) else entry for entry in index)
        place = Picked(e, array, kept)
    if not picks and isinstance(value, Delayed) and value.product is not None:
        part = array if all(entry == Slice() for entry in index) else view(e, array, index)
        if _stores_products(e, part, value, accumulate):
            return
    _store(e, array, place.shape, place.back, value, accumulate)


def store_whole(e: Emitter, array: Delayed, value: Delayed) -> None:
    """``array[...] = value``."""
    if not _stores_products(e, array, value, False):
        _store(e, array, array.shape, lambda e, index: index, value, False)


def _stores_products(e: Emitter, array: Delayed, value: Value, accumulate: bool) -> bool:
    """Write products of matrices right where they belong, if they can be."""
    product = value.product if isinstance(value, Delayed) else None
    if not isinstance(value, Delayed) or product is None or value.ndim != array.ndim:
        return False
    value = _fitted(e, value, array.shape)
    target = product.target(e, array, value)
    if target is not None:
        product.write(e, target, value.shape, accumulate=accumulate)
    return target is not None


def _apart(e: Emitter, x: Delayed, array: Delayed) -> Delayed:
    """`x`, copied where it may read the memory of `array`."""
    return e.copied(x) if x.memory & array.memory else e.once(x)


def _store(e: Emitter, array: Delayed, shape: Index, back: Any, value: Value, accumulate: bool) -> None:
    if isinstance(value, Delayed):
        value = _fitted(e, value, shape)
    with e.branch() as trial:
        _nest(e, array, shape, back, value, accumulate)
    if isinstance(value, Delayed) and _reads_written(e, tuple(trial)):
        _nest(e, array, shape, back, e.copied(value, "right"), accumulate)
    else:
        e.extend(tuple(trial))


def _store_masked(e: Emitter, array: Delayed, mask: Delayed, value: Value, accumulate: bool) -> None:
    """A store where a mask holds: of a number, or of one element for each true."""
    check_mask(e, array, mask)
    mask = _apart(e, mask, array)
    rest = array.shape[mask.ndim :]
    if isinstance(value, Delayed):
        value = _apart(e, value, array)

    def put(place: Operand, inner: Index, outer: Index) -> None:
        where = (*inner, *outer)
        e.put(array, where, element(e, value, (place, *outer)), accumulate=accumulate)

    if isinstance(value, Delayed) and value.ndim > len(rest) and not is_one(value.shape[0]):
        differs = e.call(np.not_equal, trues(e, mask), value.shape[0], name="differs")
        e.check(differs, ValueError, "a store where a mask holds: another number of values than of trues")
    for_each_picked(e, mask, rest, put)


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
        if isinstance(read, Assign) and read.function is not primitives.dim
    )


def _writes(statement: Statement, loops: tuple[Var, ...]) -> list[tuple[tuple[Var, ...], Store]]:
    """The stores in a statement, each with the indices of the loops around it."""
    if isinstance(statement, Store):
        return [(loops, statement)]
    inner = (*loops, statement.index) if isinstance(statement, For) else loops
    return [found for block in blocks(statement) for part in block for found in _writes(part, inner)]


def _clash(e: Emitter, loops: tuple[Var, ...], write: Store, read: Assign) -> bool:
    """Whether what is read may be something that another iteration writes.

    An element is not where, for each loop, one position of both indices is the same function of that loop's
    index alone: then iterations that touch the same element are the same iteration.
    """
    memory = e.memory[write.array.name]
    if not any(e.memory.get(variable.name) == memory for variable in reads(read)):
        return False
    array, *rest = read.args
    if read.function is not primitives.item or array != write.array:
        return True
    (index,) = rest
    assert isinstance(index, tuple)
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
