"""The short way to a node for what shares memory with its one array: indices, reshapes, transposes.

What is known of such a function is in its plan; what is left to do at a call is to take the view, to record
it, and to note whose memory it is in.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.spec import Spec
from pullback.rules.index import is_everything
from pullback.rules.structured import Scattered, Structured
from pullback.tape.plan import VIEW_WAYS, apply_to, fitted, is_recorded, is_simple, view_plan
from pullback.tape.variable import Variable, recorded, recorded_view

_array = np.ndarray
_METHODS: dict[Any, Any] = {
    (np.reshape, 1): np.ndarray.reshape,
    (np.transpose, 0): np.ndarray.transpose,
    (np.transpose, 1): np.ndarray.transpose,
    (np.swapaxes, 2): np.ndarray.swapaxes,
}
"""What saves NumPy's detour, by the function and how many constants it is given."""
_UNSEEN: Any = object()
_NOTHING: dict[str, Any] = {}
_RESHAPE, _TRANSPOSE, _INDEX = (np.reshape, 1), (np.transpose, 0), (operator.getitem, 1)
_TRANSPOSED = (np.transpose, (), _NOTHING, None)
VIEWED = frozenset(
    [
        np.reshape,
        np.transpose,
        np.swapaxes,
        np.ravel,
        np.squeeze,
        np.expand_dims,
        np.moveaxis,
        np.matrix_transpose,
    ]
)
"""NumPy's functions that come to `viewed`."""


def viewed(function: Any, own: Variable, rest: tuple[Any, ...]) -> Any:
    """``function(own, *rest)``, a view of `own` if NumPy makes it one; nothing in `rest` can be changed."""
    way = VIEW_WAYS.get((function, len(rest)), _UNSEEN)
    if way is _UNSEEN:
        way = way_of(function, len(rest))
    if own._cell is not None:
        own.settle()
    x, node = own._value, own._node
    if way is None or node is None or switch.on or type(x) is not _array:
        return apply_to(function, (own, *rest), {})
    method, pull, plan = way
    y = method(x, *rest)
    dtype = x.dtype
    if type(y) is _array:
        if y.dtype is dtype:
            saved = plan, x.shape, dtype, rest
            base = y.base
            if (base is not None and (base is x or base is x.base or np.may_share_memory(y, x))) or y is x:
                return recorded_view(own, y, pull, saved, (function, rest, _NOTHING, None))
            return recorded(y, own._tape, pull, node, saved)
    elif type(y) is dtype.type and is_recorded(dtype):
        return recorded(y, own._tape, pull, node, (plan, x.shape, dtype, rest))
    return apply_to(function, (own, *rest), {})


def reshape(self: Variable, *shape: Any, order: Any = "C") -> Any:
    """As `numpy.ndarray.reshape`."""
    if len(shape) == 1:
        (shape,) = shape
    if order != "C" or (type(shape) is not int and not (type(shape) is tuple and is_simple(shape))):
        return np.reshape(self, shape, order=order)
    way = VIEW_WAYS.get(_RESHAPE)
    if self._cell is not None:
        self.settle()
    x = self._value
    if way is None or self._node is None or switch.on or type(x) is not _array:
        return viewed(np.reshape, self, (shape,))
    y = x.reshape(shape)
    rest = (shape,)
    saved = way[2], x.shape, x.dtype, rest
    if (base := y.base) is x or base is x.base or np.may_share_memory(y, x):
        return recorded_view(self, y, pull_reshaped, saved, (np.reshape, rest, _NOTHING, None))
    return recorded(y, self._tape, pull_reshaped, self._node, saved)


def transposed(self: Variable) -> Any:
    """``self.T``."""
    way = VIEW_WAYS.get(_TRANSPOSE)
    if self._cell is not None:
        self.settle()
    x = self._value
    if way is None or self._node is None or switch.on or type(x) is not _array:
        return viewed(np.transpose, self, ())
    return recorded_view(self, x.T, pull_transposed, (way[2], x.shape, x.dtype, ()), _TRANSPOSED)


def indexed(self: Variable, index: Any) -> Any:
    """``self[index]``, for an index that NumPy calls basic."""
    way = VIEW_WAYS.get(_INDEX)
    if self._cell is not None:
        self.settle()
    x = self._value
    if way is None or self._node is None or switch.on or type(x) is not _array:
        return viewed(operator.getitem, self, (index,))
    y = x[index]
    if type(y) is not _array:
        return viewed(operator.getitem, self, (index,))
    rest = (index,)
    saved = way[2], x.shape, x.dtype, rest
    return recorded_view(self, y, pull_indexed, saved, (operator.getitem, rest, _NOTHING, None))


def way_of(function: Any, count: int) -> Any:
    """How to call a function of an array and `count` constants, and its adjoint; None if it is no view."""
    plan = view_plan(function, 1 + count)
    way = None
    if plan is not None:
        pull = _PULLS.get((function, count), pull_viewed)
        way = _METHODS.get((function, count), plan.method), pull, plan
    VIEW_WAYS[function, count] = way
    return way


def pull_reshaped(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array that is reshaped."""
    if type(y_bar) is _array and y_bar.dtype is saved[2]:
        return y_bar.reshape(saved[1])
    return pull_viewed(saved, y_bar)


def pull_transposed(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array whose axes are reversed."""
    if type(y_bar) is _array and y_bar.dtype is saved[2]:
        return y_bar.T
    return pull_viewed(saved, y_bar)


def pull_indexed(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array that is indexed."""
    _, shape, dtype, (index,) = saved
    if type(y_bar) is _array and y_bar.dtype is dtype and y_bar.ndim:
        if type(index) is int:
            return Scattered(Spec(shape, dtype), index, y_bar)
        if is_everything(index):
            return y_bar.reshape(shape)
    return pull_viewed(saved, y_bar)


def pull_viewed(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the array."""
    plan, shape, dtype, rest = saved
    bar, structured, _ = plan.bars[0]
    if not structured and type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    # No such rule reads the output, whose shape and dtype its cotangent has.
    x = Spec(shape, dtype)
    x_bar = bar(y_bar, y_bar, x, *rest)
    if x_bar.dtype is dtype and x_bar.shape == shape:
        return x_bar
    return fitted(x_bar, x)


_PULLS = {
    (np.reshape, 1): pull_reshaped,
    (np.transpose, 0): pull_transposed,
    (operator.getitem, 1): pull_indexed,
}
"""Adjoints that need no rule, by the function and how many constants it is given."""
