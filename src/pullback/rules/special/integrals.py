"""Zeta, dilogarithm, elliptic integrals and Lambert's W (DLMF ch. 25, 19 and §4.13).

A formula that is 0/0 at a point inside the domain is replaced near it by the hypergeometric series it stands
for, so that derivatives of every order are right there too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.rules.domain import array, call
from pullback.rules.special.asymptotic import in_dtype_of
from pullback.rules.table import NAMES, Refused, calls, partials, refuse

_NEAR = 0.3
_EIGHTH_PI = 0.39269908169872415481


class _Witness:
    """Stands for an array to learn which ufunc one of SciPy's Python functions calls."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return ufunc


def ufunc_behind(function: Any, *args: Any) -> Any:
    """The ufunc that ``function(x, *args)`` applies to x, under the public name of `function`."""
    ufunc = function(_Witness(), *args)
    NAMES[ufunc] = f"scipy.special.{function.__name__}"
    return ufunc


riemann_zeta = ufunc_behind(special.zeta)
hurwitz_zeta = ufunc_behind(special.zeta, 2.0)
lambertw = ufunc_behind(special.lambertw)

_NO_ZETA = "SciPy has no derivative of zeta(x, q) in x; the one in q is known"
refuse(riemann_zeta, _NO_ZETA)
refuse(special.zetac, _NO_ZETA)
partials(
    hurwitz_zeta,
    Refused(_NO_ZETA),
    lambda y, x, q: -x * special.zeta(x + 1, q),
    domain=((1.5, 4), (0.5, 3)),
    complex=False,
)


def spence_partial(y: Any, z: Any) -> Any:
    """``log(z) / (1 - z)``, near z = 1 by ``log(1 + t)/t = 2F1(1, 1; 2; -t)``."""
    series = in_dtype_of(-special.hyp2f1(1.0, 1.0, 2.0, 1 - z), z)
    return np.where(np.abs(z - 1) < _NEAR, series, np.log(z) / (1 - z))


def ellipk_partial(y: Any, m: Any) -> Any:
    """``(E/(1-m) - K) / 2m``, near m = 0 its series."""
    series = in_dtype_of(_EIGHTH_PI * special.hyp2f1(1.5, 1.5, 2.0, m), m)
    return np.where(np.abs(m) < _NEAR, series, (special.ellipe(m) / (1 - m) - y) / (2 * m))


def ellipkm1_partial(y: Any, p: Any) -> Any:
    """Minus `ellipk_partial` at 1 - p, without forming 1 - p where p is small."""
    m = 1 - p
    series = in_dtype_of(_EIGHTH_PI * special.hyp2f1(1.5, 1.5, 2.0, m), p)
    return -np.where(np.abs(m) < _NEAR, series, (special.ellipe(m) / p - y) / (2 * m))


def ellipe_partial(y: Any, m: Any) -> Any:
    """``(E - K) / 2m``, near m = 0 its series."""
    series = in_dtype_of(-_EIGHTH_PI * special.hyp2f1(1.5, 0.5, 2.0, m), m)
    return np.where(np.abs(m) < _NEAR, series, (y - special.ellipk(m)) / (2 * m))


_MODULUS = Refused(
    "only the derivative in the amplitude is known to pullback; for m use the complete integrals"
)

partials(special.spence, spence_partial, domain=(0.3, 2))
partials(special.ellipk, ellipk_partial, domain=(-1, 0.8), complex=False)
partials(special.ellipkm1, ellipkm1_partial, domain=(0.2, 2), complex=False)
partials(special.ellipe, ellipe_partial, domain=(-1, 0.8), complex=False)
partials(
    special.ellipkinc,
    lambda y, phi, m: 1 / np.sqrt(1 - m * np.square(np.sin(phi))),
    _MODULUS,
    domain=(0.1, 0.8),
    complex=False,
)
partials(
    special.ellipeinc,
    lambda y, phi, m: np.sqrt(1 - m * np.square(np.sin(phi))),
    _MODULUS,
    domain=(0.1, 0.8),
    complex=False,
)


def lambertw_partial(w: Any, z: Any, k: Any, tolerance: Any) -> Any:
    """``exp(-w) / (1 + w)``, from ``w exp(w) = z``; at z = 0 on the branch k = 0 it is 1."""
    return np.exp(-w) / (1 + w)


_BRANCH = Refused("its branch and tolerance are not variables")
partials(lambertw, lambertw_partial, _BRANCH, _BRANCH)
calls(lambertw, call(array(3, low=0.3, high=3), 0, 1e-12), call(array(2, 2, low=1, high=2), -1, 1e-12))
