"""Pseudo-inverses (`numpy.linalg.pinv`), real and complex, in stacks.

Golub & Pereyra, *The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate*, 1973, theorem 4.3: with ``P = A⁺``, where the rank stays the same,
``P_dot = -P A_dot P + P Pᴴ A_dotᴴ (1 - A P) + (1 - P A) A_dotᴴ Pᴴ P``.

At a matrix of full rank that is all directions. At others a program has a derivative if the rank is constant
around its arguments (`rules.ranks`); and a singular value that `rcond` drops although it is not zero is an
error: the formula leaves out what it contributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.ranks import check_tangent, is_full
from pullback.rules.table import calls, jvp, vjp
from pullback.rules.triangular import half, hermitian

Array = np.ndarray[Any, Any]


def _is_full(a: Array, p: Array) -> bool:
    """Whether each matrix, whose pseudo-inverse is `p`, has full rank (see `ranks.is_full`)."""
    return is_full("pinv", a, np.rint(np.real(np.einsum("...ij,...ji->...", p, a))).astype(int))


@vjp(np.linalg.pinv, 0, reads="y a hermitian", holomorphic=False)
def pinv_vjp(y_bar: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, **options: Any) -> Any:
    if hermitian:
        return _folded(pinv_vjp(y_bar, y, _read(a)))
    p, p_adjoint, seed = y, adjoint(y), adjoint(y_bar)
    a_bar = -(p_adjoint @ y_bar @ p_adjoint)
    rows, columns = np.shape(a)[-2:]
    full = _is_full(bare(a), bare(y))
    if rows > columns or not full:
        part = seed @ (p @ p_adjoint)
        a_bar = a_bar + part - a @ (p @ part)
    if rows < columns or not full:
        part = (p_adjoint @ p) @ seed
        a_bar = a_bar + part - (part @ p) @ a
    return a_bar


@jvp(np.linalg.pinv, 0, reads="y a hermitian")
def pinv_jvp(a_dot: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, **options: Any) -> Any:
    if hermitian:
        return pinv_jvp(_read(a_dot), y, _read(a))
    p, p_adjoint, move = y, adjoint(y), adjoint(a_dot)
    p_dot = -(p @ a_dot @ p)
    rows, columns = np.shape(a)[-2:]
    full = _is_full(bare(a), bare(y))
    if not full:
        check_tangent("pinv", bare(a_dot), bare(a), bare(y))
    if rows > columns or not full:
        part = (p @ p_adjoint) @ move
        p_dot = p_dot + part - (part @ a) @ p
    if rows < columns or not full:
        part = move @ (p_adjoint @ p)
        p_dot = p_dot + part - p @ (a @ part)
    return p_dot


_read = hermitian  # a parameter of NumPy's has the name


def _folded(a_bar: Any) -> Any:
    """The cotangent of the triangle that a Hermitian matrix is read from."""
    return half(a_bar + adjoint(a_bar))


calls(
    np.linalg.pinv,
    call(array(3, 3, kind="invertible")),
    call(array(4, 2, kind="invertible")),
    call(array(2, 4, kind="invertible")),
    call(array(2, 1, 3, 2, kind="invertible")),
    call(array(2, 2, 3, kind="invertible"), 1e-8),
    call(array(4, 2, kind="invertible"), rtol=1e-10),
    call(array(3, 3, kind="definite"), hermitian=True),
    call(array(2, 3, 3, kind="invertible"), None, True),
    call(array(0, 2, 3)),
    call(array(0, 3)),
)
