"""`Tracked`: what a tape's `Variable` and a `Dual` share, namely NumPy's operators, attributes and methods.

Every operator and method calls the NumPy function of the same meaning, so an engine has to implement only
NumPy's two protocols (NEP 13 and NEP 18). Comparisons give plain booleans: Python's branches see ordinary
values. Whatever would drop the derivative without a word (``float(x)``, ``np.asarray(x)``) raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pullback.base.flat import Flat
from pullback.base.lost import lost_array, lost_index, lost_number, offered_by_sparse


class Tracked:
    """A value that an engine follows.

    Attributes:
        level: which transform follows it; a transform that began later has a higher level, and handles an
            operation before those that began earlier.
        carries_tangent: whether its derivative moves along with it, instead of being recorded.
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    level: Any
    kind: ClassVar[str] = "tracked value"
    carries_tangent: ClassVar[bool] = False

    if TYPE_CHECKING:  # What the loops below add, for type checkers, the users' ones too.

        def __add__(self, other: Any, /) -> Any: ...
        def __neg__(self) -> Any: ...
        def sum(self, *args: Any, **kwargs: Any) -> Any: ...

        __sub__ = __mul__ = __truediv__ = __pow__ = __matmul__ = __mod__ = __floordiv__ = __divmod__ = __add__
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = __rmod__ = __add__
        __rfloordiv__ = __rdivmod__ = __lt__ = __le__ = __gt__ = __ge__ = __add__
        __pos__ = __abs__ = __neg__
        all = any = argmax = argmin = argpartition = choose = clip = cumprod = cumsum = sum
        diagonal = max = mean = min = nonzero = prod = ptp = ravel = repeat = round = searchsorted = sum
        squeeze = std = swapaxes = take = trace = var = sum

    def peel(self) -> Any:
        """The value one level down: an array, a number, or what an earlier transform tracks."""
        raise NotImplementedError

    # -- attributes ------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(bare(self))

    @property
    def ndim(self) -> int:
        return np.ndim(bare(self))

    @property
    def size(self) -> int:
        return np.size(bare(self))

    @property
    def dtype(self) -> np.dtype[Any]:
        value = bare(self)
        return value.dtype if hasattr(value, "dtype") else np.dtype(type(value))

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def strides(self) -> Any:
        if self.constant:
            return bare(self).strides
        raise lost_array(self)

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("a real array does not have an imaginary part to set")
        self.imag[...] = value

    @property
    def flat(self) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    # -- what would drop the derivative ----------------------------------------------------------------------

    @property
    def constant(self) -> bool:
        """Whether nothing follows this value, so that it may become a plain one."""
        return False

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.constant:
            return np.array(bare(self), dtype)
        if offered_by_sparse():
            return np.array(None, object)
        raise lost_array(self)

    @property
    def matvec(self) -> Any:
        """What SciPy's iterative methods ask for, of what is no array."""
        raise lost_array(self)

    def _scalar(self, name: str) -> Any:
        raise lost_number(self, name)

    def __float__(self) -> float:
        return float(bare(self)) if self.constant else self._scalar("float")

    def __int__(self) -> int:
        return int(bare(self)) if self.constant else self._scalar("int")

    def __complex__(self) -> complex:
        return complex(bare(self)) if self.constant else self._scalar("complex")

    def __index__(self) -> int:
        raise lost_index(self.kind)

    def tolist(self) -> Any:
        """As `numpy.ndarray.tolist`, for a constant."""
        return bare(self).tolist() if self.constant else self._scalar("tolist")

    def __bool__(self) -> bool:
        return bool(bare(self))

    # -- containers ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(bare(self))

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(bare(self) == bare(item)))

    __hash__ = object.__hash__

    # -- methods whose name is not the function's, or whose arguments differ ---------------------------------

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else (axes or None))

    def flatten(self, order: Any = "C") -> Any:
        return np.copy(np.ravel(self, order=order))

    def item(self, *index: Any) -> Any:
        place = index[0] if len(index) == 1 else index
        if index and not isinstance(place, tuple):
            place = np.unravel_index(range(self.size)[place], self.shape)
        return np.reshape(self[place] if index else self, ())

    def copy(self, order: Any = "C") -> Any:
        """As `numpy.ndarray.copy`, whose result is contiguous, where `numpy.copy` keeps the order."""
        return np.copy(self, order=order)

    def conj(self) -> Any:
        """As `numpy.ndarray.conj`, which gives a real array itself, where `numpy.conj` gives a copy."""
        return np.conj(self) if self.dtype.kind == "c" else self

    def conjugate(self) -> Any:
        return self.conj()

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """As `numpy.ndarray.clip`, which needs one bound only, where `numpy.clip` asks for both."""
        return np.clip(self, min, max, **(kwargs if out is None else {"out": out, **kwargs}))

    def compress(self, condition: Any, axis: Any = None) -> Any:
        return np.compress(condition, self, axis=axis)

    def __round__(self, decimals: int = 0) -> Any:
        return np.round(self, decimals)

    def argsort(self, axis: Any = -1, kind: Any = None, **kwargs: Any) -> Any:
        return np.argsort(self, axis=axis, kind=kind, **kwargs)


def bare(value: Any) -> Any:
    """The array or number under every level."""
    while isinstance(value, Tracked):
        value = value.peel()
    return value


def _binary(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Any, other: Any) -> Any:
        return function(self, other)

    def reflected(self: Any, other: Any) -> Any:
        return function(other, self)

    return forward, reflected


_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "pow": np.power,
    "matmul": np.matmul, "mod": np.remainder, "floordiv": np.floor_divide, "divmod": np.divmod,
}  # fmt: skip
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute}
_COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")
_METHODS = (
    "all any argmax argmin argpartition choose cumprod cumsum diagonal max mean min nonzero "
    "prod ptp ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
).split()


def _comparison(name: str) -> Callable[..., Any]:
    compare = getattr(operator, name)

    def method(self: Any, other: Any) -> Any:
        return compare(bare(self), bare(other))

    return method


def _method(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As `numpy.{name}` of this value."
    return method


for _name, _function in _BINARY.items():
    _forward, _reflected = _binary(_function)
    setattr(Tracked, f"__{_name}__", _forward)
    setattr(Tracked, f"__r{_name}__", _reflected)
for _name, _function in _UNARY.items():
    setattr(Tracked, f"__{_name}__", _method(_function.__name__))
for _name in _COMPARISONS:
    setattr(Tracked, f"__{_name}__", _comparison(_name))
for _name in _METHODS:
    setattr(Tracked, _name, _method(_name))
