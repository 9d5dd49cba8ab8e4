"""Products along axes: ``prod``, ``nanprod``, ``multiply.reduce``.

The partial in one entry is the product of the others, and it is built as (product of those before) ×
(product of those after). Nothing is divided, so entries that are zero are exact, one or several, at every
order: the running products are `np.cumprod`, whose own rule does not divide either (`rules.cumulative`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.axes import Axis, gathered, padded, restored, ungathered
from pullback.rules.cast import astype
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.reduce import REDUCED, WITH_INITIAL, without_nan
from pullback.rules.table import calls, jvp, vjp


def product_of_others(a: Any, axis: Axis) -> Any:
    """For each entry of `a` the product of all the others along `axis`."""
    flat = gathered(a, axis)
    last = np.ndim(flat) - 1
    before = np.cumprod(padded(flat[..., :-1], min(1, np.shape(flat)[-1]), 0, last, 1), axis=-1)
    backward = np.flip(flat[..., 1:], -1)
    after = np.flip(np.cumprod(padded(backward, min(1, np.shape(flat)[-1]), 0, last, 1), axis=-1), -1)
    return ungathered(before * after, np.shape(a), axis)


def _factors(a: Any, dtype: Any, where: Any) -> Any:
    """The entries that are multiplied: in `dtype`, and 1 where `where` is False."""
    if dtype is not None:
        a = astype(a, dtype)
    return a if where is True else np.where(where, a, 1)


def _partial(a: Any, axis: Axis, dtype: Any, initial: Any, where: Any) -> Any:
    partial = product_of_others(_factors(a, dtype, where), axis)
    if initial is not None:
        partial = partial * initial
    return partial if where is True else np.where(where, partial, 0)


@vjp(np.prod, 0, reads="a axis dtype initial where")
def prod_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return scale(_partial(a, axis, dtype, initial, where), restored(y_bar, np.shape(a), axis))


@jvp(np.prod, 0, reads="a axis dtype keepdims initial where")
def prod_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if dtype is not None:
        a_dot = astype(a_dot, dtype)
    return np.sum(scale(_partial(a, axis, dtype, initial, where), a_dot), axis=axis, keepdims=keepdims)


@vjp(np.prod, 5, reads="a axis dtype keepdims where")
def prod_initial_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis,
    dtype: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any = True,
) -> Any:
    return scale(np.prod(a, axis, dtype, None, keepdims, where=where), y_bar)


@jvp(np.prod, 5, reads="a axis dtype keepdims where")
def prod_initial_jvp(
    initial_dot: Any,
    y: Any,
    a: Any,
    axis: Axis,
    dtype: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any = True,
) -> Any:
    return scale(np.prod(a, axis, dtype, None, keepdims, where=where), initial_dot)


@vjp(np.multiply.reduce, 0, reads="array axis dtype initial where")
def multiply_reduce_vjp(
    y_bar: Any,
    y: Any,
    array: Any,
    axis: Axis = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return prod_vjp(y_bar, y, array, axis, dtype, None, keepdims, initial, where)


@jvp(np.multiply.reduce, 0, reads="array axis dtype keepdims initial where")
def multiply_reduce_jvp(
    array_dot: Any,
    y: Any,
    array: Any,
    axis: Axis = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return prod_jvp(array_dot, y, array, axis, dtype, None, keepdims, initial, where)


@vjp(np.nanprod, 0, reads="a axis dtype initial where")
def nanprod_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return prod_vjp(y_bar, y, a, axis, dtype, None, keepdims, initial, without_nan(a, where))


@jvp(np.nanprod, 0, reads="a axis dtype keepdims initial where")
def nanprod_jvp(
    a_dot: Any,
    y: Any,
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return prod_jvp(a_dot, y, a, axis, dtype, None, keepdims, initial, without_nan(a, where))


_ALSO = (call(array(0)), call(array(3, 0), axis=1), call(array(1)), call(array(4)))
calls(np.prod, *REDUCED, *WITH_INITIAL, *_ALSO)
calls(np.nanprod, *REDUCED, *WITH_INITIAL[:3], *_ALSO)
calls(np.multiply.reduce, *REDUCED, *WITH_INITIAL[:3], *_ALSO, call(array(3, 4), axis=None))
