"""The short way to a node for products of two real matrices of one dtype, and for the trace of one.

A cotangent that is a multiple of the identity, as the trace sends, turns the adjoint's products into
transposes (Giles, *Collected matrix derivative results*, 2008, §2.2 and §2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.rules.structured import IdentityMultiple, dense
from pullback.tape.accumulate import Owned
from pullback.tape.elementwise import are_real_arrays, shares_node
from pullback.tape.keep import snapshot
from pullback.tape.plan import apply_to, general
from pullback.tape.variable import Variable, recorded

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_array = np.ndarray
_new: Callable[[type], Any] = object.__new__


def are_matrices(x: Any, z: Any) -> bool:
    """Whether two values are real matrices of one dtype."""
    return are_real_arrays(x, z) and x.ndim == z.ndim == 2


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
        return Owned(y_bar @ b.T), Owned(a.T @ y_bar)
    y_bar = dense(y_bar)
    return owned(y_bar @ b.T), owned(a.T @ y_bar)


def pull_left(b: Any, y_bar: Any) -> Any:
    """The cotangent of the left of two matrices, the right one being constant."""
    if type(y_bar) is _array:
        return Owned(y_bar @ b.T)
    return y_bar.times(b.T) if type(y_bar) is IdentityMultiple else owned(dense(y_bar) @ b.T)


def pull_right(a: Any, y_bar: Any) -> Any:
    """The cotangent of the right of two matrices, the left one being constant."""
    if type(y_bar) is _array:
        return Owned(a.T @ y_bar)
    return y_bar.times(a.T) if type(y_bar) is IdentityMultiple else owned(a.T @ dense(y_bar))


def matmul(self: Variable, other: Any) -> Any:
    """``self @ other``."""
    x, node = self._value, self._node
    if type(x) is _array and x.ndim == 2 and node is not None and self._cell is None and not switch.on:
        dtype = x.dtype
        if dtype is _FLOAT64 or dtype is _FLOAT32:
            if type(other) is Variable:
                z, z_node, tape = other._value, other._node, self._tape
                if (
                    type(z) is _array
                    and z.ndim == 2
                    and z.dtype is dtype
                    and z_node is not None
                    and other._tape is tape
                    and other._cell is None
                ):
                    return recorded(x @ z, tape, pull_product, (node, z_node), (x, z))
            elif type(other) is _array and other.ndim == 2 and other.dtype is dtype:
                return recorded(x @ other, self._tape, pull_left, node, snapshot(other))
    return general(np.matmul, (self, other), {})


def reflected_matmul(self: Variable, other: Any) -> Any:
    """``other @ self``."""
    node, x = self._node, self._value
    if node is not None and self._cell is None and not switch.on and are_matrices(other, x):
        return recorded(other @ x, self._tape, pull_right, node, snapshot(other))
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
    a, b = saved
    return (b.T, a.T) if type(y_bar) is float and y_bar == 1 else (y_bar * b.T, y_bar * a.T)


def trace(self: Any, kwargs: dict[str, Any]) -> Any:
    """``np.trace(self)`` of one matrix."""
    if type(self) is Variable and not kwargs and not switch.on:
        node, x = self._node, self._value
        if node is not None and self._cell is None and type(x) is _array:
            shape = x.shape
            if len(shape) == 2 and shape[0] == shape[1]:
                dtype = x.dtype
                if dtype is _FLOAT64 or dtype is _FLOAT32:
                    tape = self._tape
                    if node.pull is pull_product and shares_node(node, tape):
                        return recorded(x.trace(), tape, pull_trace_of_product, node.parents, node.saved)
                    return recorded(x.trace(), tape, pull_trace, node, shape[0])
    return apply_to(np.trace, (self,), kwargs)
