"""A drop-in for `scipy.linalg`: its functions as the engines can follow them.

``from pullback.scipy import linalg`` in place of ``from scipy import linalg`` is all there is to it. A name
without a rule falls through to SciPy. In the source of a compiled function SciPy's own names serve as well.
"""

from __future__ import annotations

from typing import Any

from scipy import linalg as _linalg

from pullback.rules.scipy_linalg.arrangement import (
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    hankel,
    khatri_rao,
    leslie,
    schur,
    toeplitz,
)
from pullback.rules.scipy_linalg.cholesky import cho_factor, cho_solve
from pullback.rules.scipy_linalg.equations import (
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from pullback.rules.scipy_linalg.exponential import expm
from pullback.rules.scipy_linalg.factors import cholesky, norm, orthogonal_procrustes, qr, svd, svdvals
from pullback.rules.scipy_linalg.functions import coshm, cosm, sinhm, sinm, tanhm, tanm
from pullback.rules.scipy_linalg.inverses import lstsq, pinv, pinvh
from pullback.rules.scipy_linalg.lu import lu, lu_factor, lu_solve
from pullback.rules.scipy_linalg.polar import polar
from pullback.rules.scipy_linalg.refused import FUNCTIONS as _REFUSED
from pullback.rules.scipy_linalg.roots import logm, sqrtm
from pullback.rules.scipy_linalg.spectra import (
    eig,
    eigh,
    eigh_tridiagonal,
    eigvals,
    eigvalsh,
    eigvalsh_tridiagonal,
)
from pullback.rules.scipy_linalg.systems import det, inv, solve, solve_triangular

solve_lyapunov = solve_continuous_lyapunov
"""Its older name."""

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "companion", "convolution_matrix",
    "coshm", "cosm", "det", "eig", "eigh", "eigh_tridiagonal", "eigvals", "eigvalsh", "eigvalsh_tridiagonal",
    "expm", "hankel", "inv", "khatri_rao", "leslie", "logm", "lstsq", "lu", "lu_factor", "lu_solve", "norm",
    "orthogonal_procrustes", "pinv", "pinvh", "polar", "qr", "schur", "sinhm", "sinm", "solve",
    "solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_lyapunov", "solve_sylvester",
    "solve_triangular", "sqrtm", "svd", "svdvals", "tanhm", "tanm", "toeplitz",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return _REFUSED[name] if name in _REFUSED else getattr(_linalg, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(_linalg)})
