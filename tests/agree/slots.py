"""The slow reference for `aliases`: a machine without views, writes or complex numbers.

All there is is one vector of real numbers, `memory`, and for each array the numbers of the slots where its
parts lie. A view is other slot numbers; a write makes another vector. So the derivative of a program is that
of ordinary formulas, and the complex step gives it to the last bits.

Which slots a view has is read off NumPy: an array of slot numbers, laid out as the array it stands for, goes
through the view itself. What shares no memory afterwards was a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from aliases import START

Value = tuple[Any, Any]
"""Real and imaginary parts."""


class Slots:
    """The machine. An array is a NumPy array of slot numbers (from 1 on): two in each complex entry."""

    def __init__(self) -> None:
        self.memory: Any = np.zeros(0, complex)

    def start(self, z: Any) -> list[Any]:
        first: Value = (np.reshape(z[:4], (2, 2)), np.reshape(z[4:8], (2, 2)))
        zero: Value = (np.zeros(3), np.zeros(3))
        half: Value = (np.full((2, 2), 0.5), np.zeros((2, 2)))
        values = [first, (z[8:], z[8:]), zero, half]
        return [self.make(value, x.dtype.kind == "f") for value, x in zip(values, START, strict=True)]

    def make(self, value: Value, real: bool) -> Any:
        parts = value[:1] if real else value
        numbers = []
        for part in parts:
            numbers.append(len(self.memory) + 1.0 + np.arange(np.size(part)).reshape(np.shape(part)))
            self.memory = np.concatenate([self.memory, np.ravel(part)])
        return numbers[0] if real else numbers[0] + 1j * numbers[1]

    def view(self, x: Any, function: Callable[[Any], Any]) -> Any:
        made = function(x)
        if made is x or np.shares_memory(made, x):
            return made
        copied = self.make(self.read(made), made.dtype.kind == "f")
        if not made.ndim:
            return copied
        layout = made.copy(order="K")
        layout[...] = copied
        return layout

    def read(self, x: Any) -> Value:
        """What lies in the slots of `x`; a conjugate's have negative numbers."""
        parts = []
        for numbers in (np.real(x), np.imag(x)):
            slots = np.abs(numbers).astype(int) - 1
            parts.append(np.where(slots < 0, 0.0, np.sign(numbers) * self.memory[slots]))
        return parts[0], parts[1]

    def value(self, x: Any, shape: tuple[int, ...]) -> Value:
        cycle = np.arange(int(np.prod(shape))) % np.size(x)
        real, imaginary = (np.reshape(np.ravel(part)[cycle], shape) for part in self.read(x))
        return real, imaginary

    def combined(self, kind: int, a: Value, b: Value) -> Value:
        return FORMULAS[kind](*a, *b)

    def put(self, x: Any, index: Any, value: Value, how: str) -> None:
        part = np.asarray(x[index])
        if part.dtype.kind == "f":
            value = (value[0], 0.0 * value[0])
        if how == "at":
            for i in range(len(index)):
                now = self.read(x[index[i]])
                self.store(x[index[i]], (now[0] + value[0][i], now[1] + value[1][i]))
            return
        now = self.read(part)
        if how == "+=":
            value = (now[0] + value[0], now[1] + value[1])
        elif how == "*=":
            value = _product(*now, *value)
        self.store(part, value)

    def store(self, x: Any, value: Value) -> None:
        """Another memory, with a value in the slots of `x`; of slots that come twice the last counts."""
        parts = value if np.iscomplexobj(x) else value[:1]
        memory = self.memory.copy()
        for numbers, part in zip((np.real(x), np.imag(x)), parts, strict=False):
            for slot, entry in zip(np.ravel(numbers).astype(int) - 1, np.ravel(part), strict=True):
                memory[slot] = entry
        self.memory = memory

    def total(self, x: Any, number: int) -> Any:
        real, imaginary = self.read(x)
        weights = np.cos(number + np.arange(float(x.size))).reshape(x.shape)
        return np.sum(real * weights + 0.1 * real**2) + np.sum(imaginary * weights**2)


def _product(ar: Any, ai: Any, br: Any, bi: Any) -> Value:
    return ar * br - ai * bi, ar * bi + ai * br


def _halved_product(ar: Any, ai: Any, br: Any, bi: Any) -> Value:
    real, imaginary = _product(ar, ai, br, bi)
    return 0.5 * real, 0.5 * imaginary


FORMULAS: list[Callable[[Any, Any, Any, Any], Value]] = [
    lambda ar, ai, br, bi: (0.7 * ar + 0.1, 0.7 * ai),
    _halved_product,
    lambda ar, ai, br, bi: (0.6 * ar, -0.6 * ai),
    lambda ar, ai, br, bi: (0.3 * (ar * ar + ai * ai), 0.0 * ai),
    lambda ar, ai, br, bi: (np.sin(ar), 0.0 * ai),
    lambda ar, ai, br, bi: (0.3 * ar + 0.4 * ai, 0.3 * ai - 0.4 * ar),
    lambda ar, ai, br, bi: (ar, bi),
    lambda ar, ai, br, bi: (ar - 0.5 * br, ai - 0.5 * bi),
]
