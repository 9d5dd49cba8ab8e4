"""Rows of `rules.largest`: every call in four dtypes, and the conventions at ties and at NaN."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import spec_of
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

importlib.import_module("pullback.rules.largest")
UFUNCS = [np.maximum, np.minimum, np.fmax, np.fmin]
FUNCTIONS = [
    np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin, np.ptp,
    *[method for ufunc in UFUNCS for method in (ufunc.reduce, ufunc.accumulate)],
]  # fmt: skip


def gradient(function: Any, a: Any, y_bar: Any = None, **options: Any) -> Any:
    """The cotangent of `a`, for a cotangent of ones unless one is given."""
    y = function(a, **options)
    y_bar = np.ones_like(y) if y_bar is None else np.asarray(y_bar, float)
    with np.errstate(all="ignore"):
        return fit(cotangent(TABLE[function], 0, y_bar, y, (a,), options, False), spec_of(a)).tolist()


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("function", [np.max, np.nanmax, np.maximum.reduce, np.fmax.reduce], ids=name_of)
def test_ties_share_equally(function: Any) -> None:
    a = np.array([1.0, 3.0, 3.0])
    assert gradient(function, a) == [0, 0.5, 0.5]
    assert gradient(function, a, initial=3.0) == [0, 1 / 3, 1 / 3]
    assert gradient(function, a, initial=9.0) == [0, 0, 0]
    assert gradient(function, a, initial=0.0, where=np.array([True, True, False])) == [0, 1, 0]
    a_dot = np.array([1.0, 2.0, 4.0])
    assert tangent(TABLE[function], 0, a_dot, function(a), (a,), {}) == 3


@pytest.mark.parametrize("function", [np.min, np.nanmin, np.minimum.reduce, np.fmin.reduce], ids=name_of)
def test_ties_of_the_smallest_share_equally(function: Any) -> None:
    assert gradient(function, np.array([1.0, 3.0, 1.0])) == [0.5, 0, 0.5]


def test_ties_share_within_each_result() -> None:
    a = np.array([[1.0, 1.0], [2.0, 5.0]])
    assert gradient(np.max, a, [2.0, 4.0], axis=1) == [[1, 1], [0, 4]]
    assert gradient(np.max, a, [[2.0], [4.0]], axis=1, keepdims=True) == [[1, 1], [0, 4]]
    assert gradient(np.ptp, a, [2.0, 4.0], axis=1) == [[0, 0], [-4, 4]]


def test_a_nan_result_has_a_nan_derivative_unless_it_is_not_used() -> None:
    a = np.array([[1.0, np.nan], [2.0, 5.0]])
    assert np.isnan(gradient(np.max, a, [1.0, 1.0], axis=1)[0]).all()
    assert gradient(np.max, a, [0.0, 1.0], axis=1) == [[0, 0], [0, 1]]
    assert gradient(np.nanmax, a, axis=1) == [[1, 0], [0, 1]]
    assert gradient(np.fmax.reduce, a, axis=1) == [[1, 0], [0, 1]]


def test_a_result_of_lower_precision_still_finds_its_entry() -> None:
    a = np.array([0.1, 0.3])
    assert gradient(np.maximum.reduce, a, dtype=np.float32) == [0, 1]
    assert gradient(np.maximum.accumulate, a, [1, 1], dtype=np.float32) == [1, 1]


def test_running_ties_share_among_those_seen_so_far() -> None:
    a = np.array([1.0, 1.0, 0.0, 1.0, 2.0])
    rows = [gradient(np.maximum.accumulate, a, unit) for unit in np.eye(5)]
    third = 1 / 3
    expected = [[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [third, third, 0, third, 0]]
    assert np.allclose(rows, [*expected, [0, 0, 0, 0, 1]], rtol=1e-15)
    columns = [
        tangent(TABLE[np.maximum.accumulate], 0, u, np.maximum.accumulate(a), (a,), {}) for u in np.eye(5)
    ]
    assert np.allclose(np.transpose(columns), rows, rtol=1e-15)
