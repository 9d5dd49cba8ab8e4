"""The gamma function, its logarithm, beta, binomials, incomplete functions (DLMF ch. 5, 6 and 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.special.asymptotic import in_dtype_of
from pullback.rules.special.polygamma import digamma_step
from pullback.rules.table import Refused, alias, calls, partials

_HALF_LOG_TAU = 0.91893853320467274178
_POSITIVE = (0.5, 3.0)

_SHAPE = Refused("it is known only as an integral or a slow series; SciPy has no function for it")


def rgamma_partial(y: Any, z: Any) -> Any:
    """``-digamma(z) / gamma(z)``; near the poles of digamma from ``1/Γ(z) = sin(πz) Γ(1-z) / π``."""
    mirrored = special.gamma(1 - z)
    reflected = mirrored * (np.cos(np.pi * z) - np.sin(np.pi * z) * special.digamma(1 - z) / np.pi)
    near = np.real(z) < 0.5
    if dtype_of(z).kind == "c":
        near = near & (np.abs(np.imag(z)) < 1)
    return np.where(near, reflected, -y * special.digamma(z))


partials(special.gamma, lambda y, z: y * special.digamma(z), domain=_POSITIVE)
partials(special.gammaln, lambda y, x: special.digamma(x), domain=_POSITIVE, complex=False)
partials(special.loggamma, lambda y, z: special.digamma(z), domain=_POSITIVE)
partials(special.rgamma, rgamma_partial, domain=(-1.5, 3))

partials(
    special.beta,
    lambda y, a, b: -y * digamma_step(a, b),
    lambda y, a, b: -y * digamma_step(b, a),
    domain=_POSITIVE,
    complex=False,
)
partials(
    special.betaln,
    lambda y, a, b: -digamma_step(a, b),
    lambda y, a, b: -digamma_step(b, a),
    domain=_POSITIVE,
    complex=False,
)
partials(
    special.poch,
    lambda y, z, m: y * digamma_step(z, m),
    lambda y, z, m: y * special.digamma(z + m),
    domain=_POSITIVE,
    complex=False,
)
partials(
    special.binom,
    lambda y, n, k: y * digamma_step(n - k + 1, k),
    lambda y, n, k: y * digamma_step(k + 1, n - 2 * k),
    domain=((4, 6), (1, 3)),
    complex=False,
)

_scipy_multigammaln: Any = special.multigammaln  # type: ignore[attr-defined]
multigammaln = dispatched(_scipy_multigammaln)
alias(_scipy_multigammaln, multigammaln)
partials(
    multigammaln,
    lambda y, a, d: sum(special.digamma(a - 0.5 * j) for j in range(int(d))),
    Refused("its second argument is a dimension, a whole number"),
)
calls(multigammaln, call(array(3, low=1.5, high=4), 3), call(array(2, 2, low=0.5, high=4), 1), complex=False)


@dispatched
def gamma_density(a: Any, x: Any) -> Any:
    """``x^(a-1) exp(-x) / Γ(a)``, for large a in the saddle-point form of Loader (2000)."""
    dtype = np.result_type(np.asarray(a), np.asarray(x), np.float32)
    a, x = np.asarray(a, np.float64), np.asarray(x, np.float64)
    plain = np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))
    n = np.maximum(a - 1, 1.0)
    square = 1 / (n * n)
    stirling = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / n
    excess = (x - n) / n
    deviance = n * (excess - np.log1p(excess))
    saddle = np.exp(-stirling - deviance - _HALF_LOG_TAU) / np.sqrt(n)
    return np.where(a > 30, saddle, plain).astype(dtype)[()]


@dispatched
def beta_density(a: Any, b: Any, x: Any) -> Any:
    """``x^(a-1) (1-x)^(b-1) / B(a, b)``."""
    value = np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -np.asarray(x)) - special.betaln(a, b))
    return np.asarray(value)[()]


partials(
    gamma_density,
    lambda y, a, x: y * (np.log(x) - special.digamma(a)),
    lambda y, a, x: y * (np.divide(a - 1, x) - 1),
    domain=_POSITIVE,
    complex=False,
)
partials(
    beta_density,
    lambda y, a, b, x: y * (np.log(x) + digamma_step(a, b)),
    lambda y, a, b, x: y * (np.log1p(-x) + digamma_step(b, a)),
    lambda y, a, b, x: y * (np.divide(a - 1, x) - np.divide(b - 1, 1 - x)),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)),
    complex=False,
)
partials(
    special.gammainc, _SHAPE,
    lambda y, a, x: gamma_density(a, x),
    domain=_POSITIVE, complex=False,
)  # fmt: skip
partials(
    special.gammaincc, _SHAPE,
    lambda y, a, x: -gamma_density(a, x),
    domain=_POSITIVE, complex=False,
)  # fmt: skip
partials(
    special.gammaincinv, _SHAPE,
    lambda y, a, p: 1 / gamma_density(a, y),
    domain=(_POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip
partials(
    special.gammainccinv, _SHAPE,
    lambda y, a, p: -1 / gamma_density(a, y),
    domain=(_POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip
partials(
    special.betainc, _SHAPE, _SHAPE,
    lambda y, a, b, x: beta_density(a, b, x),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip
partials(
    special.betaincc, _SHAPE, _SHAPE,
    lambda y, a, b, x: -beta_density(a, b, x),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip
partials(
    special.betaincinv, _SHAPE, _SHAPE,
    lambda y, a, b, p: 1 / beta_density(a, b, y),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip
partials(
    special.betainccinv, _SHAPE, _SHAPE,
    lambda y, a, b, p: -1 / beta_density(a, b, y),
    domain=(_POSITIVE, _POSITIVE, (0.1, 0.9)), complex=False,
)  # fmt: skip

_EXPONENTIAL = (0.3, 3.0)
partials(special.exp1, lambda y, z: -np.exp(-z) / z, domain=_EXPONENTIAL)
partials(special.expi, lambda y, z: np.exp(z) / z, domain=_EXPONENTIAL)
partials(
    special.expn,
    Refused("its first argument is an order, a whole number"),
    lambda y, n, x: -in_dtype_of(special.expn(n - 1, x), x),
    domain=((2, 2), _EXPONENTIAL),
    complex=False,
)
