"""Contractions of tensors: products of matrices where a BLAS pays, else loops of multiply and add.

The axes that only the first tensor has are the rows of a matrix, those that both have and the result has not
are summed over: what is left is to put the axes of each tensor next to each other, in its own memory where
they are so already. (What `numpy.tensordot` does.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.ir.nodes import Const, Operand
from pullback.optimize.arrays.reduce import an_array, folded
from pullback.optimize.arrays.shapes import regrouped
from pullback.optimize.broadcast import broadcast_shape, cast
from pullback.optimize.delayed import Delayed, Index, Value, is_one, mapped, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.multiply import Products
from pullback.optimize.slices import transposed

_SHORT = 4
"""A product of matrices, one of whose axes is known to be no longer than this, is written as loops."""

Labels = tuple[Any, ...]


def contraction(
    e: Emitter, arrays: Sequence[Delayed], inputs: Sequence[Any], output: Any, *, whole: bool = True
) -> Value:
    """``np.einsum``: one label per axis of each array; what is not in `output` is summed over.

    Where not the `whole` result is wanted, each element is computed as it is read.
    """
    extents: dict[Any, Operand] = {}
    for array, labels in zip(arrays, inputs, strict=True):
        for label, n in zip(labels, array.shape, strict=True):
            known = extents.setdefault(label, n)
            if is_one(known) and not is_one(n):
                extents[label] = n
            elif not is_one(n):
                e.check_equal(known, n, "a product")
    summed = [label for label in extents if label not in output]
    order = (*output, *summed)
    shape = tuple(extents[label] for label in order)
    dtype = np.result_type(*(x.dtype for x in arrays))

    def at(e: Emitter, index: Index) -> Operand:
        place = dict(zip(order, index, strict=True))
        result: Operand | None = None
        for array, labels in zip(arrays, inputs, strict=True):
            own = tuple(
                Const(0) if is_one(n) else place[label] for label, n in zip(labels, array.shape, strict=True)
            )
            factor = e.read(array, own)
            result = factor if result is None else e.scalar(np.multiply, result, factor, name="product")
        assert result is not None
        return result

    if whole and len(arrays) == 2:
        (a, b), (of_a, of_b) = arrays, map(tuple, inputs)
        product = _of_tensors(e, a, b, of_a, of_b, tuple(output))
        if product is not None:
            return product
    terms = Delayed(shape, dtype, at, True, *read_by(arrays))
    if not summed:
        return terms
    axes = tuple(range(len(output), len(order)))
    kind = dtype if dtype.kind != "b" else np.dtype(bool)
    function = np.logical_or if kind.kind == "b" else np.add
    first = Const(kind.type(0))
    if whole and function is np.add and len(arrays) == 2 and _rows(arrays, inputs, output):
        count = len(summed)
        lengths = tuple(extents[label] for label in (*summed, *output))
        turned = mapped(terms, lengths, lambda e, index: (*index[count:], *index[:count]))
        return folded(e, np.add, turned, tuple(range(len(summed))), False, kind, first)
    return folded(e, function, terms, axes, False, kind, first)


def _rows(arrays: Sequence[Delayed], inputs: Sequence[Any], output: Any) -> bool:
    """Whether whole rows are to be added, in the order of memory.

    So it is where in every array that has the last axis of the result its elements are neighbours.
    """
    if not output:
        return False
    last = output[-1]
    pairs = zip(arrays, inputs, strict=True)
    return all(labels[array.fast] == last for array, labels in pairs if last in labels)


def is_for_blas(e: Emitter, rows: Index, inner: Index, columns: Index, *arrays: Delayed) -> bool:
    """Whether products of matrices of these lengths are better left to a BLAS.

    Args:
        rows, inner, columns: the axes that are the rows of the first, are summed over, are columns of the
            second.
    """
    short = any(_is_short(e, axes) for axes in (rows, inner, columns))
    return not short and np.result_type(*(x.dtype for x in arrays)).kind in "fc"


def _is_short(e: Emitter, axes: Index) -> bool:
    lengths = [n.value if isinstance(n, Const) else math.inf for n in map(e.known, axes)]
    return math.prod(lengths) <= _SHORT


def of_stacks(e: Emitter, a: Delayed, b: Delayed) -> Delayed:
    """A call for each two matrices, in the loops that read the elements of their product."""
    e.check_equal(a.shape[-1], b.shape[-2], "matmul")
    dtype = np.result_type(a.dtype, b.dtype)
    first, second = (an_array(cast(e, x, dtype)) for x in (a, b))
    return Products(first, second).delayed(broadcast_shape(e, "matmul", a.shape[:-2], b.shape[:-2]))


def _of_tensors(
    e: Emitter, a: Delayed, b: Delayed, of_a: Labels, of_b: Labels, output: Labels
) -> Delayed | None:
    """The contraction as products of matrices; None where it is none, or is better written as loops."""
    batch = [label for label in output if label in of_a and label in of_b]
    inner = [label for label in of_a if label in of_b and label not in output]
    rows = [label for label in output if label not in of_b]
    columns = [label for label in output if label not in of_a]
    if not (inner and rows and columns):
        return None
    if len(of_a) > len({*batch, *rows, *inner}) or len(of_b) > len({*batch, *inner, *columns}):
        return None  # a diagonal, or an axis that one tensor alone is summed over
    lengths = dict(zip(of_b, b.shape, strict=True)) | dict(zip(of_a, a.shape, strict=True))
    if any(is_one(n) != is_one(lengths[label]) for label, n in zip(of_b, b.shape, strict=True)):
        return None

    def extents(labels: Sequence[Any]) -> Index:
        return tuple(lengths[label] for label in labels)

    if not is_for_blas(e, extents(rows), extents(inner), extents(columns), a, b):
        return None
    if not _is_next(of_a, batch, rows, inner) and len(inner) > 1:
        inner = [label for label in of_b if label in inner]
    first = _matrices(e, a, of_a, batch, rows, inner)
    second = _matrices(e, b, of_b, batch, inner, columns)
    product = of_stacks(e, first, second)
    found = (*batch, *rows, *columns)
    if len(rows) > 1 or len(columns) > 1:
        product = regrouped(e, product, extents(found))
    if found == output:
        return product
    return transposed(product, tuple(found.index(label) for label in output))


def _is_next(labels: Labels, batch: list[Any], rows: list[Any], columns: list[Any]) -> bool:
    """Whether the axes of a tensor are those of a stack of matrices, or of transposed ones."""
    return list(labels) in ([*batch, *rows, *columns], [*batch, *columns, *rows])


def _matrices(
    e: Emitter, x: Delayed, labels: Labels, batch: list[Any], rows: list[Any], columns: list[Any]
) -> Delayed:
    """A tensor as a stack of matrices."""
    if len(rows) == len(columns) == 1:
        return transposed(x, tuple(labels.index(label) for label in (*batch, *rows, *columns)))
    turned = list(labels) == [*batch, *columns, *rows]
    first, second = (columns, rows) if turned else (rows, columns)
    order = tuple(labels.index(label) for label in (*batch, *first, *second))
    ordered = x if order == tuple(range(x.ndim)) else transposed(x, order)
    depth = len(batch)
    lengths = ordered.shape
    cut = depth + len(first)
    merged = (*lengths[:depth], e.product(lengths[depth:cut]), e.product(lengths[cut:]))
    stack = regrouped(e, ordered, merged)
    return transposed(stack, (*range(depth), depth + 1, depth)) if turned else stack
