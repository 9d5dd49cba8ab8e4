"""The short way to a node for the larger or the smaller of a real array and a number.

Where they nowhere tie, the result tells who has won, so the array itself need not be kept: what follows often
keeps the result, and reads it just before. With ties the row of the table decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.tape.accumulate import Owned
from pullback.tape.elementwise import binary, product
from pullback.tape.sweep import OWNING
from pullback.tape.variable import Variable, recorded

_array = np.ndarray
_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)


def extremum(function: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The ways for ``function(variable, other)`` and ``function(other, variable)``, a maximum or minimum."""
    ways = binary(function, function)
    assert ways is not None

    def towards(others: Callable[..., Any]) -> Callable[..., Any]:
        def apply(self: Variable, other: Any) -> Any:
            if (type(other) is float or type(other) is int) and not switch.on and self._cell is None:
                x, node = self._value, self._node
                if node is not None and type(x) is _array:
                    dtype = x.dtype
                    if (dtype is _FLOAT64 or dtype is _FLOAT32) and not np.count_nonzero(x == other):
                        y = function(x, other)
                        return recorded(y, self._tape, pull_won, node, (y, other))
            return others(self, other)

        return apply

    return towards(ways[0]), towards(ways[1])


def pull_won(saved: Any, y_bar: Any) -> Any:
    """The cotangent where the array has won, and zero elsewhere, whatever the cotangent is there."""
    y, other = saved
    won = y != other
    owned = type(y_bar) is Owned
    if owned:
        y_bar = y_bar.value
    dtype = y.dtype
    if type(y_bar) is not _array or y_bar.dtype is not dtype:
        return product(won.astype(dtype), y_bar)
    return chosen(won, y_bar, in_place=owned)


def chosen(won: Any, y_bar: Any, *, in_place: bool = False) -> Owned:
    """A cotangent of single or double numbers where `won` is True, and zero elsewhere, whatever it is there.

    Products with 0 and 1 as if the entries were integers: nothing comes of a NaN times 0.
    """
    whole = np.int64 if y_bar.dtype is _FLOAT64 else np.int32
    bits = y_bar.view(whole)
    return Owned(np.multiply(bits, won.astype(whole), out=bits if in_place else None).view(y_bar.dtype))


OWNING.add(pull_won)
MAXIMUM_WAYS = extremum(np.maximum)
MINIMUM_WAYS = extremum(np.minimum)
