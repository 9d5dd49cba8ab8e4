"""Rules of scipy.linalg, a file per family, under SciPy's own names and signatures.

The engines import this folder when a function without a row arrives and scipy.linalg is loaded; nothing else
in `rules` imports it.
"""

from pullback.rules.scipy_linalg import (
    arrangement,
    cholesky,
    equations,
    exponential,
    factors,
    functions,
    inverses,
    lu,
    polar,
    refused,
    roots,
    spectra,
    systems,
)

__all__ = [
    "arrangement",
    "cholesky",
    "equations",
    "exponential",
    "factors",
    "functions",
    "inverses",
    "lu",
    "polar",
    "refused",
    "roots",
    "spectra",
    "systems",
]
