"""Sorting: ``sort``, ``partition`` and ``unique`` through the permutation they apply; indices are constant.

Sorting moves entries, so its derivative moves cotangents back. Which entry went where is found from the
values (equal entries keep their order), not from the algorithm NumPy chose. The Jacobian is a
permutation, hence real, and the reader is told not to conjugate.

Functions that return indices or counts are piecewise constant. Bin edges computed from data move with
them, so ``histogram`` and its relatives are refused rather than called constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.spec import Spec, dtype_of
from pullback.rules.cast import astype
from pullback.rules.domain import array, call
from pullback.rules.scatter import scatter
from pullback.rules.table import calls, constant, jvp, linear, refuse, vjp


@dispatched
def places(a: Any, b: Any, axis: int) -> Any:
    """For two orders of the same entries along `axis`: for each place in `a`, where that entry is in `b`."""
    rank = np.argsort(np.argsort(a, axis, kind="stable"), axis, kind="stable")
    return np.take_along_axis(np.argsort(b, axis, kind="stable"), rank, axis)


constant(places)


def pull_back(y_bar: Any, y: Any, a: Any, axis: int | None) -> Any:
    """The cotangent of `a`, of which `y` is a reordering along `axis` (over all axes for None)."""
    if axis is None:
        return np.reshape(y_bar[places(np.reshape(a, (np.size(a),)), y, 0)], np.shape(a))
    return np.take_along_axis(y_bar, places(a, y, axis), axis)


def push_forward(a_dot: Any, y: Any, a: Any, axis: int | None) -> Any:
    """The tangent of `y`, a reordering of `a`."""
    if axis is None:
        flat = (np.size(a),)
        return np.reshape(a_dot, flat)[places(y, np.reshape(a, flat), 0)]
    return np.take_along_axis(a_dot, places(y, a, axis), axis)


@vjp(np.sort, 0, reads="y a axis", holomorphic=False)
def sort_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
) -> Any:
    return pull_back(y_bar, y, a, axis)


@jvp(np.sort, 0, reads="y a axis")
def sort_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
) -> Any:
    return push_forward(a_dot, y, a, axis)


@vjp(np.partition, 0, reads="y a axis", holomorphic=False)
def partition_vjp(
    y_bar: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    return pull_back(y_bar, y, a, axis)


@jvp(np.partition, 0, reads="y a axis")
def partition_jvp(
    a_dot: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    return push_forward(a_dot, y, a, axis)


@vjp(np.sort_complex, 0, reads="y a", holomorphic=False)
def sort_complex_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    return pull_back(y_bar, y, a, -1)


@jvp(np.sort_complex, 0, reads="y a")
def sort_complex_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    return astype(push_forward(a_dot, y, a, -1), dtype_of(y))


@dispatched
def first_places(a: Any, values: Any, axis: int | None, equal_nan: bool) -> Any:
    """Where each of the unique `values` of `a` first occurs along `axis`."""
    index = np.unique(a, return_index=True, axis=axis, equal_nan=equal_nan)[1]
    return index if axis is not None else index[np.argsort(np.argsort(values, kind="stable"), kind="stable")]


constant(first_places)


@vjp(np.unique, 0)
def unique_vjp(
    y_bar: Any,
    y: Any,
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """Convention: among equal entries the first one receives the cotangent."""
    several = return_index or return_inverse or return_counts
    values, values_bar = (y[0], y_bar[0]) if several else (y, y_bar)
    index = first_places(ar, values, axis, equal_nan)
    shape = np.shape(ar)
    if axis is None:
        flat = Spec((np.size(ar),), dtype_of(values_bar))
        return np.reshape(scatter(values_bar, index, flat), shape)
    along = (*(slice(None),) * (axis % len(shape)), index)
    return scatter(values_bar, along, Spec(shape, dtype_of(values_bar)))


@jvp(np.unique, 0)
def unique_jvp(
    ar_dot: Any,
    y: Any,
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    several = return_index or return_inverse or return_counts
    values = y[0] if several else y
    values_dot = np.take(ar_dot, first_places(ar, values, axis, equal_nan), axis=axis)
    return (values_dot, *[None] * (len(y) - 1)) if several else values_dot


@vjp(np.bincount, 1, reads="x", holomorphic=False)
def bincount_vjp(y_bar: Any, y: Any, x: Any, weights: Any = None, minlength: int = 0) -> Any:
    return y_bar[x]


linear(np.bincount, 1)

constant(
    np.argsort, np.argpartition, np.lexsort, np.argmax, np.argmin, np.nanargmax, np.nanargmin,
    np.searchsorted, np.digitize, np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero,
)  # fmt: skip
for _function in (np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges):
    refuse(
        _function,
        "the counts are piecewise constant and the edges move with the data; give np.digitize fixed edges, "
        "or use pb.stop_gradient(x)",
    )

_WIDE = array(3, 4, low=-3, high=3, kind="distinct")
calls(
    np.sort, call(_WIDE), call(_WIDE, 0), call(_WIDE, axis=None), call(_WIDE, kind="stable"), call(array(0))
)
calls(np.partition, call(_WIDE, 2), call(_WIDE, (0, 1), 0), call(_WIDE, 5, axis=None))
calls(np.sort_complex, call(_WIDE))
calls(np.unique, call(_WIDE), call(_WIDE, axis=0), call(_WIDE, axis=1), call(_WIDE, True, True, True))
calls(np.bincount, call(np.array([0, 2, 0, 1]), array(4)), call(np.array([1, 1]), array(2), 5), complex=False)
