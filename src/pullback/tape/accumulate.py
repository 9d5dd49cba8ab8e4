"""Adding up the cotangents that reach one value, in place where the sum belongs to the sweep alone."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from pullback.base.numbers import NUMBERS
from pullback.base.spec import Spec
from pullback.rules.structured import Filled, LowRank, Scattered, Structured, dense


class Owned(Structured):
    """An array that only the sweep refers to, so that it may be added to in place."""

    __slots__ = ()

    def __init__(self, value: np.ndarray[Any, Any]) -> None:
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.value.shape

    def dense(self) -> Any:
        return self.value


def taken(x_bar: Any) -> Any:
    """A large array as `Owned` where the caller has just made it, and nothing else refers to its memory."""
    if (
        type(x_bar) is np.ndarray
        and x_bar.size > _LARGE
        and x_bar.base is None
        and getrefcount(x_bar) == _ALONE
    ):
        return Owned(x_bar)
    return x_bar


def _references(value: Any) -> int:
    """What `getrefcount` says of an argument to which nothing else refers."""
    return getrefcount(value)


_LARGE = 2048
_ALONE = _references(np.zeros(1))


class Parts(Structured):
    """The cotangents of an operation with several outputs; None where nothing has flowed yet."""

    __slots__ = ()

    def __init__(self, count: int, position: int, cotangent: Any) -> None:
        self.value = [None] * count
        self.value[position] = cotangent
        self.shape = ()

    def merge(self, other: Parts) -> Parts:
        """Add the cotangents of `other`."""
        self.value = [
            a if b is None else b if a is None else accumulate(a, b)
            for a, b in zip(self.value, other.value, strict=True)
        ]
        return self

    def filled(self, specs: list[Spec]) -> list[Any]:
        """The cotangents, with zeros where nothing flowed: `Filled`, which a rule may tell from an array."""
        return [
            Filled(spec.dtype.type(0), spec.shape) if part is None else dense(part)
            for part, spec in zip(self.value, specs, strict=True)
        ]


def accumulate(total: Any, x_bar: Any) -> Any:
    """`total` plus `x_bar`, either of them an array, a number, tracked or structured."""
    if type(total) is np.ndarray and type(x_bar) is np.ndarray:
        return Owned(total + x_bar) if total.ndim else total + x_bar
    if type(total) is Parts:
        return total.merge(x_bar)
    if type(x_bar) is Owned and type(total) is not Owned:
        total, x_bar = x_bar, total
    if type(total) is Owned:
        sums, part = total.value, x_bar.value if type(x_bar) is Owned else x_bar
        if type(part) is np.ndarray and part.dtype is sums.dtype and part.shape == sums.shape:
            np.add(sums, part, sums)
            return total
        return _add_into(total, x_bar)
    if type(total) is Scattered and type(x_bar) is np.ndarray:
        total, x_bar = x_bar, total
    if type(x_bar) is Scattered and type(x_bar.value) in _PLAIN:
        base = dense(total)
        if type(base) is np.ndarray:
            dtype = base.dtype if base.dtype == x_bar.dtype else np.result_type(base, x_bar.dtype)
            fresh = type(total) is Scattered and base.dtype is dtype
            return _add_into(Owned(base if fresh else np.array(base, dtype)), x_bar)
    if type(total) is LowRank and type(x_bar) is LowRank and (both := total.plus(x_bar)) is not None:
        return both
    made = dense(total) + dense(x_bar)
    return Owned(made) if type(made) is np.ndarray and made.ndim else made


_PLAIN = NUMBERS | {np.ndarray}


def _add_into(total: Owned, x_bar: Any) -> Any:
    scattered = type(x_bar) is Scattered
    part = x_bar.value if scattered else dense(x_bar)
    if type(part) not in _PLAIN:
        return total.value + dense(x_bar)
    dtype = total.value.dtype
    if getattr(part, "dtype", None) is not dtype and not np.can_cast(
        np.result_type(part), dtype, "same_kind"
    ):
        return Owned(total.value + dense(x_bar))
    if scattered:
        x_bar.add_into(total.value)
    else:
        np.add(total.value, part, out=total.value)
    return total
