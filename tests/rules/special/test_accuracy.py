"""First derivatives against mpmath: in the middle, near 0, and far out in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import special

from pullback.rules.read import tangent
from pullback.rules.special import integrals, polygamma
from pullback.rules.table import TABLE

Case = tuple[Any, int, tuple[Any, ...], Callable[..., Any]]

EVERYWHERE = (-30.0, -3.2, -0.4, 1e-6, 0.7, 4.5, 25.0)
POSITIVE = (1e-6, 0.3, 1.9, 7.5, 40.0, 3e4)


def normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def faddeeva(z: Any) -> Any:
    return mp.exp(-z * z) * mp.erfc(-1j * z)


def log_normal(x: Any) -> Any:
    return mp.log(normal(x))


def normal_quantile(p: Any) -> Any:
    start = special.ndtri_exp(float(mp.log(p)))
    return mp.findroot(lambda x: log_normal(x) - mp.log(p), start)


def scaled_k(v: Any, x: Any) -> Any:
    return mp.exp(x) * mp.besselk(v, x)


def entropy(x: Any) -> Any:
    return -x * mp.log(x)


UNARY: list[tuple[Any, tuple[Any, ...], Callable[..., Any]]] = [
    (special.erf, (-5.0, 1e-9, 0.4, 3.0, 20.0, 0.3 + 1j), mp.erf),
    (special.erfc, (-5.0, 1e-9, 0.4, 3.0, 20.0, 0.3 + 1j), mp.erfc),
    (special.erfi, (-5.0, 1e-9, 0.4, 3.0, 20.0, 0.3 + 1j), mp.erfi),
    (special.erfcx, (-20.5, -5.0, 1e-9, 4.0, 19.0, 21.0, 1e5, 4 + 30j, -5 + 24j, -25 + 24j, 0.3j),
     lambda x: mp.exp(x * x) * mp.erfc(x)),
    (special.dawsn, (-1e5, -19.0, 1e-9, 4.0, 21.0, 17 + 18j, 18 - 17j, 30 + 3j, 1 + 1j),
     lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)),
    (special.wofz, (0.5, 30.0, -1e4, 3 + 25j, -30 + 1j, 26 - 2j, 1 - 1j), faddeeva),
    (special.erfinv, (-0.999999, -0.3, 1e-9, 0.8), mp.erfinv),
    (special.erfcinv, (1e-9, 0.3, 1.2, 1.9), lambda x: mp.erfinv(1 - x)),
    (special.gamma, (-3.3, 1e-6, 0.4, 1.5, 20.5, 160.0, 2 + 3j, -2.5 + 1j), mp.gamma),
    (special.gammaln, (*POSITIVE, 1e12), mp.loggamma),
    (special.gammaln, (-3.3, -0.2), lambda x: mp.log(abs(mp.gamma(x)))),
    (special.loggamma, (*POSITIVE, 2 + 3j, -2.5 + 1j, 1e4j), mp.loggamma),
    (special.rgamma, (-7.0, -3.000001, -3.3, -1.0, 0.0, 1e-6, 0.4, 3.0, 30.0), mp.rgamma),
    (special.rgamma, (-3 + 0j, -2.5 + 0.3j, -2 + 8j), mp.rgamma),
    (special.digamma, (*POSITIVE, -3.3, 2 + 3j, -2.5 + 1j, -30.2 + 0.1j, 40j), mp.digamma),
    (special.expit, (-700.0, -3.0, 1e-9, 2.0, 40.0, 700.0), lambda x: 1 / (1 + mp.exp(-x))),
    (special.logit, (1e-200, 0.3, 0.999999), lambda p: mp.log(p / (1 - p))),
    (special.log_expit, (-700.0, -3.0, 1e-9, 2.0, 40.0, 700.0), lambda x: -mp.log1p(mp.exp(-x))),
    (special.log1p, (-0.999, 1e-12, 1e9, 1 + 2j), mp.log1p),
    (special.expm1, (-50.0, 1e-12, 30.0, 1 + 2j), mp.expm1),
    (special.exp2, (-50.0, 3.1), lambda x: mp.mpf(2) ** x),
    (special.exp10, (-50.0, 3.1), lambda x: mp.mpf(10) ** x),
    (special.cbrt, (1e-9, 0.4, 1e9), mp.cbrt),
    (special.cosm1, (-3.0, 1e-9, 20.0), lambda x: mp.cos(x) - 1),
    (special.exprel, (-800.0, -2.0, 1e-9, 0.5, 30.0, 600.0), lambda x: (mp.exp(x) - 1) / x),
    (special.sindg, (30.0, 3000.0), lambda x: mp.sin(x * mp.pi / 180)),
    (special.cosdg, (30.0, 3000.0), lambda x: mp.cos(x * mp.pi / 180)),
    (special.tandg, (30.0,), lambda x: mp.tan(x * mp.pi / 180)),
    (special.cotdg, (30.0,), lambda x: mp.cot(x * mp.pi / 180)),
    (special.entr, (1e-200, 0.3, 5.0, 1e9), entropy),
    (special.ndtr, (-30.0, -3.0, 0.0, 4.0, 20.0, 1 + 1j), normal),
    (special.log_ndtr, (-1e4, -40.0, -3.0, 0.0, 4.0, 20.0, 30.0, 1 + 1j, -9 + 2j), log_normal),
    (special.ndtri, (1e-30, 0.01, 0.6), normal_quantile),
    (special.ndtri_exp, (-1e4, -70.0, -3.0, -1e-3), lambda x: normal_quantile(mp.exp(x))),
    (special.j0, (-30.0, 1e-6, 3.0, 500.0), mp.j0),
    (special.j1, (-30.0, 0.0, 1e-6, 3.0, 500.0), mp.j1),
    (special.y0, (1e-6, 3.0, 500.0), lambda x: mp.bessely(0, x)),
    (special.y1, (1e-6, 3.0, 500.0), lambda x: mp.bessely(1, x)),
    (special.i0, (-30.0, 1e-6, 3.0, 500.0), lambda x: mp.besseli(0, x)),
    (special.i1, (-30.0, 0.0, 1e-6, 3.0, 500.0), lambda x: mp.besseli(1, x)),
    (special.k0, (1e-6, 3.0, 500.0), lambda x: mp.besselk(0, x)),
    (special.k1, (1e-6, 3.0, 500.0), lambda x: mp.besselk(1, x)),
    (special.i0e, (-3e4, -30.0, -1.0, 1e-6, 3.0, 900.0, 1e7), lambda x: mp.exp(-abs(x)) * mp.besseli(0, x)),
    (special.i1e, (-3e4, -30.0, -1.0, 1e-6, 3.0, 900.0, 1e7), lambda x: mp.exp(-abs(x)) * mp.besseli(1, x)),
    (special.k0e, (1e-6, 3.0, 900.0, 1e7), lambda x: mp.exp(x) * mp.besselk(0, x)),
    (special.k1e, (1e-6, 3.0, 900.0, 1e7), lambda x: mp.exp(x) * mp.besselk(1, x)),
    (special.exp1, (1e-6, 1.0, 30.0, 1 + 1j), mp.e1),
    (special.expi, (1e-6, 1.0, 30.0, -2.0), mp.ei),
    (special.spence, (1e-6, 0.4, 0.99999, 1.0, 1.2, 50.0, 1 + 1j), lambda z: mp.polylog(2, 1 - z)),
    (special.ellipk, (-1e6, -0.4, 1e-9, 0.2, 0.5, 0.999999), mp.ellipk),
    (special.ellipkm1, (1e-200, 1e-6, 0.5, 0.9999999, 4.0), lambda p: mp.ellipk(1 - p)),
    (special.ellipe, (-1e6, -0.4, 1e-9, 0.2, 0.5, 0.999999), mp.ellipe),
]  # fmt: skip

MANY: list[Case] = [
    (polygamma.polygamma, 1, (2, 0.3), lambda n, x: mp.polygamma(2, x)),
    (polygamma.polygamma, 1, (1, -3.3), lambda n, x: mp.polygamma(1, x)),
    (polygamma.polygamma, 1, (3, 1e4), lambda n, x: mp.polygamma(3, x)),
    (polygamma.polygamma_at, 1, (1, 0.3 + 2j), lambda n, x: mp.polygamma(1, x)),
    (polygamma.polygamma_at, 1, (2, -6.3 + 0.2j), lambda n, x: mp.polygamma(2, x)),
    (polygamma.polygamma_at, 1, (1, -3.2 - 9j), lambda n, x: mp.polygamma(1, x)),
    (polygamma.polygamma_at, 1, (1, -2000.7), lambda n, x: mp.polygamma(1, x)),
    (special.gammainc, 1, (0.3, 1e-6), lambda a, x: mp.gammainc(a, 0, x, regularized=True)),
    (special.gammainc, 1, (1.0, 0.0), lambda a, x: -mp.exp(-x)),
    (special.gammainc, 1, (2.5, 30.0), lambda a, x: mp.gammainc(a, 0, x, regularized=True)),
    (special.gammainc, 1, (400.0, 380.0), lambda a, x: mp.gammainc(a, 0, x, regularized=True)),
    (special.gammaincc, 1, (4.0, 300.0), lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True)),
    (special.betainc, 2, (0.3, 2.0, 1e-6), lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True)),
    (special.betainc, 2, (30.0, 20.0, 0.7), lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True)),
    (special.betaincc, 2, (3.0, 2.0, 0.7), lambda a, b, x: mp.betainc(a, b, x, 1, regularized=True)),
    (special.hyp1f1, 2, (0.5, 1.5, -3.0), mp.hyp1f1),
    (special.hyp0f1, 1, (1.5, -3.0), mp.hyp0f1),
    (special.hyp2f1, 3, (0.5, 1.5, 2.5, -3.0), mp.hyp2f1),
    (integrals.hurwitz_zeta, 1, (2.5, 1e-3), mp.zeta),
    (integrals.hurwitz_zeta, 1, (3.0, 200.0), mp.zeta),
    (integrals.lambertw, 0, (1e-9, 0, 1e-8), lambda z, k, t: mp.lambertw(z)),
    (integrals.lambertw, 0, (1e9, 0, 1e-8), lambda z, k, t: mp.lambertw(z)),
    (integrals.lambertw, 0, (-0.1, -1, 1e-8), lambda z, k, t: mp.lambertw(z, -1)),
    (special.expn, 1, (3, 0.7), lambda n, x: mp.expint(3, x)),
    (special.ellipkinc, 0, (0.7, 0.4), mp.ellipf),
    (special.ellipeinc, 0, (0.7, 0.4), mp.ellipe),
    (special.yn, 1, (3, 2.5), mp.bessely),
    (special.kn, 1, (0, 2.5), mp.besselk),
    (special.kn, 1, (3, 1e-3), mp.besselk),
]
MANY.append((special.rel_entr, 0, (1e200, 1e-200), lambda x, y: x * mp.log(x / y)))
for _a, _b in ((0.3, 2.5), (1e6, 1.0), (40.0, 1e-9), (1e-6, 1e-6), (3e3, 5e3)):
    for _position in (0, 1):
        MANY += [
            (special.beta, _position, (_a, _b), mp.beta),
            (special.betaln, _position, (_a, _b), lambda a, b: mp.log(mp.beta(a, b))),
        ]
for _position in (0, 1):
    MANY.append((special.poch, _position, (2.5, 1.5), mp.rf))
    MANY.append((special.poch, _position, (300.0, 1e-3), mp.rf))
    MANY.append((special.binom, _position, (7.0, 2.0), mp.binomial))
    MANY.append((special.binom, _position, (1e4, 2.5), mp.binomial))
    MANY.append((special.xlogy, _position, (2.5, 1e-9), lambda x, y: x * mp.log(y)))
    MANY.append((special.xlog1py, _position, (2.5, 1e-9), lambda x, y: x * mp.log1p(y)))
    MANY.append((special.powm1, _position, (1.000001, 2.5), lambda x, p: x**p - 1))
    for _pair in ((0.3, 0.3000001), (1e100, 1e-100), (2.0, 7.0)):
        MANY.append((special.rel_entr, _position, _pair, lambda x, y: x * mp.log(x / y)))
        MANY.append((special.kl_div, _position, _pair, lambda x, y: x * mp.log(x / y) - x + y))
    for _pair in ((1.5, 0.3), (1e-9, 2.0), (3.0, -1e-6), (1e9, 5.0)):
        MANY.append((special.pseudo_huber, _position, _pair, lambda d, r: d * (mp.hypot(d, r) - d)))
    for _pair in ((0.3, 2.0), (1e-9, 1e-9), (5.0, -3.0), (40.0, 1e-4)):
        MANY.append((special.boxcox, _position, _pair, lambda x, p: mp.expm1(p * mp.log(x)) / p))
        MANY.append((special.boxcox1p, _position, _pair, lambda x, p: mp.expm1(p * mp.log1p(x)) / p))
    for _pair in ((0.3, 2.0), (1e-3, 1e-9), (5.0, 0.7), (-0.9, 0.9)):
        MANY.append((special.inv_boxcox, _position, _pair, lambda x, p: (1 + p * x) ** (1 / p)))
        MANY.append((special.inv_boxcox1p, _position, _pair, lambda x, p: (1 + p * x) ** (1 / p)))
for _order in (0.0, 1.0, 2.5, 12.0):
    MANY.extend((special.kv, 1, (_order, _x), mp.besselk) for _x in (1e-3, 3.7, 500.0, 2 + 1j))
    MANY.extend((special.kve, 1, (_order, _x), scaled_k) for _x in (1e-3, 3.7, 900.0, 1e4, 2 + 1j))
    for _x in (1e-3, 3.7, 12.0, 2 + 1j):
        MANY.append((special.jv, 1, (_order, _x), mp.besselj))
        MANY.append((special.yv, 1, (_order, _x), mp.bessely))
        MANY.append((special.iv, 1, (_order, _x), mp.besseli))
        MANY.append((special.hankel1, 1, (_order, complex(_x)), mp.hankel1))
        MANY.append((special.hankel2, 1, (_order, complex(_x)), mp.hankel2))
    for _x in (1e-3, 3.7, 900.0, 1e4, 1e7):
        MANY.append((special.ive, 1, (_order, _x), lambda v, x: mp.exp(-x) * mp.besseli(v, x)))
        MANY.append((special.jve, 1, (_order, _x), mp.besselj))
        MANY.append((special.yve, 1, (_order, _x), mp.bessely))
    for _x in (1e-3, 3.7, 900.0, 1e4, 2 + 1j, 30 + 20j):
        MANY.append(
            (special.hankel1e, 1, (_order, complex(_x)), lambda v, x: mp.exp(-1j * x) * mp.hankel1(v, x))
        )
        MANY.append(
            (special.hankel2e, 1, (_order, complex(_x)), lambda v, x: mp.exp(1j * x) * mp.hankel2(v, x))
        )
MANY.extend(
    (special.ive, 1, (v, -x), lambda v, x: mp.exp(x) * mp.besseli(v, x))
    for v in (1.0, 4.0)
    for x in (2.0, 1e4)
)

CASES: list[Case] = [(f, 0, (x,), exact) for f, points, exact in UNARY for x in points] + MANY


def word(case: Case) -> str:
    function, position, args, _ = case
    return f"{TABLE[function].name.rpartition('.')[2]}{args}-{position}"


def reference(position: int, args: tuple[Any, ...], exact: Callable[..., Any]) -> complex:
    """The derivative by mpmath, with more and more digits until two results in a row agree."""
    last = None
    for digits in (40, 80, 160, 320, 640):
        with mp.workdps(digits):
            numbers = [mp.mpmathify(arg) for arg in args]

            def along(x: Any, numbers: list[Any] = numbers) -> Any:
                return exact(*numbers[:position], x, *numbers[position + 1 :])

            step = (abs(numbers[position]) or mp.mpf("1e-12")) * mp.mpf(10) ** (-0.4 * digits)
            derivative = mp.diff(along, numbers[position], h=step)
            if last and abs(derivative - last) <= mp.mpf("1e-13") * abs(derivative):
                return complex(derivative)
            last = derivative
    raise AssertionError("mpmath does not settle")


@pytest.mark.parametrize("case", CASES, ids=word)
def test_first_derivative_against_mpmath(case: Case) -> None:
    function, position, args, exact = case
    expected = reference(position, args, exact)
    with np.errstate(all="ignore"):
        y = function(*args)
        ours = complex(tangent(TABLE[function], position, 1.0, y, args, {}))
    assert abs(ours - expected) <= 1e-10 * abs(expected)
