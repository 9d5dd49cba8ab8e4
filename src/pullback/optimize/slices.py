"""Basic indexing of delayed arrays: integers, slices and new axes, as index maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Const, Operand, Slice, Var
from pullback.ir.types import Scalar
from pullback.optimize.delayed import Delayed, Index, is_one, view_of
from pullback.optimize.emitter import Emitter


class OpaqueError(Exception):
    """This call stays as it is: nothing here writes it as loops."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A slice of an axis: ``start + step * i`` for i below `length`."""

    start: Operand
    step: int
    length: Operand

    def at(self, e: Emitter, i: Operand) -> Operand:
        return e.plus(self.start, e.times(i, Const(self.step)))


def frozen(e: Emitter, operand: Operand) -> Operand:
    """An integer that does not change any more: a copy of a variable that the program assigns again."""
    if isinstance(operand, Var) and operand.name in e.cells:
        return e.call(primitives.bind, operand, name=operand.name)
    return Const(int(operand.value)) if isinstance(operand, Const) else operand


def from_end(e: Emitter, bound: Operand, n: Operand) -> tuple[Operand, bool]:
    """A bound or index counted from the start, and whether it is known that it was not negative."""
    if e.extents.is_natural(bound):
        return bound, True
    if isinstance(bound, Const):
        return e.plus(n, bound), False
    negative = e.scalar(np.less, bound, 0)
    return e.scalar(primitives.select, negative, e.plus(bound, n), bound, name="p"), False


def cut(e: Emitter, piece: Slice, n: Operand) -> Cut:
    """A slice of an axis of length `n`, as Python defines it."""
    step = 1 if piece.step is None else static(piece.step)
    step = 1 if step is None else int(step)
    start, stop = (None if x is None or _absent(x) else x for x in (piece.start, piece.stop))
    if step == 0:
        raise OpaqueError("slice step is zero")
    if step == 1 and _is_single(e, start or Const(0), stop):
        return _single(e, start or Const(0), n)
    if step > 0:
        if start is None and stop is None and step == 1:
            return Cut(Const(0), 1, n)
        first = Const(0) if start is None else _lower(e, start, n)
        if stop is None:
            last = n
        else:
            last, known = from_end(e, stop, n)
            last = e.smaller(last, n) if known or not isinstance(stop, Const) else last
        return Cut(first, step, _count(e, e.minus(last, first), step))
    if start is None:
        first = e.minus(n, Const(1))
    else:
        first, known = from_end(e, start, n)
        first = e.smaller(first, e.minus(n, Const(1))) if known or not isinstance(start, Const) else first
    last = Const(-1) if stop is None else from_end(e, stop, n)[0]
    if stop is not None and not e.extents.is_natural(stop):
        last = e.larger(last, Const(-1))
    return Cut(first, step, _count(e, e.minus(first, last), -step))


def _is_single(e: Emitter, start: Operand, stop: Operand | None) -> bool:
    """Whether the slice is ``k:k+1``, which people write to keep an axis, of length 1."""
    if stop is None:
        return isinstance(start, Const) and start.value == -1
    known = (isinstance(stop, Const) and stop.value < 0) or e.extents.is_natural(start)
    return known and e.extents.difference(stop, start) == 1


def _single(e: Emitter, start: Operand, n: Operand) -> Cut:
    first = from_end(e, start, n)[0]
    beyond = (np.less_equal, n, first) if e.extents.is_natural(start) else (np.less, first, Const(0))
    if not (isinstance(first, Const) and isinstance(n, Const) and 0 <= first.value < n.value):
        e.check(e.scalar(*beyond), ValueError, "a slice k:k+1 beyond the end of its axis is not supported")
    return Cut(first, 1, Const(1))


def _lower(e: Emitter, start: Operand, n: Operand) -> Operand:
    first, known = from_end(e, start, n)
    return first if known else e.natural(first)


def _count(e: Emitter, distance: Operand, step: int) -> Operand:
    """How many steps cover a distance."""
    if step == 1:
        return e.natural(distance)
    if isinstance(distance, Const):
        return Const(max(-(-distance.value // step), 0))
    rounded = e.plus(distance, Const(step - 1))
    count = e.scalar(np.floor_divide, rounded, step, name="n")
    return e.natural(count)


def _absent(x: Operand | None) -> bool:
    return x is None or (isinstance(x, Const) and x.value is None)


def static(x: Any) -> Any:
    """The value of an argument that has to be known when the program is made."""
    if isinstance(x, Const):
        return x.value
    if isinstance(x, tuple):
        return tuple(static(part) for part in x)
    if isinstance(x, Var | Delayed | Slice):
        raise OpaqueError("known only at run time")
    return x


@dataclass(frozen=True, slots=True)
class Region:
    """What a basic index selects of an array: the shape of that, and the way back into the array.

    Attributes:
        index: the index with every integer in it frozen.
    """

    shape: Index
    entries: tuple[Operand | Cut, ...]
    new: frozenset[int]
    index: tuple[Arg, ...]
    raw: frozenset[int]

    def back(self, e: Emitter, index: Index) -> Index:
        """The index in the array of the element at `index` of the region."""
        own = iter(i for axis, i in enumerate(index) if axis not in self.new)
        return tuple(entry.at(e, next(own)) if isinstance(entry, Cut) else entry for entry in self.entries)


def region(e: Emitter, array: Delayed, index: tuple[Arg, ...]) -> Region:
    """The region of `array` that a full basic index selects."""
    index = tuple(_frozen_entry(e, entry) for entry in index)
    entries: list[Operand | Cut] = []
    extents: list[Operand] = []
    new: set[int] = set()
    raw: set[int] = set()
    for entry in index:
        axis = len(entries)
        if isinstance(entry, Const) and entry.value is None:
            new.add(len(extents))
            extents.append(Const(1))
        elif isinstance(entry, Slice):
            piece = cut(e, entry, array.shape[axis])
            if axis in array.raw and piece.step == 1 and piece.length is array.shape[axis]:
                raw.add(len(extents))
            entries.append(piece)
            extents.append(piece.length)
        else:
            entries.append(position(e, array, axis, entry))
    return Region(tuple(extents), tuple(entries), frozenset(new), index, frozenset(raw))


def position(e: Emitter, array: Delayed, axis: int, entry: Any) -> Operand:
    """One integer of an index into `array`, counted from the start where that matters."""
    if not isinstance(entry, Var | Const) or operand_type(entry).dtype.kind not in "iu":
        raise OpaqueError("no basic index")
    return entry if axis in array.raw else from_end(e, entry, array.shape[axis])[0]


def _frozen_entry(e: Emitter, entry: Arg) -> Arg:
    if isinstance(entry, Slice):
        parts = (entry.start, entry.stop, entry.step)
        return Slice(*(None if x is None or _absent(x) else frozen(e, x) for x in parts))
    if isinstance(entry, Var) and isinstance(entry.type, Scalar):
        return frozen(e, entry)
    return entry


def view(e: Emitter, array: Delayed, index: tuple[Arg, ...]) -> Delayed:
    """``array[index]`` for a basic index."""
    part = region(e, array, index)

    def reference(e: Emitter, base: Var) -> Var:
        return e.call(primitives.view, base, part.index, name=base.name)

    return view_of(array, part.shape, part.back, reference, part.raw)


def transposed(array: Delayed, axes: tuple[int, ...]) -> Delayed:
    """``np.transpose(array, axes)``."""
    inverse = tuple(int(i) for i in np.argsort(axes))

    def back(e: Emitter, index: Index) -> Index:
        return tuple(index[i] for i in inverse)

    def reference(e: Emitter, base: Var) -> Var:
        return e.call(np.transpose, base, axes, name=base.name)

    raw = frozenset(i for i, a in enumerate(axes) if a in array.raw)
    turned = view_of(array, tuple(array.shape[a] for a in axes), back, reference, raw)
    return replace(turned, fast=inverse[array.fast]) if axes else turned


def reversed_axes(e: Emitter, array: Delayed, axes: tuple[int, ...]) -> Delayed:
    """``np.flip(array, axes)``."""
    lasts = {axis: e.minus(array.shape[axis], Const(1)) for axis in axes if not is_one(array.shape[axis])}

    def back(e: Emitter, index: Index) -> Index:
        return tuple(e.minus(lasts[a], i) if a in lasts else i for a, i in enumerate(index))

    index = tuple(Slice(step=Const(-1)) if axis in axes else Slice() for axis in range(array.ndim))

    def reference(e: Emitter, base: Var) -> Var:
        return e.call(primitives.view, base, index, name=base.name)

    return view_of(array, array.shape, back, reference)
