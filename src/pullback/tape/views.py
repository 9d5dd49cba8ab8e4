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
from pullback.tape.plan import apply_to, fitted, is_recorded, view_plan
from pullback.tape.variable import Variable, recorded

_array = np.ndarray
_METHODS: dict[Any, Any] = {
    (np.reshape, 1): np.ndarray.reshape,
    (np.transpose, 0): np.ndarray.transpose,
    (np.transpose, 1): np.ndarray.transpose,
    (np.swapaxes, 2): np.ndarray.swapaxes,
}
"""What saves NumPy's detour, by the function and how many constants it is given."""
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
    plan = view_plan(function, 1 + len(rest))
    if plan is None or switch.on or own._node is None:
        return apply_to(function, (own, *rest), {})
    if own._cell is not None:
        own.settle()
    x = own._value
    if type(x) is not _array:
        return apply_to(function, (own, *rest), {})
    dtype = x.dtype
    if not is_recorded(dtype):
        return apply_to(function, (own, *rest), {})
    y = (_METHODS.get((function, len(rest))) or plan.method)(x, *rest)
    if type(y) is not _array:
        if type(y) is not dtype.type:
            return apply_to(function, (own, *rest), {})
        return recorded(y, own._tape, pull_viewed, own._node, (plan, Spec(x.shape, dtype), rest))
    if y.dtype is not dtype:
        return apply_to(function, (own, *rest), {})
    made = recorded(y, own._tape, pull_viewed, own._node, (plan, Spec(x.shape, dtype), rest))
    base = y.base
    if y is x or (base is not None and (base is x or base is x.base or np.may_share_memory(y, x))):
        own.has_view(made, (function, rest, {}, None))
    return made


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
