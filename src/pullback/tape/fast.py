"""The short ways to a node: elementwise operations on real arrays and numbers of one dtype and shape.

Nothing is broadcast, cast, or projected there, so the adjoint is the product with the partial derivative and no more.
Whatever does not fit goes to `record`. A small operation costs less than the bookkeeping around it (measured in
``benchmarks/eager.py``); hence the repetition of a few lines here, and nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.protocol import call_function, call_method
from pullback.rules.direction import Direction
from pullback.rules.product import scale
from pullback.rules.structured import Structured
from pullback.rules.table import TABLE
from pullback.tape.keep import snapshot
from pullback.tape.node import Node
from pullback.tape.record import dispatch
from pullback.tape.variable import Variable

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_DOUBLES = frozenset({float, np.float64})
_array = np.ndarray
_new = object.__new__


def pull_scaled(factor: float, y_bar: Any) -> Any:
    """The cotangent of an operand whose partial derivative is a number."""
    return scale(factor, y_bar)


def pull_unary(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the argument of a function of one argument."""
    partial, y, x = saved
    return product(partial(y, x), y_bar)


def pull_one(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the one followed argument of a function of two."""
    partial, y, a, b = saved
    return product(partial(y, a, b), y_bar)


def pull_both(saved: Any, y_bar: Any) -> Any:
    """The cotangents of both arguments of a function of two."""
    first, second, y, a, b = saved
    return product(first(y, a, b), y_bar), product(second(y, a, b), y_bar)


def product(partial: Any, y_bar: Any) -> Any:
    """`scale`, for a cotangent that may be structured."""
    if type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.against(partial)
    return scale(partial, y_bar)


class Partial:
    """A partial derivative with what it reads, unpacked for speed."""

    __slots__ = ("function", "number", "reads")

    def __init__(self, partial: Any, count: int) -> None:
        if isinstance(partial, Direction):
            self.number = None
            self.function = partial.function
            self.reads = partial.keeps(count)
        else:
            self.number = partial
            self.function = lambda *_: partial
            self.reads = (False,) * (count + 1)


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
        return lambda self: dispatch(function, (self,), {})
    partial = found[0].function
    number = found[0].number
    reads_y, reads_x = found[0].reads

    def apply(self: Variable) -> Any:
        node = self._node
        if switch.on or node is None or self._cell is not None:
            return dispatch(function, (self,), {})
        x = self._value
        y = function(x)
        if type(y) is _array:
            dtype = y.dtype
            if dtype is not _FLOAT64 and dtype is not _FLOAT32 or dtype is not x.dtype:
                return dispatch(function, (self,), {})
        elif type(y) not in _DOUBLES or type(x) not in _DOUBLES:
            return dispatch(function, (self,), {})
        if number is None:
            node = Node(pull_unary, node, (partial, y if reads_y else None, x if reads_x else None))
        else:
            node = Node(pull_scaled, node, number)
        tape = self._tape
        if tape.nodes is not None:
            tape.nodes.append(node)
        made: Any = _new(Variable)
        made._value = y
        made._node = node
        made._tape = tape
        made._cell = None
        return made

    return apply


def binary(function: np.ufunc, compute: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The ways for ``variable op other`` and ``other op variable``."""
    found = partials_of(function, 2)
    if found is None:
        raise LookupError(f"{function} has no row of partials")
    first, second = found
    reads_both = tuple(a or b for a, b in zip(first.reads, second.reads, strict=True))

    def one(self: Variable, partial: Partial, y: Any, a: Any, b: Any) -> Variable:
        if partial.number is None:
            reads_y, reads_a, reads_b = partial.reads
            saved = (partial.function, y if reads_y else None, a if reads_a else None, b if reads_b else None)
            node = Node(pull_one, self._node, saved)
        else:
            node = Node(pull_scaled, self._node, partial.number)
        tape = self._tape
        if tape.nodes is not None:
            tape.nodes.append(node)
        made: Any = _new(Variable)
        made._value = y
        made._node = node
        made._tape = tape
        made._cell = None
        return made

    def both(self: Variable, other: Variable, y: Any, a: Any, b: Any) -> Variable:
        reads_y, reads_a, reads_b = reads_both
        saved = (
            first.function,
            second.function,
            y if reads_y else None,
            a if reads_a else None,
            b if reads_b else None,
        )
        node = Node(pull_both, (self._node, other._node), saved)
        tape = self._tape
        if tape.nodes is not None:
            tape.nodes.append(node)
        made: Any = _new(Variable)
        made._value = y
        made._node = node
        made._tape = tape
        made._cell = None
        return made

    def forward(self: Variable, other: Any) -> Any:
        if switch.on or self._node is None or self._cell is not None:
            return dispatch(function, (self, other), {})
        x = self._value
        kind = type(other)
        if kind is float or kind is int:
            if type(x) is _array:
                y = compute(x, other)
                dtype = x.dtype
                if (dtype is _FLOAT64 or dtype is _FLOAT32) and type(y) is _array and y.dtype is dtype:
                    return one(self, first, y, x, other)
            elif type(x) in _DOUBLES:
                y = compute(x, other)
                if type(y) in _DOUBLES:
                    return one(self, first, y, x, other)
        elif kind is Variable:
            z = other._value
            if other._tape is self._tape and other._node is not None and other._cell is None and alike(x, z):
                y = compute(x, z)
                if type(y) is _array or type(y) in _DOUBLES:
                    return both(self, other, y, x, z)
        elif kind is _array and alike(x, other):
            y = compute(x, other)
            if type(y) is _array:
                return one(self, first, y, x, snapshot(other) if first.reads[2] else None)
        return dispatch(function, (self, other), {})

    def reflected(self: Variable, other: Any) -> Any:
        if switch.on or self._node is None or self._cell is not None:
            return dispatch(function, (other, self), {})
        x = self._value
        kind = type(other)
        if kind is float or kind is int:
            if type(x) is _array:
                y = compute(other, x)
                dtype = x.dtype
                if (dtype is _FLOAT64 or dtype is _FLOAT32) and type(y) is _array and y.dtype is dtype:
                    return one(self, second, y, other, x)
            elif type(x) in _DOUBLES:
                y = compute(other, x)
                if type(y) in _DOUBLES:
                    return one(self, second, y, other, x)
        elif kind is _array and alike(x, other):
            y = compute(other, x)
            if type(y) is _array:
                return one(self, second, y, snapshot(other) if second.reads[1] else None, x)
        return dispatch(function, (other, self), {})

    return forward, reflected


def alike(x: Any, z: Any) -> bool:
    """Whether two values are real, of one dtype and one shape."""
    if type(x) is _array:
        if type(z) is not _array:
            return False
        dtype = x.dtype
        return dtype is z.dtype and (dtype is _FLOAT64 or dtype is _FLOAT32) and x.shape == z.shape
    return type(x) in _DOUBLES and type(z) in _DOUBLES


BINARY = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.power: operator.pow,
}  # fmt: skip
_NAMES = {np.add: "add", np.subtract: "sub", np.multiply: "mul", np.true_divide: "truediv", np.power: "pow"}

UNARY_WAYS: dict[np.ufunc, Callable[[Variable], Any]] = {}
BINARY_WAYS: dict[np.ufunc, tuple[Any, Any]] = {f: binary(f, compute) for f, compute in BINARY.items()}

for _function, (_forward, _reflected) in BINARY_WAYS.items():
    setattr(Variable, f"__{_NAMES[_function]}__", _forward)
    setattr(Variable, f"__r{_NAMES[_function]}__", _reflected)


def array_ufunc(self: Variable, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for ufuncs (NEP 13)."""
    if method == "__call__" and not kwargs:
        if len(inputs) == 1:
            way = UNARY_WAYS.get(function)
            if way is None:
                way = UNARY_WAYS[function] = unary(function)
            return way(self)
        ways = BINARY_WAYS.get(function)
        if ways is not None:
            return ways[0](inputs[0], inputs[1]) if type(inputs[0]) is Variable else ways[1](inputs[1], inputs[0])
        return dispatch(function, inputs, {})
    return call_method(dispatch, function, method, inputs, kwargs)


def array_function(self: Variable, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's protocol for functions (NEP 18)."""
    if kwargs:
        return call_function(dispatch, function, args, kwargs)
    return dispatch(function, args, kwargs)


def negative(self: Variable) -> Any:
    """``-self``."""
    return _negative(self)


_negative = unary(np.negative)
Variable.__neg__ = negative  # type: ignore[method-assign]
Variable.__array_function__ = array_function  # type: ignore[attr-defined]
Variable.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
