"""Rows of `rules.average`: every call in four dtypes; one set of weights seen two ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.rules import average
from pullback.rules.read import cotangent, tangent
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", [np.average, np.trapezoid], ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


def test_aligning_weights_is_undone() -> None:
    rng = np.random.default_rng(0)
    weights, w_bar = rng.standard_normal((4, 2)), rng.standard_normal((2, 3, 4))
    aligned = average.aligned(weights, (2, 3, 4), (2, 0))
    back = average.unaligned(w_bar, (4, 2), (2, 3, 4), (2, 0))
    assert np.isclose(np.sum(np.broadcast_to(aligned, (2, 3, 4)) * w_bar), np.sum(weights * back))


def test_the_scale_of_the_weights_has_no_derivative() -> None:
    a, weights = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])
    y = np.average(a, None, weights)
    w_bar = cotangent(TABLE[np.average], 2, 1.0, y, (a, None, weights), {}, False)
    assert abs(np.sum(w_bar * weights)) < 1e-15


def test_spacing_has_no_derivative_beside_abscissae() -> None:
    y, x = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0])
    area, args = np.trapezoid(y, x), (y, x, 1.0)
    assert cotangent(TABLE[np.trapezoid], 2, np.array(1.0), area, args, {}, False) == 0
    assert tangent(TABLE[np.trapezoid], 2, np.array(1.0), area, args, {}) == 0
