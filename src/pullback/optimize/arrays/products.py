"""Products of vectors and tensors as loops of multiply and add.

Products of two matrices stay calls of `np.matmul`: a BLAS blocks them for the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.ir.nodes import Assign, Const, Operand, Statement, Var
from pullback.optimize.arrays.reduce import an_array, folded, unless_given
from pullback.optimize.arrays.shapes import reshape
from pullback.optimize.broadcast import broadcast_shape, conjugated, elementwise, result_dtype
from pullback.optimize.delayed import Delayed, Index, Value, is_one, mapped, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.multiply import Products
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static, transposed
from pullback.rules.conjugating import matmul_conjugated

_SHORT = 4
"""A product of matrices, one of whose axes is known to be no longer than this, is written as loops."""


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


def _vectors(e: Emitter, a: Value, b: Value) -> tuple[Delayed, Delayed]:
    return an_array(a), an_array(b)


@rewrites(np.matmul)
def matmul(e: Emitter, x1: Value, x2: Value, **options: Any) -> Value:
    unless_given(*options.values())
    a, b = _vectors(e, x1, x2)
    if a.ndim == b.ndim == 2:
        return _of_matrices(e, a, b)
    if a.ndim == 1 and b.ndim == 1:
        return contraction(e, (a, b), ("k", "k"), "")
    if a.ndim > 1 and b.ndim > 1 and _is_for_blas(e, a, b):
        return _of_stacks(e, a, b)
    return contraction(e, (a, b), *_labels(a, b))


@rewrites(matmul_conjugated)
def _matmul_conjugated(e: Emitter, a: Value, b: Value, factor: Any) -> Value:
    first, second = _vectors(e, a, b)
    if static(factor):
        return matmul(e, first, conjugated(second))
    return matmul(e, conjugated(first), second)


def _labels(a: Delayed, b: Delayed) -> tuple[tuple[Any, Any], Any]:
    """The axes of two stacks of matrices, or vectors, and of their products."""
    batch = "abcdefgh"[: max(a.ndim, b.ndim) - 2]
    left = (*batch[len(batch) - max(a.ndim - 2, 0) :], "i", "k")[-a.ndim :] if a.ndim > 1 else ("k",)
    right = (*batch[len(batch) - max(b.ndim - 2, 0) :], "k", "j")[-b.ndim :] if b.ndim > 1 else ("k",)
    output = (*batch, *("i" if a.ndim > 1 else ""), *("j" if b.ndim > 1 else ""))
    return (left, right), output


def _is_for_blas(e: Emitter, a: Delayed, b: Delayed) -> bool:
    short = any(
        isinstance(n, Const) and n.value <= _SHORT for n in map(e.known, (*a.shape[-2:], *b.shape[-2:]))
    )
    return not short and a.dtype.kind in "fc" and b.dtype.kind in "fc"


def _of_stacks(e: Emitter, a: Delayed, b: Delayed) -> Delayed:
    """A call for each two matrices, in the loops that read the elements of their product."""
    e.check_equal(a.shape[-1], b.shape[-2], "matmul")
    return Products(a, b).delayed(broadcast_shape(e, "matmul", a.shape[:-2], b.shape[:-2]))


def _of_matrices(e: Emitter, a: Delayed, b: Delayed) -> Value:
    """A call, on operands of one dtype, in memory."""
    return _of_stacks(e, a, b) if _is_for_blas(e, a, b) else contraction(e, (a, b), ("ik", "kj"), "ij")


def in_part(e: Emitter, statement: Assign, args: tuple[Value, ...], readers: Sequence[Statement]) -> Any:
    """Products of matrices of which only the diagonals are read, one element at a time; None if they are not.

    The trace of a product of n by n matrices then costs n**2 steps, and so does its adjoint.
    """
    if statement.function not in (np.matmul, np.dot) or len(args) != 2 or statement.kwargs:
        return None
    (target,) = statement.targets
    a, b = args
    if not readers or not isinstance(a, Delayed) or not isinstance(b, Delayed):
        return None
    deep = max(a.ndim, b.ndim)
    if min(a.ndim, b.ndim) < 2 or (statement.function is np.dot and deep > 2):
        return None
    if not all(_reads_diagonals(reader, target, deep) for reader in readers):
        return None
    return contraction(e, (a, b), *_labels(a, b), whole=False)


_OF_FIRST = frozenset([np.trace, np.diagonal])
_OF_LAST = frozenset([np.linalg.trace, np.linalg.diagonal])


def _reads_diagonals(reader: Statement, target: Var, ndim: int) -> bool:
    """Whether a statement reads the diagonals of the last two axes of an array and nothing else of it."""
    if not isinstance(reader, Assign) or not reader.args or reader.args[0] != target:
        return False
    if reader.function in _OF_LAST or (reader.function is np.diag and ndim == 2):
        return True
    if reader.function not in _OF_FIRST:
        return False
    given = dict(zip(("offset", "axis1", "axis2"), reader.args[1:], strict=False)) | dict(reader.kwargs)
    axes = [given.get(name, Const(default)) for name, default in (("axis1", 0), ("axis2", 1))]
    return {axis.value % ndim if isinstance(axis, Const) else None for axis in axes} == {ndim - 2, ndim - 1}


@rewrites(np.dot)
def _dot(e: Emitter, a: Value, b: Value, out: Any = None) -> Value:
    unless_given(out)
    if not isinstance(a, Delayed) or not isinstance(b, Delayed) or not a.ndim or not b.ndim:
        return elementwise(e, np.multiply, a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(e, a, b)
    left = ("abcdefgh"[: a.ndim - 1], "k")
    right = [*"stuvwxyz"[: b.ndim]]
    right[-2 if b.ndim > 1 else -1] = "k"
    output = (*left[0], *(label for label in right if label != "k"))
    return contraction(e, (a, b), ((*left[0], "k"), tuple(right)), output)


@rewrites(np.inner)
def _inner(e: Emitter, a: Value, b: Value) -> Value:
    if not isinstance(a, Delayed) or not isinstance(b, Delayed):
        return elementwise(e, np.multiply, a, b)
    left, right = (*"abcdefgh"[: a.ndim - 1], "k"), (*"stuvwxyz"[: b.ndim - 1], "k")
    return contraction(e, (a, b), (left, right), (*left[:-1], *right[:-1]))


@rewrites(np.vdot, np.vecdot)
def _vdot(e: Emitter, a: Value, b: Value, **options: Any) -> Value:
    unless_given(*options.values())
    first, second = _vectors(e, a, b)
    if first.ndim != 1 or second.ndim != 1:
        raise OpaqueError("of matrices")
    conjugate = an_array(elementwise(e, np.conjugate, first)) if first.dtype.kind == "c" else first
    return contraction(e, (conjugate, second), ("k", "k"), "")


@rewrites(np.outer)
def _outer(e: Emitter, a: Value, b: Value, out: Any = None) -> Value:
    unless_given(out)
    return _outer_of(e, np.multiply, *(an_array(reshape(e, an_array(x), (Const(-1),))) for x in (a, b)))


@rewrites(np.add.outer)
def _add_outer(e: Emitter, a: Value, b: Value) -> Value:
    return _outer_of(e, np.add, an_array(a), an_array(b))


@rewrites(np.multiply.outer)
def _multiply_outer(e: Emitter, a: Value, b: Value) -> Value:
    return _outer_of(e, np.multiply, an_array(a), an_array(b))


@rewrites(np.subtract.outer)
def _subtract_outer(e: Emitter, a: Value, b: Value) -> Value:
    return _outer_of(e, np.subtract, an_array(a), an_array(b))


def _outer_of(e: Emitter, function: Any, a: Delayed, b: Delayed) -> Value:
    column = mapped(a, (*a.shape, *(Const(1),) * b.ndim), lambda e, index: index[: a.ndim])
    return elementwise(e, function, column, b)


@rewrites(np.tensordot)
def _tensordot(e: Emitter, a: Value, b: Value, axes: Any = 2) -> Value:
    first, second = _vectors(e, a, b)
    given = static(axes)
    if isinstance(given, int):
        given = (range(first.ndim - given, first.ndim), range(given))
    ours, theirs = (tuple(x) if isinstance(x, tuple | list | range) else (x,) for x in given)
    left = [f"a{axis}" for axis in range(first.ndim)]
    right = [f"b{axis}" for axis in range(second.ndim)]
    for i, j in zip(ours, theirs, strict=True):
        right[j % second.ndim] = left[i % first.ndim]
    output = [label for label in left if label not in right] + [label for label in right if label not in left]
    if first.ndim == second.ndim == 2 and len(output) == 2:
        turned = (first if ours[0] % 2 else _turned(first), _turned(second) if theirs[0] % 2 else second)
        return _of_matrices(e, *turned)
    return contraction(e, (first, second), (left, right), output)


def _turned(matrix: Delayed) -> Delayed:
    return transposed(matrix, (1, 0))


@rewrites(np.einsum)
def _einsum(e: Emitter, subscripts: Any, *operands: Value, **options: Any) -> Value:
    text = static(subscripts)
    if not isinstance(text, str) or "." in text:
        raise OpaqueError("einsum with an ellipsis or lists")
    unless_given(*(value for key, value in options.items() if key != "optimize"))
    text = text.replace(" ", "")
    given, arrow, output = text.partition("->")
    inputs = given.split(",")
    if not arrow:
        output = "".join(sorted(label for label in set(given) - {","} if given.count(label) == 1))
    arrays = [an_array(x) for x in operands]
    if len(arrays) == 2 and _is_matmul(inputs, output):
        return _of_matrices(e, arrays[0], arrays[1])
    return contraction(e, arrays, inputs, output)


def _is_matmul(inputs: list[str], output: str) -> bool:
    (a, b) = inputs
    return (
        len(a) == len(b) == len(output) == 2 and len({*a, *b}) == 3 and a[1] == b[0] and output == a[0] + b[1]
    )


@rewrites(np.kron)
def _kron(e: Emitter, a: Value, b: Value) -> Value:
    first, second = _vectors(e, a, b)
    if first.ndim != second.ndim:
        raise OpaqueError("of different ranks")
    shape = tuple(e.times(n, m) for n, m in zip(first.shape, second.shape, strict=True))
    dtype = result_dtype(np.multiply, (first, second), {})

    def at(e: Emitter, index: Index) -> Operand:
        pairs = list(zip(index, second.shape, strict=True))
        ours = tuple(i if is_one(n) else e.scalar(np.floor_divide, i, n, name="p") for i, n in pairs)
        theirs = tuple(Const(0) if is_one(n) else e.scalar(np.remainder, i, n, name="p") for i, n in pairs)
        ours = tuple(Const(0) if is_one(n) else i for i, n in zip(ours, first.shape, strict=True))
        return e.scalar(np.multiply, e.read(first, ours), e.read(second, theirs), name="product")

    first, second = e.once(first), e.once(second)
    return Delayed(shape, dtype, at, True, *read_by((first, second)))


@rewrites(np.cross)
def _cross(e: Emitter, a: Value, b: Value, **options: Any) -> Value:
    unless_given(*options.values())
    first, second = (e.once(x) for x in _vectors(e, a, b))
    if first.ndim != 1 or second.ndim != 1:
        raise OpaqueError("of stacks of vectors")
    for x in (first, second):
        e.check_equal(x.shape[0], Const(3), "cross")
    dtype = result_dtype(np.multiply, (first, second), {})
    result = e.empty((Const(3),), dtype, "cross")
    for k in range(3):
        i, j = Const((k + 1) % 3), Const((k + 2) % 3)
        ahead = e.scalar(np.multiply, e.read(first, (i,)), e.read(second, (j,)), name="product")
        behind = e.scalar(np.multiply, e.read(first, (j,)), e.read(second, (i,)), name="product")
        e.put(result, (Const(k),), e.scalar(np.subtract, ahead, behind, name="difference"))
    return result
