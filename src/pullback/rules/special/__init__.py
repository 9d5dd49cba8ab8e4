"""Rules of scipy.special, a file per family (NIST *Digital Library of Mathematical Functions*).

The engines import this folder when the first ufunc without a row arrives and SciPy is loaded; nothing else in
`rules` imports SciPy.
"""

from pullback.rules.special import (
    airy,
    bessel,
    entropy,
    erf,
    gamma,
    integrals,
    logistic,
    logsumexp,
    normal,
    polygamma,
)

__all__ = [
    "airy",
    "bessel",
    "entropy",
    "erf",
    "gamma",
    "integrals",
    "logistic",
    "logsumexp",
    "normal",
    "polygamma",
]
