"""`maximum minimum fmax fmin clip`: ties, infinities, NaN, bounds in every spelling."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from pullback.rules import extrema
from pullback.testing import check_rule
from pullback.testing.slopes import slope

INF, NAN = np.inf, np.nan
# NumPy 2.0 knows the bounds of clip by one pair of names, and needs both.
OTHER_NAMES = "min" in inspect.signature(np.clip).parameters


def test_clip_row() -> None:
    assert check_rule(np.clip) > 0


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ties_share_equally(function: Any, dtype: Any) -> None:
    a = np.array([1.0, INF, -INF, 0.0, 2.0, -1.0], dtype)
    b = np.array([1.0, INF, -INF, -0.0, -1.0, 2.0], dtype)
    first = [1.0, 0.0] if function in (np.maximum, np.fmax) else [0.0, 1.0]
    assert np.array_equal(slope(function, a, b), [0.5] * 4 + first)
    assert np.array_equal(slope(function, a, b, argument=1), [0.5] * 4 + first[::-1])
    assert np.array_equal(slope(function, a, 1), slope(function, a, np.ones(6)))


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_a_nan_that_shows_keeps_its_derivative(function: Any) -> None:
    a, b = np.array([NAN, 1.0]), np.array([1.0, NAN])
    assert np.array_equal(slope(function, a, b), [1, 1])
    assert np.array_equal(slope(function, a, b, argument=1), [1, 1])


@pytest.mark.parametrize("function", [np.fmax, np.fmin])
def test_a_nan_that_is_ignored_gets_no_derivative(function: Any) -> None:
    a, b = np.array([NAN, 1.0]), np.array([1.0, NAN])
    assert np.array_equal(slope(function, a, b), [0, 1])
    assert np.array_equal(slope(function, a, b, argument=1), [1, 0])


def test_clip_agrees_with_maximum_and_minimum_everywhere() -> None:
    a = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    expected = [0, 0.5, 1, 0.5, 0]
    spellings: list[tuple[tuple[float, ...], dict[str, Any]]] = [
        ((-1.0, 1.0), {}),
        ((), {"a_min": -1, "a_max": 1}),
        ((-1,), {"a_max": 1.0}),
    ]
    if OTHER_NAMES:
        spellings.append(((), {"min": -1, "max": 1}))
    for arguments, bounds in spellings:
        assert np.array_equal(slope(np.clip, a, *arguments, **bounds), expected)
    assert np.array_equal(slope(np.clip, a, None, 1.0), [1, 1, 1, 0.5, 0])
    below: dict[str, Any] = {"min": -1.0} if OTHER_NAMES else {"a_min": -1.0, "a_max": None}
    assert np.array_equal(slope(np.clip, a, **below), [0, 0.5, 1, 1, 1])
    low, high = np.full(5, -1.0), np.full(5, 1.0)
    assert np.array_equal(slope(np.clip, a, low, high, argument=1), [1, 0.5, 0, 0, 0])
    assert np.array_equal(slope(np.clip, a, low, high, argument=2), [0, 0, 0, 0.5, 1])
    crossed = slope(np.clip, a, high, low, argument=2)
    assert np.array_equal(crossed, np.ones(5))


def test_shares_stay_in_single_precision() -> None:
    x = np.ones(3, np.float32)
    assert extrema.larger(x, 0.0).dtype == np.float32
    assert slope(np.clip, x, 0, 1).dtype == np.float32
