"""The short ways to a node: elementwise operations on real arrays and numbers of one dtype.

Nothing is cast or projected there, so the adjoint is the product with the partial derivative, summed where
arrays were broadcast against each other, and no more. Whatever does not fit goes to `plan` and `record`. A
small operation costs less than the bookkeeping around it (measured in ``benchmarks/eager.py``); hence the
repetition of a few lines here.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from pullback.base.memory import ALONE
from pullback.base.modes import switch
from pullback.base.numbers import DOUBLES, REALS
from pullback.base.spec import Spec
from pullback.rules.broadcast import unbroadcast
from pullback.rules.direction import Direction
from pullback.rules.product import scale, scale_anew
from pullback.rules.structured import Filled, Structured, dense
from pullback.rules.table import TABLE
from pullback.tape.accumulate import Owned
from pullback.tape.keep import snapshot
from pullback.tape.node import ROOT
from pullback.tape.plan import apply_to, fitted, general, is_complex
from pullback.tape.record import dispatch
from pullback.tape.variable import Variable, recorded, variable

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_single = np.float32
_array = np.ndarray


def pull_scaled(factor: float, y_bar: Any) -> Any:
    """The cotangent of an operand whose partial derivative is a finite number."""
    return y_bar if factor == 1 else y_bar * factor


def pull_linear(saved: Any, y_bar: Any) -> Any:
    """The cotangents of both arguments of a function whose partial derivatives are two numbers."""
    first, second = saved
    return pull_scaled(first, y_bar), pull_scaled(second, y_bar)


def pull_sum(_saved: Any, y_bar: Any) -> Any:
    """The cotangents of both terms of a sum."""
    return y_bar, y_bar


def pull_rows(saved: Any, y_bar: Any) -> Any:
    """The cotangents of both terms of a sum or difference, of which the second, of `shape`, is repeated."""
    second, shape = saved
    if type(y_bar) is not _array:
        y_bar = dense(y_bar)
    return y_bar, pull_scaled(second, unbroadcast(y_bar, shape))


def pull_linear_broadcast(saved: Any, y_bar: Any) -> Any:
    """`pull_linear` for arguments that are broadcast against each other."""
    first, second, a, b = saved
    return pull_scaled(first, fitted(y_bar, a)), pull_scaled(second, fitted(y_bar, b))


def pull_unary(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the argument of a function of one argument."""
    derivative, y, x = saved
    if type(y_bar) is _array:
        return scale_anew(derivative, (y, x), y_bar)
    if type(y_bar) is Filled:
        return filled(derivative, (y, x), y_bar)
    return product(derivative(y, x), y_bar)


def pull_one(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the one followed argument of a function of two."""
    partial, y, a, b = saved
    if type(y_bar) is _array:
        return scale_anew(partial, (y, a, b), y_bar)
    if type(y_bar) is Filled:
        return filled(partial, (y, a, b), y_bar)
    return product(partial(y, a, b), y_bar)


def filled(derivative: Callable[..., Any], values: tuple[Any, ...], y_bar: Filled) -> Any:
    """The product of a derivative and one number; in the derivative's memory, if that has just been made."""
    partial = derivative(*values)
    if type(partial) is not _array:
        return product(partial, y_bar)
    value = y_bar.value
    if partial.shape == y_bar.shape and type(value) in REALS and value - value == 0 != value:
        # Such a number times any partial is what it is.
        if getrefcount(partial) == ALONE and partial.base is None and partial.dtype is y_bar.dtype:
            return Owned(partial if value == 1 else np.multiply(partial, value, partial))
        return Owned(partial * value)
    return Owned(product(partial, y_bar))


def pull_both(saved: Any, y_bar: Any) -> Any:
    """The cotangents of both arguments of a function of two."""
    first, second, y, a, b = saved
    return product(first(y, a, b), y_bar), product(second(y, a, b), y_bar)


def pull_broadcast(saved: Any, y_bar: Any) -> Any:
    """The cotangents of both arguments of a function of two that are broadcast against each other."""
    first, second, y, a, b = saved
    return fitted(product(first(y, a, b), y_bar), a), fitted(product(second(y, a, b), y_bar), b)


def product(partial: Any, y_bar: Any) -> Any:
    """`scale`, for a cotangent that may be structured."""
    if type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.against(partial)
    return scale(partial, y_bar)


class Partial:
    """A partial derivative with what it reads, unpacked for speed.

    Attributes:
        function: from ``(y, *args)`` to the derivative.
        reads: whether ``y`` and each argument are read.
        number: the derivative, where it is a number.
    """

    __slots__ = ("function", "number", "reads")

    def __init__(self, partial: Any, count: int) -> None:
        if isinstance(partial, Direction):
            self.function = partial.function
            self.reads = partial.keeps(count)
            self.number = None
        else:
            self.function = lambda *_: partial
            self.reads = (False,) * (count + 1)
            self.number = partial


def partials_of(function: Callable[..., Any], count: int) -> list[Partial] | None:
    """The partials of an elementwise function of `count` arguments, or None if its row is of another kind."""
    rule = TABLE.get(function)
    if rule is None or rule.partials is None or rule.refusals or len(rule.partials) != count:
        return None
    return [Partial(partial, count) for partial in rule.partials]


def unary(function: np.ufunc) -> Callable[[Variable], Any]:
    """The way for a ufunc of one argument."""
    found = partials_of(function, 1)
    if found is None:
        return lambda self: general(function, (self,), {})
    partial = found[0].function
    number = found[0].number
    reads_y, reads_x = found[0].reads

    def apply(self: Variable) -> Any:
        node = self._node
        if switch.on or node is None or self._cell is not None:
            return apply_to(function, (self,), {})
        x = self._value
        dtype = x.dtype if type(x) is _array else None
        if dtype is not _FLOAT64 and dtype is not _FLOAT32 and dtype is not None and is_complex(dtype):
            return apply_to(function, (self,), {})
        y = function(x)
        if type(y) is _array:
            if (dtype is not _FLOAT64 and dtype is not _FLOAT32) or y.dtype is not dtype:
                return dispatch(function, (self,), {})
        elif not are_numbers(x, y):
            return dispatch(function, (self,), {})
        if number is not None:
            return recorded(y, self._tape, pull_scaled, node, number)
        return recorded(
            y, self._tape, pull_unary, node, (partial, y if reads_y else None, x if reads_x else None)
        )

    return apply


def binary(function: np.ufunc, compute: Callable[[Any, Any], Any]) -> tuple[Any, Any] | None:
    """The ways for ``variable op other`` and ``other op variable``; None if the row is of another kind."""
    found = partials_of(function, 2)
    if found is None:
        return None
    first, second = found
    reads_y, reads_a, reads_b = (a or b for a, b in zip(first.reads, second.reads, strict=True))
    numbers = None if first.number is None or second.number is None else (first.number, second.number)
    adds = numbers == (1, 1)

    def broadcast(self: Variable, other: Variable, parents: Any) -> Any:
        x, z = self._value, other._value
        y = compute(x, z)
        if type(y) is not _array or y.dtype is not x.dtype:
            return general(function, (self, other), {})
        if numbers and numbers[0] == 1 and y.shape == x.shape:
            return recorded(y, self._tape, pull_rows, parents, (numbers[1], z.shape))
        a = x if reads_a else Spec(x.shape, x.dtype)
        b = z if reads_b else Spec(z.shape, z.dtype)
        if numbers:
            return recorded(y, self._tape, pull_linear_broadcast, parents, (*numbers, a, b))
        saved = (first.function, second.function, y if reads_y else None, a, b)
        return recorded(y, self._tape, pull_broadcast, parents, saved)

    def forward(self: Variable, other: Any) -> Any:
        if switch.on or self._node is None or self._cell is not None:
            return general(function, (self, other), {})
        x = self._value
        kind = type(other)
        if kind is Variable:
            z = other._value
            if other._tape is self._tape and other._node is not None and other._cell is None:
                parents = (self._node, other._node)
                if type(x) is type(z) is _array:
                    dtype = x.dtype
                    if dtype is not z.dtype or (dtype is not _FLOAT64 and dtype is not _FLOAT32):
                        return general(function, (self, other), {})
                    if x.shape != z.shape:
                        return broadcast(self, other, parents)
                elif not are_numbers(x, z):
                    return general(function, (self, other), {})
                y = compute(x, z)
                if type(y) is _array or type(y) in REALS:
                    if numbers:
                        return recorded(y, self._tape, pull_sum if adds else pull_linear, parents, numbers)
                    kept = (y if reads_y else None, x if reads_a else None, z if reads_b else None)
                    saved = (first.function, second.function, *kept)
                    return recorded(y, self._tape, pull_both, parents, saved)
        elif kind is float or kind is int:
            if type(x) is _array:
                dtype = x.dtype
                if dtype is _FLOAT64 or dtype is _FLOAT32:
                    y = compute(x, other)
                    if type(y) is _array and y.dtype is dtype:
                        return recorded_by(first, 0, self, y, x, other)
            elif type(x) in REALS:
                y = compute(x, other)
                if are_numbers(x, y):
                    return recorded_by(first, 0, self, y, x, other)
        elif kind is _array and alike(x, other):
            y = compute(x, other)
            if type(y) is _array:
                kept = snapshot(other) if first.reads[2] else None
                return recorded_by(first, 0, self, y, x, kept)
        return general(function, (self, other), {})

    def reflected(self: Variable, other: Any) -> Any:
        if switch.on or self._node is None or self._cell is not None:
            return general(function, (other, self), {})
        x = self._value
        kind = type(other)
        if kind is float or kind is int:
            if type(x) is _array:
                dtype = x.dtype
                if dtype is _FLOAT64 or dtype is _FLOAT32:
                    y = compute(other, x)
                    if type(y) is _array and y.dtype is dtype:
                        return recorded_by(second, 1, self, y, other, x)
            elif type(x) in REALS:
                y = compute(other, x)
                if are_numbers(x, y):
                    return recorded_by(second, 1, self, y, other, x)
        elif kind is _array and alike(x, other):
            y = compute(other, x)
            if type(y) is _array:
                kept = snapshot(other) if second.reads[1] else None
                return recorded_by(second, 1, self, y, kept, x)
        return general(function, (other, self), {})

    return forward, reflected


def recorded_by(partial: Partial, own: int, self: Variable, y: Any, a: Any, b: Any) -> Variable:
    """The variable for `y`, of whose two arguments only the one at `own`, which is `self`, is followed."""
    node, tape = self._node, self._tape
    reads_y, reads_a, reads_b = partial.reads
    if not reads_y and (
        (not reads_a and type(b) is not _array) if own == 0 else (not reads_b and type(a) is not _array)
    ):
        factor = partial.function(y, a, b)
        if factor == 1 and shares_node(node, tape):
            return variable(y, node, tape)
        if factor and factor - factor == 0:
            return recorded(y, tape, pull_scaled, node, factor)
    kept = (y if reads_y else None, a if reads_a else None, b if reads_b else None)
    return recorded(y, tape, pull_one, node, (partial.function, *kept))


def shares_node(node: Any, tape: Any) -> bool:
    """Whether a value of the same cotangent may have the same node: not an input's, nor where a `Tape` tells
    values apart, nor on a finished recording, which refuses the operation.
    """
    return node.pull is not None and (tape.nodes is None if tape is ROOT else type(tape.nodes) is list)


def alike(x: Any, z: Any) -> bool:
    """Whether two values are real, of one dtype and one shape."""
    if type(x) is _array:
        if type(z) is not _array:
            return False
        dtype = x.dtype
        return dtype is z.dtype and (dtype is _FLOAT64 or dtype is _FLOAT32) and x.shape == z.shape
    return are_numbers(x, z)


def are_numbers(x: Any, z: Any) -> bool:
    """Whether two values are real numbers of one precision."""
    return (type(x) in DOUBLES and type(z) in DOUBLES) or type(x) is type(z) is _single


def are_real_arrays(x: Any, z: Any) -> bool:
    """Whether two values are real arrays of one dtype."""
    if type(x) is not _array or type(z) is not _array:
        return False
    dtype = x.dtype
    return dtype is z.dtype and (dtype is _FLOAT64 or dtype is _FLOAT32)
