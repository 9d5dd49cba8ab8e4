"""Rows of `rules.reduce`: every call in four dtypes; one number stays one number; masks, NaN, -inf."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import Spec, spec_of
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.structured import Filled, dense
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

importlib.import_module("pullback.rules.reduce")
FUNCTIONS = [np.sum, np.mean, np.nansum, np.nanmean, np.add.reduce, np.logaddexp.reduce, np.logaddexp2.reduce]


def gradient(function: Any, a: Any, y_bar: Any = None, **options: Any) -> Any:
    """The cotangent of `a`, for a cotangent of ones unless one is given."""
    y = function(a, **options)
    y_bar = np.ones_like(y) if y_bar is None else y_bar
    with np.errstate(all="ignore"):
        x_bar = cotangent(TABLE[function], 0, y_bar, y, (a,), options, False)
    return dense(fit(x_bar, spec_of(a))).tolist()


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    rule = TABLE[function]
    assert check_row(rule, np.dtype(dtype if rule.complex else dtype.lower())) > 0


@pytest.mark.parametrize("y_bar", [2.0, Filled(2.0, (3,))], ids=["number", "filled"])
@pytest.mark.parametrize(("function", "expected"), [(np.sum, 2.0), (np.mean, {None: 1 / 3, 1: 1.0})])
def test_one_number_stays_one_number(function: Any, expected: Any, y_bar: Any) -> None:
    axis = 1 if isinstance(y_bar, Filled) else None
    a = Spec((3, 2), np.dtype(float))
    x_bar = cotangent(TABLE[function], 0, y_bar, None, (a,), {"axis": axis}, False)
    assert isinstance(x_bar, Filled)
    assert x_bar.shape == (3, 2)
    assert x_bar.value == (expected[axis] if isinstance(expected, dict) else expected)


def test_add_reduce_goes_over_the_first_axis() -> None:
    a = np.ones((2, 3))
    assert gradient(np.add.reduce, a, np.array([1.0, 2.0, 3.0])) == [[1, 2, 3]] * 2
    assert gradient(np.add.reduce, a, np.array([1.0, 2.0]), axis=1) == [[1] * 3, [2] * 3]


def test_initial_is_not_part_of_the_tangent() -> None:
    a = np.arange(3.0)
    assert tangent(TABLE[np.sum], 0, np.ones(3), np.sum(a, initial=5), (a,), {"initial": 5}) == 3


def test_masked_entries_have_derivative_zero_whatever_they_hold() -> None:
    a = np.array([1.0, np.nan, 3.0])
    where = np.array([True, False, True])
    assert gradient(np.sum, a, where=where) == [1, 0, 1]
    assert gradient(np.mean, a, where=where) == [0.5, 0, 0.5]
    assert gradient(np.nansum, a) == [1, 0, 1]
    assert gradient(np.nanmean, a) == [0.5, 0, 0.5]


def test_mean_counts_the_mask_of_each_result() -> None:
    where = np.array([[True, False], [True, True]])
    assert gradient(np.mean, np.ones((2, 2)), axis=1, where=where) == [[1, 0], [0.5, 0.5]]


def test_empty_sums_have_empty_gradients() -> None:
    assert gradient(np.sum, np.ones((0, 3)), axis=0) == []
    assert gradient(np.sum, np.ones((3, 0)), axis=1) == [[], [], []]
    assert gradient(np.sum, np.ones(0)) == []


def test_logaddexp_of_zeros_has_derivative_zero() -> None:
    """Convention: log 0 + log 0 = -inf, and an entry of -inf has partial 0."""
    assert gradient(np.logaddexp.reduce, np.full(2, -np.inf)) == [0, 0]
    assert gradient(np.logaddexp.reduce, np.array([0.0, -np.inf])) == [1, 0]
