"""Random programs of views, writes and reads, for every engine and for plain NumPy.

A program is a list of small integers; each step reads them modulo what is there, so every list is a program, and
hypothesis shrinks it well. `run` gives one number. With ``make=np`` it is plain NumPy, whose finite differences are the
reference; with ``make=pb`` the arrays are written by pullback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Step = tuple[int, int, int, int]
Pool = list[Any]

SIZE = 6


def programs(longest: int = 12) -> st.SearchStrategy[list[Step]]:
    """Random programs."""
    number = st.integers(0, 23)
    return st.lists(st.tuples(number, number, number, number), min_size=1, max_size=longest)


# -- views of an array: all of them share its memory ------------------------------------------------------------------


def _whole(x: Any, k: int) -> Any:
    return x


def _tail(x: Any, k: int) -> Any:
    return x[1:] if x.ndim and x.shape[0] > 1 else x


def _every_other(x: Any, k: int) -> Any:
    return x[::2] if k % 2 else x[::-1]


def _row(x: Any, k: int) -> Any:
    return x[k % x.shape[0]] if x.ndim > 1 else x


def _column(x: Any, k: int) -> Any:
    return x[..., k % x.shape[-1]] if x.ndim > 1 else x


def _reshaped(x: Any, k: int) -> Any:
    return x.reshape(2, -1) if x.size % 2 == 0 else np.ravel(x)


def _transposed(x: Any, k: int) -> Any:
    return x.T


def _new_axis(x: Any, k: int) -> Any:
    return x[None] if k % 2 else np.expand_dims(x, -1)


def _swapped(x: Any, k: int) -> Any:
    return np.swapaxes(x, 0, -1) if x.ndim > 1 else x


def _squeezed(x: Any, k: int) -> Any:
    return np.squeeze(x) if x.size > 1 else x


VIEWS: list[Callable[[Any, int], Any]] = [
    _whole, _tail, _every_other, _row, _column, _transposed, _reshaped, _new_axis, _swapped, _squeezed,
]  # fmt: skip


# -- values to write: new arrays of the shape of the target -------------------------------------------------------------


def _fitting(shape: tuple[int, ...], source: Any, k: int) -> Any:
    """A value of `shape`, or broadcasting to it, that depends smoothly on `source`."""
    if k % 3 == 0:
        return np.sum(np.sin(source)) * 0.5
    flat = np.ravel(np.cos(source) + 0.3 * source)
    size = int(np.prod(shape))
    picked = flat[np.arange(size) % np.size(flat)]
    return np.reshape(picked, shape) if k % 3 == 1 else np.reshape(picked * 0.7 + 0.1, shape)


def _assign(t: Any, s: Any, k: int) -> None:
    t[...] = _fitting(t.shape, s, k)


def _assign_part(t: Any, s: Any, k: int) -> None:
    if t.ndim:
        t[: max(1, t.shape[0] // 2)] = _fitting(t[: max(1, t.shape[0] // 2)].shape, s, k)


def _assign_one(t: Any, s: Any, k: int) -> None:
    index = tuple(k % n for n in t.shape)
    t[index] = np.sum(np.ravel(s)[:2]) * 1.3


def _assign_itself(t: Any, s: Any, k: int) -> None:
    if t.ndim and t.shape[0] > 1:
        t[1:] = t[:-1]


def _multiply(t: Any, s: Any, k: int) -> None:
    t *= _fitting(t.shape, s, k)


def _add(t: Any, s: Any, k: int) -> None:
    t += _fitting(t.shape, s, k)


def _subtract_itself(t: Any, s: Any, k: int) -> None:
    t -= 0.5 * t * t


def _divide(t: Any, s: Any, k: int) -> None:
    t /= 1.5 + np.sin(_fitting(t.shape, s, k)) ** 2


def _scale_part(t: Any, s: Any, k: int) -> None:
    if t.ndim and t.shape[0] > 1:
        t[1:] *= 1.1


def _mask(t: Any, s: Any, k: int) -> None:
    mask = np.arange(t.size).reshape(t.shape) % 3 == k % 3
    t[mask] = 0.5 * t[mask] + np.sum(s) * 0.1


def _mask_scale(t: Any, s: Any, k: int) -> None:
    t[np.arange(t.size).reshape(t.shape) % 2 == k % 2] *= 0.8


def _fancy_add(t: Any, s: Any, k: int) -> None:
    if t.ndim:
        t[np.array([0, k % t.shape[0], 0])] += np.sum(np.sin(s))


def _fancy_assign(t: Any, s: Any, k: int) -> None:
    if t.ndim:
        index = np.array([0, k % t.shape[0], 0])
        t[index] = _fitting((3, *t.shape[1:]), s, 1 + k % 2)


def _out(t: Any, s: Any, k: int) -> None:
    if k % 3 == 0:
        np.multiply(_fitting(t.shape, s, 1), 1.2, out=t)
    elif k % 3 == 1:
        np.sin(t, out=t)
    else:
        np.add(t, t, out=t)


def _at(t: Any, s: Any, k: int) -> None:
    if t.ndim:
        index = np.array([0, k % t.shape[0], 0])
        (np.add.at if k % 2 else np.subtract.at)(t, index, _fitting((3, *t.shape[1:]), s, 1))


def _fill(t: Any, s: Any, k: int) -> None:
    t.fill(np.sum(s) * 0.2)


def _sort(t: Any, s: Any, k: int) -> None:
    if t.ndim:
        t.sort(axis=k % t.ndim)


def _constant(t: Any, s: Any, k: int) -> None:
    t[...] = 0.25 * k


WRITES: list[Callable[[Any, Any, int], None]] = [
    _assign, _assign_part, _assign_one, _assign_itself, _multiply, _add, _subtract_itself, _divide, _scale_part,
    _mask, _mask_scale, _fancy_add, _fancy_assign, _out, _at, _fill, _sort, _constant,
]  # fmt: skip


def run(program: list[Step], make: Any, x: Any) -> Any:
    """The number that `program` computes from `x`, an array of `SIZE` entries; `x` is written into."""
    pool: Pool = [x, make.zeros((2, 3)), make.full(4, 0.5)]
    total = np.sum(x) * 0.1
    for kind, i, j, k in program:
        target, source = pool[i % len(pool)], pool[j % len(pool)]
        if kind % 6 in (0, 1):
            pool.append(VIEWS[j % len(VIEWS)](target, k))
        elif kind % 6 == 5 and k % 2:
            total = total + np.sum(np.sin(target) * (1 + np.arange(target.size).reshape(target.shape)))
        elif kind % 6 == 5:
            pool.append(target * target + 0.1)
        else:
            WRITES[(k + 7 * kind + j) % len(WRITES)](target, source, k)
    for number, array in enumerate(pool):
        total = total + np.sum(np.tanh(array) * (number + 1 + np.arange(array.size).reshape(array.shape)))
    return total
