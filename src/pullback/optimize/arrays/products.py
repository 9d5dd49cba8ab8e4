"""Products of vectors and tensors as loops of multiply and add.

Products of two matrices stay calls of `np.matmul`: a BLAS blocks them for the cache.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.ir.nodes import Assign, Const, Operand, Statement, Var
from pullback.optimize.arrays.contractions import contraction, is_for_blas, of_stacks
from pullback.optimize.arrays.reduce import an_array, unless_given
from pullback.optimize.arrays.shapes import reshape
from pullback.optimize.broadcast import conjugated, elementwise, result_dtype
from pullback.optimize.delayed import Delayed, Index, Value, is_one, mapped, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static
from pullback.rules.conjugating import matmul_conjugated


def _vectors(e: Emitter, a: Value, b: Value) -> tuple[Delayed, Delayed]:
    return an_array(a), an_array(b)


@rewrites(np.matmul)
def matmul(e: Emitter, x1: Value, x2: Value, **options: Any) -> Value:
    unless_given(*options.values())
    a, b = _vectors(e, x1, x2)
    if a.ndim == 1 and b.ndim == 1:
        return contraction(e, (a, b), ("k", "k"), "")
    if a.ndim > 1 and b.ndim > 1 and is_for_blas(e, a.shape[-2:-1], a.shape[-1:], b.shape[-1:], a, b):
        return of_stacks(e, a, b)
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


@rewrites(np.linalg.matrix_power)
def _matrix_power(e: Emitter, a: Value, n: Any) -> Value:
    power = static(n)
    if not isinstance(power, int) or power < 2:
        raise OpaqueError("the identity, the matrix itself, or powers of its inverse")
    square, result = e.once(an_array(a)), None
    while power:
        power, odd = divmod(power, 2)
        if odd:
            result = square if result is None else e.once(an_array(matmul(e, result, square)))
        if power:
            square = e.once(an_array(matmul(e, square, square)))
    assert result is not None
    return result


@rewrites(np.linalg.multi_dot)
def _multi_dot(e: Emitter, arrays: Any, *, out: Any = None) -> Value:
    unless_given(out)
    factors = [an_array(x) for x in arrays]
    if factors[-1].ndim == 1:
        return functools.reduce(lambda result, factor: matmul(e, factor, result), reversed(factors))
    return functools.reduce(lambda result, factor: matmul(e, result, factor), factors)


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
