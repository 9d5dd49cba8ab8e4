"""Structured cotangents: what is known of an array saves the reverse sweep work.

`Filled` is one number broadcast to a shape (the cotangent of ``sum``), `Repeated` an array that is broadcast,
`IdentityMultiple` a multiple of the identity (of ``trace``), `Scattered` zeros with one part filled in (of an
index). A rule may return one. Only a rule marked ``structured=True`` receives one; every other rule receives
what `dense` makes of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.numbers import REALS
from pullback.base.spec import Spec, dtype_of
from pullback.rules.broadcast import repeated
from pullback.rules.scatter import is_basic, scatter, scattered

_PLAIN = frozenset({np.ndarray, *REALS})


class Structured:
    """An array known by its structure. `shape` is the array's."""

    __slots__ = ("shape", "value")
    __array_ufunc__ = None
    shape: tuple[int, ...]
    value: Any

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self.value)

    def dense(self) -> Any:
        """The array itself; it may be a read-only view, and tracked if the parts are."""
        raise NotImplementedError

    def conj(self) -> Structured:
        """The complex conjugate, with the same structure."""
        raise NotImplementedError

    def __mul__(self, number: float) -> Any:
        return self.dense() * number

    def against(self, partial: Any) -> Any:
        """What to multiply `partial` with, elementwise, to multiply it with this array."""
        return self.dense()


class Filled(Structured):
    """`value`, a scalar, at every place of `shape`."""

    __slots__ = ()

    def __init__(self, value: Any, shape: tuple[int, ...]) -> None:
        self.value = value
        self.shape = shape

    def __mul__(self, number: float) -> Filled:
        return Filled(self.value * number, self.shape)

    def against(self, partial: Any) -> Any:
        kind = type(partial)
        if (kind is int or kind is float) and partial - partial == 0 != partial:
            return self if self.shape else self.value
        shape = partial.shape if kind is np.ndarray else np.shape(partial)
        return self.value if shape == self.shape else self.dense()

    def dense(self) -> Any:
        return np.broadcast_to(self.value, self.shape)

    def conj(self) -> Filled:
        return Filled(np.conj(self.value), self.shape)


class Repeated(Structured):
    """`value`, an array, broadcast to `shape`."""

    __slots__ = ()

    def __init__(self, value: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
        self.value = value
        self.shape = shape

    def __mul__(self, number: float) -> Repeated:
        return Repeated(self.value * number, self.shape)

    def against(self, partial: Any) -> Any:
        shape = partial.shape if type(partial) is np.ndarray else np.shape(partial)
        return self.value if shape == self.shape else self.dense()

    def dense(self) -> Any:
        return repeated(self.value, self.shape)

    def conj(self) -> Repeated:
        return Repeated(np.conj(self.value), self.shape)


class IdentityMultiple(Structured):
    """``value[..., None, None] * np.eye(size)``; a scalar `value` or one per batch entry."""

    __slots__ = ("size",)

    def __init__(self, value: Any, size: int) -> None:
        self.value = value
        self.size = size
        self.shape = (size, size) if type(value) in REALS else (*np.shape(value), size, size)

    def times(self, other: Any) -> Any:
        """This times a matrix or a stack of them, from either side."""
        value = self.value
        return other if type(value) in REALS and value == 1 else self.factor() * other

    __matmul__ = __rmatmul__ = times

    def factor(self) -> Any:
        """`value` shaped to multiply a stack of matrices."""
        return self.value if len(self.shape) == 2 else self.value[..., None, None]

    def dense(self) -> Any:
        return self.factor() * np.eye(self.size, dtype=self.dtype)

    def conj(self) -> IdentityMultiple:
        return IdentityMultiple(np.conj(self.value), self.size)


class Scattered(Structured):
    """Zeros of `spec`, plus `value` added at `index` (at repeated indices, every time)."""

    __slots__ = ("index", "simple", "spec")

    def __init__(self, spec: Spec, index: Any, value: Any) -> None:
        self.spec = spec
        self.index = index
        self.value = value
        self.shape = spec.shape
        self.simple = is_basic(index)

    def add_into(self, buffer: np.ndarray[Any, Any]) -> None:
        """Add to `buffer` in place, which must be able to hold the values' dtype."""
        if self.simple:
            buffer[self.index] += self.value
        else:
            np.add.at(buffer, self.index, self.value)

    def dense(self) -> Any:
        plain = type(self.value) in _PLAIN
        return (scattered if plain else scatter)(self.value, self.index, self.spec)

    def conj(self) -> Scattered:
        return Scattered(self.spec, self.index, np.conj(self.value))


def conjugated(cotangent: Any) -> Any:
    """The complex conjugate of an array or of a structured cotangent, which keeps its structure."""
    return cotangent.conj() if isinstance(cotangent, Structured) else np.conj(cotangent)


def dense(cotangent: Any) -> Any:
    """`cotangent` as an array."""
    return cotangent.dense() if isinstance(cotangent, Structured) else cotangent
