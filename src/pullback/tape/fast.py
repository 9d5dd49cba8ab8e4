"""The short ways to a node: elementwise operations on real arrays and numbers of one dtype and shape.

Nothing is broadcast, cast, or projected there, so the adjoint is the product with the partial derivative and
no more. Whatever does not fit goes to `record`. A small operation costs less than the bookkeeping around it
(measured in ``benchmarks/eager.py``); hence the repetition of a few lines here, and nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.protocol import call_function, call_method
from pullback.base.spec import Spec
from pullback.rules.direction import Direction
from pullback.rules.product import scale
from pullback.rules.structured import IdentityMultiple, Structured, dense
from pullback.rules.table import TABLE
from pullback.tape.accumulate import Owned
from pullback.tape.keep import snapshot
from pullback.tape.node import ROOT
from pullback.tape.plan import ALONE_WAYS, apply, fitted
from pullback.tape.record import dispatch
from pullback.tape.variable import Variable, recorded, variable

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_DOUBLES = frozenset({float, np.float64})
_array = np.ndarray
_UNSEEN: Any = object()


def pull_same(saved: None, y_bar: Any) -> Any:
    """The cotangent of an operand whose partial derivative is 1."""
    return y_bar


def pull_scaled(factor: float, y_bar: Any) -> Any:
    """The cotangent of an operand whose partial derivative is a finite number."""
    return y_bar * factor


def pull_unary(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the argument of a function of one argument."""
    partial, y, x = saved
    return scale(partial(y, x), y_bar) if type(y_bar) is _array else product(partial(y, x), y_bar)


def pull_one(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the one followed argument of a function of two."""
    partial, y, a, b = saved
    return product(partial(y, a, b), y_bar)


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
        constant: whether none is.
    """

    __slots__ = ("constant", "function", "reads")

    def __init__(self, partial: Any, count: int) -> None:
        if isinstance(partial, Direction):
            self.function = partial.function
            self.reads = partial.keeps(count)
        else:
            self.function = lambda *_: partial
            self.reads = (False,) * (count + 1)
        self.constant = not any(self.reads)

    def pull_by(self, own: int, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
        """The pull for the argument at `own`, and what it needs;
        of two arguments the other is not followed.
        """
        reads_y, reads_a, reads_b = self.reads
        other = b if own == 0 else a
        if not reads_y and not self.reads[1 + own] and type(other) is not _array:
            factor = self.function(y, a, b)
            if factor == 1:
                return pull_same, None
            if factor - factor == 0:
                return pull_scaled, factor
        return pull_one, (
            self.function,
            y if reads_y else None,
            a if reads_a else None,
            b if reads_b else None,
        )


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
    constant = found[0].constant
    reads_y, reads_x = found[0].reads

    def apply(self: Variable) -> Any:
        node = self._node
        if switch.on or node is None or self._cell is not None:
            return dispatch(function, (self,), {})
        x = self._value
        y = function(x)
        if type(y) is _array:
            dtype = y.dtype
            if (dtype is not _FLOAT64 and dtype is not _FLOAT32) or dtype is not x.dtype:
                return dispatch(function, (self,), {})
        elif type(y) not in _DOUBLES or type(x) not in _DOUBLES:
            return dispatch(function, (self,), {})
        if constant:
            return recorded(y, self._tape, pull_scaled, node, partial(y, x))
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

    def forward(self: Variable, other: Any) -> Any:
        if switch.on or self._node is None or self._cell is not None:
            return general(function, (self, other), {})
        x = self._value
        kind = type(other)
        if kind is Variable:
            z = other._value
            if other._tape is self._tape and other._node is not None and other._cell is None:
                if alike(x, z):
                    y = compute(x, z)
                    if type(y) is _array or type(y) in _DOUBLES:
                        kept = (y if reads_y else None, x if reads_a else None, z if reads_b else None)
                        saved = (first.function, second.function, *kept)
                        return recorded(y, self._tape, pull_both, (self._node, other._node), saved)
                elif are_real_arrays(x, z):
                    y = compute(x, z)
                    if type(y) is _array and y.dtype is x.dtype:
                        a = x if reads_a else Spec(x.shape, x.dtype)
                        b = z if reads_b else Spec(z.shape, z.dtype)
                        saved = (first.function, second.function, y if reads_y else None, a, b)
                        return recorded(y, self._tape, pull_broadcast, (self._node, other._node), saved)
        elif kind is float or kind is int:
            y = compute(x, other)
            if same_kind(x, y):
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
            y = compute(other, x)
            if same_kind(x, y):
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
    pull, saved = partial.pull_by(own, y, a, b)
    if pull is pull_same and shares_node(self._node, self._tape):
        return variable(y, self._node, self._tape)
    return recorded(y, self._tape, pull, self._node, saved)


def shares_node(node: Any, tape: Any) -> bool:
    """Whether a value of the same cotangent may have the same node: not an input's, nor where a `Tape` tells
    values apart, nor on a finished recording, which refuses the operation.
    """
    return node.pull is not None and (tape.nodes is None if tape is ROOT else type(tape.nodes) is list)


def same_kind(x: Any, y: Any) -> bool:
    """Whether `y`, computed from `x` and a number, is real and of the shape and dtype of `x`."""
    if type(y) is _array:
        dtype = y.dtype
        return (dtype is _FLOAT64 or dtype is _FLOAT32) and type(x) is _array and x.dtype is dtype
    return type(y) in _DOUBLES and type(x) in _DOUBLES


def alike(x: Any, z: Any) -> bool:
    """Whether two values are real, of one dtype and one shape."""
    if type(x) is _array:
        if type(z) is not _array:
            return False
        dtype = x.dtype
        return dtype is z.dtype and (dtype is _FLOAT64 or dtype is _FLOAT32) and x.shape == z.shape
    return type(x) in _DOUBLES and type(z) in _DOUBLES


def are_real_arrays(x: Any, z: Any) -> bool:
    """Whether two values are real arrays of one dtype."""
    if type(x) is not _array or type(z) is not _array:
        return False
    dtype = x.dtype
    return dtype is z.dtype and (dtype is _FLOAT64 or dtype is _FLOAT32)


UNARY_WAYS: dict[np.ufunc, Callable[[Variable], Any]] = {}
BINARY_WAYS: dict[np.ufunc, tuple[Any, Any] | None] = {}


def forget() -> None:
    """Look the rules of all but the operators up anew: one has changed."""
    UNARY_WAYS.clear()
    for function in set(BINARY_WAYS) - _OPERATORS:
        del BINARY_WAYS[function]


_OPERATORS = {np.add, np.subtract, np.multiply, np.true_divide, np.power, np.matmul}

for _name, _function, _compute in (
    ("add", np.add, operator.add),
    ("sub", np.subtract, operator.sub),
    ("mul", np.multiply, operator.mul),
    ("truediv", np.true_divide, operator.truediv),
    ("pow", np.power, operator.pow),
):
    _ways = binary(_function, _compute)
    assert _ways is not None
    # Python's operators raise on a zero denominator where NumPy's functions of the same name are infinite.
    BINARY_WAYS[_function] = binary(_function, _function) if _name in ("truediv", "pow") else _ways
    setattr(Variable, f"__{_name}__", _ways[0])
    setattr(Variable, f"__r{_name}__", _ways[1])
    # On Python numbers NumPy's division and power are not Python's: 1 / 0.0 raises, np.divide(1, 0.0) is
    # infinite.
    BINARY_WAYS[_function] = binary(_function, _function) if _name in ("truediv", "pow") else _ways


def array_ufunc(self: Variable, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for ufuncs (NEP 13)."""
    if method == "__call__" and not kwargs:
        if len(inputs) == 1:
            way = UNARY_WAYS.get(function)
            if way is None:
                way = UNARY_WAYS[function] = unary(function)
            return way(self)
        if len(inputs) == 2:
            ways = BINARY_WAYS.get(function, _UNSEEN)
            if ways is _UNSEEN:
                ways = BINARY_WAYS[function] = binary(function, function)
            if ways is not None:
                return (
                    ways[0](inputs[0], inputs[1])
                    if type(inputs[0]) is Variable
                    else ways[1](inputs[1], inputs[0])
                )
        return general(function, inputs, {})
    return call_method(dispatch, function, method, inputs, kwargs)


def array_function(self: Variable, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's protocol for functions (NEP 18)."""
    if kwargs:
        return call_function(general, function, args, kwargs)
    if switch.on:
        return dispatch(function, args, kwargs)
    if len(args) == 1:
        way = ALONE_WAYS.get(function)
        if way is not None:
            return way(args[0])
    return apply(function, args, kwargs)


def general(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Any function: by its plan, unless `no_grad` or `debug_nans` is on."""
    return dispatch(function, args, kwargs) if switch.on else apply(function, args, kwargs)


def are_matrices(x: Any, z: Any) -> bool:
    """Whether two values are real matrices of one dtype."""
    return are_real_arrays(x, z) and x.ndim == z.ndim == 2


def owned(x_bar: Any) -> Any:
    """A new array, as one that the sweep may add to and give away."""
    return Owned(x_bar) if type(x_bar) is _array else x_bar


def pull_product(saved: Any, y_bar: Any) -> Any:
    """The cotangents of two matrices that are multiplied."""
    a, b = saved
    if type(y_bar) is IdentityMultiple:
        return y_bar.times(b.T), y_bar.times(a.T)
    y_bar = dense(y_bar)
    return owned(y_bar @ b.T), owned(a.T @ y_bar)


def pull_left(b: Any, y_bar: Any) -> Any:
    """The cotangent of the left of two matrices, the right one being constant."""
    return y_bar.times(b.T) if type(y_bar) is IdentityMultiple else owned(dense(y_bar) @ b.T)


def pull_right(a: Any, y_bar: Any) -> Any:
    """The cotangent of the right of two matrices, the left one being constant."""
    return y_bar.times(a.T) if type(y_bar) is IdentityMultiple else owned(a.T @ dense(y_bar))


def matmul(self: Variable, other: Any) -> Any:
    """``self @ other``."""
    node, x = self._node, self._value
    if type(x) is _array and x.ndim == 2 and node is not None and self._cell is None and not switch.on:
        dtype = x.dtype
        if dtype is _FLOAT64 or dtype is _FLOAT32:
            if type(other) is Variable:
                z, z_node, tape = other._value, other._node, self._tape
                if type(z) is _array and z.ndim == 2 and z.dtype is dtype and z_node is not None                         and other._tape is tape and other._cell is None:
                    return recorded(x @ z, tape, pull_product, (node, z_node), (x, z))
            elif type(other) is _array and other.ndim == 2 and other.dtype is dtype:
                return recorded(x @ other, self._tape, pull_left, node, snapshot(other))
    return general(np.matmul, (self, other), {})


def reflected_matmul(self: Variable, other: Any) -> Any:
    """``other @ self``."""
    node, x = self._node, self._value
    if node is not None and self._cell is None and not switch.on and are_matrices(other, x):
        return recorded(other @ x, self._tape, pull_right, node, snapshot(other))
    return general(np.matmul, (other, self), {})


def getitem(self: Variable, index: Any) -> Any:
    """``self[index]``."""
    return general(operator.getitem, (self, index), {})


def negative(self: Variable) -> Any:
    """``-self``."""
    return _negative(self)


BINARY_WAYS[np.matmul] = (matmul, reflected_matmul)
_negative = unary(np.negative)
Variable.__getitem__ = getitem
Variable.__matmul__ = matmul
Variable.__rmatmul__ = reflected_matmul
Variable.__neg__ = negative
Variable.__array_function__ = array_function  # type: ignore[attr-defined]
Variable.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
