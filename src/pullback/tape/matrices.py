"""The short way to a node for products of matrices or stacks of one dtype, and for the trace of a real one.

A cotangent that is a multiple of the identity, as the trace sends, turns the adjoint's products into
transposes (Giles, *Collected matrix derivative results*, 2008, §2.2 and §2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.rules.broadcast import unbroadcast
from pullback.rules.structured import IdentityMultiple, dense
from pullback.tape.accumulate import Owned
from pullback.tape.elementwise import shares_node
from pullback.tape.keep import snapshot
from pullback.tape.node import Recording
from pullback.tape.panels import times, times_transposed, transposed_times
from pullback.tape.plan import apply_to, general, is_complex
from pullback.tape.variable import Due, Variable, recorded

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_array = np.ndarray
_new: Callable[[type], Any] = object.__new__


def are_stacks(x: Any, z: Any) -> bool:
    """Whether two values are matrices or stacks of them, of one dtype."""
    return (
        type(x) is type(z) is _array
        and x.dtype is z.dtype
        and x.ndim >= 2 <= z.ndim
        and (x.dtype is _FLOAT64 or x.dtype is _FLOAT32 or is_complex(x.dtype))
    )


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
    y_bar = dense(y_bar)
    return owned(y_bar @ b.T), owned(a.T @ y_bar)


def pull_left(b: Any, y_bar: Any) -> Any:
    """The cotangent of the left of two matrices, the right one being constant."""
    if type(y_bar) is _array:
        return Owned(times_transposed(y_bar, b))
    return y_bar.times(b.T) if type(y_bar) is IdentityMultiple else owned(dense(y_bar) @ b.T)


def pull_right(a: Any, y_bar: Any) -> Any:
    """The cotangent of the right of two matrices, the left one being constant."""
    if type(y_bar) is _array:
        return Owned(transposed_times(a, y_bar))
    return y_bar.times(a.T) if type(y_bar) is IdentityMultiple else owned(a.T @ dense(y_bar))


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix, or of each in a stack."""
    turned = x.swapaxes(-1, -2)
    return turned.conj() if x.dtype.kind == "c" else turned


def pull_stacks(saved: Any, y_bar: Any) -> Any:
    """As `pull_product`, for stacks that broadcast, and complex matrices."""
    a, b = saved
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
    if type(y_bar) is IdentityMultiple:
        return of_traced(y_bar, b, shape)
    y_bar = dense(y_bar)
    rows, inner, columns = *shape[-2:], b.shape[-1]
    if len(shape) == 2 < b.ndim and rows * inner > columns * (rows + inner):
        # Less memory than that of all products goes into one product that sums over the stack.
        summed = (*range(b.ndim - 2), -1)
        return owned(np.tensordot(y_bar, b.conj(), axes=(summed, summed)))
    return owned(unbroadcast(y_bar @ adjoint(b), shape))


def right_of_stacks(a: Any, shape: tuple[int, ...], y_bar: Any) -> Any:
    """The cotangent of the right of two stacks of matrices; it has this shape."""
    if type(y_bar) is IdentityMultiple:
        return of_traced(y_bar, a, shape)
    y_bar = dense(y_bar)
    if len(shape) == 2 < a.ndim:
        a, y_bar = a.reshape(-1, a.shape[-1]), y_bar.reshape(-1, y_bar.shape[-1])
    return owned(unbroadcast(adjoint(a) @ y_bar, shape))


def of_traced(y_bar: IdentityMultiple, other: Any, shape: tuple[int, ...]) -> Any:
    """The cotangent of a factor of this shape, where that of the product is a multiple of the identity."""
    x_bar, factor = adjoint(other), y_bar.factor()
    if (
        x_bar.dtype.kind == "c"
        and x_bar.shape == shape
        and type(factor) is _array
        and factor.dtype is x_bar.dtype
        and factor.shape[:-2] == shape[:-2]
    ):
        # Conjugating has made the memory.
        return Owned(np.multiply(x_bar, factor, out=x_bar))
    return unbroadcast(y_bar.times(x_bar), shape)


def matmul(self: Variable, other: Any) -> Any:
    """``self @ other``."""
    if self._cell is not None:
        self.settle()
    x, node, tape = self._value, self._node, self._tape
    if type(x) is _array and node is not None and not switch.on:
        if type(other) is Variable:
            z = other._value
            dtype = x.dtype
            if (
                (dtype is _FLOAT64 or dtype is _FLOAT32)
                and type(z) is _array
                and z.dtype is dtype
                and x.ndim == z.ndim == 2
                and other._tape is tape
                and other._cell is None
                and other._node is not None
            ):
                # Two matrices, as most products are of.
                if x.shape == z.shape[::-1]:
                    return due_product(x, z, tape, (node, other._node))
                return recorded(times(x, z), tape, pull_product, (node, other._node), (x, z))
            if other._cell is not None:
                other.settle()
            z, z_node = other._value, other._node
            if z_node is not None and other._tape is tape and are_stacks(x, z):
                pull = pull_product if x.ndim == z.ndim == 2 and x.dtype.kind == "f" else pull_stacks
                return recorded(x @ z, tape, pull, (node, z_node), (x, z))
        elif are_stacks(x, other):
            if x.ndim == other.ndim == 2 and x.dtype.kind == "f":
                return recorded(x @ other, tape, pull_left, node, snapshot(other))
            return recorded(x @ other, tape, pull_left_of_stacks, node, (x.shape, snapshot(other)))
    return general(np.matmul, (self, other), {})


def due_product(x: Any, z: Any, tape: Recording, parents: Any) -> Variable:
    """The product of two matrices, which is square, to be computed when its value is asked for."""
    made = recorded(None, tape, pull_product, parents, (x, z))
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


def trace(self: Any, kwargs: dict[str, Any]) -> Any:
    """``np.trace(self)`` of one matrix."""
    if type(self) is Variable and not kwargs and not switch.on:
        node: Any = self._node
        cell, tape = self._cell, self._tape
        if cell is None:
            x = self._value
            if node is not None and type(x) is _array:
                shape, dtype = x.shape, x.dtype
                if len(shape) == 2 and shape[0] == shape[1] and (dtype is _FLOAT64 or dtype is _FLOAT32):
                    return recorded(x.trace(), tape, pull_trace, node, shape[0])
        elif type(cell) is Due and node.pull is pull_product and shares_node(node, tape):
            a, b = cell.factors
            turned = b.T.copy()
            return recorded(
                a.ravel().dot(turned.ravel()), tape, pull_trace_of_product, node.parents, (a, turned)
            )
    return apply_to(np.trace, (self,), kwargs)
