"""Random programs of views and writes over real and complex arrays, told to any machine that holds arrays.

A program is a list of small integers, as in `writes`. What a step does is said once, to a `Machine`: it makes
a view, computes a value, writes one into an array. `slots` has a machine that never changes anything and
knows of no view, to compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st

Step = tuple[int, int, int, int]

SIZE = 11
"""How many real numbers go in: a complex 2×2 array and a real one of three entries."""


class Machine(Protocol):
    """What runs a program. Arrays and values are its own.

    `run` keeps NumPy arrays of the same layout beside them, so that shapes and whether one may write need not
    be asked for.
    """

    def start(self, z: Any) -> Any:
        """The arrays that a program begins with, laid out as `START`."""

    def view(self, x: Any, function: Callable[[Any], Any]) -> Any:
        """What `function`, a view in NumPy's terms or now and then a copy, gives."""

    def value(self, x: Any, shape: tuple[int, ...]) -> Any:
        """The entries of `x` now, cycled through a complex array of `shape`."""

    def combined(self, kind: int, a: Any, b: Any) -> Any:
        """A value from two of the same shape, by one of `KINDS` formulas."""

    def put(self, x: Any, index: Any, value: Any, how: str) -> None:
        """Write a value, or its real part, at `index` of `x`: ``"="``, ``"+="``, ``"*="`` or ``"at"``."""

    def make(self, value: Any, real: bool) -> Any:
        """A new array that holds a value, or its real part."""

    def total(self, x: Any, number: int) -> Any:
        """One real number that every part of every entry of `x` has its own part in."""


START = [np.zeros((2, 2), complex), np.zeros(3), np.zeros(3, complex), np.zeros((2, 2))]
KINDS = 8

VIEWS: list[Callable[[Any, int], Any]] = [
    lambda x, k: x[1:] if len(x) > 1 else x,
    lambda x, k: x[::2] if k % 2 else x[::-1],
    lambda x, k: x[k % len(x)],
    lambda x, k: x[..., k % x.shape[-1]],
    lambda x, k: x.T,
    lambda x, k: x.reshape(-1),
    lambda x, k: x.reshape(2, -1) if x.size % 2 == 0 else x,
    lambda x, k: x[None] if k % 2 else np.expand_dims(x, -1),
    lambda x, k: np.swapaxes(x, 0, -1),
    lambda x, k: x.real,
    lambda x, k: x.imag if np.iscomplexobj(x) else x,
    lambda x, k: np.real(x),
    lambda x, k: np.einsum("ii->i", x) if x.ndim == 2 and x.shape[0] == x.shape[1] else x,
    lambda x, k: np.diagonal(x) if x.ndim == 2 else x,
    lambda x, k: np.real(np.diagonal(x, 1 if x.shape[1] > 1 else 0)) if x.ndim == 2 else x.real,
    lambda x, k: np.flip(x),
    lambda x, k: np.rot90(x) if x.ndim > 1 else x,
    lambda x, k: np.split(x, [1])[k % 2] if len(x) > 1 else x,
    lambda x, k: np.squeeze(x) if x.size > 1 else x,
    lambda x, k: x.conj(),
    lambda x, k: x.copy(),
    lambda x, k: np.ravel(x),
]


def programs(longest: int = 12) -> st.SearchStrategy[list[Step]]:
    """Random programs."""
    number = st.integers(0, 43)
    return st.lists(st.tuples(number, number, number, number), min_size=1, max_size=longest)


def place_in(shape: tuple[int, ...], k: int) -> tuple[Any, str]:
    """Where to write in an array of `shape`, and how."""
    if not shape:
        return (), "="
    whole = np.arange(int(np.prod(shape))).reshape(shape)
    duplicates = np.array([0, k % shape[0], 0])
    ways: list[tuple[Any, str]] = [
        (Ellipsis, "="),
        (Ellipsis, "+="),
        (Ellipsis, "*="),
        (slice(1, None), "="),
        (slice(None, None, 2), "*="),
        (tuple(k % n for n in shape), "="),
        (tuple(k % n for n in shape), "+="),
        (whole % 3 == k % 3, "="),
        (whole % 2 == k % 2, "*="),
        (duplicates, "="),
        (duplicates, "+="),
        (duplicates, "at"),
    ]
    return ways[k % len(ways)]


def run(program: list[Step], machine: Machine, z: Any) -> Any:
    """The number that `program` computes from the vector `z` of `SIZE` real numbers."""
    pool = machine.start(z)
    beside: list[Any] = [x.copy() for x in START]
    total = 0.0
    for kind, i, j, k in program:
        place = i % len(pool)
        target, source, like = pool[place], pool[j % len(pool)], beside[place]
        if kind % 5 < 2:
            if like.ndim and len(pool) < 12:
                function = VIEWS[j % len(VIEWS)]
                beside.append(function(like, k))
                pool.append(machine.view(target, lambda x, f=function, k=k: f(x, k)))
        elif kind % 5 < 4:
            if like.flags.writeable:
                index, how = place_in(like.shape, k)
                part = like[index].shape
                a, b = machine.value(source, part), machine.value(target, part)
                machine.put(target, index, machine.combined(j % KINDS, a, b), how)
        elif k % 2:
            total = total + machine.total(target, k)
        else:
            a, b = machine.value(target, like.shape), machine.value(source, like.shape)
            pool.append(machine.make(machine.combined(k // 2 % KINDS, a, b), like.dtype.kind == "f"))
            beside.append(np.zeros(like.shape, like.dtype)[()])  # no axes: a number, as from NumPy
    for number, array in enumerate(pool):
        total = total + machine.total(array, number)
    return total


class Arrays:
    """The machine that is under test: NumPy's own arrays, or pullback's (``make`` is the module)."""

    def __init__(self, make: Any) -> None:
        self.module = make

    def start(self, z: Any) -> list[Any]:
        first = np.reshape(z[:4] + 1j * z[4:8], (2, 2))
        return [first, z[8:] * 1.0, self.module.zeros(3, complex), self.module.full((2, 2), 0.5)]

    def view(self, x: Any, function: Callable[[Any], Any]) -> Any:
        return function(x)

    def value(self, x: Any, shape: tuple[int, ...]) -> Any:
        size = int(np.prod(shape))
        return np.reshape(np.ravel(x)[np.arange(size) % np.size(x)], shape) + 0j

    def combined(self, kind: int, a: Any, b: Any) -> Any:
        return FORMULAS[kind](a, b)

    def put(self, x: Any, index: Any, value: Any, how: str) -> None:
        value = value if np.iscomplexobj(x) else np.real(value)
        if how == "=":
            x[index] = value
        elif how == "+=":
            x[index] += value
        elif how == "*=":
            x[index] *= value
        else:
            np.add.at(x, index, value)

    def make(self, value: Any, real: bool) -> Any:
        return np.real(value).copy() if real else value

    def total(self, x: Any, number: int) -> Any:
        weights = np.cos(number + np.arange(float(x.size))).reshape(x.shape)
        return np.sum(np.real(x) * weights + 0.1 * np.real(x) ** 2) + np.sum(np.imag(x) * weights**2)


FORMULAS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: 0.7 * a + 0.1,
    lambda a, b: 0.5 * a * b,
    lambda a, b: np.conj(a) * 0.6,
    lambda a, b: a * np.conj(a) * 0.3,
    lambda a, b: np.sin(np.real(a)) + 0j,
    lambda a, b: a * (0.3 - 0.4j),
    lambda a, b: np.real(a) + 1j * np.imag(b),
    lambda a, b: a - 0.5 * b,
]
