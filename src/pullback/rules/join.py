"""Joining arrays and taking them apart: concatenate, stack and block, split, append, insert and delete.

A join is linear and holds each entry of its parts once, so the cotangent of a part is the piece of the
output's cotangent that lies where the part went. The Jacobians are real (``holomorphic=False``, see
`rules.shape`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.base.spec import Spec, dtype_of
from pullback.rules.domain import array, call
from pullback.rules.scatter import scatter
from pullback.rules.shape import zeros_of
from pullback.rules.table import calls, jvp, linear, view, vjp

# -- pieces --------------------------------------------------------------------------------------------------


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that is `index` on `axis` (not negative) and everything on the axes before it."""
    return (*(slice(None),) * axis, index)


def shapes_in(arrays: Any) -> list[tuple[int, ...]]:
    """The shapes of the arrays in a list, or of the parts of one array taken along its first axis."""
    if isinstance(arrays, list | tuple):
        return [np.shape(part) for part in arrays]
    return [arrays.shape[1:]] * arrays.shape[0]


def pieces(y_bar: Any, axis: int, widths: Sequence[int], arrays: Any) -> Any:
    """`y_bar` cut along `axis` into parts of `widths`, each in the shape of its part in `arrays`."""
    parts = []
    start = 0
    for width, shape in zip(widths, shapes_in(arrays), strict=True):
        part = y_bar[along(axis, slice(start, start + width))]
        parts.append(part if np.shape(part) == shape else np.reshape(part, shape))
        start += width
    return parts if isinstance(arrays, list | tuple) else np.stack(parts)


# -- joins ---------------------------------------------------------------------------------------------------


@vjp(np.concatenate, 0, reads="", holomorphic=False)
def concatenate_vjp(
    y_bar: Any,
    y: Any,
    arrays: Any,
    axis: Any = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    if axis is None:
        return pieces(y_bar, 0, [int(np.prod(shape)) for shape in shapes_in(arrays)], arrays)
    axis = axis % np.ndim(y)
    return pieces(y_bar, axis, [shape[axis] for shape in shapes_in(arrays)], arrays)


@vjp(np.stack, 0, reads="", holomorphic=False)
def stack_vjp(
    y_bar: Any,
    y: Any,
    arrays: Any,
    axis: int = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    axis = axis % np.ndim(y)
    if not isinstance(arrays, list | tuple):
        return np.moveaxis(y_bar, axis, 0)
    return [y_bar[along(axis, i)] for i in range(len(arrays))]


@vjp(np.hstack, 0, reads="", holomorphic=False)
def hstack_vjp(y_bar: Any, y: Any, tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    axis = 0 if np.ndim(y) == 1 else 1
    return pieces(y_bar, axis, [shape[axis] if shape else 1 for shape in shapes_in(tup)], tup)


@vjp(np.vstack, 0, reads="", holomorphic=False)
def vstack_vjp(y_bar: Any, y: Any, tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return pieces(y_bar, 0, [shape[0] if len(shape) > 1 else 1 for shape in shapes_in(tup)], tup)


@vjp(np.dstack, 0, reads="", holomorphic=False)
def dstack_vjp(y_bar: Any, y: Any, tup: Any) -> Any:
    return pieces(y_bar, 2, [shape[2] if len(shape) > 2 else 1 for shape in shapes_in(tup)], tup)


@vjp(np.column_stack, 0, reads="", holomorphic=False)
def column_stack_vjp(y_bar: Any, y: Any, tup: Any) -> Any:
    return pieces(y_bar, 1, [shape[1] if len(shape) > 1 else 1 for shape in shapes_in(tup)], tup)


for _function in (np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack):
    linear(_function, 0)

# -- blocks: lists in lists, the innermost along the last axis -----------------------------------------------


@vjp(np.block, 0, reads="", holomorphic=False)
def block_vjp(y_bar: Any, y: Any, arrays: Any) -> Any:
    return _blocks(y_bar, arrays)


def _blocks(y_bar: Any, node: Any) -> Any:
    if not isinstance(node, list):
        return np.reshape(y_bar, np.shape(node))
    axis = np.ndim(y_bar) - _depth(node)
    parts = []
    start = 0
    for child in node:
        stop = start + _extent(child, axis - np.ndim(y_bar))
        parts.append(_blocks(y_bar[along(axis, slice(start, stop))], child))
        start = stop
    return parts


def _depth(node: Any) -> int:
    return 1 + _depth(node[0]) if isinstance(node, list) else 0


def _extent(node: Any, axis: int) -> int:
    """The length of a block along `axis`, counted from the last."""
    if isinstance(node, list):
        return (
            sum(_extent(child, axis) for child in node) if _depth(node) == -axis else _extent(node[0], axis)
        )
    shape = np.shape(node)
    return shape[axis] if len(shape) >= -axis else 1


linear(np.block, 0)

# -- taking apart --------------------------------------------------------------------------------------------


def rejoined(parts_bar: Any, parts: Any, ary: Any, sections: Any, axis: int) -> Any:
    """The cotangent of an array split along `axis`, from those of its parts."""
    length = ary.shape[axis]
    if sum(np.shape(part)[axis] for part in parts) == length:
        return np.concatenate(parts_bar, axis)
    # Split points out of order make parts overlap.
    index = np.concatenate(np.array_split(np.arange(length), sections))
    return scatter(np.concatenate(parts_bar, axis), along(axis % ary.ndim, index), Spec(ary.shape, ary.dtype))


@vjp(np.split, 0, reads="indices_or_sections", holomorphic=False)
@vjp(np.array_split, 0, reads="indices_or_sections", holomorphic=False)
def split_vjp(y_bar: Any, y: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return rejoined(y_bar, y, ary, indices_or_sections, axis)


@vjp(np.hsplit, 0, reads="indices_or_sections", holomorphic=False)
def hsplit_vjp(y_bar: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoined(y_bar, y, ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@vjp(np.vsplit, 0, reads="indices_or_sections", holomorphic=False)
def vsplit_vjp(y_bar: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoined(y_bar, y, ary, indices_or_sections, 0)


@vjp(np.dsplit, 0, reads="indices_or_sections", holomorphic=False)
def dsplit_vjp(y_bar: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoined(y_bar, y, ary, indices_or_sections, 2)


for _function in (np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit):
    linear(_function, 0)
    view(_function)

if hasattr(np, "unstack"):  # from NumPy 2.1 on

    @vjp(np.unstack, 0, reads="", holomorphic=False)
    def unstack_vjp(y_bar: Any, y: Any, x: Any, *, axis: int = 0) -> Any:
        return np.stack(y_bar, axis) if len(y_bar) else zeros_of(x)

    linear(np.unstack, 0)
    view(np.unstack)
    calls(np.unstack, call(array(2, 3)), call(array(2, 3, 2), axis=-1))

# -- append, insert, delete ----------------------------------------------------------------------------------


@vjp(np.append, 0, reads="", holomorphic=False)
def append_vjp(y_bar: Any, y: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(y_bar[: np.size(arr)], np.shape(arr))
    axis = axis % np.ndim(y)
    return y_bar[along(axis, slice(np.shape(arr)[axis]))]


@vjp(np.append, 1, reads="", holomorphic=False)
def append_values_vjp(y_bar: Any, y: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(y_bar[np.size(arr) :], np.shape(values))
    axis = axis % np.ndim(y)
    return y_bar[along(axis, slice(np.shape(arr)[axis], None))]


@jvp(np.append, 0, reads="")
def append_jvp(arr_dot: Any, y: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    return np.append(arr_dot, np.zeros(np.shape(values), dtype_of(y)), axis)


@jvp(np.append, 1, reads="")
def append_values_jvp(values_dot: Any, y: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    return np.append(np.zeros(np.shape(arr), dtype_of(y)), values_dot, axis)


@vjp(np.insert, 0, reads="obj", holomorphic=False)
def insert_vjp(y_bar: Any, y: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        axis, length, total = 0, np.size(arr), np.size(y)
    else:
        length, total = np.shape(arr)[axis], np.shape(y)[axis]
    own = np.insert(np.ones(length, bool), obj, np.zeros(total - length, bool))
    return np.reshape(np.compress(own, y_bar, axis), np.shape(arr))


@vjp(np.insert, 2, reads="obj", holomorphic=False)
def insert_values_vjp(y_bar: Any, y: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    count = np.size(values)
    labels = np.reshape(np.arange(1, count + 1), np.shape(values))
    origin = np.insert(np.zeros(np.shape(arr), np.intp), obj, labels, axis)
    inserted = origin > 0
    spec = Spec((count,), dtype_of(values))
    return np.reshape(scatter(y_bar[inserted], origin[inserted] - 1, spec), np.shape(values))


@jvp(np.insert, 0, reads="obj")
def insert_jvp(arr_dot: Any, y: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    return np.insert(arr_dot, obj, np.zeros(np.shape(values), dtype_of(y)), axis)


@jvp(np.insert, 2, reads="obj")
def insert_values_jvp(values_dot: Any, y: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    return np.insert(np.zeros(np.shape(arr), dtype_of(y)), obj, values_dot, axis)


@vjp(np.delete, 0, reads="obj", holomorphic=False)
def delete_vjp(y_bar: Any, y: Any, arr: Any, obj: Any, axis: Any = None) -> Any:
    if axis is None:
        kept = np.delete(np.arange(arr.size), obj)
        return np.reshape(scatter(y_bar, kept, Spec((arr.size,), arr.dtype)), arr.shape)
    axis = axis % arr.ndim
    kept = np.delete(np.arange(arr.shape[axis]), obj)
    return scatter(y_bar, along(axis, kept), Spec(arr.shape, arr.dtype))


linear(np.delete, 0)

# -- what the rows are tested on -----------------------------------------------------------------------------

calls(
    np.concatenate,
    call([array(2, 3), array(1, 3)]),
    call((array(2, 3), array(2, 1), array(2, 0)), axis=-1),
    call([array(2, 3), array(2), array()], None),
    call(array(2, 3, 2), 1),
    call(array(2, 3), axis=None),
    call([array(2), array(3)], dtype=np.complex128),
)
calls(
    np.stack,
    call([array(), array()]),
    call([array(2), array(2), array(2)]),
    call((array(2, 3), array(2, 3)), axis=-2),
    call([array(2), array(2)], -1),
    call(array(2, 3, 2), 1),
)
for _function in (np.hstack, np.vstack, np.dstack, np.column_stack):
    calls(
        _function,
        call([array(3), array(3)]),
        call((array(2, 3), array(2, 3))),
        call(array(2, 3)),
        call(array(3, 2, 2)),
        call([array(), array()]),
        complex=True,
    )
calls(np.hstack, call([array(2), array()]), call([array(2, 1), array(2, 3)]))
calls(np.vstack, call([array(3), array(2, 3)]))
calls(np.dstack, call([array(2, 3), array(2, 3, 2)]))
calls(np.column_stack, call([array(2), array(2, 3), array(2)]))
calls(
    np.block,
    call([array(2), array(3)]),
    call([[array(2, 2), array(2, 1)], [array(1, 3)]]),
    call([[array(), array(2)], [array(1, 3)]]),
    call([[array(3)], [array(2, 3)]]),
    call([[[array(2)], [array(2)]], [[array(2, 2)]]]),
    call([array(2, 2, 1), array(2, 2, 2)]),
    call(array(2, 3)),
)
calls(
    np.split,
    call(array(4, 3), 2),
    call(array(2, 6), 3, axis=-1),
    call(array(5), [1, 3]),
    call(array(5), [0, 2, 2, 9]),
    call(array(5), [3, 1]),
    call(array(5), [-2]),
    call(array(2, 5), np.array([4, 1]), 1),
)
calls(np.array_split, call(array(5, 2), 3), call(array(2, 2), 3, axis=1), call(array(5), [-1, 2]))
calls(np.hsplit, call(array(4), 2), call(array(2, 4), [1]), call(array(2, 4, 2), 2))
calls(np.vsplit, call(array(4, 2), 2), call(array(3, 2), [2, 1]))
calls(np.dsplit, call(array(2, 1, 4), 2), call(array(2, 1, 4), [1]))
calls(
    np.append,
    call(array(2, 3), array(2)),
    call(array(), array()),
    call(array(2, 3), array(1, 3), 0),
    call(array(2, 3), array(2, 2), axis=-1),
)
calls(
    np.insert,
    call(array(2, 3), 1, array()),
    call(array(4), 2, array(2)),
    call(array(4), [1, 1, 3], array(3)),
    call(array(4), [3, 0], array(2)),
    call(array(4), slice(1, 3), array(2)),
    call(array(4), [-1], array()),
    call(array(2, 3), 1, array(2), 1),
    call(array(2, 3), [1], array(2, 1), 1),
    call(array(2, 3), [0, 2], array(2, 1), axis=-1),
    call(array(2, 3), [2, 0], array(2, 3), 0),
    call(array(2, 3), 0, array(), 0),
    call(array(2, 3), np.array([0, 2]), array(2, 2), 1),
)
calls(
    np.delete,
    call(array(2, 3), 1),
    call(array(5), [0, -1, 0]),
    call(array(5), slice(1, None, 2)),
    call(array(2, 3), 1, axis=-1),
    call(array(2, 3), [0, 1], 0),
    call(array(2, 3), np.array([True, False, True]), 1),
)
