"""The short ways to a node for sums, means and extremes of a real array, over one axis or all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.numbers import REALS
from pullback.base.spec import Spec
from pullback.rules.axes import restored
from pullback.rules.largest import has_no_nan, shares
from pullback.rules.product import scale
from pullback.rules.reduce import spread
from pullback.rules.structured import Filled, Repeated, dense
from pullback.tape.extrema import chosen
from pullback.tape.methods import mean as mean_of
from pullback.tape.plan import apply_to, fitted
from pullback.tape.variable import Variable, recorded

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_OPTIONS = frozenset({"axis", "keepdims"})
_array = np.ndarray


def reduction(function: Any, ufunc: np.ufunc, pull: Any) -> Callable[[Any, dict[str, Any]], Any]:
    """The way for ``function(variable, axis=None, keepdims=False)``, which is what `ufunc` reduces to."""
    reduce: Any = ufunc.reduce
    reads = pull is pull_extreme

    def apply(self: Any, kwargs: dict[str, Any]) -> Any:
        if type(self) is Variable and is_settled(self) and not switch.on and kwargs.keys() <= _OPTIONS:
            x, node = self._value, self._node
            axis, keepdims = kwargs.get("axis"), kwargs.get("keepdims", False)
            if (
                node is not None
                and type(x) is _array
                and (x.dtype is _FLOAT64 or x.dtype is _FLOAT32)
                and x.ndim
                and x.size
                and (axis is None or type(axis) is int)
                and type(keepdims) is bool
            ):
                y = reduce(x, axis, None, None, keepdims)
                saved = (x, y, axis) if reads else (Spec(x.shape, x.dtype), None, axis)
                return recorded(y, self._tape, pull, node, saved)
        return apply_to(function, (self,), kwargs)

    return apply


def is_settled(self: Variable) -> bool:
    """Whether a value is there and takes part in no aliasing; one that is due is computed."""
    cell = self._cell
    if cell is None:
        return True
    if cell.due:
        self.settle()
    return self._cell is None


def mean(self: Any, kwargs: dict[str, Any]) -> Any:
    """``np.mean(self)``."""
    if type(self) is Variable and not kwargs and self._cell is None and not switch.on:
        x, node = self._value, self._node
        if node is not None and type(x) is _array and (x.dtype is _FLOAT64 or x.dtype is _FLOAT32) and x.size:
            return recorded(mean_of(x), self._tape, pull_mean, node, (x.shape, x.size))
    return apply_to(np.mean, (self,), kwargs)


def pull_mean(saved: Any, y_bar: Any) -> Filled:
    """The cotangent of an array of whose entries the mean is taken."""
    shape, count = saved
    return Filled(dense(y_bar) / count, shape)


def pull_sum(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array whose entries are summed."""
    spec, _, axis = saved
    if axis is None:
        if type(y_bar) in REALS:
            return Filled(y_bar, spec.shape)
    elif type(y_bar) is _array and y_bar.dtype is spec.dtype:
        return Repeated(restored(y_bar, spec.shape, axis), spec.shape)
    return fitted(spread(y_bar, spec.shape, axis, True), spec)


def pull_extreme(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array whose largest or smallest entries are taken."""
    x, y, axis = saved
    y_bar = restored(dense(y_bar), x.shape, axis)
    if axis is not None and type(y_bar) is _array and y_bar.dtype is x.dtype:
        best = y if y.ndim == x.ndim else restored(y, x.shape, axis)
        won = x == best
        if np.count_nonzero(won) == y.size and has_no_nan(y):  # one in each place
            return chosen(won, y_bar)
    return fitted(scale(shares(y, x, axis), y_bar), x)


WAYS = {
    np.sum: reduction(np.sum, np.add, pull_sum),
    np.max: reduction(np.max, np.maximum, pull_extreme),
    np.min: reduction(np.min, np.minimum, pull_extreme),
    np.mean: mean,
}
