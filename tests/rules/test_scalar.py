"""Ufuncs: all of NumPy's have a row, right in four dtypes, accurate, and right at odd points."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from pullback.rules import bessel, extrema, powers, rounding, scalar
from pullback.rules import complex as complex_rules
from pullback.rules.product import scale
from pullback.rules.sinc import sinc_derivative
from pullback.rules.table import TABLE
from pullback.testing import check_rule
from pullback.testing.slopes import slope

MODULES = (bessel, complex_rules, extrema, powers, rounding, scalar)
PRODUCTS = {np.matmul} | {getattr(np, name) for name in ("vecdot", "matvec", "vecmat") if hasattr(np, name)}
UFUNCS = sorted(
    {f for f in vars(np).values() if isinstance(f, np.ufunc)} - PRODUCTS, key=lambda f: f.__name__
)
MOVING = [f for f in UFUNCS if not TABLE[f].constant]
INF = np.inf


def test_modules_are_loaded() -> None:
    assert all(module.__doc__ for module in MODULES)


@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_every_ufunc_has_a_row(function: Any) -> None:
    assert function in TABLE


@pytest.mark.parametrize("function", [*MOVING, np.sinc, np.i0], ids=lambda f: f.__name__)
def test_row(function: Any) -> None:
    assert check_rule(function) > 0


@pytest.mark.parametrize("function", [f for f in UFUNCS if TABLE[f].constant], ids=lambda f: f.__name__)
def test_a_constant_is_nothing_else(function: Any) -> None:
    rule = TABLE[function]
    assert rule.partials is None
    assert not rule.vjps
    assert not rule.jvps
    assert not rule.linear


ACCURATE = [
    (np.exp, mpmath.exp, [-30.0, 0.0, 30.0]),
    (np.expm1, mpmath.expm1, [-1e-9, 0.0, 1e-9, 5.0]),
    (np.log, mpmath.log, [1e-300, 1.0, 1e300]),
    (np.log1p, mpmath.log1p, [-0.999, 0.0, 1e-12, 1e12]),
    (np.sqrt, mpmath.sqrt, [1e-300, 1.0, 1e300]),
    (np.cbrt, mpmath.cbrt, [1e-100, 2.0, 1e100]),
    (np.sin, mpmath.sin, [0.0, 1.0, 100.0]),
    (np.tan, mpmath.tan, [0.0, 1.5, -1.5]),
    (np.arcsin, mpmath.asin, [0.0, 0.999999, -0.999999]),
    (np.arccos, mpmath.acos, [0.0, 0.999999, -0.999999]),
    (np.arctan, mpmath.atan, [0.0, 1e8, -1e8]),
    (np.arcsinh, mpmath.asinh, [0.0, 1e8, -1e8]),
    (np.arccosh, mpmath.acosh, [1.000001, 2.0, 1e8]),
    (np.arctanh, mpmath.atanh, [0.0, 0.999999, -0.999999]),
    (np.tanh, mpmath.tanh, [0.0, 1e-9, 1.0]),
    (np.sinh, mpmath.sinh, [0.0, 20.0]),
    (np.cosh, mpmath.cosh, [1e-9, 20.0]),
    (np.exp2, lambda x: mpmath.mpf(2) ** x, [-20.0, 0.0, 20.0]),
    (np.log2, lambda x: mpmath.log(x, 2), [1e-9, 1.0, 1e9]),
    (np.log10, mpmath.log10, [1e-9, 1.0, 1e9]),
    (np.i0, lambda x: mpmath.besseli(0, x), [0.0, 1e-9, 2.0, -30.0]),
    (np.sinc, mpmath.sincpi, [0.0, 1e-9, 1e-3, 0.3, 0.7, 3.3, -20.1]),
]


@pytest.mark.parametrize(("function", "exact", "points"), ACCURATE, ids=lambda v: getattr(v, "__name__", ""))
def test_partials_lose_no_accuracy(function: Any, exact: Any, points: list[float]) -> None:
    with mpmath.workdps(60):
        expected = [
            float(mpmath.diff(exact, mpmath.mpf(x), h=mpmath.mpf(10) ** -25 * (abs(x) or 1))) for x in points
        ]
    np.testing.assert_allclose(slope(function, np.array(points)), expected, rtol=2e-14, atol=1e-17)


@pytest.mark.parametrize("value", [0.0, np.float64(0), np.zeros(()), np.float32(0)])
def test_singular_points_are_infinite_and_never_raise(value: Any) -> None:
    assert slope(np.sqrt, value) == INF
    assert slope(np.log, value) == INF
    assert slope(np.log2, value) == INF
    assert slope(np.cbrt, value) == INF
    assert slope(np.log1p, value - 1) == INF
    assert slope(np.arctanh, value + 1) == INF
    assert slope(np.arcsin, value + 1) == INF
    assert slope(np.divide, 1.0, value) == INF
    assert slope(np.divide, 1.0, 0) == INF


@pytest.mark.parametrize("function", [np.sqrt, np.log, np.cbrt, np.reciprocal])
def test_a_zero_seed_silences_a_singular_partial(function: Any) -> None:
    with np.errstate(all="ignore"):
        x = np.zeros(3)
        partial = TABLE[function].partials[0].function(function(x), x)  # type: ignore[index, union-attr]
        assert np.array_equal(scale(partial, np.zeros(3)), np.zeros(3))


def test_hypot_is_zero_at_the_origin_and_neither_overflows_nor_underflows() -> None:
    a, b = np.array([0.0, 3e200, 3e-200, 0.0]), np.array([0.0, 4e200, 4e-200, 2.0])
    np.testing.assert_allclose(slope(np.hypot, a, b), [0, 0.6, 0.6, 0])
    np.testing.assert_allclose(slope(np.hypot, a, b, argument=1), [0, 0.8, 0.8, 1])


def test_arctan2_is_zero_at_the_origin_and_neither_overflows_nor_underflows() -> None:
    a, b = np.array([0.0, 3e200, 3e-200, 0.0]), np.array([0.0, 4e200, 4e-200, -2.0])
    np.testing.assert_allclose(slope(np.arctan2, a, b), [0, 0.16e-200, 0.16e200, -0.5])
    np.testing.assert_allclose(slope(np.arctan2, a, b, argument=1), [0, -0.12e-200, -0.12e200, 0])


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
def test_logaddexp_shares_equal_infinities_and_keeps_small_shares(function: Any) -> None:
    a = np.array([-INF, INF, -INF, INF, 2.0, 1e4])
    b = np.array([-INF, INF, 0.0, -INF, 2.0, 1e4])
    np.testing.assert_array_equal(slope(function, a, b), [0.5, 0.5, 0, 1, 0.5, 0.5])
    np.testing.assert_array_equal(slope(function, a, b, argument=1), [0.5, 0.5, 1, 0, 0.5, 0.5])
    base = np.e if function is np.logaddexp else 2.0
    np.testing.assert_allclose(slope(function, 1000.0, 1100.0), base**-100.0, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_derivatives_of_sinc_are_accurate_at_and_near_zero(order: int) -> None:
    points = [0.0, 1e-8, 1e-3, 0.2, 0.63, 0.64, 0.95, 0.96, 1.27, 2.5, 2.6, 10.3]
    with mpmath.workdps(60):
        taylor = [_sinc_derivative(x, order) for x in points]
    ours = sinc_derivative(np.array(points + [-x for x in points]), order)
    expected = np.array(taylor + [(-1) ** order * value for value in taylor])
    np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-14 * np.pi**order)
    assert sinc_derivative(np.float32(0.1), order).dtype == np.float32


def _sinc_derivative(x: float, order: int) -> float:
    """π^n ∫₀¹ tⁿ cos(πxt + nπ/2) dt."""

    def integrand(t: Any) -> Any:
        return t**order * mpmath.cos(mpmath.pi * x * t + order * mpmath.pi / 2)

    return float(mpmath.pi**order * mpmath.quad(integrand, mpmath.linspace(0, 1, 12)))


def test_the_derivatives_of_i0_and_sinc_are_closed_families() -> None:
    assert check_rule(bessel.bessel_i) > 0
    assert check_rule(sinc_derivative) > 0


@pytest.mark.parametrize("function", [np.sin, np.exp, np.log, np.tanh, np.sqrt, np.degrees, np.exp2, np.sinc])
def test_single_precision_stays_single(function: Any) -> None:
    x = np.array([0.25, 0.5], np.float32)
    partial = TABLE[function].partials[0]  # type: ignore[index]
    value = partial.function(function(x), x) if hasattr(partial, "function") else partial  # type: ignore[union-attr]
    assert scale(value, x).dtype == np.float32
