"""The state of an equation as one array: an array as it is, a pytree as the vector of all its entries."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.dispatch import tracked_in
from pullback.base.errors import ShapeError
from pullback.base.pytrees import flatten, unflatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare


class State:
    """The form of a state.

    Attributes:
        start: the state at the start as an array.
        dtype: that of the array.
    """

    def __init__(self, y0: Any, f: Callable[..., Any]) -> None:
        self.function = f
        leaves, self.structure = flatten(y0)
        leaves = [leaf if tracked_in((leaf,)) else _floating(leaf) for leaf in leaves]
        self.shapes = [np.shape(leaf) for leaf in leaves]
        self.dtypes = [dtype_of(bare(leaf)) for leaf in leaves]
        self.dtype = np.result_type(*self.dtypes) if leaves else np.dtype(float)
        self.start = leaves[0] if self.structure is None else self._joined(leaves)

    def _joined(self, leaves: list[Any]) -> Any:
        parts = [np.ravel(leaf) for leaf in leaves]
        return astype(np.concatenate(parts), self.dtype) if parts else np.zeros(0)

    def field(self, t: Any, y: Any, *args: Any) -> Any:
        """The user's function on such arrays."""
        slope = self.function(t, self.tree(y), *args)
        if self.structure is None and isinstance(slope, list | tuple):
            slope = np.stack(slope) if slope else np.zeros(0)
        leaves, structure = flatten(slope)
        shapes = [np.shape(leaf) for leaf in leaves]
        if structure != self.structure or shapes != self.shapes:
            raise ShapeError(
                "pullback.ode.solve: f returns another form than that of y0",
                why=f"its shapes are {shapes}, those of y0 {self.shapes}",
                remedy="return dy/dt in the structure and the shapes of y0.",
            )
        for leaf, dtype in zip(leaves, self.dtypes, strict=True):
            if dtype_of(bare(leaf)).kind == "c" and dtype.kind != "c":
                raise ShapeError(
                    "pullback.ode.solve: f is complex where y0 is real", remedy="start from a complex y0."
                )
        slope = leaves[0] if self.structure is None else self._joined(leaves)
        return self.cast(slope)

    def cast(self, y: Any) -> Any:
        """`y` in the dtype of the state."""
        return y if dtype_of(bare(y)) == self.dtype else astype(y, self.dtype)

    def tree(self, y: Any) -> Any:
        """The state, or states along first axes, in the form of `y0`."""
        if self.structure is None:
            return y
        lead, leaves, start = np.shape(y)[:-1], [], 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            size = math.prod(shape)
            leaf = np.reshape(y[..., start : start + size], (*lead, *shape))
            start += size
            if dtype.kind != "c" and self.dtype.kind == "c":
                leaf = np.real(leaf)
            leaf = leaf if dtype_of(bare(leaf)) == dtype else astype(leaf, dtype)
            leaves.append(leaf if tracked_in((leaf,)) else leaf[()])
        return unflatten(self.structure, leaves)


def _floating(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return (array if array.dtype.kind in "fc" else array.astype(np.float64))[()]
