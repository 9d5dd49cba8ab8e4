"""`interp` in each argument, at knots and outside; `unwrap`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.rules import interpolate
from pullback.rules.read import cotangent, tangent
from pullback.rules.table import TABLE
from pullback.testing import check_rule
from pullback.testing.slopes import slope

KNOTS, VALUES = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 0.0])


@pytest.mark.parametrize("function", [np.interp, np.unwrap], ids=lambda f: f.__name__)
def test_row(function: Any) -> None:
    assert check_rule(function) > 0


def test_slopes_at_knots_and_outside() -> None:
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    assert np.array_equal(slope(np.interp, x, KNOTS, VALUES), [0, 2, 2, -1, -1, -1, 0])
    assert np.array_equal(slope(np.interp, x, [0.0, 1.0, 3.0], [0.0, 2.0, 0.0]), [0, 2, 2, -1, -1, -1, 0])
    assert slope(np.interp, 0.5, KNOTS, VALUES) == 2


def test_one_knot_is_a_constant() -> None:
    assert slope(np.interp, 0.5, np.zeros(1), np.ones(1)) == 0


def test_complex_values() -> None:
    values = VALUES * (1 + 2j)
    args = (np.array([0.5, 2.0]), KNOTS, values)
    y = np.interp(*args)
    assert np.allclose(tangent(TABLE[np.interp], 0, np.ones(2), y, args, {}), [2 + 4j, -1 - 2j])
    weights = cotangent(TABLE[np.interp], 2, np.array([1j, 1 + 0j]), y, args, {}, True)
    assert np.allclose(weights, [0.5j, 0.5 + 0.5j, 0.5])


def test_a_period_is_an_error() -> None:
    with pytest.raises(UnsupportedError, match="period"):
        interpolate.interp_vjp_x(1.0, 0.5, 0.5, KNOTS, VALUES, period=3.0)


def test_unwrap_has_derivative_one() -> None:
    assert np.array_equal(slope(np.unwrap, np.array([0.0, 3.0, 9.0, -2.0])), np.ones(4))
