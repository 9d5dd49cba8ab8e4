"""NumPy's functions that copy, convert or join arrays, in a program's terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.capture.arrays import (
    array_kind,
    as_array,
    copy,
    dtype_of,
    normal_axis,
    reshape,
    static,
    transpose,
)  # fmt: skip
from pullback.capture.context import Context
from pullback.capture.grids import indices
from pullback.capture.indexing import load
from pullback.capture.values import (
    ListValue,
    as_operand,
    children,
    is_array,
    is_scalar,
    is_static,
    kind_of,
    to_python,
)  # fmt: skip
from pullback.capture.views import REWRITES, atleast_1d, ndim_of, rewrites
from pullback.ir.nodes import Const, Slice, Var
from pullback.ir.primitives import cast

__all__ = ["REWRITES"]


@rewrites(np.copy)
def np_copy(context: Context, a: Any, order: Any = "K", subok: Any = False) -> Any:
    a = as_array(context, a)
    if not is_array(a):
        return a
    if order == "F":
        return transpose(context, copy(context, transpose(context, a)))
    return context.call(np.copy, a) if order in ("K", "A") else copy(context, a)


@rewrites(np.asarray, np.asanyarray)
def asarray(context: Context, a: Any, dtype: Any = None) -> Any:
    return made_array(context, a, dtype, fresh=False)


def made_array(context: Context, a: Any, dtype: Any, fresh: bool) -> Any:
    """``np.asarray`` or ``np.array``."""
    wanted = (
        dtype_of(context, to_python(dtype))
        if is_static(dtype)
        else context.fail("a dtype known at run time", "the result's type depends on it", "write the dtype")
    )
    if is_scalar(a):
        if wanted is None or kind_of(a).dtype == wanted:
            return a if isinstance(a, Var) else np.asarray(a)[()]
        return context.call(cast, as_operand(a), wanted)
    if not is_array(a):
        return as_array(context, a, wanted)
    if wanted is not None and wanted != a.type.dtype:
        return context.call(cast, a, wanted)
    return context.call(np.copy, a) if fresh else a


@rewrites(np.array)
def array(
    context: Context, object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", ndmin: Any = 0
) -> Any:
    result = made_array(context, object, dtype, fresh=bool(copy))
    while is_array(result) and result.type.ndim < ndmin:
        result = load(context, result, (None, *(Slice(),) * result.type.ndim))
    return result


@rewrites(np.ascontiguousarray)
def ascontiguousarray(context: Context, a: Any, dtype: Any = None) -> Any:
    result = atleast_1d(context, made_array(context, a, dtype, fresh=False))
    if result.type.layout == "C":
        return result
    fresh = copy(context, result)
    context.copied(fresh, result, "np.ascontiguousarray")
    return fresh


@rewrites(np.asfortranarray)
def asfortranarray(context: Context, a: Any, dtype: Any = None) -> Any:
    result = made_array(context, a, dtype, fresh=False)
    if result.type.layout == "F" or result.type.ndim < 2:
        return result
    fresh = transpose(context, copy(context, transpose(context, result)))
    context.copied(fresh, result, "np.asfortranarray")
    return fresh


@rewrites(np.astype)
def astype(context: Context, x: Any, dtype: Any, /, *, copy: Any = True) -> Any:
    wanted = dtype_of(context, static(context, dtype, "a dtype"))
    assert wanted is not None
    if not isinstance(x, Var):
        return wanted.type(x)
    if kind_of(x).dtype == wanted and (not copy or is_scalar(x)):
        return x
    if kind_of(x).dtype.kind == "c" and wanted.kind != "c":
        context.fail("a complex array becomes real", "NumPy drops the imaginary part", "use .real")
    return context.call(cast, x, wanted)


@rewrites(np.where)
def where(context: Context, condition: Any, x: Any = None, y: Any = None, /) -> Any:
    condition = as_array(context, condition)
    if x is None and y is None:
        return nonzero(context, condition)
    return context.call(np.where, *(as_operand(as_array(context, v)) for v in (condition, x, y)))


@rewrites(np.nonzero)
def nonzero(context: Context, a: Any) -> Any:
    a = as_array(context, a)
    if array_kind(a).ndim == 1:
        return (context.call(np.flatnonzero, a),)
    return context.call(np.nonzero, a)


@rewrites(np.block)
def block(context: Context, arrays: Any) -> Any:
    """Concatenations, from the innermost lists along the last axis outwards."""

    def depth(part: Any) -> int:
        return 1 + max(map(depth, part.items)) if isinstance(part, ListValue) else 0

    def ranks(part: Any) -> int:
        return (
            max(map(ranks, part.items)) if isinstance(part, ListValue) else ndim_of(as_array(context, part))
        )

    levels = depth(arrays)
    ndim = max(levels, ranks(arrays))

    def join(part: Any, level: int) -> Any:
        if isinstance(part, ListValue):
            inner = tuple(join(x, level - 1) for x in part.items)
            return inner[0] if len(inner) == 1 else context.call(np.concatenate, inner, axis=-level)
        part = as_array(context, part)
        missing = ndim - ndim_of(part)
        if not is_array(part):
            return reshape(context, part, (Const(1),) * ndim)
        return load(context, part, (None,) * missing + (Slice(),) * ndim_of(part)) if missing else part

    if levels == 0:
        return np_copy(context, arrays)
    result = join(arrays, levels)
    return np_copy(context, result) if len(children(arrays) or ()) == 1 else result


@rewrites(np.ix_)
def ix(context: Context, *vectors: Any) -> Any:
    """Vectors, each along an axis of its own."""
    return indices(context, *vectors)


@rewrites(np.cross)
def cross(
    context: Context, a: Any, b: Any, /, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None
) -> Any:
    """The product of 3-vectors; of 2-vectors NumPy gives a number, which is deprecated."""
    keywords = {"axisa": axisa, "axisb": axisb, "axisc": axisc}
    if axis is not None:
        keywords = {"axis": axis}
    a, b = as_array(context, a), as_array(context, b)
    for operand, place in ((a, axisa if axis is None else axis), (b, axisb if axis is None else axis)):
        length = context.dim(operand, normal_axis(context, place, array_kind(operand).ndim))
        other = context.call(np.not_equal, length, 3, name="other")
        context.raise_if(other, ValueError, "np.cross of other than 3-vectors")
    kept = {key: Const(value) for key, value in keywords.items() if axis is not None or value != -1}
    return context.call(np.cross, a, b, **kept)
