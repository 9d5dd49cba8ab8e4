"""The normal distribution: its function, the logarithm of it, and the inverses of both (DLMF §7.18).

The density over the distribution function is ``√(2/π) / erfcx(-x/√2)``, which is accurate in both tails.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from pullback.rules.table import partials

_SQRT_HALF = 0.70710678118654752440
_DENSITY = 0.39894228040143267794  # 1/√(2π)
_RATIO = 0.79788456080286535588  # √(2/π)

partials(special.ndtr, lambda y, x: _DENSITY * np.exp(-0.5 * x * x), domain=(-3, 3))
partials(special.log_ndtr, lambda y, x: _RATIO / special.erfcx(-_SQRT_HALF * x), domain=(-4, 3))
partials(special.ndtri, lambda y, p: np.exp(0.5 * y * y) / _DENSITY, domain=(0.1, 0.9), complex=False)
partials(
    special.ndtri_exp, lambda y, x: special.erfcx(-_SQRT_HALF * y) / _RATIO, domain=(-4, -0.2), complex=False
)
