"""Functions of several arrays of which NumPy makes a view each: atleast_1d, broadcast_arrays, meshgrid.

An engine takes one array at a time here, so that the view of a plain array stays plain, the view of a tracked
one is linked to it, and each is followed by its own level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def each(function: Callable[[Any], Any], *arrays: Any) -> Any:
    """``function(*arrays)`` for a function that treats several arrays one by one."""
    return tuple(function(a) for a in arrays)


def broadcast_arrays(*args: Any, **_: bool) -> Any:
    """As `numpy.broadcast_arrays`; what is tracked has no subclasses for ``subok=`` to keep."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(a[...] if np.shape(a) == shape != () else np.broadcast_to(a, shape) for a in args)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """As `numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = 1, 0
    grids = tuple(
        np.reshape(x, tuple(-1 if i == axis else 1 for i in range(len(xi))))
        for axis, x in zip(axes, xi, strict=True)
    )
    if not sparse:
        grids = broadcast_arrays(*grids)
    return tuple(map(np.copy, grids)) if copy else grids


SEPARATE: dict[Callable[..., Any], Callable[..., Any]] = {
    np.atleast_1d: partial(each, np.atleast_1d),
    np.atleast_2d: partial(each, np.atleast_2d),
    np.atleast_3d: partial(each, np.atleast_3d),
    np.broadcast_arrays: broadcast_arrays,
    np.meshgrid: meshgrid,
}
"""How to apply such a function to more than one array, or to one."""
