"""Types of a program's variables, and the type of what a NumPy call returns.

There is no table of type rules: a call is evaluated on tiny dummy values, and NumPy says what comes out, so
promotion (NEP 50 included: a Python number is *weak*), ranks and errors for bad arguments are NumPy's own.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

DType = np.dtype[Any]

_WEAK = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(float), complex: np.dtype(complex)}
_PYTHON = {"b": bool, "i": int, "f": float, "c": complex}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number. `weak`: a Python number, which takes the precision of what it meets (NEP 50)."""

    dtype: DType
    weak: bool = False

    def __str__(self) -> str:
        return f"{self.dtype.name}{'*' if self.weak else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _scalar, (self.dtype.str, self.weak)


@dataclass(frozen=True, slots=True)
class Array:
    """An array of `ndim` axes. `ones`: axes known to have length 1; of the others nothing is known.

    `layout` is ``"C"`` or ``"F"`` where the memory is known to be contiguous in that order, else ``"A"``.
    """

    dtype: DType
    ndim: int
    ones: frozenset[int] = frozenset()
    layout: str = "C"

    def __reduce__(self) -> tuple[Any, ...]:
        return _array, (self.dtype.str, self.ndim, self.ones, self.layout)

    def __str__(self) -> str:
        axes = ", ".join("1" if axis in self.ones else ":" for axis in range(self.ndim))
        return f"{self.dtype.name}[{axes}]{'' if self.layout == 'C' else self.layout}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A last-in-first-out store of values of type `item`, which grows as it needs."""

    item: Scalar | Array

    def __str__(self) -> str:
        return f"stack of {self.item}"


# A pickled dtype comes back as a copy, and not as NumPy's own object, by whose identity types are told fast.


def _scalar(dtype: str, weak: bool) -> Scalar:
    return Scalar(np.dtype(dtype), weak)


def _array(dtype: str, ndim: int, ones: frozenset[int], layout: str) -> Array:
    return Array(np.dtype(dtype), ndim, ones, layout)


Type = Scalar | Array | Stack

BOOL = Scalar(np.dtype(bool), weak=True)
INT = Scalar(np.dtype(np.int64), weak=True)
FLOAT = Scalar(np.dtype(float), weak=True)


def type_of(value: Any) -> Scalar | Array:
    """The type of a number or array; TypeError for anything else."""
    weak = _WEAK.get(type(value))
    if weak is not None:
        return Scalar(weak, weak=True)
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return Scalar(value.dtype)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        ones = frozenset(axis for axis, size in enumerate(value.shape) if size == 1)
        # Compiled code has numbers in the processor's order of bytes.
        dtype = value.dtype if value.dtype.isnative else np.dtype(value.dtype.type)
        return Array(dtype, value.ndim, ones, layout_of(value))
    raise TypeError(f"{type(value).__name__} is neither a number nor an array")


def layout_of(value: np.ndarray) -> str:
    """``"C"``, ``"F"`` or ``"A"``, as Numba tells layouts."""
    return "C" if value.flags.c_contiguous else "F" if value.flags.f_contiguous else "A"


def is_inexact(kind: Type) -> bool:
    """Whether values of this type can carry a derivative: float or complex."""
    return kind.item.dtype.kind in "fc" if isinstance(kind, Stack) else kind.dtype.kind in "fc"


def dummy(kind: Scalar | Array, length: int = 2, scale: float = 1) -> Any:
    """A small value of this type: a weak scalar is a Python number, an axis has length 1 or `length`.

    The elements of an array lie around `scale`.
    """
    if isinstance(kind, Scalar):
        one = length if kind.dtype.kind in "iu" else 1 if length == 2 or kind.dtype.kind == "b" else 0.7
        return _PYTHON[kind.dtype.kind](one) if kind.weak else kind.dtype.type(one)
    shape = tuple(1 if axis in kind.ones else length for axis in range(kind.ndim))
    # Invertible and without ties, so that solvers and sorts have something to work on.
    values = 1 + np.cos(np.arange(1.0, 1 + np.prod(shape, dtype=int))) * 0.5
    values = values * scale if kind.dtype.kind not in "biu" else np.ones(values.shape)
    base = values.astype(kind.dtype).reshape(shape, order="F" if kind.layout == "F" else "C")
    if kind.layout != "A":
        return np.asarray(base, order="F" if kind.layout == "F" else "C")
    # Every second element of a larger array: contiguous in no order.
    room = np.zeros((*(2 * n for n in shape), 2), kind.dtype)[..., 0]
    view = room[(*(slice(None, None, 2) for _ in shape), ...)]
    view[...] = base
    return view


_OPERATORS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.negative: operator.neg, np.positive: operator.pos,
    np.absolute: operator.abs, np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt,
    np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne,
    np.bitwise_and: operator.and_, np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
    np.left_shift: operator.lshift, np.right_shift: operator.rshift,
}  # fmt: skip


def as_operator(function: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """The Python operator of the same meaning where all `args` are Python numbers, else `function`.

    ``2 + 3`` is a Python int, ``np.add(2, 3)`` is not: a program's arithmetic on weak numbers is Python's.
    """
    if all(type(x) in _WEAK for x in args):
        return _OPERATORS.get(function, function)
    return function


def result_types(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Type, ...]:
    """The types of what ``function(*args, **kwargs)`` returns, where dummies stand for the variables.

    Raises:
        whatever NumPy raises for such arguments.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = as_operator(function, args)(*args, **kwargs)
    results = result if isinstance(result, tuple | list) else (result,)
    if isinstance(result, tuple | list) and len(result) == 1:
        raise TypeError("a sequence of one result")
    return tuple(type_of(r if function in MAKES_ARRAYS else number(r)) for r in results)


MAKES_ARRAYS = frozenset([
    np.empty, np.zeros, np.ones, np.full, np.copy, np.empty_like, np.zeros_like, np.ones_like, np.full_like,
])  # fmt: skip
"""What makes memory of its own that can be written into, without axes too."""


def number(result: Any) -> Any:
    """A result of NumPy's as programs have it: what has no axes is a number."""
    return result[()] if isinstance(result, np.ndarray) and result.ndim == 0 else result


def join(a: Scalar | Array, b: Scalar | Array) -> Scalar | Array | None:
    """The type that holds values of both, for a variable assigned in two places; None if there is none."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        if a.weak == b.weak:
            return Scalar(np.result_type(a.dtype, b.dtype), a.weak)
        # A Python number takes the precision of the other one (NEP 50).
        return Scalar(np.result_type(*(dummy(x) if x.weak else x.dtype for x in (a, b))))
    if isinstance(a, Array) and isinstance(b, Array) and a.dtype == b.dtype and a.ndim == b.ndim:
        return Array(a.dtype, a.ndim, a.ones & b.ones, a.layout if a.layout == b.layout else "A")
    return None
