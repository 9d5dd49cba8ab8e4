"""A drop-in for `scipy.linalg`: its functions as the engines can follow them.

``from pullback.scipy import linalg`` in place of ``from scipy import linalg`` is all there is to it. A name
without a rule falls through to SciPy. In the source of a compiled function SciPy's own names serve as well.
"""

from __future__ import annotations

from typing import Any

from scipy import linalg as _linalg

from pullback.rules.scipy_linalg.arrangement import block_diag, circulant, schur, toeplitz
from pullback.rules.scipy_linalg.cholesky import cho_factor, cho_solve
from pullback.rules.scipy_linalg.equations import (
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from pullback.rules.scipy_linalg.exponential import expm
from pullback.rules.scipy_linalg.functions import coshm, cosm, sinhm, sinm, tanhm, tanm
from pullback.rules.scipy_linalg.lu import lu, lu_factor, lu_solve
from pullback.rules.scipy_linalg.polar import polar
from pullback.rules.scipy_linalg.roots import logm, sqrtm
from pullback.rules.scipy_linalg.systems import det, inv, solve, solve_triangular

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "circulant", "coshm", "cosm", "det", "expm", "inv", "logm", "lu",
    "lu_factor", "lu_solve", "polar", "schur", "sinhm", "sinm", "solve", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_sylvester", "solve_triangular", "sqrtm", "tanhm", "tanm", "toeplitz",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return getattr(_linalg, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_linalg)})
