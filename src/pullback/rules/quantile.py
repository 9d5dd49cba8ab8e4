"""Medians, quantiles and percentiles, and their nan-forms.

Each result is ``(1 - t) low + t high`` with two neighbouring order statistics of the entries; which two,
and t, depend on how many entries there are, on q and on the method, but not on the entries. NumPy is
asked: applied to the entries 0, 1, …, n - 1 in the same dtype, the same function returns ``index of low +
t``. (The methods: Hyndman & Fan, *Sample Quantiles in Statistical Packages*, The American Statistician
50, 1996.)

Convention: entries that tie with an order statistic share its cotangent equally. Where NaN makes the
result NaN, so is the derivative. There is no derivative in q.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.errors import UnsupportedError
from pullback.rules.axes import Axis, gathered, kept_shape, ungathered
from pullback.rules.cast import in_dtype_of
from pullback.rules.domain import array, call
from pullback.rules.largest import real_dtype
from pullback.rules.product import scale
from pullback.rules.table import calls, constant, jvp, refuse, vjp


@dispatched
def quantile_shares(function: Any, a: Any, q: Any, axis: Axis, options: dict[str, Any]) -> list[Any]:
    """The partials of each result in each entry: for every q in order, an array of the shape of `a`.

    They are constant between ties, so their own derivatives are zero.

    Args:
        function: one of the functions below.
        a, q, axis: its arguments; q is None for medians.
        options: ``method`` for quantiles and percentiles.
    """
    flat = gathered(a, axis)
    if flat.size == 0:
        return [np.zeros(np.shape(a), real_dtype(a))] * math.prod(np.shape(q))
    index, unknown = _places(function, flat, () if q is None else (q,), options)
    ordered = np.sort(flat, axis=-1)
    results = []
    for j in np.ndindex(() if q is None else np.shape(q)):
        place = np.where(unknown, 0, index[j])[..., np.newaxis]
        below = np.floor(place)
        above_share = (place - below).astype(real_dtype(a))
        share = (1 - above_share) * _equal_shares(flat, ordered, below)
        share = share + above_share * _equal_shares(flat, ordered, np.ceil(place))
        share[unknown] = np.nan
        results.append(ungathered(share, np.shape(a), axis))
    return results


constant(quantile_shares)


def _places(function: Any, flat: Any, q: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    """Where the results lie among the sorted entries of each row of `flat`; which rows give NaN."""
    missing, dtype = np.isnan(flat), real_dtype(flat)
    if not function.__name__.startswith("nan"):
        index = function(np.arange(flat.shape[-1], dtype=dtype), *q, **options)
        return np.asarray(index), missing.any(axis=-1)
    unknown = missing.all(axis=-1)
    ranks = np.cumsum(~missing, axis=-1) - 1
    entries = np.where(missing & ~unknown[..., np.newaxis], np.nan, ranks).astype(dtype)
    return np.asarray(function(entries, *q, axis=-1, **options)), unknown


def _equal_shares(flat: Any, ordered: Any, place: Any) -> Any:
    """1 over the number of entries equal to the order statistic at `place`, for those that are."""
    equal = flat == np.take_along_axis(ordered, place.astype(np.intp), axis=-1)
    return np.divide(equal, np.count_nonzero(equal, axis=-1, keepdims=True), dtype=real_dtype(flat))


def pull(y_bar: Any, function: Any, a: Any, q: Any, axis: Axis, options: dict[str, Any]) -> Any:
    """The cotangent of the entries."""
    shape, many = kept_shape(np.shape(a), axis), () if q is None else np.shape(q)
    a_bar: Any = 0
    for j, share in zip(np.ndindex(many), quantile_shares(function, a, q, axis, options), strict=True):
        a_bar = a_bar + scale(share, np.reshape(y_bar[j] if many else y_bar, shape))
    return a_bar


def push(
    a_dot: Any, function: Any, a: Any, q: Any, axis: Axis, keepdims: Any, options: dict[str, Any]
) -> Any:
    """The tangent of the results."""
    parts = [
        np.sum(scale(share, a_dot), axis=axis, keepdims=keepdims)
        for share in quantile_shares(function, a, q, axis, options)
    ]
    many = () if q is None else np.shape(q)
    return np.reshape(np.stack(parts), (*many, *np.shape(parts[0]))) if many else parts[0]


def _require(function: Any, overwrite_input: bool, weights: Any = None) -> None:
    if overwrite_input:
        raise UnsupportedError(
            f"numpy.{function.__name__}(..., overwrite_input=True) has no derivative",
            why="it scrambles the entries that the derivative is about",
            remedy="leave overwrite_input out.",
        )
    if weights is not None:
        raise UnsupportedError(
            f"numpy.{function.__name__}(..., weights=...) has no rule",
            remedy="sort by np.argsort, and pick the entry where np.cumsum of the weights passes q.",
        )


def _median(function: Any) -> None:
    @vjp(function, 0, reads="a axis overwrite_input", holomorphic=False)
    def median_vjp(
        y_bar: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        out: Any = None,
        overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Any:
        _require(function, overwrite_input)
        return pull(y_bar, function, a, None, axis, {})

    @jvp(function, 0, reads="a axis overwrite_input keepdims")
    def median_jvp(
        a_dot: Any,
        y: Any,
        a: Any,
        axis: Axis = None,
        out: Any = None,
        overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Any:
        _require(function, overwrite_input)
        return in_dtype_of(y, push(a_dot, function, a, None, axis, keepdims, {}))


def _quantile(function: Any) -> None:
    @vjp(function, 0, reads="a q axis overwrite_input method", holomorphic=False)
    def quantile_vjp(
        y_bar: Any,
        y: Any,
        a: Any,
        q: Any,
        axis: Axis = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
        interpolation: str | None = None,
    ) -> Any:
        _require(function, overwrite_input, weights)
        return pull(y_bar, function, a, q, axis, {"method": interpolation or method})

    @jvp(function, 0, reads="a q axis overwrite_input method keepdims")
    def quantile_jvp(
        a_dot: Any,
        y: Any,
        a: Any,
        q: Any,
        axis: Axis = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
        interpolation: str | None = None,
    ) -> Any:
        _require(function, overwrite_input, weights)
        y_dot = push(a_dot, function, a, q, axis, keepdims, {"method": interpolation or method})
        return in_dtype_of(y, y_dot)

    refuse(function, "the rule is in the entries; q and the method choose which of them count", 1)


METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


def _wide(*shape: int) -> Any:
    return array(*shape, low=-3, high=3, kind="distinct")


for _function in (np.median, np.nanmedian):
    _median(_function)
    calls(
        _function,
        call(_wide(5)),
        call(_wide(3, 4)),
        call(_wide(3, 4), 1),
        call(_wide(3, 4), axis=0, keepdims=True),
        call(_wide(2, 3, 2), axis=(0, -1)),
        call(_wide(2, 3, 2), axis=(2, 0), keepdims=True),
        call(array()),
    )
for _function, _one in ((np.quantile, 1), (np.nanquantile, 1), (np.percentile, 100), (np.nanpercentile, 100)):
    _quantile(_function)
    calls(
        _function,
        call(_wide(3, 4), 0.3 * _one),
        call(_wide(3, 4), np.array([0.1, 0.75]) * _one, 1),
        call(_wide(3, 4), np.array([[0.0, 0.5, 1.0], [0.2, 0.4, 0.6]]) * _one, axis=0, keepdims=True),
        call(_wide(2, 3, 2), 0.6 * _one, axis=(0, -1)),
        *[call(_wide(7), 0.37 * _one, method=method) for method in METHODS],
        complex=False,
    )
