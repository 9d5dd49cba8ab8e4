"""The short way to a node for products of matrices or stacks of one dtype, and for the trace of a real one.

A cotangent that is a multiple of the identity, as the trace sends, turns the adjoint's products into
transposes (Giles, *Collected matrix derivative results*, 2008, §2.2 and §2.3).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.panels import times, times_transposed, transposed_times
from pullback.base.spec import Spec
from pullback.rules.broadcast import unbroadcast
from pullback.rules.read import fit
from pullback.rules.structured import IdentityMultiple, Matrix, as_matrix, dense
from pullback.tape.accumulate import Owned
from pullback.tape.conjugates import (
    adjoint,
    adjoint_multiples,
    adjoint_times,
    both_products,
    times_adjoint,
)
from pullback.tape.elementwise import shares_node
from pullback.tape.keep import snapshot
from pullback.tape.node import Pull, Recording
from pullback.tape.plan import apply_to, fitted, general, is_complex, is_recorded
from pullback.tape.sweep import OWNING
from pullback.tape.variable import Due, Variable, recorded

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_array = np.ndarray
_new: Callable[[type], Any] = object.__new__


def are_stacks(x: Any, z: Any) -> bool:
    """Whether two values are matrices or stacks of them, of one dtype."""
    if type(x) is not _array or type(z) is not _array:
        return False
    dtype = x.dtype
    return dtype is z.dtype and x.ndim >= 2 <= z.ndim and (dtype is _FLOAT64 or is_recorded(dtype))


def owned(x_bar: Any) -> Any:
    """A new array, as one that the sweep may add to and give away."""
    return Owned(x_bar) if type(x_bar) is _array else x_bar


def pull_product(saved: Any, y_bar: Any) -> Any:
    """The cotangents of two matrices that are multiplied."""
    a, b = saved
    if type(y_bar) is IdentityMultiple:
        value = y_bar.value
        if type(value) is float and value == 1:
            return b.T, a.T
        return y_bar.times(b.T), y_bar.times(a.T)
    if type(y_bar) is _array:
        return Owned(times_transposed(y_bar, b)), Owned(transposed_times(a, y_bar))
    if (matrix := as_matrix(y_bar, len(b))) is not None:
        return owned(matrix.before(b.T)), owned(matrix.after(a.T))
    y_bar = dense(y_bar)
    return owned(y_bar @ b.T), owned(a.T @ y_bar)


def pull_left(b: Any, y_bar: Any) -> Any:
    """The cotangent of the left of two matrices, the right one being constant."""
    if type(y_bar) is _array:
        return Owned(times_transposed(y_bar, b))
    if (matrix := as_matrix(y_bar, len(b))) is not None:
        return matrix.before(b.T)
    return owned(dense(y_bar) @ b.T)


def pull_right(a: Any, y_bar: Any) -> Any:
    """The cotangent of the right of two matrices, the left one being constant."""
    if type(y_bar) is _array:
        return Owned(transposed_times(a, y_bar))
    if (matrix := as_matrix(y_bar, len(a.T))) is not None:
        return matrix.after(a.T)
    return owned(a.T @ dense(y_bar))


def pull_stacks(saved: Any, y_bar: Any) -> Any:
    """As `pull_product`, for stacks that broadcast, and complex matrices."""
    a, b = saved
    if type(y_bar) is not _array and type(y_bar) is not Owned:
        y_bar = as_matrix(y_bar, a.shape[-1]) or y_bar
    if not isinstance(y_bar, Matrix):
        alone = type(y_bar) is Owned
        if type(y_bar) is not _array:
            y_bar = dense(y_bar)
        if type(y_bar) is _array and (both := both_products(a, y_bar, b, alone)) is not None:
            return Owned(both[0]), Owned(both[1])
    return left_of_stacks(a.shape, b, y_bar), right_of_stacks(a, b.shape, y_bar)


def pull_left_of_stacks(saved: Any, y_bar: Any) -> Any:
    """As `pull_left`."""
    shape, b = saved
    return left_of_stacks(shape, b, y_bar)


def pull_right_of_stacks(saved: Any, y_bar: Any) -> Any:
    """As `pull_right`."""
    a, shape = saved
    return right_of_stacks(a, shape, y_bar)


def left_of_stacks(shape: tuple[int, ...], b: Any, y_bar: Any) -> Any:
    """The cotangent of the left of two stacks of matrices; it has this shape."""
    if type(y_bar) is not _array:
        if type(y_bar) is IdentityMultiple:
            return of_traced(y_bar, b, shape)
        if (matrix := as_matrix(y_bar, b.shape[-2])) is not None:
            return fit(matrix.before(adjoint(b)), Spec(shape, b.dtype))
        y_bar = dense(y_bar)
    y_shape = y_bar.shape
    if shape[:-2] != y_shape[:-2] and (within := sums_of_left(shape, b.shape, y_shape)) is not None:
        y_axes, y_shape, b_axes, b_shape = within
        turned = turned_conjugate(b.transpose(b_axes), b_shape)
        x_bar = (y_bar.transpose(y_axes).reshape(y_shape) @ turned).reshape(shape)
    else:
        x_bar = times_adjoint(y_bar, b)
        if x_bar.shape != shape:
            x_bar = unbroadcast(x_bar, shape)
    return Owned(x_bar) if type(x_bar) is _array else x_bar


def right_of_stacks(a: Any, shape: tuple[int, ...], y_bar: Any) -> Any:
    """The cotangent of the right of two stacks of matrices; it has this shape."""
    if type(y_bar) is not _array:
        if type(y_bar) is IdentityMultiple:
            return of_traced(y_bar, a, shape)
        if (matrix := as_matrix(y_bar, a.shape[-1])) is not None:
            return fit(matrix.after(adjoint(a)), Spec(shape, a.dtype))
        y_bar = dense(y_bar)
    y_shape = y_bar.shape
    if shape[:-2] != y_shape[:-2] and (within := sums_of_right(shape, a.shape, y_shape)) is not None:
        y_axes, y_shape, a_axes, a_shape = within
        turned = turned_conjugate(a.transpose(a_axes), a_shape)
        x_bar = (turned @ y_bar.transpose(y_axes).reshape(y_shape)).reshape(shape)
    else:
        x_bar = adjoint_times(a, y_bar)
        if x_bar.shape != shape:
            x_bar = unbroadcast(x_bar, shape)
    return Owned(x_bar) if type(x_bar) is _array else x_bar


def turned_conjugate(x: Any, shape: tuple[int, ...]) -> Any:
    """The conjugate transposes of what a stack is in another shape."""
    if x.dtype.kind == "c":
        x = np.conjugate(x, order="C")
    return x.reshape(shape).swapaxes(-1, -2)


Shape = tuple[int, ...]
Within = tuple[Shape, Shape, Shape, Shape]
"""Axes and shape in which a cotangent, and then a factor, is multiplied so that the product sums."""


@functools.lru_cache(512)
def sums_of_left(shape: Shape, b_shape: Shape, y_shape: Shape) -> Within | None:
    """How to sum over the stack within products; None where that takes more memory than all products do."""
    kept, summed, own, theirs = parted(shape, b_shape, y_shape)
    rows, columns, inner = *y_shape[-2:], shape[-1]
    if not summed or 2 * math.prod((*y_shape[:-1], inner)) <= math.prod(y_shape) + math.prod(b_shape):
        return None
    last, ndim = len(y_shape) - 1, len(b_shape)
    count = math.prod(y_shape[axis] for axis in summed) * columns
    stack, b_stack = [y_shape[axis] for axis in kept], [b_shape[axis] for axis in own]
    if math.prod(b_stack) == 1:
        # One matrix for all of what is left of the stack: that is one product.
        stack, b_stack, rows = [], [], math.prod(stack) * rows
    return (
        (*kept, last - 1, *summed, last),
        (*stack, rows, count),
        (*own, ndim - 2, *theirs, ndim - 1),
        (*b_stack, inner, count),
    )


@functools.lru_cache(512)
def sums_of_right(shape: Shape, a_shape: Shape, y_shape: Shape) -> Within | None:
    """As `sums_of_left`."""
    kept, summed, own, theirs = parted(shape, a_shape, y_shape)
    rows, columns, inner = *y_shape[-2:], shape[-2]
    if not summed or 2 * math.prod((*y_shape[:-2], inner, columns)) <= math.prod(y_shape) + math.prod(
        a_shape
    ):
        return None
    last, ndim = len(y_shape) - 1, len(a_shape)
    count = math.prod(y_shape[axis] for axis in summed) * rows
    return (
        (*kept, *summed, last - 1, last),
        (*(y_shape[axis] for axis in kept), count, columns),
        (*own, *theirs, ndim - 2, ndim - 1),
        (*(a_shape[axis] for axis in own), count, inner),
    )


def parted(shape: Shape, other: Shape, y_shape: Shape) -> tuple[list[int], list[int], list[int], list[int]]:
    """The axes of a stack of products that one factor has, and those along which it is repeated.

    And which of the other factor's they are; of the first it may have none.
    """
    batch = len(y_shape) - 2
    short, missing = len(y_shape) - len(shape), len(y_shape) - len(other)
    kept = [i for i in range(batch) if i >= short and shape[i - short] == y_shape[i]]
    summed = [i for i in range(batch) if i not in kept]
    return kept, summed, [i - missing for i in kept if i >= missing], [i - missing for i in summed]


def of_traced(y_bar: IdentityMultiple, other: Any, shape: tuple[int, ...]) -> Any:
    """The cotangent of a factor of this shape, where that of the product is a multiple of the identity."""
    factor = y_bar.factor()
    if (
        other.dtype.kind == "c"
        and (*other.shape[:-2], *other.shape[:-3:-1]) == shape
        and type(factor) is _array
        and factor.dtype is other.dtype
        and factor.shape[:-2] == shape[:-2]
    ):
        return Owned(adjoint_multiples(other, factor))
    return unbroadcast(y_bar.times(adjoint(other)), shape)


def conjugate(self: Variable) -> Any:
    """``np.conj(self)``."""
    if self._cell is not None:
        self.settle()
    x, node = self._value, self._node
    if node is None or switch.on or type(x) is not _array or not is_complex(x.dtype):
        return apply_to(np.conjugate, (self,), {})
    return recorded(x.conj(), self._tape, pull_conjugate, node, x.dtype)


def pull_conjugate(dtype: Any, y_bar: Any) -> Any:
    """The cotangent of an array of complex numbers that are conjugated; in place where the sweep owns it."""
    owned = type(y_bar) is Owned
    y_bar = dense(y_bar)
    if type(y_bar) is not _array or y_bar.dtype is not dtype:
        return fitted(np.conjugate(y_bar), Spec(np.shape(y_bar), dtype))
    return Owned(np.conjugate(y_bar, y_bar) if owned else y_bar.conj())


def matmul(self: Variable, other: Any) -> Any:
    """``self @ other``."""
    if self._cell is not None:
        self.settle()
    x, node, tape = self._value, self._node, self._tape
    if type(x) is _array and node is not None and not switch.on:
        if type(other) is Variable:
            if other._cell is not None:
                other.settle()
            z, z_node = other._value, other._node
            if z_node is not None and other._tape is tape and are_stacks(x, z):
                return product(x, z, tape, (node, z_node))
        elif are_stacks(x, other):
            if x.ndim == other.ndim == 2 and x.dtype.kind == "f":
                return recorded(x @ other, tape, pull_left, node, snapshot(other))
            return recorded(x @ other, tape, pull_left_of_stacks, node, (x.shape, snapshot(other)))
    return general(np.matmul, (self, other), {})


def product(x: Any, z: Any, tape: Recording, parents: Any) -> Variable:
    """The product of two matrices or stacks that are followed."""
    left, right, dtype = x.shape, z.shape, x.dtype
    if len(left) == len(right) == 2 and (dtype is _FLOAT64 or dtype is _FLOAT32):
        # As most products are.
        if left == right[::-1]:
            return due_product(x, z, tape, parents, pull_product)
        return recorded(times(x, z), tape, pull_product, parents, (x, z))
    if left[-2] == right[-1] and left[-1] == right[-2] and left[:-2] == right[:-2]:
        return due_product(x, z, tape, parents, pull_stacks)
    return recorded(x @ z, tape, pull_stacks, parents, (x, z))


def due_product(x: Any, z: Any, tape: Recording, parents: Any, pull: Pull) -> Variable:
    """The product of two matrices or stacks, which is square, to be computed when its value is asked for."""
    made = recorded(None, tape, pull, parents, (x, z))
    made._cell = cell = _new(Due)
    cell.factors = (x, z)
    return made


def reflected_matmul(self: Variable, other: Any) -> Any:
    """``other @ self``."""
    if self._cell is not None:
        self.settle()
    node, x = self._node, self._value
    if node is not None and not switch.on and are_stacks(other, x):
        if x.ndim == other.ndim == 2 and x.dtype.kind == "f":
            return recorded(other @ x, self._tape, pull_right, node, snapshot(other))
        return recorded(other @ x, self._tape, pull_right_of_stacks, node, (snapshot(other), x.shape))
    return general(np.matmul, (other, self), {})


def pull_trace(size: int, y_bar: Any) -> IdentityMultiple:
    """The cotangent of a square matrix whose trace is taken."""
    made = _new(IdentityMultiple)
    made.value = y_bar
    made.size = size
    made.shape = (size, size)
    return made


def pull_trace_of_product(saved: Any, y_bar: Any) -> Any:
    """The cotangents of two matrices of whose product the trace is taken: no product is needed."""
    a, turned = saved
    return (turned, a.T) if type(y_bar) is float and y_bar == 1 else (y_bar * turned, y_bar * a.T)


def pull_traces_of_products(saved: Any, y_bar: Any) -> Any:
    """As `pull_trace_of_product`, for stacks of the same length, and complex matrices."""
    return pull_stacks(saved, IdentityMultiple(dense(y_bar), saved[0].shape[-2]))


def trace(self: Any, kwargs: dict[str, Any]) -> Any:
    """``np.trace(self)`` of matrices that stand in the last two axes."""
    if type(self) is Variable and not switch.on:
        node: Any = self._node
        cell, tape = self._cell, self._tape
        if cell is None:
            x = self._value
            if node is not None and type(x) is _array and not kwargs:
                shape, dtype = x.shape, x.dtype
                if len(shape) == 2 and shape[0] == shape[1] and (dtype is _FLOAT64 or dtype is _FLOAT32):
                    return recorded(x.trace(), tape, pull_trace, node, shape[0])
        elif type(cell) is Due and shares_node(node, tape):
            a, b = cell.factors
            if node.pull is pull_product and not kwargs:
                turned = b.T.copy()
                traced = a.ravel().dot(turned.ravel())
                return recorded(traced, tape, pull_trace_of_product, node.parents, (a, turned))
            if are_last(a.ndim, **kwargs):
                traced = np.einsum("...ij,...ji->...", a, b)
                return recorded(traced, tape, pull_traces_of_products, node.parents, (a, b))
    return apply_to(np.trace, (self,), kwargs)


def matrix_trace(self: Any, kwargs: dict[str, Any]) -> Any:
    """``np.linalg.trace(self)``."""
    return trace(self, {"axis1": -2, "axis2": -1, **kwargs})


def are_last(ndim: int, axis1: Any = 0, axis2: Any = 1, offset: Any = 0, **other: Any) -> bool:
    """Whether arguments of `numpy.trace` ask for the diagonals of a stack of matrices."""
    return (
        type(axis1) is type(axis2) is type(offset) is int
        and {axis1 % ndim, axis2 % ndim} == {ndim - 2, ndim - 1}
        and -ndim <= min(axis1, axis2) <= max(axis1, axis2) < ndim
        and offset == 0
        and not other
    )


OWNING.update({pull_conjugate, pull_stacks})
