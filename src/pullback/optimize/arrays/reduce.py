"""Reductions, as loops that accumulate in a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import DType
from pullback.optimize.delayed import Delayed, Index, Value, element, read_by
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import OpaqueError, static

_UNSET = np._NoValue


def axes_of(array: Delayed, axis: Any) -> tuple[int, ...]:
    """The axes of a reduction, from 0."""
    axis = static(axis)
    if axis is None:
        return tuple(range(array.ndim))
    return tuple(a % array.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def reduction(
    e: Emitter,
    array: Delayed,
    axes: tuple[int, ...],
    keepdims: bool,
    dtype: DType,
    compute: Callable[[Emitter, Index, Callable[[Index], Index]], Operand],
    *others: Value,
) -> Value:
    """An array reduced over `axes`: ``compute(e, extents, whole)`` emits the loops for one element, where
    `extents` are the lengths of the reduced axes and `whole` completes an index of those to one of `array`.
    A number where no axis remains.
    """
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    extents = tuple(array.shape[axis] for axis in axes)
    shape = tuple(
        Const(1) if axis in axes else n for axis, n in enumerate(array.shape) if keepdims or axis not in axes
    )

    def at(e: Emitter, index: Index) -> Operand:
        outer = dict(zip(kept, (index[axis] for axis in kept) if keepdims else index, strict=True))

        def whole(inner: Index) -> Index:
            own = dict(zip(axes, inner, strict=True)) | outer
            return tuple(own[axis] for axis in range(array.ndim))

        return compute(e, extents, whole)

    result = Delayed(shape, dtype, at, True, *read_by((array, *others)))
    return e.read(result, ()) if not shape else result


def folded(
    e: Emitter,
    function: Callable[..., Any],
    array: Delayed,
    axes: tuple[int, ...],
    keepdims: bool,
    dtype: DType,
    initial: Operand,
    where: Value | None = None,
    name: str = "total",
) -> Value:
    """``acc = function(acc, x)`` over all elements, from `initial`."""

    def compute(e: Emitter, extents: Index, whole: Callable[[Index], Index]) -> Operand:
        total = e.accumulator(name, initial, dtype)
        with e.nest(extents) as inner:
            index = whole(inner)

            def update() -> None:
                e.update(total, function, total, e.cast(e.read(array, index), dtype))

            if where is None:
                update()
            else:
                e.choose(element(e, where, index), update)
        return total

    return reduction(
        e, array, axes, keepdims, dtype, compute, initial, Const(True) if where is None else where
    )


def reduced_dtype(function: Callable[..., Any], array: Delayed, dtype: Any) -> DType:
    """The dtype NumPy gives a reduction."""
    with np.errstate(all="ignore"):
        probe = function(
            np.ones((1,) * max(array.ndim, 1), array.dtype), **({"dtype": dtype} if dtype else {})
        )
    return np.asarray(probe).dtype


def _where_of(where: Any) -> Value | None:
    return None if (isinstance(where, Const) and where.value in (True, _UNSET)) or where is True else where


def _fixed(x: Any, default: Any) -> Any:
    value = static(x)
    return default if value is _UNSET or value is None else value


def sums(
    function: Callable[..., Any], unit: int, e: Emitter, a: Value, axis: Any, dtype: Any, out: Any,
    keepdims: Any, initial: Any, where: Any
) -> Value:  # fmt: skip
    """A sum or a product."""
    if not isinstance(a, Delayed) or static(out) is not None:
        raise OpaqueError("of a number, or into an array")
    kind = reduced_dtype(function.reduce, a, static(dtype))  # type: ignore[attr-defined]
    start = initial if isinstance(initial, Var) else Const(kind.type(_fixed(initial, unit)))
    return folded(
        e, function, a, axes_of(a, axis), bool(_fixed(keepdims, False)), kind, start, _where_of(where)
    )


@rewrites(np.sum)
def _sum(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = True
) -> Value:  # fmt: skip
    return sums(np.add, 0, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.prod)
def _prod(
    e: Emitter, a: Value, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 1, where: Any = True
) -> Value:  # fmt: skip
    return sums(np.multiply, 1, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.add.reduce)
def _add_reduce(
    e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 0, where: Any = True
) -> Value:  # fmt: skip
    return sums(np.add, 0, e, a, axis, dtype, out, keepdims, initial, where)


@rewrites(np.multiply.reduce)
def _multiply_reduce(
    e: Emitter, a: Value, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = 1, where: Any = True
) -> Value:  # fmt: skip
    return sums(np.multiply, 1, e, a, axis, dtype, out, keepdims, initial, where)
