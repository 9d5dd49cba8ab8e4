"""Running sums and products: ``cumsum``, ``cumprod``, their other forms, and ``accumulate``.

The adjoint of a running sum is the running sum from the other end. The partial of ``y[j] = x[0] ⋯ x[j]``
in x[i] is (product before i) × (product from i + 1 to j); summed with cotangents over j ≥ i the second
factor is a backward `recurrence`, so no entry is divided by and zeros are exact, second derivatives
included.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.axes import along, axes_of, padded, shifted
from pullback.rules.cast import astype
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.recurrence import recurrence
from pullback.rules.table import calls, jvp, vjp


def running(a: Any, axis: int | None) -> tuple[Any, int]:
    """`a` flat and axis 0 where `axis` is None, else `a` itself; `axis` is made non-negative."""
    if axis is None or np.ndim(a) == 0:
        return np.reshape(a, (np.size(a),)), 0
    return a, axes_of(axis, np.ndim(a))[0]


def sum_from_end(y_bar: Any, shape: tuple[int, ...], axis: int | None) -> Any:
    """The adjoint of a running sum, in `shape`."""
    flat, axis = running(y_bar, axis)
    return np.reshape(np.flip(np.cumsum(np.flip(flat, axis), axis), axis), shape)


def running_product_adjoint(y_bar: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    """The adjoint of a running product, in the shape of `a`."""
    if dtype is not None:
        a = astype(a, dtype)
    flat, number = running(a, axis)
    flat_bar, _ = running(y_bar, axis)
    before = np.cumprod(shifted(flat, 1, number, 1), number)
    after = recurrence(shifted(flat, -1, number), flat_bar, number, True)
    return np.reshape(scale(before, after), np.shape(a))


def running_product_tangent(a_dot: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    """The tangent of a running product: ``y_dot[j] = y_dot[j - 1] a[j] + y[j - 1] a_dot[j]``."""
    if dtype is not None:
        a, a_dot = astype(a, dtype), astype(a_dot, dtype)
    flat, number = running(a, axis)
    flat_dot, _ = running(a_dot, axis)
    before = np.cumprod(shifted(flat, 1, number, 1), number)
    return recurrence(flat, scale(before, flat_dot), number)


@vjp(np.cumsum, 0, reads="axis", holomorphic=False)
def cumsum_vjp(
    y_bar: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return sum_from_end(y_bar, np.shape(a), axis)


@jvp(np.cumsum, 0, reads="axis dtype")
def cumsum_jvp(
    a_dot: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return np.cumsum(a_dot, axis, dtype)


@vjp(np.cumprod, 0, reads="a axis dtype")
def cumprod_vjp(
    y_bar: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return running_product_adjoint(y_bar, a, axis, dtype)


@jvp(np.cumprod, 0, reads="a axis dtype")
def cumprod_jvp(
    a_dot: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return running_product_tangent(a_dot, a, axis, dtype)


@vjp(np.nancumsum, 0, reads="a axis", holomorphic=False)
def nancumsum_vjp(
    y_bar: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return np.where(np.isnan(a), 0, sum_from_end(y_bar, np.shape(a), axis))


@jvp(np.nancumsum, 0, reads="a axis dtype")
def nancumsum_jvp(
    a_dot: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a_dot), axis, dtype)


@vjp(np.nancumprod, 0, reads="a axis dtype")
def nancumprod_vjp(
    y_bar: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    missing = np.isnan(a)
    return np.where(missing, 0, running_product_adjoint(y_bar, np.where(missing, 1, a), axis, dtype))


@jvp(np.nancumprod, 0, reads="a axis dtype")
def nancumprod_jvp(
    a_dot: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None, out: Any = None
) -> Any:
    missing = np.isnan(a)
    return running_product_tangent(np.where(missing, 0, a_dot), np.where(missing, 1, a), axis, dtype)


@vjp(np.add.accumulate, 0, reads="axis", holomorphic=False)
def add_accumulate_vjp(
    y_bar: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    return sum_from_end(y_bar, np.shape(array), axis)


@jvp(np.add.accumulate, 0, reads="axis dtype")
def add_accumulate_jvp(
    array_dot: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    return np.cumsum(array_dot, axis, dtype)


@vjp(np.multiply.accumulate, 0, reads="array axis dtype")
def multiply_accumulate_vjp(
    y_bar: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    return running_product_adjoint(y_bar, array, axis, dtype)


@jvp(np.multiply.accumulate, 0, reads="array axis dtype")
def multiply_accumulate_jvp(
    array_dot: Any, y: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    return running_product_tangent(array_dot, array, axis, dtype)


def _cumulative(function: Any, adjoint: Any, tangent: Any) -> None:
    """The row of one of the array API's forms, which may ``include_initial``."""

    @vjp(function, 0, reads="x")
    def cumulative_vjp(
        y_bar: Any,
        y: Any,
        x: Any,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        if include_initial:
            flat, number = running(y_bar, axis)
            y_bar = flat[along(number, 1, None)]
        return adjoint(y_bar, x, axis, dtype)

    @jvp(function, 0, reads="x")
    def cumulative_jvp(
        x_dot: Any,
        y: Any,
        x: Any,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        number = running(x, axis)[1]
        y_dot = tangent(x_dot, x, axis, dtype)
        return padded(y_dot, 1, 0, number) if include_initial else y_dot

    calls(
        function,
        call(array(4)),
        call(array(4), include_initial=True),
        call(array(3, 4), axis=-1, include_initial=True),
        call(array(3, 4), axis=0),
    )


if hasattr(np, "cumulative_sum"):
    _cumulative(
        np.cumulative_sum,
        lambda y_bar, x, axis, dtype: sum_from_end(y_bar, np.shape(x), axis),
        lambda x_dot, x, axis, dtype: np.cumsum(x_dot, axis, dtype),
    )
    _cumulative(np.cumulative_prod, running_product_adjoint, running_product_tangent)

_RUNNING = (
    call(array(3, 4)),
    call(array(3, 4), 0),
    call(array(3, 4), axis=-1),
    call(array(2, 3, 2), axis=1),
    call(array(5)),
    call(array(1, 2), axis=0),
    call(array()),
    call(array(0), axis=0),
    call(array(3, 4), axis=1, dtype=np.complex128),
)
for _function in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod):
    calls(_function, *_RUNNING)
for _function in (np.add.accumulate, np.multiply.accumulate):
    calls(_function, *[example for example in _RUNNING if example.args[0].shape])
