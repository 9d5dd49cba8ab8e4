"""`Symbol`: an operand that NumPy code can be run on, to write down what it does as statements.

The rules of the table are plain NumPy without a branch on a value, so running one on symbols gives its
program, whatever the values will be: the reader of the table (`rules.read`) serves this engine as it
serves the eager ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.errors import UnsupportedError
from pullback.base.spec import Spec, dtype_of
from pullback.base.tracked import Tracked
from pullback.ir import primitives
from pullback.ir.build import Builder, as_arg, operand_type
from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import Array, Scalar
from pullback.rules.extrema import larger, smaller
from pullback.rules.product import safe_multiply


class Symbol(Tracked):
    """An operand, and the builder that takes down what is done with it.

    Attributes:
        guards: whether partials may be infinite, and have to yield to a seed that is zero.
    """

    __slots__ = ("builder", "guards", "operand")
    level = float("inf")
    kind = "symbol"

    def __init__(self, operand: Operand, builder: Builder, guards: bool = True) -> None:
        self.operand = operand
        self.builder = builder
        self.guards = guards

    @property
    def type(self) -> Scalar | Array:
        return operand_type(self.operand)

    def peel(self) -> Any:
        raise UnsupportedError(
            "a rule reads the value of a variable while the program is made",
            why="its derivative has to hold for any value",
            remedy="use np.where in place of a branch.",
        )

    __bool__ = __index__ = __float__ = __int__ = peel

    @property
    def shape(self) -> tuple[Any, ...]:
        if isinstance(self.type, Scalar):
            return ()
        assert isinstance(self.operand, Var)
        dims = [self.builder.dim(self.operand, axis) for axis in range(self.type.ndim)]
        return tuple(d.value if isinstance(d, Const) else Symbol(d, self.builder, self.guards) for d in dims)

    @property
    def ndim(self) -> int:
        return self.type.ndim if isinstance(self.type, Array) else 0

    @property
    def size(self) -> Any:
        total: Any = 1
        for length in self.shape:
            total = total * length
        return total

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.dtype

    def astype(self, dtype: Any) -> Any:
        return self._cast(self, np.dtype(dtype))

    def __array_ufunc__(self, function: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "reduce" and function in _REDUCTIONS:
            return self.__array_function__(_REDUCTIONS[function], (), args, kwargs)
        if method != "__call__":
            raise UnsupportedError(f"numpy.{function.__name__}.{method} in a rule of compiled code")
        dtype = kwargs.pop("dtype", None)
        if dtype is not None:
            args = tuple(self._cast(x, np.dtype(dtype)) for x in args)
        return self._call(function, args, kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        attribute = _ATTRIBUTES.get(function)
        if attribute is not None and isinstance(args[0], Symbol):
            return getattr(args[0], attribute)
        if function is safe_multiply:
            return self._scale(*args)
        if function is astype:
            return self._cast(args[0], np.dtype(args[1]))
        if function in _LOSES:
            return self._share(*_LOSES[function], *args)
        if function is np.where and not any(_ndim(x) for x in args):
            test, *choices = args
            return self._call(primitives.select, (test, *_of_one_dtype(choices)), {})
        if function is np.reshape and not _ndim(args[0]):
            return np.broadcast_to(args[0], args[1]) if args[1] not in ((), []) else args[0]
        if function in (np.real, np.conj) and self.dtype.kind != "c":
            return args[0]
        return self._call(function, args, kwargs)

    def _share(self, loses: np.ufunc, ties_or_loses: np.ufunc, a: Any, b: Any) -> Any:
        """The share of `a` in the extreme of two: 0, 1/2 in a tie, or 1, as where one is NaN."""
        one = dtype_of(a).type(1)
        if _ndim(a) or _ndim(b):
            return one - one / 2 * np.add(ties_or_loses(a, b), loses(a, b), dtype=np.int8)
        return np.where(loses(a, b), one * 0, np.where(np.equal(a, b), one / 2, one))

    def _scale(self, partial: Any, seed: Any) -> Any:
        if not self.guards:
            return self._call(np.multiply, (partial, seed), {})
        if _ndim(partial) or _ndim(seed):
            product = self._call(np.multiply, (partial, seed), {})
            return np.where((partial == 0) | (seed == 0), product.dtype.type(0), product)
        return self._call(primitives.scale, (partial, seed), {})

    def _cast(self, x: Any, dtype: np.dtype[Any]) -> Any:
        if not isinstance(x, Symbol):
            return dtype.type(x)
        return x if x.dtype == dtype else self._call(primitives.cast, (x, dtype), {})

    def _call(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        if function is np.multiply and not isinstance(args[1], Symbol) and args[1] == -1:
            function, args = np.negative, args[:1]
        kwargs = {key: self._operand(value) for key, value in kwargs.items() if value is not None}
        result = self.builder.call(function, *map(self._operand, args), **kwargs)
        if isinstance(result, tuple):
            return tuple(Symbol(part, self.builder, self.guards) for part in result)
        return Symbol(result, self.builder, self.guards)

    def _operand(self, x: Any) -> Any:
        """An argument as a statement has it; an array that the rule made is assigned to a variable."""
        if isinstance(x, np.ndarray):
            return self.builder.call(primitives.bind, Const(x), name="constant") if x.ndim else x[()]
        if isinstance(x, Spec):
            raise UnsupportedError("a rule passes on a shape that is known only at run time")
        if isinstance(x, tuple | list):
            return tuple(self._operand(part) for part in x)
        return _plain(x)

    def __getitem__(self, index: Any) -> Any:
        entries = index if isinstance(index, tuple) else (index,)
        ndim = self.ndim
        if any(isinstance(entry, np.ndarray | list) for entry in entries):
            raise UnsupportedError("an index array in a rule of compiled code")
        given = sum(entry is not None and entry is not Ellipsis for entry in entries)
        full: list[Any] = []
        for entry in entries:
            full += [slice(None)] * (ndim - given) if entry is Ellipsis else [entry]
        if Ellipsis not in entries:
            full += [slice(None)] * (ndim - given)
        arguments = as_arg(tuple(_plain(entry) for entry in full))
        scalar = all(isinstance(entry, int | Symbol) for entry in full)
        return self._call(primitives.item if scalar else primitives.view, (self, arguments), {})


_REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_LOSES = {larger: (np.less, np.less_equal), smaller: (np.greater, np.greater_equal)}
"""The shares of extremes, whose rules branch on values, and when the first argument has less than all."""
_ATTRIBUTES = {np.shape: "shape", np.ndim: "ndim", np.size: "size"}


def _ndim(x: Any) -> int:
    return x.ndim if isinstance(x, Symbol) else np.ndim(x)


def _plain(x: Any) -> Any:
    """The operand of a symbol, in a tuple, list or slice too; anything else as it is."""
    if isinstance(x, Symbol):
        return x.operand
    if isinstance(x, slice):
        return slice(_plain(x.start), _plain(x.stop), _plain(x.step))
    if isinstance(x, tuple | list):
        return tuple(_plain(part) for part in x)
    return x


def _comparison(function: np.ufunc) -> Callable[[Any, Any], Any]:
    def compare(self: Any, other: Any) -> Any:
        return function(self, other)

    return compare


def _unary(function: np.ufunc) -> Callable[[Any], Any]:
    def apply(self: Any) -> Any:
        return function(self)

    return apply


def _of_one_dtype(choices: list[Any]) -> list[Any]:
    """Numbers of which one is chosen, with Python's constants as NumPy's, as the result is."""
    dtype = np.result_type(*(x.dtype if isinstance(x, Symbol) else x for x in choices))
    return [x if isinstance(x, Symbol) else dtype.type(x) for x in choices]


for _name, _function in {
    "__lt__": np.less, "__le__": np.less_equal, "__gt__": np.greater, "__ge__": np.greater_equal,
    "__eq__": np.equal, "__ne__": np.not_equal, "__and__": np.bitwise_and, "__or__": np.bitwise_or,
    "__rand__": np.bitwise_and, "__ror__": np.bitwise_or,
}.items():  # fmt: skip
    setattr(Symbol, _name, _comparison(_function))
Symbol.__invert__ = _unary(np.logical_not)  # type: ignore[attr-defined]
Symbol.__hash__ = object.__hash__
