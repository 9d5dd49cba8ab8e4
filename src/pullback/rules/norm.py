"""Norms of vectors and matrices (`numpy.linalg.norm`, `vector_norm`, `matrix_norm`).

One function gives the *gradient* g of any of them: the cotangent is ``y_bar g``, the tangent
``Re Σ conj(g) x_dot``.

Conventions: the gradient is 0 where the norm is 0, and in an entry that is 0 (as of ``abs`` at 0), at every
order; the entries, the rows or the singular values that tie for a maximum or minimum share equally;
``ord=0``, which counts, has derivative 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.spectra.norms import KINDS, singular_gradient
from pullback.rules.table import calls, jvp, vjp

Axes = tuple[int, ...]
_SINGULAR = frozenset(KINDS.values())


def _plan(ndim: int, ord: Any, axis: Any) -> tuple[Any, Axes]:
    """The kind of `numpy.linalg.norm`, and its axes; 2 is the root of the sum of squares."""
    if axis is None:
        axes = tuple(range(ndim))
        if ord is None:
            return 2, axes
    else:
        axes = tuple(int(place) % ndim for place in (axis if isinstance(axis, list | tuple) else (axis,)))
    if len(axes) == 1:
        return 2 if ord is None else ord, axes
    return _matrix_kind(ord), axes


def _matrix_kind(ord: Any) -> Any:
    """The kind of a matrix norm: 2 for Frobenius, else of which sums or singular values it is an extremum."""
    if ord is None or ord in ("fro", "f"):
        return 2
    if ord in KINDS:
        return KINDS[ord]
    return ("least " if ord < 0 else "") + ("columns" if abs(ord) == 1 else "rows")


def _phase(x: Any) -> Any:
    """The sign of `x`, for complex `x` the number of modulus 1 along it; 0 at 0."""
    if dtype_of(x).kind != "c":
        return np.sign(x)
    size = np.abs(x)
    return x / np.where(size == 0, 1, size)


def _shared(choice: Any, axes: Axes) -> Any:
    """Equal weights with sum 1 over `axes` for the places where `choice` is true."""
    return choice / np.sum(choice, axis=axes, keepdims=True)


def gradient(x: Any, y: Any, kind: Any, axes: Axes) -> Any:
    """The gradient of the norm `y`, which is given with `axes` kept, in every entry of `x`."""
    if 0 in np.shape(x):
        return np.zeros(np.shape(x), dtype_of(x))
    if kind in _SINGULAR:
        return singular_gradient(x, kind, axes)
    if isinstance(kind, str):
        rows, columns = axes
        sums = np.sum(np.abs(x), axis=rows if "columns" in kind else columns, keepdims=True)
        return _share_of(sums, kind.startswith("least"), axes) * _phase(x)
    if kind == 2:
        return x * np.where(y == 0, 0, 1 / np.where(y == 0, 1, y))
    if kind == 1:
        return _phase(x)
    if kind == 0:
        return np.zeros(np.shape(x), dtype_of(x))
    if kind in (np.inf, -np.inf):
        return _share_of(np.abs(x), kind < 0, axes) * _phase(x)
    size = np.abs(x)
    nowhere = (size == 0) | (y == 0)
    ratio = np.where(nowhere, 1, size) / np.where(y == 0, 1, y)
    return np.where(nowhere, 0, ratio ** (kind - 1)) * _phase(x)


def _share_of(sizes: Any, least: bool, axes: Axes) -> Any:
    """Equal weights for the places of the extreme of `sizes`: the norm may be rounded otherwise."""
    initial = np.inf if least else 0  # NumPy has a largest of no rows at all: 0
    extreme = (np.min if least else np.max)(sizes, axis=axes, keepdims=True, initial=initial)
    return _shared(sizes == extreme, axes).astype(dtype_of(sizes))


def _norm_vjp(y_bar: Any, y: Any, x: Any, kind: Any, axes: Axes) -> Any:
    kept = tuple(1 if place in axes else n for place, n in enumerate(np.shape(x)))
    return np.reshape(y_bar, kept) * gradient(x, np.reshape(y, kept), kind, axes)


def _norm_jvp(x_dot: Any, y: Any, x: Any, kind: Any, axes: Axes) -> Any:
    shape = np.shape(x)
    kept = tuple(1 if place in axes else n for place, n in enumerate(shape))
    slope = gradient(x, np.reshape(y, kept), kind, axes)
    if dtype_of(x).kind == "c" or dtype_of(x_dot).kind == "c":
        slope = np.conj(slope)
    return np.reshape(np.sum(np.real(slope * x_dot), axis=axes), np.shape(y))


@vjp(np.linalg.norm, 0, holomorphic=False)
def norm_vjp(y_bar: Any, y: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return _norm_vjp(y_bar, y, x, *_plan(np.ndim(x), ord, axis))


@jvp(np.linalg.norm, 0)
def norm_jvp(x_dot: Any, y: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return _norm_jvp(x_dot, y, x, *_plan(np.ndim(x), ord, axis))


def _vector_plan(ndim: int, ord: Any, axis: Any) -> tuple[Any, Axes]:
    if axis is None:
        return ord, tuple(range(ndim))
    return ord, tuple(int(place) % ndim for place in (axis if isinstance(axis, list | tuple) else (axis,)))


@vjp(np.linalg.vector_norm, 0, holomorphic=False)
def vector_norm_vjp(
    y_bar: Any, y: Any, x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    return _norm_vjp(y_bar, y, x, *_vector_plan(np.ndim(x), ord, axis))


@jvp(np.linalg.vector_norm, 0)
def vector_norm_jvp(
    x_dot: Any, y: Any, x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    return _norm_jvp(x_dot, y, x, *_vector_plan(np.ndim(x), ord, axis))


@vjp(np.linalg.matrix_norm, 0, holomorphic=False)
def matrix_norm_vjp(y_bar: Any, y: Any, x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm_vjp(y_bar, y, x, *_plan(np.ndim(x), ord, (-2, -1)))


@jvp(np.linalg.matrix_norm, 0)
def matrix_norm_jvp(x_dot: Any, y: Any, x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm_jvp(x_dot, y, x, *_plan(np.ndim(x), ord, (-2, -1)))


_ORDERS = (None, 2, 1, 0, 3, 0.5, -1, -2.5, np.inf, -np.inf)
_MATRIX_ORDERS = (None, "fro", 1, -1, np.inf, -np.inf, 2, -2, "nuc")
_VECTOR = array(5, low=0.2, high=2.0, kind="distinct")
_MATRIX = array(3, 4, low=0.2, high=20.0, kind="distinct")
_STACK = array(2, 3, 4, low=-2.0, high=2.0, kind="distinct")
calls(np.linalg.norm, *(call(_VECTOR, order) for order in _ORDERS))
calls(np.linalg.norm, *(call(_MATRIX, order) for order in _MATRIX_ORDERS))
calls(
    np.linalg.norm,
    call(_STACK),
    call(_STACK, None, 1),
    call(_STACK, 3, -1, True),
    call(_STACK, np.inf, axis=0, keepdims=True),
    call(_STACK, axis=(0, 2)),
    call(_STACK, 1, (2, 0)),
    call(_STACK, -np.inf, axis=(0, -1), keepdims=True),
    call(_STACK, "nuc", axis=(0, -1), keepdims=True),
    call(_STACK, 2, (2, 0)),
    call(array(0, 3), axis=1),
)
calls(
    np.linalg.vector_norm,
    call(_STACK),
    call(_STACK, axis=(0, 2), ord=1),
    call(_STACK, axis=1, ord=-np.inf, keepdims=True),
    call(_STACK, axis=(2, 1), ord=3),
    call(_STACK, ord=0),
)
calls(
    np.linalg.matrix_norm,
    call(_STACK),
    call(_STACK, ord=1),
    call(_STACK, ord=-np.inf, keepdims=True),
    call(_STACK, ord=-2),
    call(_MATRIX),
    call(_MATRIX, ord="nuc"),
)
