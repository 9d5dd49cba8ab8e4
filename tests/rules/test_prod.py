"""Rows of `rules.prod`: every call in four dtypes, and zeros among the factors, to second order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import spec_of
from pullback.rules import prod
from pullback.rules.read import cotangent, fit
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row

FUNCTIONS = [np.prod, np.nanprod, np.multiply.reduce]


def gradient(function: Any, a: Any, y_bar: Any = 1.0, **options: Any) -> Any:
    """The cotangent of `a`."""
    with np.errstate(all="ignore"):
        x_bar = cotangent(TABLE[function], 0, y_bar, function(a, **options), (a,), options, False)
    return fit(x_bar, spec_of(a)).tolist()


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


def test_zeros_are_exact() -> None:
    assert gradient(np.prod, np.array([2.0, 0.0, 3.0])) == [0, 6, 0]
    assert gradient(np.prod, np.array([2.0, 0.0, 0.0])) == [0, 0, 0]
    assert gradient(np.prod, np.array([0.0])) == [1]
    assert gradient(np.prod, np.zeros(0)) == []


def test_products_of_others_are_exact_integers() -> None:
    for entries in itertools.product([0.0, 2.0, -3.0], repeat=4):
        others = [np.prod(entries[:i] + entries[i + 1 :]) for i in range(4)]
        assert gradient(np.prod, np.array(entries)) == others
        assert prod.product_of_others(np.array(entries).reshape(2, 2), None).ravel().tolist() == others


def test_initial_multiplies_and_a_mask_leaves_out() -> None:
    a = np.array([2.0, 0.0, 3.0])
    assert gradient(np.prod, a, initial=5.0) == [0, 30, 0]
    assert gradient(np.prod, a, where=np.array([True, False, True])) == [3, 0, 2]
    assert gradient(np.nanprod, np.array([2.0, np.nan, 3.0])) == [3, 0, 2]


def test_a_zero_cotangent_gives_zero_where_the_others_overflow() -> None:
    a = np.array([1e200, 1e200, 1e200])
    assert gradient(np.prod, a.reshape(1, 3), np.zeros(1), axis=1) == [[0, 0, 0]]


def test_multiply_reduce_goes_over_the_first_axis() -> None:
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert gradient(np.multiply.reduce, a, np.ones(2)) == [[3, 4], [1, 2]]
