"""Random straight-line programs of NumPy operations over a few arrays, for every engine.

A program is a list of small integers read modulo what is there, as in `writes`. Operations keep values within [-3, 3] or so
and away from poles, so that central differences can judge them, second order included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Step = tuple[int, int, int, int]

SHAPES = ((3,), (2, 3))


def programs(longest: int = 8) -> st.SearchStrategy[list[Step]]:
    """Random programs."""
    number = st.integers(0, 59)
    return st.lists(st.tuples(number, number, number, number), min_size=1, max_size=longest)


UNARY: list[Callable[[Any], Any]] = [
    np.sin, np.cos, np.tanh, np.arctan, np.square, np.negative, np.sinh, np.cbrt,
    lambda a: np.exp(-a * a), lambda a: np.log(1.5 + a * a), lambda a: np.sqrt(1.2 + a * a),
    lambda a: np.reciprocal(1.3 + np.abs(a)), lambda a: np.arcsinh(a) * a, lambda a: np.where(a > 0.2, a**3, 2 * a),
    lambda a: np.where(a > 0.1, np.sqrt(a), 0.5 * a), lambda a: np.clip(a, -0.8, 0.9), lambda a: a ** 2 - 1 / (2 + a * a),
    lambda a: np.logaddexp(a, 0.3), lambda a: np.power(1.1 + a * a, 1.5), lambda a: np.expm1(a * 0.5),
    lambda a: np.sinc(a), lambda a: np.real(np.exp(1j * a) * (1 + 2j)), lambda a: np.abs(a + 0.5j) ** 2,
]  # fmt: skip

BINARY: list[Callable[[Any, Any], Any]] = [
    np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.hypot, np.logaddexp,
    lambda a, b: a / (1.5 + b * b), lambda a, b: np.arctan2(a, 2.0 + b * b), lambda a, b: np.where(a > b, a * b, b),
    lambda a, b: np.power(1.2 + a * a, 0.5 * b), lambda a, b: np.fmod(a, 2.0 + b * b), lambda a, b: 2.0 * a - b / 3,
]  # fmt: skip


def _matmul(a: Any, b: Any) -> Any:
    if a.ndim and b.ndim and a.shape[-1] == b.shape[-1]:
        return np.matmul(a, np.swapaxes(b, -1, -2) if b.ndim > 1 else b)
    return np.sum(a) * b


def _outer(a: Any, b: Any) -> Any:
    return np.outer(a[..., 0], b[..., -1]) if a.ndim and b.ndim else a * b


def _join(a: Any, b: Any) -> Any:
    return np.concatenate([np.ravel(a), np.ravel(b)])[:7]


def _stacked(a: Any, b: Any) -> Any:
    return np.stack([a, b, a])[1:] if np.shape(a) == np.shape(b) and a.ndim < 3 else a - 0.5 * b.sum()


def _dotted(a: Any, b: Any) -> Any:
    if a.ndim and b.ndim and a.shape[-1] == b.shape[-1]:
        return np.einsum("...i,...i->...", a, np.ravel(b)[: a.shape[-1]])
    return a


JOINING = [_matmul, _outer, _join, _stacked, _dotted]

REDUCTIONS: list[Callable[..., Any]] = [
    np.sum, np.mean, np.prod, np.max, np.min, lambda a, axis: np.var(a, axis=axis), lambda a, axis: np.cumsum(a, axis=axis),
    lambda a, axis: np.std(a + np.arange(a.size).reshape(a.shape), axis=axis), lambda a, axis: np.sort(a, axis=axis),
    lambda a, axis: np.sum(a, axis=axis, keepdims=True), lambda a, axis: np.median(a, axis=axis),
    lambda a, axis: np.linalg.norm(a + 2.0, axis=axis), lambda a, axis: np.flip(a, axis), lambda a, axis: np.ptp(a, axis=axis),
    lambda a, axis: np.cumprod(a, axis=axis), lambda a, axis: np.roll(a, 2, axis), lambda a, axis: np.repeat(a, 2, axis),
]  # fmt: skip

SHAPING: list[Callable[[Any, int], Any]] = [
    lambda a, k: np.reshape(a, -1), lambda a, k: np.transpose(a), lambda a, k: a[..., ::-1], lambda a, k: a[k % len(a)],
    lambda a, k: a[1:] if len(a) > 1 else a, lambda a, k: a[..., None], lambda a, k: np.broadcast_to(a, (2, *a.shape)),
    lambda a, k: a[np.array([0, k % len(a), 0])], lambda a, k: np.take(a, [0, -1, 0], axis=-1), lambda a, k: np.tile(a, 2),
    lambda a, k: np.pad(a, 1), lambda a, k: np.diff(np.ravel(a)) if a.size > 1 else a, lambda a, k: a[np.arange(len(a)) % 2 == 0],
    lambda a, k: np.diag(np.ravel(a)[:3]), lambda a, k: np.tril(a) if a.ndim > 1 else a, lambda a, k: np.squeeze(a),
]  # fmt: skip


def _stored(make: Any, a: Any, b: Any, k: int) -> Any:
    """The two arrays written into a buffer, and the buffer changed in place."""
    buffer = make.zeros((2, 4))
    buffer[0, :3] = np.arange(3.0) * np.sum(a)
    row = buffer[1]
    row[:2] = np.ravel(b)[0] * np.array([1.0, 2.0])
    row[k % 4] += np.ravel(a)[-1]
    buffer *= 0.7
    return buffer * buffer[1, 0] if k % 2 else buffer


def run(program: list[Step], make: Any, x: Any, y: Any) -> Any:
    """The number that `program` computes from arrays of `SHAPES`; ``make`` is `numpy` or `pullback`."""
    pool: list[Any] = [x, y]
    for kind, i, j, k in program:
        a, b = pool[i % len(pool)], pool[j % len(pool)]
        kind %= 10
        if kind < 3:
            made = UNARY[k % len(UNARY)](a)
        elif kind < 5:
            made = _broadcast(BINARY[k % len(BINARY)], a, b)
        elif kind == 5:
            made = JOINING[k % len(JOINING)](a, b)
        elif kind < 8 and a.ndim:
            made = REDUCTIONS[k % len(REDUCTIONS)](a, axis=j % a.ndim)
        elif kind == 8 and a.ndim:
            made = SHAPING[k % len(SHAPING)](a, j)
        else:
            made = _stored(make, a, b, k)
        if made.size <= 60 and made.ndim < 4:
            pool.append(made)
    total = 0.0
    for number, array in enumerate(pool):
        weights = np.cos(number + np.arange(array.size)).reshape(array.shape)
        total = total + np.sum(np.tanh(0.5 * array) * weights)
    return total


def _broadcast(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return function(a, np.sum(b))
    return function(a, b)
