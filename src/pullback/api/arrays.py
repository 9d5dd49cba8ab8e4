"""Arrays that tracked values can be written into, and arrays without their derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from pullback.base.dispatch import tracked_in
from pullback.base.pytrees import tree_map
from pullback.base.tracked import Tracked, bare
from pullback.ir.primitives import stopped
from pullback.tape.node import ROOT
from pullback.tape.variable import variable

Shape = int | Sequence[int]
F = TypeVar("F", bound=Callable[..., Any])


def _as(function: Callable[..., Any]) -> Callable[[F], F]:
    """Mark what is `function` in compiled source, where every array can be written into."""

    def mark(made: F) -> F:
        made.__dict__["__compiled__"] = function
        return made

    return mark


def _writable(value: Any) -> Any:
    return variable(value, None, ROOT) if value.dtype.kind in "fc" else value


@_as(np.zeros)
def zeros(shape: Shape, dtype: Any = float) -> Any:
    """As `numpy.zeros`, but tracked values can be written into the result; integer dtypes give a plain array.

    Example:
        >>> import numpy as np, pullback as pb
        >>> def powers(x):
        ...     y = pb.zeros(3)
        ...     y[0] = 1.0
        ...     for i in range(1, 3):
        ...         y[i] = y[i - 1] * x
        ...     return np.sum(y)
        >>> print(pb.grad(powers)(2.0))
        5.0
    """
    return _writable(np.zeros(shape, dtype))


@_as(np.ones)
def ones(shape: Shape, dtype: Any = float) -> Any:
    """As `numpy.ones`, but tracked values can be written into the result (see `zeros`)."""
    return _writable(np.ones(shape, dtype))


@_as(np.empty)
def empty(shape: Shape, dtype: Any = float) -> Any:
    """As `numpy.empty`, but tracked values can be written into the result (see `zeros`)."""
    return _writable(np.empty(shape, dtype))


@_as(np.full)
def full(shape: Shape, fill_value: Any, dtype: Any = None) -> Any:
    """As `numpy.full`; `fill_value` may be tracked, and tracked values can be written into the result."""
    if isinstance(fill_value, Tracked):
        made = zeros(shape, fill_value.dtype if dtype is None else dtype)
        made[...] = fill_value
        return made
    return _writable(np.full(shape, fill_value, dtype))


@_as(np.zeros_like)
def zeros_like(x: Any, dtype: Any = None, shape: Any = None) -> Any:
    """As `numpy.zeros_like`, but tracked values can be written into the result (see `zeros`)."""
    return _writable(np.zeros_like(bare(x), dtype=dtype, shape=shape))


@_as(np.ones_like)
def ones_like(x: Any, dtype: Any = None, shape: Any = None) -> Any:
    """As `numpy.ones_like`, but tracked values can be written into the result (see `zeros`)."""
    return _writable(np.ones_like(bare(x), dtype=dtype, shape=shape))


@_as(np.empty_like)
def empty_like(x: Any, dtype: Any = None, shape: Any = None) -> Any:
    """As `numpy.empty_like`, but tracked values can be written into the result (see `zeros`)."""
    return _writable(np.empty_like(bare(x), dtype=dtype, shape=shape))


@_as(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """As `numpy.full_like`; `fill_value` may be tracked, and tracked values written into the result."""
    own = np.zeros_like(bare(x), dtype=dtype, shape=shape)
    return full(own.shape, fill_value, own.dtype)


@_as(np.array)
def array(values: Any, dtype: Any = None) -> Any:
    """As `numpy.array`, for nested lists that hold tracked values; the result can be written into.

    Example:
        >>> import numpy as np, pullback as pb
        >>> print(pb.grad(lambda x: np.prod(pb.array([x, x + 1, 2.0])))(3.0))
        14.0
    """
    if not tracked_in((values,)):
        return _writable(np.array(values, dtype))
    if isinstance(values, Tracked):
        joined: Any = np.copy(values)
    else:
        joined = np.stack([array(item) if isinstance(item, list | tuple) else item for item in values])
    return joined if dtype is None else joined.astype(dtype)


@_as(stopped)
def stop_gradient(x: Any) -> Any:
    """`x` without its derivative: the plain arrays and numbers of a tracked value or of a pytree of them.

    Example:
        >>> import pullback as pb
        >>> pb.grad(lambda x: x * pb.stop_gradient(x))(3.0)
        3.0
    """
    return tree_map(_plain, x)


def _plain(value: Any) -> Any:
    if not isinstance(value, Tracked):
        return value
    value = bare(value)
    return value.copy() if isinstance(value, np.ndarray) else value
