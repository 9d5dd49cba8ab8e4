"""The short way to a node for what shares memory with its one array: indices, reshapes, transposes.

What is known of such a function is in its plan; what is left to do at a call is to take the view, to record
it, and to note whose memory it is in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.spec import Spec
from pullback.rules.structured import Structured
from pullback.tape.plan import VIEW_WAYS, apply_to, fitted, is_recorded, view_plan
from pullback.tape.variable import Variable, recorded

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
    dtype = x.dtype
    y = method(x, *rest)
    if type(y) is not _array:
        if type(y) is not dtype.type or not is_recorded(dtype):
            return apply_to(function, (own, *rest), {})
        return recorded(y, own._tape, pull, node, (plan, Spec(x.shape, dtype), rest))
    if y.dtype is not dtype or not is_recorded(dtype):
        return apply_to(function, (own, *rest), {})
    made = recorded(y, own._tape, pull, node, (plan, Spec(x.shape, dtype), rest))
    base = y.base
    if (base is not None and (base is x or base is x.base or np.may_share_memory(y, x))) or y is x:
        own.has_view(made, (function, rest, _NOTHING, None))
    return made


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
    x = saved[1]
    if type(y_bar) is _array and y_bar.dtype is x.dtype:
        return y_bar.reshape(x.shape)
    return pull_viewed(saved, y_bar)


def pull_transposed(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array whose axes are reversed."""
    if type(y_bar) is _array and y_bar.dtype is saved[1].dtype:
        return y_bar.T
    return pull_viewed(saved, y_bar)


def pull_viewed(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the array."""
    plan, x, rest = saved
    bar, structured, _ = plan.bars[0]
    if not structured and type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    # No such rule reads the output, whose shape and dtype its cotangent has.
    x_bar = bar(y_bar, y_bar, x, *rest)
    if x_bar.dtype is x.dtype and x_bar.shape == x.shape:
        return x_bar
    return fitted(x_bar, x)


_PULLS = {(np.reshape, 1): pull_reshaped, (np.transpose, 0): pull_transposed}
"""Adjoints that need no rule, by the function and how many constants it is given."""
