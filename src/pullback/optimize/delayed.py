"""`Delayed`: an array that is not computed yet: its shape, and a function from an index to an element.

What consumes a delayed array asks for elements inside its own loops, so a chain of elementwise operations
becomes one loop over scalars and no array is allocated between them. (Wadler, *Deforestation*, 1990; "pull
arrays" in Svensson & Sheeran, *Parallel programming in Haskell with arrays*, 2012.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import Array, DType

if TYPE_CHECKING:
    from pullback.optimize.emitter import Emitter
    from pullback.optimize.multiply import Products

Index = tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Delayed:
    """An array as a function of its index.

    Attributes:
        shape: the length of each axis; a constant 1 is an axis known to be of length 1, which broadcasts.
        dtype: of the elements.
        at: emits the element at an index and returns it.
        work: whether an element costs more than a read, so that asking for it twice is to be avoided.
        memory: the classes of memory (`Uses.memory`) that `at` reads.
        cells: the variables that `at` reads and that the program may assign more than once.
        place: for an array in memory: the variable and the index there of the element at an index.
        reference: for an array in memory: emits a variable that refers to it.
        raw: the axes where `place` takes a negative index too, as it passes it on to an axis of that length.
        fill: for an array of one number: that number.
        product: for the products of two stacks of matrices: what they are.
        conjugate: for the conjugate of an array: that array.
        fast: the axis along which elements are neighbours in memory, as far as is known: a guess, for speed.
    """

    shape: Index
    dtype: DType
    at: Callable[[Emitter, Index], Operand]
    work: bool = True
    memory: frozenset[str] = frozenset()
    cells: frozenset[str] = frozenset()
    place: Callable[[Emitter, Index], tuple[Var, Index]] | None = None
    reference: Callable[[Emitter], Var] | None = None
    raw: frozenset[int] = frozenset()
    fill: Const | None = None
    product: Products | None = None
    conjugate: Delayed | None = None
    fast: int = -1

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def is_zero(self) -> bool:
        """Whether all elements are known to be zero (not the negative one)."""
        return self.fill is not None and self.fill.value == 0 and not np.signbit(np.real(self.fill.value))


Value = Operand | Delayed


def is_one(extent: Operand) -> bool:
    """Whether a length is known to be 1."""
    return isinstance(extent, Const) and extent.value == 1


def in_memory(array: Var, shape: Index, memory: frozenset[str], cells: frozenset[str]) -> Delayed:
    """An array that a variable refers to."""
    kind = array.type
    assert isinstance(kind, Array)
    raw = frozenset(range(len(shape)))
    whole = located(shape, kind.dtype, lambda e, index: (array, index), lambda e: array, memory, cells, raw)
    return replace(whole, fast=0) if kind.layout == "F" else whole


def located(
    shape: Index,
    dtype: DType,
    place: Callable[[Emitter, Index], tuple[Var, Index]],
    reference: Callable[[Emitter], Var],
    memory: frozenset[str],
    cells: frozenset[str],
    raw: frozenset[int] = frozenset(),
) -> Delayed:
    """An array in memory whose element at an index is at `place`."""

    def at(e: Emitter, index: Index) -> Operand:
        array, where = place(e, index)
        return e.item(array, where)

    return Delayed(shape, dtype, at, False, memory, cells, place, reference, raw)


def mapped(base: Delayed, shape: Index, back: Callable[[Emitter, Index], Index]) -> Delayed:
    """Fresh memory by its meaning: the element at an index is that of `base` at ``back(index)``."""
    return Delayed(
        shape,
        base.dtype,
        lambda e, index: e.read(base, back(e, index)),
        base.work,
        base.memory,
        base.cells,
    )


def view_of(
    base: Delayed,
    shape: Index,
    back: Callable[[Emitter, Index], Index],
    reference: Callable[[Emitter, Var], Var],
    raw: frozenset[int] = frozenset(),
) -> Delayed:
    """As `mapped`, and the result shares the memory of `base` where that has any."""
    place, whole = base.place, base.reference
    if place is None or whole is None:
        plain = base.conjugate
        view = None if plain is None else view_of(plain, shape, back, reference, raw)
        return replace(mapped(base, shape, back), conjugate=view)
    return located(
        shape,
        base.dtype,
        lambda e, index: place(e, back(e, index)),
        lambda e: reference(e, whole(e)),
        base.memory,
        base.cells,
        raw,
    )


def pointwise(
    function: Callable[..., Operand], operands: tuple[Value, ...], shape: Index, dtype: DType, *, work: bool
) -> Delayed:
    """The elementwise ``function(e, *elements)`` of arrays and numbers that broadcast to `shape`."""
    arrays = [x for x in operands if isinstance(x, Delayed)]

    def at(e: Emitter, index: Index) -> Operand:
        return function(e, *(element(e, x, index) for x in operands))

    return Delayed(shape, dtype, at, work or any(x.work for x in arrays), *read_by(operands))


def read_by(operands: Iterable[Value]) -> tuple[frozenset[str], frozenset[str]]:
    """The memory and the variables that an array made from these reads."""
    arrays = [x for x in operands if isinstance(x, Delayed)]
    numbers = frozenset(x.name for x in operands if isinstance(x, Var))
    memory = frozenset[str]().union(*(x.memory for x in arrays))
    return memory, numbers.union(*(x.cells for x in arrays))


def element(e: Emitter, x: Value, index: Index) -> Operand:
    """The element of a broadcast operand at the index of the result."""
    if not isinstance(x, Delayed):
        return x
    own = index[len(index) - x.ndim :]
    return e.read(x, tuple(Const(0) if is_one(n) else i for n, i in zip(x.shape, own, strict=True)))
