"""Products of stacks of matrices: a call of a BLAS for each two, into the memory that is to hold the product.

A product that is stored, or added to something, is written there by the call itself (`emit.products`), so
that what is lowered here keeps the two together: ``product = a @ b`` and ``y[i, :, :] += product``. So is
the conjugate of a factor that the BLAS reads by columns its business (`rules.conjugating`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.ir.nodes import Const, Operand, Slice, Var
from pullback.ir.types import INT, Array
from pullback.optimize.delayed import Delayed, Index, in_memory, is_one, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.slices import view
from pullback.rules.conjugating import matmul_conjugated


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """The products of the matrices of two stacks, which broadcast.

    Attributes:
        a, b: the stacks.
    """

    a: Delayed
    b: Delayed

    def delayed(self, batch: Index) -> Delayed:
        """The products as an array, `batch` the shape of the stack."""
        a, b, own = self.a, self.b, object()

        def at(e: Emitter, index: Index) -> Operand:
            where = index[:-2]
            stacked = e.unrepeated(result, where)
            if stacked is not result:
                return e.read(stacked, index)
            product = e.shared(own, where, lambda: self._matrix(e, where, "product"))
            return e.item(product, index[-2:])

        shape = (*batch, a.shape[-2], b.shape[-1])
        dtype = np.result_type(a.dtype, b.dtype)
        result = Delayed(shape, dtype, at, True, *read_by((a, b)), product=self)
        return result

    def conjugates(self, conjugated: tuple[Delayed, Delayed], shape: Index) -> Delayed:
        """The same products of the conjugates of the stacks."""
        return Products(*conjugated).delayed(shape[:-2])

    def copied(self, e: Emitter, shape: Index, name: str) -> Delayed:
        """The products in fresh memory."""
        dtype = np.result_type(self.a.dtype, self.b.dtype)
        if len(shape) == 2:
            product = e.shared(object(), (), lambda: self._matrix(e, (), name))
            return in_memory(product, shape, frozenset(), frozenset())
        fresh = e.empty(shape, dtype, name)
        self.write(e, e.variable(fresh), shape, accumulate=False)
        return fresh

    def target(self, e: Emitter, array: Delayed, value: Delayed) -> Var | None:
        """The variable of an array in memory, if the products can be written right there."""
        alike = value.ndim == array.ndim and value.dtype == array.dtype
        if not alike or array.reference is None or value.memory & array.memory:
            return None
        if any(is_one(n) != is_one(m) for n, m in zip(value.shape, array.shape, strict=True)):
            return None
        variable = e.variable(array)
        kind = variable.type
        assert isinstance(kind, Array)
        return variable if kind.layout == "C" or (kind.layout == "F" and kind.ndim == 2) else None

    def write(self, e: Emitter, array: Var, shape: Index, *, accumulate: bool) -> None:
        """Store or add the products in an array of their shape."""
        assert isinstance(array.type, Array)
        with e.nest(shape[:-2]) as where:
            product = self._matrix(e, where, "product", "C" if array.type.layout == "F" else "F")
            e.store(array, (*where, Slice(), Slice()), product, accumulate=accumulate)

    def _matrix(self, e: Emitter, where: Index, name: str, turned: str = "F") -> Var:
        """One product; a factor in the layout `turned` may be conjugated on the way."""
        stacks = (self.a, self.b)
        for factor, stack in enumerate(stacks):
            if stack.conjugate is not None:
                plain = _in_place(e, stack.conjugate, _own(stack, where))
                if plain is not None and plain.type.layout == turned:  # type: ignore[union-attr]
                    other = _matrix(e, stacks[1 - factor], where)
                    both = (other, plain) if factor else (plain, other)
                    return e.call(matmul_conjugated, *both, factor, name=name)
        return e.call(np.matmul, *(_matrix(e, stack, where) for stack in stacks), name=name)


def _own(stack: Delayed, where: Index) -> Index:
    """The place in a stack that broadcasts to where a place is."""
    own = where[len(where) - stack.ndim + 2 :]
    return tuple(Const(0) if is_one(n) else i for n, i in zip(stack.shape, own, strict=False))


def _matrix(e: Emitter, stack: Delayed, where: Index) -> Var:
    """The matrix of a stack at a place, contiguous."""
    own = _own(stack, where)

    def make() -> Var:
        found = _in_place(e, stack, own)
        if found is not None:
            return found
        base = stack if stack.conjugate is None else stack.conjugate
        turned = base.fast % base.ndim == base.ndim - 2
        if not own and not turned:
            return e.contiguous(stack)
        # In the order in which the elements lie in memory.
        order = -1 if turned else 1
        matrix = e.empty(stack.shape[-2:][::order], stack.dtype)
        with e.nest(matrix.shape) as index:
            e.put(matrix, index, e.read(stack, (*own, *index[::order])))
        variable = e.variable(matrix)
        return e.call(np.transpose, variable, name=variable.name) if turned else variable

    return e.shared(stack, own, make)


def _in_place(e: Emitter, stack: Delayed, own: Index) -> Var | None:
    """The matrix at a place of a stack in memory, if it is contiguous there."""
    if stack.reference is None or stack.place is None:
        return None
    found = _contiguous(e.variable(view(e, stack, (*own, Slice(), Slice()))) if own else e.variable(stack))
    if found is not None or not own or not {stack.ndim - 2, stack.ndim - 1} <= stack.raw:
        return found  # a part of the rows, or of the columns, is not all of the matrix in memory
    # A view of a view, with a new axis say, may be known to be contiguous if it is taken at once.
    rows, columns = (Var(f"{axis} ", INT) for axis in ("row", "column"))
    with e.branch() as moving:
        array, place = stack.place(e, (*own, rows, columns))
    if place[-2:] != (rows, columns):
        return None
    e.extend(tuple(moving))
    shape = (*(e.dim(array, axis) for axis in range(len(place) - 2)), *stack.shape[-2:])
    base = in_memory(array, shape, stack.memory, stack.cells)
    return _contiguous(e.variable(view(e, base, (*place[:-2], Slice(), Slice()))))


def _contiguous(variable: Var) -> Var | None:
    """The variable, if its array is contiguous in one order."""
    assert isinstance(variable.type, Array)
    return None if variable.type.layout == "A" else variable
