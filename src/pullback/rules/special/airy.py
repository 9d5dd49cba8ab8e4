"""Functions with several outputs: Airy (DLMF §9.2), Fresnel (§7.2), sine and cosine integrals (§6.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from pullback.rules.domain import array, call
from pullback.rules.product import scale
from pullback.rules.table import calls, jvp, vjp


def airy_slopes(y: Any, z: Any) -> tuple[Any, ...]:
    """``Ai' = Aip``, ``Aip' = z Ai``, and the same for Bi."""
    ai, aip, bi, bip = y
    return aip, z * ai, bip, z * bi


def fresnel_slopes(y: Any, z: Any) -> tuple[Any, ...]:
    """``sin(π z²/2)`` and ``cos(π z²/2)``."""
    angle = 0.5 * np.pi * z * z
    return np.sin(angle), np.cos(angle)


def sici_slopes(y: Any, z: Any) -> tuple[Any, ...]:
    """``sin(z)/z``, 1 at 0, and ``cos(z)/z``."""
    return np.sinc(z / np.pi), np.cos(z) / z


def _rows(
    function: Callable[..., Any], slopes: Callable[..., tuple[Any, ...]], low: float, high: float
) -> None:
    """The row of a function of one argument from the derivatives of its outputs."""

    @vjp(function, 0)
    def outputs_vjp(y_bar: Any, y: Any, z: Any) -> Any:
        return sum(scale(slope, part) for slope, part in zip(slopes(y, z), y_bar, strict=True))

    @jvp(function, 0)
    def outputs_jvp(z_dot: Any, y: Any, z: Any) -> Any:
        return tuple(scale(slope, z_dot) for slope in slopes(y, z))

    calls(function, call(array(3, low=low, high=high)), call(array(2, 2, low=low, high=high)))


_rows(special.airy, airy_slopes, -2.0, 1.5)
_rows(special.fresnel, fresnel_slopes, -1.5, 1.5)
_rows(special.sici, sici_slopes, 0.3, 3.0)
