"""Functions written out in the loop: accurate everywhere, used only where the loop allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_engines import agree, record

from pullback.emit import load
from pullback.emit.source import source

LIMITS = [0.0, -0.0, np.inf, -np.inf, np.nan, 709.782712893384, 709.79, -708.5, -745.1, -745.2, -746.0, 710.0]
EXTREMES = [1.7976931348623157e308, 1e308, -1e308, 5e-324, -5e-324, 2.2250738585072014e-308]


def points(positive: bool) -> np.ndarray:
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=3000) * scale for scale in (1e-310, 1e-300, 1e-9, 1e-3, 0.1, 1, 10, 100, 400)]
    x = np.concatenate([*parts, LIMITS, EXTREMES])
    if positive:
        return np.concatenate(
            [np.abs(x), rng.uniform(0.5, 2, 9000), 10.0 ** rng.uniform(-308, 308, 3000), -x[:9]]
        )
    return x


def written_out(function: Any, x: np.ndarray) -> np.ndarray:
    """What a loop over `x` computes where the function is written out in it."""

    def f(r: Any, x: Any, y: Any) -> Any:
        with r.range(x.shape[0]) as i:
            y[i] = function(x[i])
        return y

    program = record(f, x, x)
    assert f"native.{function.__name__}(" in source(program, checked=True)
    (y,) = load(program)(x, np.empty_like(x))
    assert y.dtype == x.dtype
    return y


def check_near(y: np.ndarray, expected: np.ndarray, true: np.ndarray, ulps: float) -> None:
    """Zeros, infinities and NaN are those `expected`, all else within `ulps` of what is `true`."""
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
    special = ~np.isfinite(expected) | (expected == 0)
    np.testing.assert_array_equal(y[special], expected[special])
    np.testing.assert_array_equal(np.signbit(y[expected == 0]), np.signbit(expected[expected == 0]))
    error = np.abs(y[~special] - true[~special]) / np.spacing(np.abs(expected[~special]))
    assert error.max() < ulps


WITHIN = [(np.exp, 1), (np.log, 1), (np.log1p, 1), (np.tanh, 3)]


@pytest.mark.parametrize(("function", "ulps"), WITHIN)
def test_within_a_few_ulp_of_the_true_value(function: Any, ulps: float) -> None:
    x = points(function is np.log)
    if function is np.log1p:
        near = np.concatenate(
            [np.nextafter(-1.0, 0) + np.arange(50) * 2.0**-53, [-1.0, np.nextafter(-1.0, -2)]]
        )
        x = np.concatenate([x, points(True), points(True) - 1.0, -points(True)[-9:] / 1e308, near])
    y = written_out(function, x)
    with np.errstate(all="ignore"):
        expected, true = function(x), function(x.astype(np.longdouble))
    check_near(y, expected, true, ulps)


@pytest.mark.parametrize(("function", "ulps"), WITHIN)
def test_single_precision_within_a_few_ulp_of_the_true_value(function: Any, ulps: float) -> None:
    """Of every 9,973rd of the 2**32 numbers there are."""
    every = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        limits = np.array([*LIMITS, *EXTREMES, 88.72, 88.723, -87.4, -103.9, -104.1, 3.4e38], np.float32)
        x = np.concatenate([every, limits])
        y = written_out(function, x)
        true = function(x.astype(np.float64))
        check_near(y, true.astype(np.float32), true, ulps)


def test_loops_that_cannot_be_vectorised_call_the_library() -> None:
    def recurrence(r: Any, x: Any) -> Any:
        s = r.cell(np.float64(0.5))
        with r.range(x.shape[0]) as i:
            r.set(s, np.exp(-s) * x[i])
        return s

    def in_place(r: Any, x: Any) -> Any:
        with r.range(1, x.shape[0]) as i:
            x[i] = np.exp(-x[i - 1])
        return x

    def branches(r: Any, x: Any) -> Any:
        with r.range(x.shape[0]) as i, r.when(x[i] > 0):
            x[i] = np.exp(-x[i])
        return x

    for function in (recurrence, in_place, branches):
        text = source(record(function, np.ones(3)), checked=True)
        assert "np.exp(" in text
        assert "native.exp(" not in text


def test_sums_do_not_keep_a_loop_from_it() -> None:
    def f(r: Any, x: Any, y: Any) -> Any:
        total = r.cell(np.float64(0))
        with r.range(x.shape[0]) as i:
            y[i] = y[i] * np.exp(-x[i])
            r.set(total, total + np.log(1 + y[i]))
        return total, y

    x = np.linspace(0.1, 2, 1000)
    program = record(f, x, x)
    assert "native.exp(" in source(program, checked=True)
    assert "native.log(" in source(program, checked=True)
    agree(program, x, x)
