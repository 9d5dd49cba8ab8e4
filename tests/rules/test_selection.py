"""`where`, `select`, `nan_to_num`: they select and never multiply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.rules import selection
from pullback.rules.read import cotangent, tangent
from pullback.rules.table import TABLE
from pullback.testing import check_rule
from pullback.testing.slopes import slope


@pytest.mark.parametrize("function", [np.where, np.select, np.nan_to_num], ids=lambda f: f.__name__)
def test_row(function: Any) -> None:
    assert check_rule(function) > 0


def test_where_lets_no_nan_through() -> None:
    mask = np.array([True, False])
    seed = np.array([np.nan, 1.0])
    assert np.array_equal(cotangent(TABLE[np.where], 2, seed, None, (mask, None, None), {}, False), [0, 1])
    assert np.array_equal(tangent(TABLE[np.where], 2, seed, np.zeros(2), (mask, None, None), {}), [0, 1])


def test_where_has_no_derivative_in_its_condition() -> None:
    condition = np.array([0.5, 0.0])
    assert np.array_equal(slope(np.where, condition, 1.0, 2.0), [0, 0])


def test_where_keeps_single_precision_and_broadcasts() -> None:
    x = np.ones((2, 1), np.float32)
    y = np.where(True, x, np.ones(3, np.float32))
    y_dot = tangent(TABLE[np.where], 1, x, y, (True, x, np.ones(3, np.float32)), {})
    assert y_dot.shape == (2, 3)
    assert y_dot.dtype == np.float32


def test_nan_to_num_has_derivative_one_where_finite() -> None:
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    assert np.array_equal(slope(np.nan_to_num, x), [1, 0, 0, 0])
    z = np.array([1 + 1j, np.nan + 1j, complex(1, np.inf)])
    seed = np.full(3, 2 + 3j)
    assert np.array_equal(cotangent(TABLE[np.nan_to_num], 0, seed, z, (z,), {}, True), [2 + 3j, 3j, 2])
    assert np.array_equal(tangent(TABLE[np.nan_to_num], 0, seed, z, (z,), {}), [2 + 3j, 3j, 2])


def test_nan_to_num_in_place_is_an_error() -> None:
    x = np.ones(2)
    with pytest.raises(UnsupportedError, match="copy=False"):
        selection.nan_to_num_vjp(x, x, x, copy=False)


def test_select_takes_the_first_that_holds() -> None:
    conditions = [np.array([True, True, False]), np.array([True, False, False])]
    choices = [np.ones(3), np.ones(3)]
    args = (conditions, choices, 5.0)
    first, second = cotangent(TABLE[np.select], 1, np.array([1.0, 2.0, 3.0]), None, args, {}, False)
    assert np.array_equal(first, [1, 2, 0])
    assert np.array_equal(second, [0, 0, 0])
    rest = cotangent(TABLE[np.select], 2, np.array([1.0, 2.0, 3.0]), None, args, {}, False)
    assert np.array_equal(rest, [0, 0, 3])


def test_piecewise_is_refused() -> None:
    assert "np.where" in next(iter(TABLE[np.piecewise].refusals.values()))
