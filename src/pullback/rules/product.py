"""`scale`: partial derivative times seed, where a zero seed gives zero whatever the partial is.

``np.where(x > 0, np.sqrt(x), 0)`` sends a zero cotangent into a square root whose partial is infinite or NaN;
the product of the two must be 0, in both modes and at every order.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.memory import ALONE
from pullback.base.numbers import REALS
from pullback.base.tracked import Tracked
from pullback.rules.table import partials

_SMALL = 32
_LARGE = 2048
_array = np.ndarray


def scale(partial: Any, seed: Any) -> Any:
    """``partial * seed``, broadcast, and 0 wherever either is 0, whatever the other is there."""
    kind = type(partial)
    if kind is not _array or (type(seed) is not _array and type(seed) not in REALS):
        if (kind is int or kind is float) and partial - partial == 0 != partial:
            return seed if partial == 1 else seed * partial
        if isinstance(partial, Tracked) or isinstance(seed, Tracked):
            return safe_multiply(partial, seed)
    product: Any = partial * seed
    total: Any = product
    if type(product) is _array:
        # As in `all_finite`: this is the innermost step of every sweep.
        small = product.ndim == 1 and product.size <= _SMALL
        total = sum(product.tolist()) if small else np.vdot(product, product)
    return product if total - total == 0 else masked(product, partial, seed)


def scale_anew(derivative: Callable[..., Any], values: tuple[Any, ...], seed: Any) -> Any:
    """``scale(derivative(*values), seed)``; a large derivative that nobody else holds becomes the product.

    Memory that was just written is in the cache, and new memory is not.
    """
    partial = derivative(*values)
    if (
        type(partial) is _array
        and partial.size > _LARGE
        and getrefcount(partial) == ALONE
        and type(seed) is _array
        and partial.base is None
        and partial.shape == seed.shape
        and partial.dtype is seed.dtype
    ):
        np.multiply(partial, seed, partial)
        total: Any = np.vdot(partial, partial)
        return partial if total - total == 0 else scale(derivative(*values), seed)
    return scale(partial, seed)


def all_finite(product: Any) -> bool:
    """Whether `product` surely holds no NaN or infinity; False may also mean a very large entry."""
    if type(product) is not _array:
        return product - product == 0
    shape = product.shape
    if len(shape) == 1 and shape[0] <= _SMALL:
        total: Any = sum(product.tolist())
    else:
        total = np.vdot(product, product)
    return total - total == 0


def masked(product: Any, partial: Any, seed: Any) -> Any:
    """`product` with 0 wherever `partial` or `seed` is 0."""
    if isinstance(product, np.ndarray):
        return np.where((seed == 0) | (partial == 0), np.zeros((), product.dtype), product)[()]
    return product if seed != 0 and partial != 0 else product.__class__(0)


@dispatched
def safe_multiply(partial: Any, seed: Any) -> Any:
    """`scale` as an operation of its own, so that it can be differentiated again."""
    product = np.asarray(partial) * seed
    return product if all_finite(product) else masked(product, partial, seed)


partials(safe_multiply, lambda y, partial, seed: seed, lambda y, partial, seed: partial)
