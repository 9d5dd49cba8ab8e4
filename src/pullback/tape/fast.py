"""NumPy's protocols and Python's operators on a `Variable`, each by the shortest way to a node.

Elementwise operations go by `elementwise`, products and traces of matrices by `matrices`, other functions by
a `plan` prepared once, and what none of them takes by `record`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.modes import switch
from pullback.base.protocol import call_function, call_method
from pullback.base.spec import Spec
from pullback.base.tracked import bare
from pullback.rules.index import getitem_vjp
from pullback.rules.scatter import is_basic
from pullback.tape.elementwise import are_real_arrays, binary, unary
from pullback.tape.extrema import MAXIMUM_WAYS, MINIMUM_WAYS
from pullback.tape.keep import snapshot
from pullback.tape.matrices import conjugate, matmul, matrix_trace, reflected_matmul, trace
from pullback.tape.plan import ALONE_WAYS, general, is_simple
from pullback.tape.record import dispatch
from pullback.tape.reductions import WAYS as REDUCTION_WAYS
from pullback.tape.variable import Variable, recorded
from pullback.tape.views import VIEWED, indexed, reshape, transposed, viewed

_array = np.ndarray
_UNSEEN: Any = object()

UNARY_WAYS: dict[np.ufunc, Callable[[Variable], Any]] = {}
BINARY_WAYS: dict[np.ufunc, tuple[Any, Any] | None] = {}


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
    if kwargs and ("out" in kwargs or "like" in kwargs or "optimize" in kwargs):
        return call_function(general, function, args, kwargs)
    if function in VIEWED and not kwargs and type(args[0]) is Variable and is_simple(args[1:]):
        return viewed(function, args[0], args[1:])
    if len(args) == 1:
        way = ALONE_WAYS.get(function)
        if way is not None:
            return way(args[0], kwargs)
    return general(function, args, kwargs)


def getitem(self: Variable, index: Any) -> Any:
    """``self[index]``."""
    if type(index) is int:
        return indexed(self, index)
    if type(index) is tuple and index and type(index[0]) is _array:
        node, x = self._node, self._value
        if node is not None and self._cell is None and not switch.on and are_real_arrays(x, x):
            for part in index:
                if type(part) is not _array:
                    break
            else:
                y = x[index]
                if type(y) is _array:
                    saved = (Spec(x.shape, x.dtype), tuple(map(snapshot, index)))
                    return recorded(y, self._tape, pull_gathered, node, saved)
    elif is_basic(index):
        return indexed(self, index)
    return general(operator.getitem, (self, index), {})


def pull_gathered(saved: Any, y_bar: Any) -> Any:
    """The cotangent of an array that is indexed by arrays."""
    spec, index = saved
    return getitem_vjp(y_bar, None, spec, index)


def shape(self: Variable) -> tuple[int, ...]:
    """``self.shape``, which no write changes."""
    x = self._value
    return x.shape if type(x) is _array else np.shape(bare(self))


def negative(self: Variable) -> Any:
    """``-self``."""
    return _negative(self)


_OPERATORS = {np.add, np.subtract, np.multiply, np.true_divide, np.power, np.matmul}


def forget() -> None:
    """Look the rules of all but the operators up anew: one has changed."""
    UNARY_WAYS.clear()
    for function in set(BINARY_WAYS) - _OPERATORS:
        del BINARY_WAYS[function]


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
BINARY_WAYS[np.matmul] = (matmul, reflected_matmul)
# Until their rules change: `forget`, `plan.forget`.
UNARY_WAYS[np.conjugate] = conjugate
BINARY_WAYS.update({np.maximum: MAXIMUM_WAYS, np.minimum: MINIMUM_WAYS})
ALONE_WAYS.update({np.trace: trace, np.linalg.trace: matrix_trace} | REDUCTION_WAYS)
_negative = unary(np.negative)
Variable.__getitem__ = getitem
Variable.reshape = reshape
Variable.shape = property(shape)  # type: ignore[assignment]
Variable.T = property(transposed)  # type: ignore[assignment]
Variable.__matmul__ = matmul
Variable.__rmatmul__ = reflected_matmul
Variable.__neg__ = negative
Variable.__array_function__ = array_function  # type: ignore[attr-defined]
Variable.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
