"""`power` and `float_power` where a naive rule gives NaN: base 0, exponents 0, 1 and 2, negative bases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.rules import powers
from pullback.testing.slopes import slope

FUNCTIONS = [np.power, np.float_power]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("base", [0.0, np.float64(0), np.zeros(2), np.zeros(2, np.float32)])
def test_integer_powers_at_zero(function: Any, base: Any) -> None:
    for exponent in (0, 0.0, np.int64(0), np.zeros(2), np.zeros(2, int)):
        assert np.all(slope(function, base + np.zeros_like(exponent, float), exponent) == 0)
    for exponent in (1, 1.0, np.int64(1), np.ones(2)):
        assert np.all(slope(function, base + np.zeros_like(exponent, float), exponent) == 1)
    for exponent in (2, 2.0, np.int64(2), np.full(2, 2.0), 3, 2.5):
        assert np.all(slope(function, base + np.zeros_like(exponent, float), exponent) == 0)
    assert np.all(slope(function, base, 0.5) == np.inf)
    assert np.all(slope(function, base, -1) == -np.inf)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("exponent", [-2, -1, 0, 1, 2, 3, 5, 0.5, -1.5, 2.7])
def test_scalar_and_array_exponents_agree(function: Any, exponent: Any) -> None:
    base = np.array([0.3, 1.0, 2.0, 1e-5])
    expected = exponent * base ** (exponent - 1.0)
    np.testing.assert_allclose(slope(function, base, exponent), expected, rtol=1e-14)
    np.testing.assert_allclose(slope(function, base, np.full(4, float(exponent))), expected, rtol=1e-14)
    np.testing.assert_allclose([slope(function, float(x), exponent) for x in base], expected, rtol=1e-14)


@pytest.mark.parametrize("exponent", [2, 3, 4.0, -1, -2.0])
def test_integer_powers_of_negative_bases(exponent: Any) -> None:
    base = np.array([-2.0, -0.5])
    np.testing.assert_allclose(
        slope(np.power, base, exponent), exponent * base ** (exponent - 1.0), rtol=1e-15
    )
    assert slope(np.power, -2.0, exponent) == exponent * (-2.0) ** (exponent - 1)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_derivative_in_the_exponent_at_base_zero(function: Any) -> None:
    exponents = np.array([0.0, 1.0, 2.0, 0.5])
    assert np.array_equal(slope(function, np.zeros(4), exponents, argument=1), np.zeros(4))
    assert np.array_equal(slope(function, 0.0, exponents, argument=1), np.zeros(4))
    assert np.array_equal(slope(function, 0, exponents, argument=1), np.zeros(4))
    assert np.all(np.isinf(slope(function, np.zeros(2), np.array([-1.0, -0.5]), argument=1)))


def test_derivative_in_the_exponent_of_a_negative_base_does_not_exist() -> None:
    assert np.all(np.isnan(slope(np.power, np.array([-2.0]), np.array([2.0]), argument=1)))
    assert np.isnan(slope(np.power, -2.0, np.array([3.0]), argument=1))


def test_a_number_to_the_power_of_single_precision_stays_single() -> None:
    x = np.array([0.5, 1.5], np.float32)
    assert powers.power_in_exponent(2.0**x, 2.0, x).dtype == np.float32
    assert powers.power_in_exponent(2**x, 2, x).dtype == np.float32
    assert powers.power_in_base(x**2.5, x, 2.5).dtype == np.float32
    np.testing.assert_allclose(slope(np.power, 2, x, argument=1), np.log(2) * 2**x, rtol=1e-6)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 2 + 0j, 0.5j])
def test_complex_base(exponent: Any) -> None:
    base = np.array([0.3 - 0.4j, -1.2 + 0.1j])
    expected = exponent * base ** (exponent - 1)
    ours = powers.power_in_base(base**exponent, base, exponent)
    np.testing.assert_allclose(np.broadcast_to(ours, (2,)), expected, rtol=1e-14, atol=1e-300)
