"""The rule of an in-place write (`base.overwrite`).

`overwrite` is linear in the array and in the value. Its adjoint takes the cotangent of the value out of the
cotangent of the array and leaves zero there.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.overwrite import Path, flat_places, follow, overwrite, through_parts
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.scatter import is_basic
from pullback.rules.table import calls, jvp, vjp


@vjp(overwrite, 0, reads="path index", holomorphic=False)
def overwrite_vjp_x(y_bar: Any, y: Any, x: Any, path: Path, index: Any, value: Any) -> Any:
    return overwrite(whole_for(path, y_bar), path, index, 0)


@vjp(overwrite, 3, reads="path index", holomorphic=False)
def overwrite_vjp_value(y_bar: Any, y: Any, x: Any, path: Path, index: Any, value: Any) -> Any:
    return written_part(whole_for(path, y_bar), path, index)


@jvp(overwrite, 0, reads="path index")
def overwrite_jvp_x(x_dot: Any, y: Any, x: Any, path: Path, index: Any, value: Any) -> Any:
    return overwrite(whole_for(path, x_dot), path, index, 0)


@jvp(overwrite, 3, reads="path index")
def overwrite_jvp_value(value_dot: Any, y: Any, x: Any, path: Path, index: Any, value: Any) -> Any:
    return overwrite(
        np.zeros(np.shape(x), np.result_type(dtype_of(x), dtype_of(value_dot))), path, index, value_dot
    )


calls(
    overwrite,
    call(array(4), (), slice(1, 3), array(2)),
    call(array(3, 2), ((np.transpose, (), {}, None),), (slice(None), 1), array(1)),
    call(array(4), (), np.array([0, 2, 0]), array(3)),
    call(array(2, 3), ((np.reshape, ((6,),), {"order": "F"}, None),), slice(0, 3), array(3)),
)


def whole_for(path: Path, y_bar: Any) -> Any:
    """`y_bar` as a complex array, where `path` leads through an imaginary part."""
    if any(function is np.imag for function, *_ in path) and dtype_of(y_bar).kind != "c":
        return astype(y_bar, np.result_type(dtype_of(y_bar), np.complex64))
    return y_bar


def written_part(y_bar: Any, path: Path, index: Any) -> Any:
    """The cotangent of what was written: `y_bar` there, 0 where a later value replaced it."""
    part = operator.getitem(follow(y_bar, path), index)
    last = last_writes(np.shape(y_bar), path, index)
    return part if last is None else np.where(last, part, 0)


def last_writes(shape: tuple[int, ...], path: Path, index: Any) -> Any:
    """Which written entries stay where `index` names a place more than once; None if it cannot."""
    if is_basic(index) or not has_integer_arrays(index):
        return None
    places = flat_places(shape, path, index, through_parts(path))
    numbers = np.arange(places.size).reshape(places.shape)
    latest = np.zeros(2 * math.prod(shape), np.intp)
    np.put(latest, places, numbers)
    return latest[places] == numbers


def has_integer_arrays(index: Any) -> bool:
    """Whether `index` holds an integer array or a list of integers, which may name a place twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, np.ndarray | list) and np.asarray(part).dtype.kind in "iu" for part in parts)
