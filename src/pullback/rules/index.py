"""Indexing: ``x[...]`` in all its forms, take, take_along_axis, choose, compress, extract.

An index reads places; its adjoint adds to those places, as often as each was read. The cotangent is returned
as `Scattered` (place and value), which an accumulator adds in place without making the zeros around it. The
Jacobians are real (``holomorphic=False``, see `rules.shape`).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pullback.base.spec import Spec, dtype_of, spec_of
from pullback.rules.broadcast import unbroadcast
from pullback.rules.domain import array, call
from pullback.rules.join import along
from pullback.rules.scatter import scatter
from pullback.rules.shape import restored
from pullback.rules.structured import Filled, Scattered, Structured
from pullback.rules.table import calls, constant, linear, refuse, view, vjp, whole

# -- x[index] ------------------------------------------------------------------------------------------------


@vjp(operator.getitem, 0, reads="index", structured=True, holomorphic=False)
def getitem_vjp(y_bar: Any, y: Any, a: Any, index: Any) -> Any:
    if type(index) is not int and is_everything(index):
        return restored(y_bar, np.shape(a))
    if isinstance(y_bar, Structured):
        y_bar = y_bar.value if isinstance(y_bar, Filled) else y_bar.dense()
    return Scattered(a if type(a) is Spec else spec_of(a), index, y_bar)


def is_everything(index: Any) -> bool:
    """Whether an index but adds axes, as ``x[:, None]`` does."""
    for item in index if type(index) is tuple else (index,):
        if item is not None and item is not Ellipsis and not (type(item) is slice and _is_whole(item)):
            return False
    return True


def _is_whole(part: slice) -> bool:
    return part.start is None and part.stop is None and part.step is None


linear(operator.getitem, 0)
view(operator.getitem)

# -- take ----------------------------------------------------------------------------------------------------


@vjp(np.take, 0, reads="indices", holomorphic=False)
def take_vjp(
    y_bar: Any, y: Any, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise"
) -> Any:
    shape = (np.size(a),) if axis is None or not np.shape(a) else np.shape(a)
    place = 0 if axis is None else axis % len(shape)
    return placed(y_bar, a, shape, along(place, in_range(indices, shape[place], mode)))


def in_range(indices: Any, length: int, mode: str) -> Any:
    """`indices` as an array of places, with those outside treated as `mode` says."""
    indices = np.asarray(indices)
    if mode == "wrap":
        return indices % length
    return np.clip(indices, 0, length - 1) if mode == "clip" else indices


def placed(y_bar: Any, a: Any, shape: tuple[int, ...], index: Any) -> Any:
    """The cotangent of `a`, reshaped to `shape` and read at `index`."""
    if shape == np.shape(a):
        return Scattered(Spec(shape, dtype_of(a)), index, y_bar)
    return np.reshape(scatter(y_bar, index, Spec(shape, dtype_of(a))), np.shape(a))


linear(np.take, 0)

# -- take_along_axis -----------------------------------------------------------------------------------------


@vjp(np.take_along_axis, 0, reads="indices", holomorphic=False)
def take_along_axis_vjp(y_bar: Any, y: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return placed(y_bar, arr, (np.size(arr),), (indices,))
    return placed(y_bar, arr, np.shape(arr), along_axis(indices, np.shape(arr), axis % np.ndim(arr)))


def along_axis(indices: Any, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """The index with which ``x[index]`` is ``take_along_axis(x, indices, axis)`` for an `x` of `shape`."""
    ndim = len(shape)
    ranges = (np.arange(n).reshape((-1,) + (1,) * (ndim - i - 1)) for i, n in enumerate(shape))
    return tuple(indices if i == axis else own for i, own in enumerate(ranges))


linear(np.take_along_axis, 0)

# -- choose --------------------------------------------------------------------------------------------------


@vjp(np.choose, 1, reads="a", holomorphic=False)
def choose_vjp(y_bar: Any, y: Any, a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    listed = isinstance(choices, list | tuple)
    count = len(choices) if listed else choices.shape[0]
    chosen = in_range(a, count, mode)
    parts = [np.where(chosen == i, y_bar, 0) for i in range(count)]
    return parts if listed else np.stack([unbroadcast(part, choices.shape[1:]) for part in parts])


linear(np.choose, 1)

# -- compress and extract ------------------------------------------------------------------------------------


@vjp(np.compress, 1, reads="condition", holomorphic=False)
def compress_vjp(y_bar: Any, y: Any, condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    shape = (np.size(a),) if axis is None else np.shape(a)
    place = 0 if axis is None else axis % len(shape)
    return placed(y_bar, a, shape, along(place, np.flatnonzero(condition)))


@vjp(np.extract, 1, reads="condition", holomorphic=False)
def extract_vjp(y_bar: Any, y: Any, condition: Any, arr: Any) -> Any:
    return placed(y_bar, arr, (np.size(arr),), (np.flatnonzero(condition),))


linear(np.compress, 1)
linear(np.extract, 1)

for _function, _position in (
    (operator.getitem, 1), (np.take, 1), (np.take_along_axis, 1), (np.choose, 0), (np.compress, 0),
    (np.extract, 0), (np.roll, 1), (np.repeat, 1), (np.delete, 1), (np.insert, 1), (np.tile, 1),
    (np.split, 1), (np.array_split, 1), (np.partition, 1), (np.diff, 1), (np.linalg.matrix_power, 1),
):  # fmt: skip
    whole(_function, _position)

# -- windows -------------------------------------------------------------------------------------------------


@vjp(sliding_window_view, 0, reads="window_shape axis", holomorphic=False)
def sliding_window_view_vjp(
    y_bar: Any, y: Any, x: Any, window_shape: Any, axis: Any = None, **kwargs: Any
) -> Any:
    places = np.arange(np.size(x)).reshape(np.shape(x))
    return placed(y_bar, x, (np.size(x),), (sliding_window_view(places, window_shape, axis),))


linear(sliding_window_view, 0)
view(sliding_window_view)
calls(
    sliding_window_view,
    call(array(5), 3),
    call(array(3, 4), (2, 2)),
    call(array(3, 4), 2, axis=-1),
    call(array(2, 4), (2, 2), (1, 1)),
)

# -- what writes into its argument, and what has no derivative -----------------------------------------------

for _function, _remedy in (
    (np.put, "np.ravel(x)[indices] = v"),
    (np.place, "x[mask] = v"),
    (np.putmask, "x[mask] = v[mask]"),
    (np.copyto, "x[...] = v, or x[where] = v[where]"),
    (np.put_along_axis, "x[index] = v"),
):
    refuse(_function, f"it writes into its argument; use {_remedy} on a pb.Variable instead")

constant(
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type, np.nonzero,
    np.flatnonzero, np.argwhere, np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
    np.unravel_index, np.ravel_multi_index, np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj,
    np.isclose, np.allclose, np.array_equal, np.array_equiv, np.may_share_memory, np.shares_memory,
    np.array_repr, np.array_str, np.array2string,
)  # fmt: skip

# -- what the rows are tested on -----------------------------------------------------------------------------

calls(
    operator.getitem,
    call(array(4), 2),
    call(array(4), -1),
    call(array(4, 3), (slice(None, None, -2), 1)),
    call(array(4, 3), ...),
    call(array(2, 3, 2), (None, ..., 0)),
    call(array(), ()),
    call(array(), None),
    call(array(), True),
    call(array(3), False),
    call(array(2, 3), []),
    call(array(4), [0, 2, 0, -4]),
    call(array(4, 3), np.array([[0, 1], [0, 3]])),
    call(array(4, 3), (np.array([0, 1, 0]), np.array([2, 2, 2]))),
    call(array(4, 3), ((1, 1),)),
    call(array(4, 3), ((1, 1), (2, 2))),
    call(array(4), np.array([True, False, True, True])),
    call(array(2, 2), np.array([[True, False], [True, True]])),
    call(array(2, 3, 2), (slice(None), np.array([True, False, True]))),
    call(array(2, 3, 4), (np.array([0, 1, 1]), slice(1, None), np.array([0, 3, 0]))),
    call(array(2, 3, 4), (slice(None), np.array([0, 1, 1]), np.array([0, 3, 0]))),
    call(array(2, 3, 4), (0, slice(None), np.array([0, 3, 0]))),
    call(array(2, 3, 4), (np.array([[1], [0]]), None, slice(0, 2), np.array([2, 2]))),
    call(array(4, 3), np.ix_([0, 2, 2], [1, 0])),
    call(array(4), np.array(1)),
)
calls(
    np.take,
    call(array(4), 2),
    call(array(2, 3), [0, 5, 0, -1]),
    call(array(2, 3), np.array([[0, 1], [1, 0]]), axis=-1),
    call(array(2, 3, 2), [0, 0], 1),
    call(array(2, 3), 1, 0),
    call(array(4), [5, -6, 1], mode="wrap"),
    call(array(2, 3), [5, -6, 1], 1, mode="clip"),
    call(array(), 0),
)
calls(
    np.take_along_axis,
    call(array(2, 3), np.array([[0, 0], [2, 1]]), 1),
    call(array(2, 3), np.array([[0, 0, 1]]), axis=0),
    call(array(1, 3), np.array([[0, 0], [2, 1]]), -1),
    call(array(2, 3, 2), np.zeros((2, 2, 2), int), 1),
    call(array(2, 3), np.array([0, 0, 5]), axis=None),
)
calls(
    np.choose,
    call(np.array([0, 1, 1]), [array(3), array(3)]),
    call(np.array([[0], [1]]), [array(3), array()]),
    call(np.array([0, 3, -1]), [array(3), array(3)], mode="wrap"),
    call(np.array([0, 3, -1]), (array(3), array(1)), mode="clip"),
    call(np.array([1, 0, 1]), array(2, 3)),
    call(np.array([1, 0, 1]), array(2, 1)),
)
calls(
    np.compress,
    call([True, False, True], array(3)),
    call([False, True], array(3, 2), axis=0),
    call(np.array([0, 1, 1]), array(2, 3), -1),
    call([True, False, True], array(2, 3)),
)
calls(np.extract, call(np.array([[True, False], [True, True]]), array(2, 2)), call([0, 1, 1], array(3)))
