"""`scatter`: zeros with values added at an index; the adjoint of indexing, and indexing is its adjoint."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.spec import Spec, dtype_of
from pullback.rules.domain import array, call
from pullback.rules.table import calls, linear, vjp

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def is_basic(index: Any) -> bool:
    """Whether NumPy calls this index basic, so that it selects no element twice."""
    if type(index) in _BASIC:
        return True
    # A tuple inside a tuple is an integer array to NumPy, and may name a place twice.
    for item in index if isinstance(index, tuple) else (index,):
        if type(item) not in _BASIC and (isinstance(item, bool) or not isinstance(item, (int, np.integer))):
            return False
    return True


@dispatched
def scatter(value: Any, index: Any, spec: Spec) -> Any:
    """Zeros of `spec`'s shape with `value` added at `index`, as often as each place is named."""
    return scattered(value, index, spec)


def scattered(value: Any, index: Any, spec: Spec) -> Any:
    """`scatter` of a plain array or number."""
    dtype: Any = spec.dtype
    if getattr(value, "dtype", None) is not dtype:
        dtype = np.result_type(value, dtype)
        value = np.asarray(value, dtype)
    total = np.zeros(spec.shape, dtype)
    if is_basic(index):
        total[index] = value
    else:
        np.add.at(total, index, value)
    return total


linear(scatter, 0)


@vjp(scatter, 0, reads="index")
def scatter_vjp(y_bar: Any, y: Any, value: Any, index: Any, spec: Spec) -> Any:
    return operator.getitem(y_bar, index)


calls(
    scatter,
    call(array(2), slice(1, 3), Spec((4,), np.dtype(float))),
    call(array(3), np.array([0, 2, 0]), Spec((3,), np.dtype(float))),
    call(array(2), ((1, 1),), Spec((3,), np.dtype(float))),
)


def on_diagonal(values: Any, rows: int, columns: int, offset: int) -> Any:
    """Matrices of zeros with `values` (along the last axis) on the diagonal at `offset`."""
    batch, count = np.shape(values)[:-1], np.shape(values)[-1]
    first = offset if offset >= 0 else -offset * columns
    step = columns + 1
    flat = scatter(
        values,
        (..., slice(first, first + count * step, step)),
        Spec((*batch, rows * columns), dtype_of(values)),
    )
    return np.reshape(flat, (*batch, rows, columns))
