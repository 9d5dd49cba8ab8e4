"""Structured cotangents: what is known of an array saves the reverse sweep work.

`Filled` is one number broadcast to a shape (the cotangent of ``sum``), `Repeated` an array that is broadcast,
`Scattered` zeros with one part filled in (of an index). Three are matrices with which products cost n² in
place of n³: `IdentityMultiple` (the cotangent of ``trace``), `Diagonal` (of ``diagonal``), and `LowRank` (of
a matrix that multiplies a vector). A rule may return one. Only a rule marked ``structured=True`` receives
one; every other rule receives what `dense` makes of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.numbers import REALS
from pullback.base.spec import Spec, dtype_of
from pullback.rules.broadcast import repeated
from pullback.rules.scatter import is_basic, on_diagonal, scatter, scattered

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


class Matrix(Structured):
    """A matrix, or a stack of them, whose products with others are cheap; `dense` makes new memory."""

    __slots__ = ()

    def before(self, other: Any) -> Any:
        """``self @ other``."""
        raise NotImplementedError

    def after(self, other: Any) -> Any:
        """``other @ self``."""
        raise NotImplementedError

    def turned(self) -> Matrix:
        """The transpose of each matrix."""
        raise NotImplementedError


class IdentityMultiple(Matrix):
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

    before = after = __matmul__ = __rmatmul__ = times

    def turned(self) -> IdentityMultiple:
        return self

    def factor(self) -> Any:
        """`value` shaped to multiply a stack of matrices."""
        return self.value if len(self.shape) == 2 else self.value[..., None, None]

    def dense(self) -> Any:
        return self.factor() * np.eye(self.size, dtype=self.dtype)

    def __mul__(self, number: float) -> IdentityMultiple:
        return IdentityMultiple(self.value * number, self.size)

    def conj(self) -> IdentityMultiple:
        return IdentityMultiple(np.conj(self.value), self.size)


class Diagonal(Matrix):
    """Matrices with `value`, along its last axis, on the diagonal."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.value = value
        self.shape = (*value.shape, value.shape[-1])

    def before(self, other: Any) -> Any:
        return self.value[..., None] * other

    def after(self, other: Any) -> Any:
        return other * self.value[..., None, :]

    def turned(self) -> Diagonal:
        return self

    def dense(self) -> Any:
        return on_diagonal(self.value, self.shape[-1], self.shape[-1], 0)

    def __mul__(self, number: float) -> Diagonal:
        return Diagonal(self.value * number)

    def conj(self) -> Diagonal:
        return Diagonal(np.conj(self.value))


class LowRank(Matrix):
    """``value @ right.T``, of two matrices with few columns."""

    __slots__ = ("right",)

    def __init__(self, value: Any, right: Any) -> None:
        self.value = value
        self.right = right
        self.shape = (value.shape[0], right.shape[0])

    def before(self, other: Any) -> LowRank:
        return LowRank(self.value, other.T @ self.right)

    def after(self, other: Any) -> LowRank:
        return LowRank(other @ self.value, self.right)

    def turned(self) -> LowRank:
        return LowRank(self.right, self.value)

    def plus(self, other: LowRank) -> LowRank | None:
        """The sum, unless its rank would not be low any more."""
        if self.value.shape[1] + other.value.shape[1] > _RANK or self.dtype != other.dtype:
            return None
        pairs = (self.value, other.value), (self.right, other.right)
        return LowRank(*(np.concatenate(pair, axis=1) for pair in pairs))

    def dense(self) -> Any:
        return self.value * self.right.T if self.value.shape[1] == 1 else self.value @ self.right.T

    def conj(self) -> LowRank:
        return LowRank(np.conj(self.value), np.conj(self.right))

    def __mul__(self, number: float) -> LowRank:
        return LowRank(self.value * number, self.right)


_RANK = 8
_MANY = 2048
"""Entries of a matrix that are worth an object of its own."""
_WORK = 1 << 15
"""Multiplications that are worth avoiding."""


def is_large(rows: Any, columns: Any) -> bool:
    """Whether a matrix with so many rows and columns is worth being known by its structure."""
    return type(rows) is type(columns) is int and rows * columns >= _MANY


def outer(left: Any, right: Any) -> Any:
    """``left[:, None] * right`` of two vectors: a large one as `LowRank`."""
    if is_large(left.shape[0], right.shape[0]) and left.dtype == right.dtype:
        return LowRank(left[:, None], right[:, None])
    return left[:, None] * right


def as_matrix(cotangent: Any, inner: int) -> Matrix | None:
    """A cotangent as a `Matrix`, if products with it, that sum over `inner` numbers, are cheaper so."""
    if isinstance(cotangent, Matrix):
        return cotangent
    kind, shape = type(cotangent), cotangent.shape
    if (
        (kind is not Filled and kind is not Repeated)
        or len(shape) != 2
        or shape[0] * shape[1] * inner < _WORK
    ):
        return None
    value = cotangent.value
    ones = [np.ones((n, 1), cotangent.dtype) for n in shape]
    if kind is Filled:
        return LowRank(value * ones[0], ones[1])
    if value.shape == (shape[0], 1):
        return LowRank(value, ones[1])
    return LowRank(ones[0], value.reshape(-1, 1)) if value.size == shape[1] else None


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


SHAPED = frozenset({np.ndarray, Filled, IdentityMultiple, Diagonal, LowRank})
"""The kinds of cotangents that say their shape and dtype, and stay as they are where these are right."""


def conjugated(cotangent: Any) -> Any:
    """The complex conjugate of an array or of a structured cotangent, which keeps its structure."""
    return cotangent.conj() if isinstance(cotangent, Structured) else np.conj(cotangent)


def dense(cotangent: Any) -> Any:
    """`cotangent` as an array."""
    return cotangent.dense() if isinstance(cotangent, Structured) else cotangent
