"""The Kronecker product: an outer product with its axes interleaved, so its adjoints are contractions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.domain import array, call
from pullback.rules.table import calls, linear, vjp


def _kron_shapes(a: Any, b: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The shapes of `a` and `b` with leading ones up to equal length, and these interleaved."""
    ndim = max(np.ndim(a), np.ndim(b), 1)
    a_shape = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    b_shape = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    return a_shape, b_shape, tuple(n for pair in zip(a_shape, b_shape, strict=True) for n in pair)


@vjp(np.kron, 0, reads="b")
def kron_a_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    _, b_shape, both = _kron_shapes(a, b)
    b_axes = tuple(range(1, len(both), 2))
    a_bar = np.tensordot(
        np.reshape(y_bar, both), np.reshape(b, b_shape), axes=(b_axes, tuple(range(len(b_shape))))
    )
    return np.reshape(a_bar, np.shape(a))


@vjp(np.kron, 1, reads="a")
def kron_b_vjp(y_bar: Any, y: Any, a: Any, b: Any) -> Any:
    a_shape, _, both = _kron_shapes(a, b)
    a_axes = tuple(range(0, len(both), 2))
    b_bar = np.tensordot(
        np.reshape(y_bar, both), np.reshape(a, a_shape), axes=(a_axes, tuple(range(len(a_shape))))
    )
    return np.reshape(b_bar, np.shape(b))


linear(np.kron, 0, 1)
calls(
    np.kron,
    call(array(2, 3), array(3, 2)),
    call(array(3), array(2)),
    call(array(3), array(2, 3)),
    call(array(2, 1, 3), array(2, 2)),
    call(array(), array(2, 2)),
)
