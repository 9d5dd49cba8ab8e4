"""Elements at places that arrays name: index arrays and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Const, Operand, Slice, Var
from pullback.optimize.arrays.reduce import INTEGER, an_array, nonzero, unless_given
from pullback.optimize.broadcast import broadcast_shape
from pullback.optimize.delayed import Delayed, Index, element, in_memory, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import Cut, OpaqueError, cut, from_end, frozen, static

_OTHER_LENGTH = "it is not as long as the axis"


class Picked:
    """What an index with integer arrays selects of an array: its own shape, and the way back.

    The axes of the index arrays, broadcast, stand where the first of them stands, or ahead of all where
    something stands between them, as NumPy has it.
    """

    def __init__(self, e: Emitter, array: Delayed, index: tuple[Any, ...]) -> None:
        self.array = array
        self.entries: list[Any] = []
        extents: list[Operand] = []
        places: list[int] = []
        for entry in index:
            axis = len(self.entries)
            if isinstance(entry, Const) and entry.value is None:
                raise OpaqueError("a new axis beside an index array")
            if isinstance(entry, Slice):
                piece = cut(e, entry, array.shape[axis])
                self.entries.append(piece)
                extents.append(piece.length)
            else:
                entry = entry if isinstance(entry, Delayed) else frozen(e, entry)
                if isinstance(entry, Delayed) and entry.dtype.kind == "b":
                    raise OpaqueError("a mask beside other indices")
                places.append(axis)
                self.entries.append(entry)
        self.arrays = [x for x in self.entries if isinstance(x, Delayed)]
        self.common = broadcast_shape(e, "an index", *(x.shape for x in self.arrays))
        together = places == list(range(places[0], places[-1] + 1))
        self.first = sum(isinstance(x, Cut) for x in self.entries[: places[0]]) if together else 0
        self.shape = (*extents[: self.first], *self.common, *extents[self.first :])

    def back(self, e: Emitter, index: Index) -> Index:
        """The index in the array of the element at `index` of what is selected."""
        end = self.first + len(self.common)
        common = index[self.first : end]
        rest = iter((*index[: self.first], *index[end:]))
        return tuple(
            entry.at(e, next(rest)) if isinstance(entry, Cut) else self._place(e, axis, entry, common)
            for axis, entry in enumerate(self.entries)
        )

    def _place(self, e: Emitter, axis: int, entry: Any, common: Index) -> Operand:
        place = element(e, entry, common)
        if operand_type(place).dtype != INTEGER:
            place = e.cast(place, INTEGER)
        return place if axis in self.array.raw else from_end(e, place, self.array.shape[axis])[0]


def is_mask(index: tuple[Any, ...]) -> bool:
    """Whether the index is one mask over the leading axes, and all of the others."""
    return (
        isinstance(index[0], Delayed)
        and index[0].dtype.kind == "b"
        and all(isinstance(entry, Slice) and entry == Slice() for entry in index[1:])
    )


def check_mask(e: Emitter, array: Delayed, mask: Delayed) -> None:
    for n, m in zip(array.shape, mask.shape, strict=False):
        e.check_equal(n, m, "a mask", _OTHER_LENGTH, IndexError)


@rewrites(primitives.pick)
def pick(e: Emitter, array: Delayed, index: tuple[Any, ...]) -> Delayed:
    index = tuple(located(e, entry) for entry in index)
    if is_mask(index):
        return _masked(e, array, index[0])
    found = Picked(e, array, index)
    memory, cells = read_by((array, *found.arrays))
    work = array.work or any(x.work for x in found.arrays)

    def at(e: Emitter, index: Index) -> Operand:
        return e.read(array, found.back(e, index))

    return Delayed(found.shape, array.dtype, at, work, memory, cells)


def located(e: Emitter, entry: Any) -> Any:
    """An index array that is a constant as an array in memory."""
    if isinstance(entry, Const) and isinstance(entry.value, np.ndarray | list):
        constant = Const(np.asarray(entry.value))
        variable = e.call(primitives.bind, constant, name="places")
        shape = tuple(Const(n) for n in constant.value.shape)
        return in_memory(variable, shape, frozenset(), frozenset())
    return entry


def _masked(e: Emitter, array: Delayed, mask: Delayed) -> Delayed:
    """The elements where a mask holds: they are counted, then copied."""
    check_mask(e, array, mask)
    mask = e.once(mask)
    length = trues(e, mask)
    rest = array.shape[mask.ndim :]
    result = e.empty((length, *rest), array.dtype, "picked")

    def put(place: Operand, inner: Index, outer: Index) -> None:
        e.put(result, (place, *outer), e.read(array, (*inner, *outer)))

    for_each_picked(e, mask, rest, put)
    return result


def trues(e: Emitter, mask: Delayed) -> Var:
    """How many elements of a mask are true."""
    count = e.accumulator("count", Const(0), INTEGER)
    with e.nest(mask.shape) as index:
        e.choose(e.read(mask, index), lambda: e.update(count, np.add, count, Const(1)))
    length = e.call(primitives.weaken, count, name="n")
    e.extents.natural(length.name)
    return length


def for_each_picked(e: Emitter, mask: Delayed, rest: Index, put: Any) -> None:
    """``put(place, inner, outer)`` for each element that a mask picks, `place` counting the trues."""
    place = e.accumulator("place", Const(0), INTEGER)
    with e.nest(mask.shape) as inner:

        def take() -> None:
            with e.nest(rest) as outer:
                put(place, inner, outer)
            e.update(place, np.add, place, Const(1))

        e.choose(e.read(mask, inner), take)


@rewrites(np.take)
def _take(e: Emitter, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    unless_given(out)
    array, along = an_array(a), static(axis)
    if static(mode) != "raise" or (along is None and array.ndim != 1) or not isinstance(indices, Delayed):
        raise OpaqueError("with another mode")
    along = 0 if along is None else along % array.ndim
    return pick(e, array, tuple(indices if k == along else Slice() for k in range(array.ndim)))


@rewrites(np.take_along_axis)
def _take_along_axis(e: Emitter, arr: Any, indices: Any, axis: Any = -1) -> Any:
    array, places = an_array(arr), an_array(indices)
    if static(axis) is None:
        raise OpaqueError("of the flat array")
    along = static(axis) % array.ndim
    rest = [tuple(n for k, n in enumerate(x.shape) if k != along) for x in (array, places)]
    common = broadcast_shape(e, "take_along_axis", *rest)
    shape = (*common[:along], places.shape[along], *common[along:])

    def at(e: Emitter, index: Index) -> Operand:
        place = from_end(e, element(e, places, index), array.shape[along])[0]
        own = tuple(place if k == along else i for k, i in enumerate(index))
        return element(e, array, own)

    return Delayed(shape, array.dtype, at, array.work or places.work, *read_by((array, places)))


@rewrites(np.nonzero)
def _nonzero(e: Emitter, a: Any) -> Any:
    array = nonzero(e, a)
    if array.ndim != 1:
        raise OpaqueError("of a matrix")
    n = array.shape[0]
    return _masked(e, Delayed((n,), INTEGER, lambda e, index: e.cast(index[0], INTEGER), False), array)


@rewrites(np.flatnonzero)
def _flatnonzero(e: Emitter, a: Any) -> Any:
    return _nonzero(e, a)
