"""Rows of `rules.cumulative` and `rules.recurrence`: every call in four dtypes, zeros in running products."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import spec_of
from pullback.rules import recurrence
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

importlib.import_module("pullback.rules.cumulative")
FUNCTIONS = [
    np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.add.accumulate, np.multiply.accumulate,
    recurrence.recurrence,
    *[getattr(np, name) for name in ("cumulative_sum", "cumulative_prod") if hasattr(np, name)],
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


def jacobian_of_cumprod(a: Any) -> Any:
    """Row i, column j: the product of the entries up to i, but j."""
    kept = [[0 if j > i else np.prod(np.delete(a[: i + 1], j)) for j in range(a.size)] for i in range(a.size)]
    return np.array(kept)


@pytest.mark.parametrize("function", [np.cumprod, np.multiply.accumulate], ids=name_of)
def test_zeros_are_exact(function: Any) -> None:
    for entries in itertools.product([0.0, 2.0, -3.0], repeat=4):
        a = np.array(entries)
        y, expected = function(a), jacobian_of_cumprod(a)
        for i, unit in enumerate(np.eye(4)):
            x_bar = cotangent(TABLE[function], 0, unit, y, (a,), {}, False)
            assert fit(x_bar, spec_of(a)).tolist() == expected[i].tolist()
            assert tangent(TABLE[function], 0, unit, y, (a,), {}).tolist() == expected[:, i].tolist()


def test_a_zero_cotangent_gives_zero_where_the_product_overflows() -> None:
    a, y_bar = np.full(3, 1e200), np.array([1.0, 0.0, 0.0])
    with np.errstate(all="ignore"):
        x_bar = cotangent(TABLE[np.cumprod], 0, y_bar, np.cumprod(a), (a,), {}, False)
    assert x_bar.tolist() == [1, 0, 0]


def test_nan_is_skipped() -> None:
    a = np.array([2.0, np.nan, 3.0])
    y_bar = np.ones(3)
    assert cotangent(TABLE[np.nancumsum], 0, y_bar, np.nancumsum(a), (a,), {}, False).tolist() == [3, 0, 1]
    assert cotangent(TABLE[np.nancumprod], 0, y_bar, np.nancumprod(a), (a,), {}, False).tolist() == [5, 0, 2]


@pytest.mark.parametrize("reverse", [False, True])
def test_recurrence_is_what_it_says(reverse: bool) -> None:
    rng = np.random.default_rng(0)
    factor, term = rng.standard_normal((2, 3, 6))
    s = recurrence.recurrence(factor, term, 1, reverse)
    before = np.zeros_like(s)
    if reverse:
        before[:, :-1] = s[:, 1:]
    else:
        before[:, 1:] = s[:, :-1]
    assert np.allclose(s, term + factor * before, rtol=1e-14)
    one = recurrence.recurrence(factor[0], term[0], 0, reverse)
    assert np.allclose(one, s[0], rtol=1e-14)
