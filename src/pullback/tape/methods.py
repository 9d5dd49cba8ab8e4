"""What NumPy's functions come to for an array: calling that saves their detour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.numbers import REALS


def _reduction(name: str, ufunc: np.ufunc) -> Callable[..., Any]:
    method, reduce = getattr(np.ndarray, name), ufunc.reduce

    def reduced(a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        return method(a, axis, *args, **kwargs) if args else reduce(a, axis, **kwargs)

    return reduced


def mean(a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """`numpy.mean` of an array."""
    if (axis is None or type(axis) is int) and a.size and not args and not kwargs.keys() - {"keepdims"}:
        total: Any = np.add.reduce(a, axis, **kwargs)
        total /= a.size if axis is None else a.shape[axis]
        if type(total) in REALS or total.dtype is a.dtype:
            return total
    return a.mean(axis, *args, **kwargs)


METHODS: dict[Any, Any] = {np.trace: np.ndarray.trace, np.mean: mean} | {
    getattr(np, name): _reduction(name, ufunc)
    for name, ufunc in (("sum", np.add), ("prod", np.multiply), ("max", np.maximum), ("min", np.minimum))
}
"""By the function."""
