"""Rows of `rules.sort`: every call in four dtypes; equal entries; what is constant or refused."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.base.spec import spec_of
from pullback.rules.lookup import rule_of
from pullback.rules.read import cotangent, fit
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

importlib.import_module("pullback.rules.sort")


def gradient(function: Any, a: Any, y_bar: Any, *args: Any, **options: Any) -> Any:
    y = function(a, *args, **options)
    return fit(cotangent(TABLE[function], 0, y_bar, y, (a, *args), options, False), spec_of(a)).tolist()


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize(
    "function", [np.sort, np.partition, np.sort_complex, np.unique, np.bincount], ids=name_of
)
def test_row(function: Any, dtype: str) -> None:
    rule = TABLE[function]
    assert check_row(rule, np.dtype(dtype if rule.complex else dtype.lower())) > 0


def test_equal_entries_keep_their_order() -> None:
    y_bar = np.array([1.0, 2.0, 3.0, 4.0])
    assert gradient(np.sort, np.array([7.0, 3.0, 7.0, 3.0]), y_bar) == [3, 1, 4, 2]
    assert gradient(np.sort, np.array([7.0, np.nan, 2.0, np.nan]), y_bar) == [2, 3, 1, 4]


def test_partition_is_read_from_its_result() -> None:
    rng = np.random.default_rng(0)
    for size in (5, 40, 300):
        a, y_bar = rng.permutation(size).astype(float), rng.standard_normal(size)
        y = np.partition(a, size // 2)
        x_bar = np.array(gradient(np.partition, a, y_bar, size // 2))
        assert np.array_equal(x_bar[np.argsort(a)], y_bar[np.argsort(y)])


def test_the_first_of_equal_entries_is_the_unique_one() -> None:
    a, y_bar = np.array([5.0, 2.0, 5.0, 2.0]), np.array([1.0, 10.0])
    assert gradient(np.unique, a, y_bar) == [10, 1, 0, 0]
    several = (y_bar, np.zeros(4, int))
    assert gradient(np.unique, a, several, return_inverse=True) == [10, 1, 0, 0]


@pytest.mark.parametrize(
    "function", [np.argsort, np.argpartition, np.argmax, np.searchsorted, np.digitize, np.nonzero, np.lexsort]
)
def test_indices_are_constant(function: Any) -> None:
    assert rule_of(function).constant


def test_histograms_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"numpy\.histogram") as caught:
        rule_of(np.histogram)
    assert "edges move with the data" in str(caught.value)
