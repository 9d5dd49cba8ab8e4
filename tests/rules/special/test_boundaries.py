"""Conventions at the edge of a domain, exact limits there, and arguments that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.rules.lookup import rule_of
from pullback.rules.read import cotangent, tangent
from pullback.rules.special import integrals
from pullback.rules.special.gamma import multigammaln
from pullback.rules.special.polygamma import polygamma_at
from pullback.rules.table import TABLE


def derivative(function: Any, position: int, *args: Any) -> Any:
    with np.errstate(all="ignore"):
        return tangent(TABLE[function], position, 1.0, function(*args), args, {})


@pytest.mark.parametrize(
    ("function", "position", "args", "expected"),
    [
        (special.xlogy, 1, (0.0, 0.0), 0.0),
        (special.xlogy, 0, (0.0, 0.0), -np.inf),
        (special.xlogy, 0, (0.0, 2.0), np.log(2.0)),
        (special.xlog1py, 1, (0.0, -1.0), 0.0),
        (special.entr, 0, (0.0,), np.inf),
        (special.entr, 0, (-1.0,), np.nan),
        (special.rel_entr, 0, (0.0, 0.0), 0.0),
        (special.rel_entr, 1, (0.0, 0.0), 0.0),
        (special.rel_entr, 1, (0.0, 2.0), 0.0),
        (special.rel_entr, 0, (0.0, 2.0), -np.inf),
        (special.kl_div, 0, (0.0, 0.0), 0.0),
        (special.kl_div, 1, (0.0, 0.0), 1.0),
        (special.huber, 1, (1.0, 1.0), 1.0),
        (special.huber, 1, (1.0, -3.0), -1.0),
        (special.huber, 0, (1.0, -3.0), 2.0),
        (special.huber, 0, (-1.0, 3.0), np.nan),
        (special.pseudo_huber, 0, (0.0, -3.0), 3.0),
        (special.pseudo_huber, 1, (0.0, -3.0), 0.0),
        (special.pseudo_huber, 0, (0.0, 0.0), 0.0),
        (special.pseudo_huber, 1, (0.0, 0.0), 0.0),
        (special.pseudo_huber, 1, (1e-200, 1e200), 1e-200),
        (special.boxcox, 1, (0.0, 2.0), 0.25),
        (special.boxcox, 1, (3.0, 0.0), 0.5 * np.log(3.0) ** 2),
        (special.boxcox1p, 1, (-1.0, 2.0), 0.25),
        (special.inv_boxcox, 1, (2.0, 0.0), -2.0 * np.exp(2.0)),
        (special.exprel, 0, (0.0,), 0.5),
        (special.exprel, 0, (1e300,), np.inf),
        (special.exprel, 0, (-np.inf,), 0.0),
        (special.exprel, 0, (-1e18,), 1e-36),
        (special.exprel, 0, (np.nan,), np.nan),
        (special.logit, 0, (0.0,), np.inf),
        (special.log1p, 0, (-1.0,), np.inf),
        (special.cbrt, 0, (0.0,), np.inf),
        (special.erfcx, 0, (0.0,), -2 / np.sqrt(np.pi)),
        (special.erfcx, 0, (1e-200,), -2 / np.sqrt(np.pi)),
        (special.dawsn, 0, (0.0,), 1.0),
        (special.kv, 1, (1.5, 0.0), -np.inf),
        (special.expit, 0, (np.inf,), 0.0),
        (special.expit, 0, (-np.inf,), 0.0),
        (special.log_expit, 0, (-np.inf,), 1.0),
        (special.i0e, 0, (0.0,), 0.0),
        (special.i1e, 0, (0.0,), 0.5),
        (special.jv, 1, (1.0, 0.0), 0.5),
        (special.iv, 1, (1, 0.0), 0.5),
        (special.spence, 0, (1.0,), -1.0),
        (special.ellipk, 0, (0.0,), np.pi / 8),
        (special.ellipe, 0, (0.0,), -np.pi / 8),
        (special.ellipkm1, 0, (1.0,), -np.pi / 8),
        (special.gammainc, 1, (1.0, 0.0), 1.0),
        (special.gammainc, 1, (0.5, 0.0), np.inf),
        (special.gammainc, 1, (50.0, 0.0), 0.0),
        (special.betainc, 2, (1.0, 1.0, 0.0), 1.0),
        (special.log_ndtr, 0, (40.0,), 0.0),
        (integrals.lambertw, 0, (0.0, 0, 1e-8), 1.0),
    ],
    ids=str,
)
def test_value_at_the_edge(function: Any, position: int, args: tuple[Any, ...], expected: float) -> None:
    np.testing.assert_allclose(derivative(function, position, *args), expected, rtol=1e-14)


def test_rgamma_at_the_poles_of_gamma() -> None:
    poles = -np.arange(6.0)
    factorials = [1, -1, 2, -6, 24, -120]
    np.testing.assert_allclose(derivative(special.rgamma, 0, poles), factorials, rtol=1e-12)


def test_scaled_bessel_functions_at_negative_arguments() -> None:
    x = np.array([-2.0, -30.0, -5e3])
    np.testing.assert_allclose(derivative(special.i0e, 0, x), -derivative(special.i0e, 0, -x), rtol=1e-14)
    np.testing.assert_allclose(derivative(special.i1e, 0, x), derivative(special.i1e, 0, -x), rtol=1e-14)
    np.testing.assert_allclose(
        derivative(special.ive, 1, 2, x), -derivative(special.ive, 1, 2, -x), rtol=1e-14
    )


def test_zero_seed_gives_zero_where_the_derivative_is_infinite() -> None:
    x = np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        x_bar = cotangent(TABLE[special.entr], 0, np.array([0.0, 1.0]), special.entr(x), (x,), {}, False)
    np.testing.assert_array_equal(x_bar, [0.0, -1.0])


@pytest.mark.parametrize(
    ("function", "position", "args", "reason"),
    [
        (special.jv, 0, (1.5, 2.0), "order of a Bessel function"),
        (special.ive, 0, (1.5, 2.0), "order of a Bessel function"),
        (special.gammainc, 0, (1.5, 2.0), "integral or a slow series"),
        (special.betainc, 1, (1.5, 2.0, 0.5), "integral or a slow series"),
        (special.hyp1f1, 0, (1.5, 2.0, 0.5), "parameters"),
        (special.polygamma, 0, (1.0, 2.0), "whole number"),
        (multigammaln, 1, (3.0, 2.0), "whole number"),
        (integrals.hurwitz_zeta, 0, (1.5, 2.0), "zeta(x, q) in x"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_refused_argument(function: Any, position: int, args: tuple[Any, ...], reason: str) -> None:
    rule = TABLE[function]
    with pytest.raises(NotDifferentiableError) as error:
        tangent(rule, position, 1.0, 1.0, args, {})
    assert rule.name in str(error.value)
    assert reason in str(error.value)


def test_zeta_of_one_argument_is_refused_by_its_public_name() -> None:
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.zeta is not supported") as error:
        rule_of(integrals.riemann_zeta)
    assert "the one in q is known" in str(error.value)


ODD = [np.inf, -np.inf, np.nan, 0.0, -3.0, -1e18, -1e12 + 0.5, 1e300, -1e300, 1e-310]
ODD_COMPLEX = [
    *map(complex, ODD), complex(1, np.inf), complex(-np.inf, np.nan), complex(np.nan, 1), -1e300 + 1j,
    -1e16 + 1e-3j, 5e300 - 5e300j,
]  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3])
def test_polygamma_ends_wherever_it_is_asked(order: int) -> None:
    with np.errstate(all="ignore"):
        real = polygamma_at(order, np.array(ODD))
        there = polygamma_at(order, np.array(ODD_COMPLEX))
    near = [0, 1, 2, 3, 4, 5, 7, 8]
    np.testing.assert_allclose(real[near], special.polygamma(order, np.array(ODD)[near]))
    assert np.isnan(there[[1, 2, 3, 4, 5, 11, 12]]).all()
    np.testing.assert_array_equal(there[[0, 7, 10]], 0 if order > 1 else [0, 1e-300, 0])
    assert np.isfinite(there[[6, 13, 14, 15]]).all()


def test_polygamma_far_left_of_zero() -> None:
    # Beyond -100 by reflection: at half integers what is left is the cotangent's slope.
    np.testing.assert_allclose(polygamma_at(1, -1e12 + 0.5), np.pi**2, rtol=1e-11)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(derivative(special.digamma, 0, -1e12 + 0.5), np.pi**2, rtol=1e-11)
        np.testing.assert_allclose(derivative(special.gammaln, 0, -1e12 + 0.25), 24.489428, rtol=1e-6)
    orders = np.array([1, 2])
    np.testing.assert_allclose(polygamma_at(orders, -99.3), special.polygamma(orders, -99.3))
    np.testing.assert_allclose(polygamma_at(orders, -101.3), special.polygamma(orders, -101.3), rtol=1e-12)
    assert polygamma_at(1, np.float32(-200.3)).dtype == np.float32
