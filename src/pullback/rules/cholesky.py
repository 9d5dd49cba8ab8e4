"""The Cholesky factorisation ``A = L Lᴴ`` (`numpy.linalg.cholesky`), real and complex, in stacks.

With Φ the lower triangle with half the diagonal, ``L_dot = L Φ(L⁻¹ A_dot L⁻ᴴ)``, and its adjoint (Murray,
*Differentiation of the Cholesky decomposition*, 2016, arXiv:1602.07527, §2 and §3.1).

NumPy reads one triangle of A and the real part of the diagonal, so the derivative lives there too: the
gradient of a function of symmetric matrices is that of PyTorch with both triangles added up in the one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.table import calls, jvp, vjp
from pullback.rules.triangular import congruent, factor_cotangent, half, hermitian


@vjp(np.linalg.cholesky, 0, reads="y upper", holomorphic=False)
def cholesky_vjp(y_bar: Any, y: Any, a: Any, /, *, upper: bool = False) -> Any:
    if upper:
        return adjoint(cholesky_vjp(adjoint(y_bar), adjoint(y), a))
    return factor_cotangent(y, y_bar)


@jvp(np.linalg.cholesky, 0, reads="y upper")
def cholesky_jvp(a_dot: Any, y: Any, a: Any, /, *, upper: bool = False) -> Any:
    if upper:
        return adjoint(cholesky_jvp(adjoint(a_dot), adjoint(y), a))
    return y @ half(congruent(y, hermitian(a_dot), False))


_SQUARES = ((3, 3), (2, 1, 3, 3), (2, 17, 17), (1, 1), (0, 3, 3), (0, 0))
calls(
    np.linalg.cholesky,
    *(call(array(*shape, kind="definite")) for shape in _SQUARES),
    *(call(array(*shape, kind="definite"), upper=True) for shape in _SQUARES[:2]),
)
