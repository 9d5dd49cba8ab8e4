"""Products that conjugate an argument: vdot, vecdot, vecmat, and a product of matrices of our own.

They are not holomorphic in it, so their rules obey the complex convention themselves: for
``y = conj(a) b``, ``a_bar = conj(y_bar) b`` and ``b_bar = a y_bar``. Tangents are still the product itself,
which is linear over the reals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.broadcast import unbroadcast
from pullback.rules.domain import array, call
from pullback.rules.products import no_axes, operand
from pullback.rules.table import alias, calls, linear, vjp


@vjp(np.vdot, 0, reads="b", holomorphic=False)
def vdot_a_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return np.reshape(np.conj(y_bar) * np.ravel(b), np.shape(a))


@vjp(np.vdot, 1, reads="a", holomorphic=False)
def vdot_b_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    return np.reshape(y_bar * np.ravel(a), np.shape(b))


linear(np.vdot, 0, 1)
calls(
    np.vdot,
    call(array(3), array(3)),
    call(array(2, 3), array(6)),
    call(array(), array()),
    call(array(0), array(0)),
)


def _last(x: Any, axis: int) -> Any:
    return x if axis == -1 else np.moveaxis(x, axis, -1)


def _restored(x_bar: Any, shape: tuple[int, ...], axis: int) -> Any:
    """The cotangent of an argument of `shape` from one whose vectors lie along the last axis."""
    if axis == -1:
        return x_bar
    place = axis % len(shape)
    return np.moveaxis(unbroadcast(x_bar, (*shape[:place], *shape[place + 1 :], shape[place])), -1, axis)


def _kept(y_bar: Any, axis: int, keepdims: bool) -> Any:
    """The cotangent of vecdot's output with a last axis of length 1."""
    return _last(y_bar, axis) if keepdims else np.expand_dims(y_bar, -1)


@vjp(np.vecdot, 0, reads="b", holomorphic=False)
def vecdot_a_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    out: Any = None,
    *,
    axis: int = -1,
    keepdims: bool = False,
    axes: Any = None,
) -> Any:
    no_axes(np.vecdot, axes)
    return _restored(np.conj(_kept(y_bar, axis, keepdims)) * _last(b, axis), np.shape(a), axis)


@vjp(np.vecdot, 1, reads="a", holomorphic=False)
def vecdot_b_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    out: Any = None,
    *,
    axis: int = -1,
    keepdims: bool = False,
    axes: Any = None,
) -> Any:
    no_axes(np.vecdot, axes)
    return _restored(_kept(y_bar, axis, keepdims) * _last(a, axis), np.shape(b), axis)


linear(np.vecdot, 0, 1)
calls(
    np.vecdot,
    call(array(3), array(3)),
    call(array(4, 3), array(3)),
    call(array(4, 1, 3), array(2, 3)),
    call(array(3, 4), array(3, 4), axis=0),
    call(array(3, 4), array(3), axis=0),
    call(array(3, 4), array(3, 1), axis=0, keepdims=True),
    call(array(4, 3), array(4, 3), keepdims=True),
)
alias(np.linalg.vecdot, np.vecdot)

if hasattr(np, "vecmat"):  # NumPy 2.2

    @vjp(np.vecmat, 0, reads="b", holomorphic=False)
    def vecmat_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Any = None) -> Any:
        no_axes(np.vecmat, axes)
        return (operand(b) @ np.conj(y_bar)[..., None])[..., 0]

    @vjp(np.vecmat, 1, reads="a", holomorphic=False)
    def vecmat_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Any = None) -> Any:
        no_axes(np.vecmat, axes)
        return operand(a)[..., :, None] * y_bar[..., None, :]

    linear(np.vecmat, 0, 1)
    calls(
        np.vecmat,
        call(array(3), array(3, 2)),
        call(array(4, 3), array(3, 2)),
        call(array(3), array(4, 3, 2)),
        call(array(5, 3), array(4, 1, 3, 2)),
    )


# -- matrices ---------------------------------------------------------------------------------------------


@dispatched
def matmul_conjugated(a: Any, b: Any, factor: int) -> Any:
    """``conj(a) @ b`` of two matrices, or ``a @ conj(b)``.

    Args:
        factor: which one is conjugated, 0 or 1.
    """
    return a @ np.conj(b) if factor else np.conj(a) @ b


PRODUCTS = frozenset([np.matmul, matmul_conjugated])
"""What multiplies two matrices, its first two arguments."""


@vjp(matmul_conjugated, 0, reads="b", holomorphic=False)
def matmul_conjugated_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, factor: int) -> Any:
    return (y_bar if factor else np.conj(y_bar)) @ b.T


@vjp(matmul_conjugated, 1, reads="a", holomorphic=False)
def matmul_conjugated_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, factor: int) -> Any:
    return a.T @ (np.conj(y_bar) if factor else y_bar)


linear(matmul_conjugated, 0, 1)
calls(
    matmul_conjugated,
    call(array(2, 3), array(3, 4), 0),
    call(array(2, 3), array(3, 4), 1),
    call(array(0, 2), array(2, 3), 0),
)
