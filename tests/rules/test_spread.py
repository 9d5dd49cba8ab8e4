"""Rows of `rules.spread`: every call in four dtypes, std at 0, masks, NaN, a mean given by the caller."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import spec_of
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

importlib.import_module("pullback.rules.spread")
FUNCTIONS = [np.var, np.std, np.nanvar, np.nanstd]


def gradient(function: Any, a: Any, **options: Any) -> Any:
    y = function(a, **options)
    with np.errstate(all="ignore"):
        return fit(cotangent(TABLE[function], 0, np.ones_like(y), y, (a,), options, False), spec_of(a))


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("function", [np.std, np.nanstd], ids=name_of)
@pytest.mark.parametrize("dtype", [float, complex])
def test_std_at_zero_has_derivative_zero(function: Any, dtype: type) -> None:
    a = np.array([[2.0, 2.0], [1.0, 3.0]], dtype)
    assert gradient(function, a, axis=1).tolist() == [[0, 0], [-0.5, 0.5]]
    with np.errstate(all="ignore"):
        y_dot = tangent(
            TABLE[function], 0, np.array([[1, 2], [0, 1]], dtype), function(a, axis=1), (a,), {"axis": 1}
        )
    assert y_dot.tolist() == [0, 0.5]


def test_left_out_entries_have_derivative_zero_whatever_they_hold() -> None:
    a = np.array([1.0, np.nan, 3.0])
    where = np.array([True, False, True])
    assert gradient(np.var, a, where=where).tolist() == [-1, 0, 1]
    assert gradient(np.nanvar, a).tolist() == [-1, 0, 1]
    assert gradient(np.nanstd, a).tolist() == [-0.5, 0, 0.5]


def test_a_given_mean_is_held_fixed() -> None:
    a = np.array([1.0, 2.0])
    assert gradient(np.var, a, mean=np.array([0.0])).tolist() == [1, 2]


def test_complex_entries_have_the_gradient_of_a_real_loss() -> None:
    a = np.array([0.0, 2.0 + 2.0j])
    assert gradient(np.var, a).tolist() == [-1 - 1j, 1 + 1j]
