"""``np.mgrid``, ``np.ogrid``, ``np.r_``, ``np.c_``: NumPy's objects that are indexed instead of called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.domain import no_negative
from pullback.capture.values import as_operand, describe, is_array, is_scalar
from pullback.ir.nodes import Const, Slice
from pullback.ir.primitives import view


def grid(owner: Any) -> Callable[[Context, Any], Any] | None:
    """The translation of indexing `owner`, if it is one of these objects."""
    return next((handler for known, handler in _GRIDS if owner is known), None)


def _axis(context: Context, entry: Any) -> Any:
    """The numbers of a slice: ``start:stop:step``, or ``start:stop:5j`` for five of them."""
    if not isinstance(entry, slice):
        context.fail(f"{describe(entry)} in a grid", "it takes slices", "use np.arange and np.meshgrid")
    start = 0 if entry.start is None else entry.start
    if isinstance(entry.step, complex):
        return context.call(
            np.linspace, as_operand(start), as_operand(entry.stop), Const(int(abs(entry.step)))
        )
    step = 1 if entry.step is None else entry.step
    return context.call(np.arange, *(as_operand(x) for x in (start, entry.stop, step)))


def _mgrid(context: Context, index: Any) -> Any:
    if not isinstance(index, tuple):
        return _axis(context, index)
    for entry in index:
        if isinstance(entry, slice) and not entry.start and entry.step is None:
            no_negative(context, (entry.stop,), "negative dimensions are not allowed")
    axes = [_axis(context, entry) for entry in index]
    if len(axes) == 1:
        return context.call(view, axes[0], (None, Slice()))
    planes = context.call(np.meshgrid, *axes, indexing=Const("ij"))
    return context.call(np.stack, tuple(planes))


def _ogrid(context: Context, index: Any) -> Any:
    if not isinstance(index, tuple):
        return _axis(context, index)
    axes = [_axis(context, entry) for entry in index]
    return tuple(_along(context, axis, k, len(axes)) for k, axis in enumerate(axes))


def _along(context: Context, array: Any, position: int, count: int) -> Any:
    """A vector as an array of `count` axes, of which the others have length 1."""
    if count == 1:
        return array
    return context.call(view, array, tuple(Slice() if k == position else None for k in range(count)))


def indices(context: Context, *vectors: Any) -> Any:
    """``np.ix_``."""
    arrays = [as_array(context, vector) for vector in vectors]
    return tuple(_along(context, array, k, len(arrays)) for k, array in enumerate(arrays))


def _parts(context: Context, index: Any) -> list[Any]:
    parts = []
    for entry in index if isinstance(index, tuple) else (index,):
        if isinstance(entry, str):
            context.fail(
                "a string in np.r_ or np.c_", "its directives are not in the language", "np.concatenate"
            )
        parts.append(_axis(context, entry) if isinstance(entry, slice) else entry)
    return parts


def _rows(context: Context, index: Any) -> Any:
    parts = [
        context.call(np.array, (as_operand(part),)) if is_scalar(part) else as_array(context, part)
        for part in _parts(context, index)
    ]
    return context.call(np.concatenate, tuple(parts), axis=Const(0))


def _columns(context: Context, index: Any) -> Any:
    parts = [as_array(context, part) for part in _parts(context, index)]
    if any(not is_array(part) or part.type.ndim > 2 for part in parts):
        context.fail(
            "np.c_ of other than vectors and matrices", "it is not in the language", "np.concatenate"
        )
    return context.call(np.column_stack, tuple(parts))


_GRIDS: list[tuple[Any, Callable[[Context, Any], Any]]] = [
    (np.mgrid, _mgrid),
    (np.ogrid, _ogrid),
    (np.r_, _rows),
    (np.c_, _columns),
]
