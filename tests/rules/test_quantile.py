"""Rows of `rules.quantile`: every call and every method; ties, NaN, an even count; refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.base.spec import spec_of
from pullback.rules import quantile
from pullback.rules.read import cotangent, fit, tangent, vjp_direction
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

QUANTILES = [np.quantile, np.nanquantile, np.percentile, np.nanpercentile]


def gradient(function: Any, a: Any, *args: Any, **options: Any) -> Any:
    y = function(a, *args, **options)
    y_bar = np.ones_like(y)
    with np.errstate(all="ignore"):
        return fit(cotangent(TABLE[function], 0, y_bar, y, (a, *args), options, False), spec_of(a)).tolist()


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", [np.median, np.nanmedian, *QUANTILES], ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    rule = TABLE[function]
    assert check_row(rule, np.dtype(dtype if rule.complex else dtype.lower())) > 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", quantile.METHODS)
@pytest.mark.parametrize("function", [np.quantile, np.nanquantile], ids=name_of)
def test_partials_weigh_the_entries_to_the_quantile(function: Any, method: str, dtype: Any) -> None:
    """A quantile is linear between ties and scales with its entries: ``Σ partial · entry`` is its value."""
    rng = np.random.default_rng(1)
    for size in (1, 2, 3, 8, 11):
        a = rng.permutation(np.cumsum(rng.uniform(0.5, 1, size))).astype(dtype)
        for q in (0.0, 0.1, 0.25, 0.3, 0.5, 0.77, 1.0):
            y, partial = function(a, q, method=method), np.array(gradient(function, a, q, method=method))
            assert np.isclose(np.sum(partial * a), y, rtol=8 * np.finfo(dtype).eps)
            assert np.isclose(np.sum(partial), 1)
            assert np.count_nonzero(partial) <= 2


def test_median_of_an_even_count_is_the_mean_of_two() -> None:
    assert gradient(np.median, np.array([4.0, 1.0, 3.0, 2.0])) == [0, 0, 0.5, 0.5]
    assert gradient(np.median, np.array([4.0, 1.0, 3.0])) == [0, 0, 1]


def test_ties_share_equally() -> None:
    a = np.array([2.0, 2.0, 2.0, 5.0])
    assert gradient(np.median, a) == [1 / 3, 1 / 3, 1 / 3, 0]
    assert gradient(np.quantile, np.array([1.0, 3.0, 3.0]), 1.0) == [0, 0.5, 0.5]
    assert gradient(np.quantile, np.array([1.0, 3.0, 3.0]), 0.25) == [0.5, 0.25, 0.25]


def test_nan() -> None:
    a = np.array([[1.0, np.nan, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0]])
    assert gradient(np.nanmedian, a, axis=1) == [[0, 0, 0, 1], [0, 0.5, 0.5, 0]]
    assert gradient(np.nanquantile, a, 0.25, axis=1) == [[0.5, 0, 0, 0.5], [0.25, 0.75, 0, 0]]
    first, second = gradient(np.median, a, axis=1)
    assert np.isnan(first).all()
    assert second == [0, 0.5, 0.5, 0]


@pytest.mark.parametrize("function", [np.median, np.quantile], ids=name_of)
def test_overwriting_its_input_is_an_error(function: Any) -> None:
    args = (np.ones(3),) if function is np.median else (np.ones(3), 0.5)
    with pytest.raises(UnsupportedError, match="overwrite_input"):
        cotangent(TABLE[function], 0, 1.0, 1.0, args, {"overwrite_input": True}, False)
    with pytest.raises(UnsupportedError, match="overwrite_input"):
        tangent(TABLE[function], 0, np.ones(3), 1.0, args, {"overwrite_input": True})


def test_weights_and_q_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="weights"):
        cotangent(TABLE[np.quantile], 0, 1.0, 1.0, (np.ones(3), 0.5), {"weights": np.ones(3)}, False)
    with pytest.raises(NotDifferentiableError, match="argument 1"):
        vjp_direction(TABLE[np.quantile], 1)
