"""Maxima and minima of two arguments, and ``clip``, which is ``minimum(maximum(a, a_min), a_max)``.

Convention: at a tie the arguments share equally, 1/2 each, bounds of ``clip`` and equal infinities
included; it is the mean of the one-sided derivatives. Where an argument is NaN, ``maximum`` and ``minimum``
pass the cotangent to both (the output is NaN, and the NaN stays visible), ``fmax`` and ``fmin`` to the
argument they return. (Clarke, *Optimization and Nonsmooth Analysis*, 1983, §2.3.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.table import calls, constant, jvp, partials, vjp


def half(a: Any) -> Any:
    """1/2 in the dtype of `a`, so that single precision stays single."""
    return dtype_of(a).type(0.5)


@dispatched
def larger(a: Any, b: Any) -> Any:
    """The share of `a` in ``maximum(a, b)``; constant between ties, so its own derivative is zero."""
    return _share(a < b, a == b, a)


@dispatched
def smaller(a: Any, b: Any) -> Any:
    """The share of `a` in ``minimum(a, b)``."""
    return _share(a > b, a == b, a)


def _share(beaten: Any, equal: Any, a: Any) -> Any:
    """1 where `a` is not beaten, 1/2 where it is equal."""
    share = np.logical_not(beaten).astype(dtype_of(a))
    return share - half(a) * equal if np.count_nonzero(equal) else share


constant(larger, smaller)


def larger_number(a: Any, b: Any) -> Any:
    """The share of `a` in ``fmax(a, b)``."""
    return np.where(a == b, half(a), (a > b) | np.isnan(b))


def smaller_number(a: Any, b: Any) -> Any:
    """The share of `a` in ``fmin(a, b)``."""
    return np.where(a == b, half(a), (a < b) | np.isnan(b))


APART = ((-1, -0.2), (0.2, 1))
# fmt: off
partials(np.maximum, lambda y, a, b: larger(a, b),         lambda y, a, b: larger(b, a),         domain=APART)
partials(np.minimum, lambda y, a, b: smaller(a, b),        lambda y, a, b: smaller(b, a),        domain=APART)
partials(np.fmax,    lambda y, a, b: larger_number(a, b),  lambda y, a, b: larger_number(b, a),  domain=APART)
partials(np.fmin,    lambda y, a, b: smaller_number(a, b), lambda y, a, b: smaller_number(b, a), domain=APART)
# fmt: on
for _function in (np.maximum, np.minimum, np.fmax, np.fmin):
    calls(
        _function,
        call(array(3, low=0.2), array(3, high=-0.2)),
        call(array(2, 1, high=-0.2), array(3, low=0.2)),
    )


def clip_share(position: int, a: Any, low: Any, high: Any) -> Any:
    """The share of the argument at `position` in ``minimum(maximum(a, low), high)``; a bound may be None."""
    raised = a if low is None else np.maximum(a, low)
    if position == 2:
        return smaller(high, raised)
    kept = 1 if high is None else smaller(raised, high)
    if position == 1:
        return larger(low, a) * kept
    return kept if low is None else larger(a, low) * kept


def clip_partial(position: int, seed: Any, y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`seed` times the share of the argument at `position`, for the arguments of ``np.clip`` as given."""
    a, low, high, *_ = *args, None, None
    low = kwargs.get("a_min", kwargs.get("min")) if low is None else low
    high = kwargs.get("a_max", kwargs.get("max")) if high is None else high
    product = scale(clip_share(position, a, low, high), seed)
    return product if np.shape(product) == np.shape(y) else np.broadcast_to(product, np.shape(y))


def _clip_rules(position: int) -> None:
    def clip_vjp(
        y_bar: Any, y: Any, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **bounds: Any
    ) -> Any:
        return clip_partial(position, y_bar, y, (a, a_min, a_max), bounds)

    def clip_jvp(
        x_dot: Any, y: Any, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **bounds: Any
    ) -> Any:
        return clip_partial(position, x_dot, y, (a, a_min, a_max), bounds)

    vjp(np.clip, position, reads="a a_min a_max bounds")(clip_vjp)
    jvp(np.clip, position, reads="a a_min a_max bounds")(clip_jvp)


for _position in range(3):
    _clip_rules(_position)
calls(
    np.clip,
    call(array(2, 3, low=-0.3, high=0.3), -0.5, 0.5),
    call(array(3, low=0.7), -0.5, 0.5),
    call(array(2, 3, low=-0.3, high=0.3), None, array(3, low=-0.9, high=-0.5)),
    call(array(3, low=0.3), array(2, 1, low=-0.9, high=-0.1), None),
    call(array(3, 1, low=-0.8, high=-0.5), array(2, low=-0.2, high=0.2), array(2, low=0.5)),
)
