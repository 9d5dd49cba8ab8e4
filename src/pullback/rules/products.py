"""Products of vectors, matrices and stacks of them: matmul, matvec, dot, inner and outer.

Each is linear in either argument by itself, so its jvp is the product itself. The adjoint of ``y = a @ b`` is
``a_bar = y_bar @ b.T``, ``b_bar = a.T @ y_bar`` (Giles, *Collected matrix derivative results*, 2008, §2.2);
the reader of the table sums stacks of matrices over the axes along which they were broadcast. Kronecker and
vector products are in `rules.kron` and `rules.cross`, products that conjugate an argument in
`rules.conjugating`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.errors import UnsupportedError
from pullback.rules.broadcast import unbroadcast
from pullback.rules.domain import array, call
from pullback.rules.structured import Filled, Matrix, Structured, dense, outer
from pullback.rules.table import alias, calls, linear, vjp

Axes = list[Any] | None


def operand(x: Any) -> Any:
    """`x`, as an array where it is a list of numbers."""
    return np.asarray(x) if isinstance(x, list | tuple) else x


# -- matmul -----------------------------------------------------------------------------------------------


def left_cotangent(y_bar: Any, a_ndim: int, b: Any) -> Any:
    """The cotangent of `a` in ``y = a @ b``; a stack may still have to be summed over broadcast axes."""
    b_ndim = np.ndim(b)
    if a_ndim == 1:
        return y_bar * b if b_ndim == 1 else (b @ y_bar[..., None])[..., 0]
    if isinstance(y_bar, Matrix):
        return y_bar.before(np.swapaxes(b, -1, -2))
    if b_ndim == 1:
        return outer(y_bar, b) if a_ndim == 2 else y_bar[..., None] * b
    if a_ndim == 2 and b_ndim > 2:
        # One matrix times a stack: summing within the product needs no stack of cotangents.
        summed = (*range(b_ndim - 2), b_ndim - 1)
        return np.tensordot(y_bar, b, axes=(summed, summed))
    return y_bar @ np.swapaxes(b, -1, -2)


def right_cotangent(y_bar: Any, a: Any, b_ndim: int) -> Any:
    """The cotangent of `b` in ``y = a @ b``; a stack may still have to be summed over broadcast axes."""
    a_shape = np.shape(a)
    if len(a_shape) == 1:
        if b_ndim == 2:
            return outer(a, y_bar)
        return y_bar * a if b_ndim == 1 else a[:, None] * y_bar[..., None, :]
    if isinstance(y_bar, Matrix):
        return y_bar.after(np.swapaxes(a, -1, -2))
    if b_ndim == 1:
        return (np.swapaxes(a, -1, -2) @ y_bar[..., None])[..., 0]
    if b_ndim == 2 and len(a_shape) > 2:
        rows = math.prod(a_shape[:-1])
        return np.reshape(a, (rows, a_shape[-1])).T @ np.reshape(y_bar, (rows, np.shape(y_bar)[-1]))
    return np.swapaxes(a, -1, -2) @ y_bar


@vjp(np.matmul, 0, reads="b", structured=True)
def matmul_a_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    out: Any = None,
    *,
    axes: Axes = None,
    dtype: Any = None,
    casting: Any = None,
) -> Any:
    kind = type(y_bar)
    if type(b) is list or type(b) is tuple:
        b = np.asarray(b)
    if a.ndim == 2 and b.ndim == 2 and axes is None:
        if isinstance(y_bar, Matrix):
            return y_bar.before(b.T)
        if kind is Filled:
            return y_bar.value * np.sum(b, axis=1)
        return dense(y_bar) @ b.T
    if isinstance(y_bar, Structured) and (not isinstance(y_bar, Matrix) or 1 in (a.ndim, b.ndim)):
        y_bar = y_bar.dense()
    if axes is None:
        return left_cotangent(y_bar, a.ndim, b)
    (a_axes, b_axes, y_axes), y_bar = map(_tuple, axes), dense(y_bar)
    x_bar = left_cotangent(to_end(y_bar, y_axes), a.ndim, to_end(b, b_axes))
    return from_end(x_bar, a.shape, a_axes)


@vjp(np.matmul, 1, reads="a", structured=True)
def matmul_b_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    b: Any,
    out: Any = None,
    *,
    axes: Axes = None,
    dtype: Any = None,
    casting: Any = None,
) -> Any:
    kind = type(y_bar)
    if type(a) is list or type(a) is tuple:
        a = np.asarray(a)
    if a.ndim == 2 and b.ndim == 2 and axes is None:
        if isinstance(y_bar, Matrix):
            return y_bar.after(a.T)
        if kind is Filled:
            return y_bar.value * np.sum(a, axis=0)[:, None]
        return a.T @ dense(y_bar)
    if isinstance(y_bar, Structured) and (not isinstance(y_bar, Matrix) or 1 in (a.ndim, b.ndim)):
        y_bar = y_bar.dense()
    if axes is None:
        return right_cotangent(y_bar, a, b.ndim)
    (a_axes, b_axes, y_axes), y_bar = map(_tuple, axes), dense(y_bar)
    x_bar = right_cotangent(to_end(y_bar, y_axes), to_end(a, a_axes), b.ndim)
    return from_end(x_bar, b.shape, b_axes)


def _tuple(axes: Any) -> tuple[int, ...]:
    return tuple(axes) if isinstance(axes, list | tuple) else (axes,)


def to_end(x: Any, axes: tuple[int, ...]) -> Any:
    """`x` with its core `axes` moved to the end, where the product expects them."""
    return np.moveaxis(x, axes, tuple(range(-len(axes), 0))) if axes else x


def from_end(x_bar: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """The cotangent of an argument of `shape` from that of its `to_end` form, summed where broadcast."""
    x_bar = dense(x_bar)
    core = [axis % len(shape) for axis in axes]
    moved = tuple(n for axis, n in enumerate(shape) if axis not in core) + tuple(shape[axis] for axis in core)
    return np.moveaxis(unbroadcast(x_bar, moved), tuple(range(-len(axes), 0)), axes)


linear(np.matmul, 0, 1)
calls(
    np.matmul,
    call(array(2, 3), array(3, 4)),
    call(array(3), array(3)),
    call(array(3), array(3, 2)),
    call(array(2, 3), array(3)),
    call(array(3), array(4, 3, 2)),
    call(array(4, 2, 3), array(3)),
    call(array(4, 2, 3), array(3, 5)),
    call(array(2, 3), array(4, 3, 5)),
    call(array(4, 1, 2, 3), array(5, 3, 2)),
    call(array(1, 2, 3), array(4, 3, 2)),
    call(array(0, 2, 3), array(3, 2)),
    call(array(2, 0), array(0, 3)),
    call(array(3, 2), array(4, 3), axes=[(1, 0), (1, 0), (1, 0)]),
    call(array(3, 5, 2), array(4, 3), axes=[(2, 0), (1, 0), (0, 1)]),
    call(array(3, 2), array(3), axes=[(1, 0), (0,), (0,)]),
)
alias(np.linalg.matmul, np.matmul)


# -- dot, inner, outer -----------------------------------------------------------------------------------


@vjp(np.dot, 0, reads="b", structured=True)
def dot_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None) -> Any:
    b = operand(b)
    a_ndim, b_ndim = np.ndim(a), np.ndim(b)
    if a_ndim == b_ndim == 2 and isinstance(y_bar, Matrix):
        return y_bar.before(b.T)
    y_bar = dense(y_bar)
    if a_ndim == 0 or b_ndim == 0:
        return y_bar * b
    if b_ndim == 1:
        return outer(y_bar, b) if a_ndim == 2 else np.expand_dims(y_bar, -1) * b
    if a_ndim == b_ndim == 2:
        return y_bar @ b.T
    free = (*range(b_ndim - 2), b_ndim - 1)
    return np.tensordot(y_bar, b, axes=(tuple(range(a_ndim - 1, a_ndim + b_ndim - 2)), free))


@vjp(np.dot, 1, reads="a", structured=True)
def dot_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None) -> Any:
    a = operand(a)
    a_ndim, b_ndim = np.ndim(a), np.ndim(b)
    if a_ndim == b_ndim == 2 and isinstance(y_bar, Matrix):
        return y_bar.after(a.T)
    y_bar = dense(y_bar)
    if a_ndim == 0 or b_ndim == 0:
        return y_bar * a
    if a_ndim == b_ndim == 2:
        return a.T @ y_bar
    if a_ndim == 1 and b_ndim == 2:
        return outer(a, y_bar)
    free = tuple(range(a_ndim - 1))
    b_bar = np.tensordot(a, y_bar, axes=(free, free))
    return b_bar if b_ndim == 1 else np.moveaxis(b_bar, 0, -2)


linear(np.dot, 0, 1)
calls(
    np.dot,
    call(array(3), array(3)),
    call(array(2, 3), array(3, 4)),
    call(array(2, 3), array(3)),
    call(array(3), array(3, 2)),
    call(array(), array(2, 3)),
    call(array(2), array()),
    call(array(2, 4, 3), array(5, 3, 2)),
    call(array(2, 4, 3), array(3)),
    call(array(3), array(2, 3, 4)),
    call(array(2, 3), array(4, 3, 5)),
    call(array(2, 0), array(0, 3)),
)


@vjp(np.inner, 0, reads="b")
def inner_a_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return y_bar * b
    return np.tensordot(y_bar, b, axes=np.ndim(b) - 1)


@vjp(np.inner, 1, reads="a")
def inner_b_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return y_bar * a
    free = tuple(range(np.ndim(a) - 1))
    return np.tensordot(y_bar, a, axes=(free, free))


linear(np.inner, 0, 1)
calls(
    np.inner,
    call(array(3), array(3)),
    call(array(2, 3), array(4, 3)),
    call(array(2, 5, 3), array(4, 3)),
    call(array(3), array(4, 2, 3)),
    call(array(), array(2, 3)),
    call(array(2, 3), array()),
)


@vjp(np.outer, 0, reads="b")
def outer_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None) -> Any:
    return np.reshape(y_bar @ np.ravel(b), np.shape(a))


@vjp(np.outer, 1, reads="a")
def outer_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None) -> Any:
    return np.reshape(np.ravel(a) @ y_bar, np.shape(b))


linear(np.outer, 0, 1)
calls(np.outer, call(array(3), array(4)), call(array(2, 3), array(2, 2)), call(array(), array(3)))


def outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    """As `numpy.linalg.outer`, which takes nothing but vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"the arrays have to be one-dimensional, not of {np.ndim(x1)} and {np.ndim(x2)} axes"
        )
    return np.outer(x1, x2)


COMPOSED[np.linalg.outer] = outer_of_vectors


# -- matvec ---------------------------------------------------------------------------------------------


def no_axes(function: Any, axes: Any) -> None:
    """Refuse the keyword ``axes`` of a generalized ufunc."""
    if axes is not None:
        raise UnsupportedError(
            f"numpy.{function.__name__} has no derivative rule for the keyword axes",
            remedy="move the axes to the end with np.moveaxis.",
        )


if hasattr(np, "matvec"):  # NumPy 2.2

    @vjp(np.matvec, 0, reads="b")
    def matvec_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Axes = None) -> Any:
        no_axes(np.matvec, axes)
        return y_bar[..., None] * operand(b)[..., None, :]

    @vjp(np.matvec, 1, reads="a")
    def matvec_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, out: Any = None, *, axes: Axes = None) -> Any:
        no_axes(np.matvec, axes)
        return (np.swapaxes(a, -1, -2) @ y_bar[..., None])[..., 0]

    linear(np.matvec, 0, 1)
    calls(
        np.matvec,
        call(array(2, 3), array(3)),
        call(array(4, 2, 3), array(3)),
        call(array(2, 3), array(4, 3)),
        call(array(4, 1, 2, 3), array(5, 3)),
    )
