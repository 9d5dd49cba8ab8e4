"""Entropies, divergences, robust losses and Box-Cox transforms.

Conventions, where the arguments are on the boundary of the domain: ``xlogy(0, y)`` at y = 0 and ``xlog1py(0,
y)`` at y = -1 have derivative 0 in y; at (0, 0) ``rel_entr`` has the derivatives of 0, which are right along
x = y, and ``kl_div`` those of y. Elsewhere the derivatives in the first argument at 0, and ``entr``'s, are
infinite and stay so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from pullback.base.dispatch import dispatched
from pullback.rules.special.asymptotic import in_dtype_of
from pullback.rules.special.logistic import exprel_slope
from pullback.rules.table import partials


@dispatched
def log_ratio(x: Any, y: Any) -> Any:
    """``log(x / y)``, accurate where x is close to y and where x / y overflows."""
    x, y = np.asarray(x), np.asarray(y)
    ratio = np.divide(x, y)
    tiny = np.finfo(ratio.dtype).tiny
    plain = np.where((ratio >= tiny) & (ratio <= 1 / tiny), np.log(ratio), np.log(x) - np.log(y))
    return np.where((ratio > 0.5) & (ratio < 2), np.log1p((x - y) / y), plain)[()]


partials(
    log_ratio,
    lambda y, a, b: np.divide(1, a),
    lambda y, a, b: np.divide(-1, b),
    domain=(0.2, 2),
    complex=False,
)


def _both_zero(x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


partials(
    special.xlogy,
    lambda z, x, y: np.log(y),
    lambda z, x, y: np.where(_both_zero(x, y), 0.0, np.divide(x, y)),
    domain=((-1, 2), (0.3, 2)),
)
partials(
    special.xlog1py,
    lambda z, x, y: np.log1p(y),
    lambda z, x, y: np.where((x == 0) & (y == -1), 0.0, np.divide(x, 1 + y)),
    domain=((-1, 2), (-0.5, 1)),
)
partials(special.entr, lambda y, x: -np.log(x) - 1, domain=(0.1, 2), complex=False)
partials(
    special.rel_entr,
    lambda z, x, y: np.where(_both_zero(x, y), 0.0, log_ratio(x, y) + 1),
    lambda z, x, y: np.where(_both_zero(x, y), 0.0, np.divide(-x, y)),
    domain=(0.2, 2),
    complex=False,
)
partials(
    special.kl_div,
    lambda z, x, y: np.where(_both_zero(x, y), 0.0, log_ratio(x, y)),
    lambda z, x, y: np.where(_both_zero(x, y), 1.0, np.divide(y - x, y)),
    domain=(0.2, 2),
    complex=False,
)


def huber_delta(y: Any, delta: Any, r: Any) -> Any:
    """0 inside, ``|r| - delta`` outside; NaN for a negative delta, where SciPy's value is infinite."""
    outside = np.where(np.abs(r) <= delta, 0.0, np.abs(r) - delta)
    return np.where(delta < 0, np.nan, outside)


def huber_residual(y: Any, delta: Any, r: Any) -> Any:
    """``r`` clipped to ±delta."""
    return np.where(delta < 0, np.nan, np.where(np.abs(r) <= delta, r, delta * np.sign(r)))


def pseudo_huber_delta(y: Any, delta: Any, r: Any) -> Any:
    """``2 y / delta - r² / (delta √(1 + (r/delta)²))`` as a product; ``|r|`` at delta = 0, 0 at (0, 0)."""
    radius = np.hypot(delta, r)
    ratio = r / (radius + delta)
    slope = ratio * ratio * r * (r / radius)
    return np.where(delta < 0, np.nan, np.where(_both_zero(delta, r), 0.0, slope))


def pseudo_huber_residual(y: Any, delta: Any, r: Any) -> Any:
    """``r / √(1 + (r/delta)²)``; 0 at (0, 0)."""
    slope = delta * (r / np.hypot(delta, r))
    return np.where(delta < 0, np.nan, np.where(_both_zero(delta, r), 0.0, slope))


partials(special.huber, huber_delta, huber_residual, domain=((0.5, 1), (-0.4, 3)), complex=False)
partials(
    special.pseudo_huber, pseudo_huber_delta, pseudo_huber_residual, domain=((0.5, 2), (-2, 2)), complex=False
)


def log1p_ratio_slope(t: Any) -> Any:
    """The derivative of ``log1p(t) / t``, by its hypergeometric series near 0."""
    series = in_dtype_of(-0.5 * special.hyp2f1(2.0, 2.0, 3.0, -t), t)
    return np.where(np.abs(t) < 0.3, series, np.divide(np.divide(1, 1 + t) - np.divide(np.log1p(t), t), t))


def boxcox_power(y: Any, x: Any, power: Any) -> Any:
    """``∂/∂λ (x^λ - 1)/λ = log(x)² exprel'(λ log x)``; ``1/λ²`` at x = 0 with λ > 0."""
    log = np.log(x)
    slope = log * log * exprel_slope(power * log)
    return np.where((x == 0) & (power > 0), np.divide(1, power * power), slope)


def boxcox1p_power(y: Any, x: Any, power: Any) -> Any:
    """`boxcox_power` at 1 + x."""
    log = np.log1p(x)
    slope = log * log * exprel_slope(power * log)
    return np.where((x == -1) & (power > 0), np.divide(1, power * power), slope)


def inverse_power(value: Any, x: Any, power: Any) -> Any:
    """``∂/∂λ (1 + λ x)^(1/λ)``, where `value` is that power."""
    return value * x * x * log1p_ratio_slope(power * x)


partials(
    special.boxcox,
    lambda y, x, power: np.power(x, power - 1),
    boxcox_power,
    domain=((0.3, 2), (-1.5, 1.5)),
    complex=False,
)
partials(
    special.boxcox1p,
    lambda y, x, power: np.exp((power - 1) * np.log1p(x)),
    boxcox1p_power,
    domain=((-0.5, 1), (-1.5, 1.5)),
    complex=False,
)
partials(
    special.inv_boxcox,
    lambda y, x, power: y / (1 + power * x),
    inverse_power,
    domain=((-0.5, 0.5), (-1, 1)),
    complex=False,
)
partials(
    special.inv_boxcox1p,
    lambda y, x, power: special.inv_boxcox(x, power) / (1 + power * x),
    lambda y, x, power: inverse_power(special.inv_boxcox(x, power), x, power),
    domain=((-0.5, 0.5), (-1, 1)),
    complex=False,
)
