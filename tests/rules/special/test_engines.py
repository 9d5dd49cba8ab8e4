"""The rules through the engines: second order by nesting, both modes, and the errors a user meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import pullback as pb
from pullback.rules.special.gamma import beta_density, gamma_density
from pullback.rules.special.polygamma import digamma_step
from pullback.scipy import special as ours

SECOND_ORDER: list[tuple[str, Callable[..., Any], float]] = [
    ("erf", special.erf, 0.7),
    ("erfc", special.erfc, 0.7),
    ("erfi", special.erfi, 0.7),
    ("erfcx", special.erfcx, 0.7),
    ("erfcx, far", lambda x: special.erfcx(30 * x), 0.8),
    ("dawsn", special.dawsn, 0.7),
    ("dawsn, far", lambda x: special.dawsn(30 * x), 0.8),
    ("wofz", lambda x: np.imag(special.wofz(x)), 0.7),
    ("dawsn at 0", special.dawsn, 0.0),
    ("erfcx at 0", special.erfcx, 0.0),
    ("erfinv", special.erfinv, 0.4),
    ("erfcinv", special.erfcinv, 0.4),
    ("gamma", special.gamma, 1.7),
    ("gammaln", special.gammaln, 1.7),
    ("rgamma", special.rgamma, 1.7),
    ("rgamma at a pole", special.rgamma, -2.0),
    ("digamma", special.digamma, 1.7),
    ("polygamma", lambda x: ours.polygamma(2, x), 1.7),
    ("multigammaln", lambda x: ours.multigammaln(x, 3), 2.7),
    ("beta in a", lambda x: special.beta(x, 2.5), 1.7),
    ("beta in both", lambda x: special.beta(x, x * x), 1.7),
    ("betaln", lambda x: special.betaln(x, x * x), 1.7),
    ("digamma_step", lambda x: digamma_step(x, x * x), 1.7),
    ("poch", lambda x: special.poch(x, x * x), 1.7),
    ("binom", lambda x: special.binom(4 * x, x), 1.7),
    ("gammainc", lambda x: special.gammainc(2.5, x), 1.7),
    ("gammainc, large", lambda x: special.gammainc(40.0, 20 * x), 1.7),
    ("gamma_density", lambda x: gamma_density(x, x * x), 1.7),
    ("gammaincinv", lambda x: special.gammaincinv(2.5, x), 0.7),
    ("betainc", lambda x: special.betainc(2.5, 1.5, x), 0.3),
    ("beta_density", lambda x: beta_density(x, 1 + x, x), 0.3),
    ("betaincinv", lambda x: special.betaincinv(2.5, 1.5, x), 0.3),
    ("expit", special.expit, 0.7),
    ("logit", special.logit, 0.7),
    ("log_expit", special.log_expit, 0.7),
    ("exprel", special.exprel, 0.0),
    ("powm1", lambda x: special.powm1(x, x), 0.7),
    ("xlogy", lambda x: special.xlogy(x, x * x), 0.7),
    ("xlog1py", lambda x: special.xlog1py(x, x * x), 0.7),
    ("entr", special.entr, 0.7),
    ("rel_entr", lambda x: special.rel_entr(x, x * x), 0.7),
    ("kl_div", lambda x: special.kl_div(x, x * x), 0.7),
    ("huber", lambda x: special.huber(1.0, x * x), 0.7),
    ("pseudo_huber", lambda x: special.pseudo_huber(x, x * x), 0.7),
    ("boxcox", lambda x: special.boxcox(x, x * x), 0.7),
    ("boxcox at power 0", lambda x: special.boxcox(2.0, x), 0.0),
    ("boxcox1p", lambda x: special.boxcox1p(x, x * x), 0.7),
    ("inv_boxcox", lambda x: special.inv_boxcox(x, x * x), 0.7),
    ("inv_boxcox at power 0", lambda x: special.inv_boxcox(2.0, x), 0.0),
    ("inv_boxcox1p", lambda x: special.inv_boxcox1p(x, x * x), 0.7),
    ("j0", special.j0, 1.7),
    ("j1", special.j1, 0.0),
    ("y1", special.y1, 1.7),
    ("i1", special.i1, 1.7),
    ("k1", special.k1, 1.7),
    ("jv", lambda x: special.jv(2.5, x), 1.7),
    ("yv", lambda x: special.yv(2.5, x), 1.7),
    ("iv", lambda x: special.iv(2.5, x), 1.7),
    ("kv", lambda x: special.kv(2.5, x), 1.7),
    ("i0e", special.i0e, -1.7),
    ("i1e", special.i1e, -1.7),
    ("ive", lambda x: special.ive(2.5, x), 1.7),
    ("k0e", special.k0e, 1.7),
    ("kve", lambda x: special.kve(2.5, x), 1.7),
    ("kn", lambda x: special.kn(2, x), 1.7),
    ("yn", lambda x: special.yn(2, x), 1.7),
    ("hankel1e", lambda x: np.real(special.hankel1e(1.5, x)), 1.7),
    ("ndtr", special.ndtr, 0.7),
    ("log_ndtr", special.log_ndtr, -20.0),
    ("ndtri", special.ndtri, 0.3),
    ("ndtri_exp", special.ndtri_exp, -0.3),
    ("zeta in q", lambda x: special.zeta(2.5, x), 1.7),
    ("spence", special.spence, 1.0),
    ("ellipk", special.ellipk, 0.0),
    ("ellipe", special.ellipe, 0.6),
    ("ellipkm1", special.ellipkm1, 0.3),
    ("ellipkinc", lambda x: special.ellipkinc(x, 0.3), 0.7),
    ("lambertw", lambda x: np.real(special.lambertw(x)), 0.7),
    ("airy", lambda x: special.airy(x)[0], 0.7),
    ("fresnel", lambda x: special.fresnel(x)[1], 0.7),
    ("sici", lambda x: special.sici(x)[0], 0.7),
    ("expn", lambda x: special.expn(3, x), 0.7),
    ("logsumexp", lambda x: ours.logsumexp(np.stack([x, x * x, 0.3 * x])), 0.7),
    ("weights", lambda x: ours.logsumexp(np.stack([x, x * x]), b=np.stack([x, x + x])), 0.7),
    ("softmax", lambda x: ours.softmax(np.stack([x, x * x]))[0], 0.7),
    ("log_softmax", lambda x: ours.log_softmax(np.stack([x, x * x]))[0], 0.7),
]


@pytest.mark.parametrize(
    ("function", "x"), [case[1:] for case in SECOND_ORDER], ids=[c[0] for c in SECOND_ORDER]
)
def test_second_order(function: Callable[..., Any], x: float) -> None:
    first = pb.grad(function)
    step = 1e-5
    expected = (first(x + step) - first(x - step)) / (2 * step)
    reverse = pb.grad(first)(x)
    forward = pb.jvp(first, (x,), (1.0,))[1]
    twice_forward = pb.jvp(lambda t: pb.jvp(function, (t,), (1.0,))[1], (x,), (1.0,))[1]
    assert reverse == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert forward == pytest.approx(reverse, rel=1e-9, abs=1e-13)
    assert twice_forward == pytest.approx(reverse, rel=1e-9, abs=1e-13)


def test_second_order_of_a_complex_digamma() -> None:
    second = pb.grad(pb.grad(special.digamma, holomorphic=True), holomorphic=True, convention="jax")(0.4 + 1j)
    step = 1e-3
    x = 0.4 + 1j + step * np.array([-1, 0, 1])
    expected = special.digamma(x) @ np.array([1, -2, 1]) / step**2
    assert second == pytest.approx(expected, rel=1e-5)


def test_second_order_where_every_entry_is_minus_infinity() -> None:
    a = np.array([[-np.inf, -np.inf], [0.0, 1.0]])
    hessian = pb.hessian(lambda a: np.sum(np.where(np.arange(2) == 1, ours.logsumexp(a, axis=1), 0.0)))(a)
    assert np.isfinite(hessian).all()


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_scipys_own_function_names_ours(name: str, transform: str) -> None:
    x = np.ones(3)
    function = getattr(special, name)
    with pytest.raises(pb.UnsupportedError) as error:
        pb.grad(lambda x: np.sum(function(x)))(x) if transform == "grad" else pb.jvp(function, (x,), (x,))
    assert f"scipy.special.{name} would turn" in str(error.value)
    assert f"call pullback.scipy.special.{name}" in str(error.value)


def test_scipys_own_polygamma_names_ours() -> None:
    with pytest.raises(pb.UnsupportedError, match=r"call pullback\.scipy\.special\.polygamma"):
        pb.grad(lambda x: special.polygamma(1, x))(0.5)


def test_zeta_in_its_first_argument() -> None:
    for function in (special.zeta, ours.zeta):
        with pytest.raises(
            pb.UnsupportedError, match=r"scipy\.special\.zeta is not supported on tracked values"
        ):
            pb.grad(function)(2.5)
        with pytest.raises(
            pb.NotDifferentiableError, match=r"scipy\.special\.zeta has no derivative in its argument 0"
        ):
            pb.grad(lambda s, zeta=function: zeta(s, 2.0))(2.5)


def test_return_sign_is_refused() -> None:
    with pytest.raises(pb.UnsupportedError, match="return_sign=True"):
        pb.grad(lambda a: ours.logsumexp(a, return_sign=True)[0])(np.ones(2))


def test_order_and_complex_argument_of_bessel_functions() -> None:
    with pytest.raises(pb.NotDifferentiableError, match="order of a Bessel function"):
        pb.grad(lambda v: special.jv(v, 2.0))(1.5)
    for function in (special.ive, special.jve, special.yve):
        with pytest.raises(pb.NotDifferentiableError, match="complex argument"):
            pb.grad(lambda z, scaled=function: np.real(scaled(2, z)))(1 + 1j)


def test_name_without_a_rule() -> None:
    with pytest.raises(pb.UnsupportedError, match=r"scipy\.special\.eval_chebyt has no rule"):
        pb.grad(lambda x: special.eval_chebyt(3, x))(0.5)


def test_entropy_of_a_probability_that_is_zero() -> None:
    p = np.array([0.0, 0.5])

    def entropy(p: Any) -> Any:
        return np.sum(np.where(p > 0, special.entr(p), 0.0))

    np.testing.assert_allclose(pb.grad(entropy)(p), [0.0, -np.log(0.5) - 1])
    np.testing.assert_allclose(pb.hessian(entropy)(p), [[0.0, 0.0], [0.0, -2.0]])


def test_single_precision_through_the_engines() -> None:
    x = np.array([0.4, 0.8], np.float32)
    assert pb.grad(lambda x: np.sum(special.digamma(x) + special.spence(x)))(x).dtype == np.float32
    assert pb.jvp(special.digamma, (x,), (x,))[1].dtype == np.float32
