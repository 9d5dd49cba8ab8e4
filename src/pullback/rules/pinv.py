"""Pseudo-inverses (`numpy.linalg.pinv`), real and complex, in stacks.

Golub & Pereyra, *The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate*, 1973, theorem 4.3: with ``P = A⁺``, where the rank stays the same,
``P_dot = -P A_dot P + P Pᴴ A_dotᴴ (1 - A P) + (1 - P A) A_dotᴴ Pᴴ P``.

At a matrix of full rank that is all directions. At others the cotangent is the one along the matrices of
that rank; a tangent that leaves them is an error, and so is a singular value that `rcond` drops although
it is not zero: the formula leaves out what it contributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.table import calls, jvp, vjp
from pullback.rules.triangular import half, hermitian

Array = np.ndarray[Any, Any]


def is_zero_beside(small: Any, large: Any, dtype: Any) -> Any:
    """Whether a singular value is no more than rounding makes of 0 where `large` is the last that counts."""
    return small <= large * np.finfo(dtype).eps ** 0.75


def drops(function: str) -> NotDifferentiableError:
    """The error for a singular value that a cutoff drops although it is not 0."""
    return NotDifferentiableError(
        f"numpy.linalg.{function} drops a singular value that is not zero",
        why="its derivative is known where the rank is constant (Golub & Pereyra, 1973)",
        remedy="use a smaller rcond or rtol, or cut the spectrum of np.linalg.svd yourself.",
    )


def leaves_rank(function: str) -> NotDifferentiableError:
    """The error for a tangent along which the rank changes."""
    return NotDifferentiableError(
        f"the rank of a matrix changes along its tangent in numpy.linalg.{function}",
        why="the pseudo-inverse is not even continuous there",
        remedy="move along matrices of the same rank, such as products of two factors, or regularise: "
        "np.linalg.solve(a.T @ a + eps * np.eye(n), a.T).",
    )


def _is_full(a: Array, p: Array) -> bool:
    """Whether each matrix has full rank.

    Raises:
        NotDifferentiableError: if its pseudo-inverse `p` leaves out a singular value that is not zero.
    """
    size = min(a.shape[-2:])
    if not size or not a.size:
        return True
    ranks = np.rint(np.real(np.einsum("...ij,...ji->...", p, a))).astype(int)
    if np.all(ranks >= size):
        return True
    values = np.linalg.svd(a, compute_uv=False)
    for rank, found in zip(np.ravel(ranks), np.reshape(values, (-1, size)), strict=True):
        if rank < size and not (
            is_zero_beside(found[rank], found[rank - 1], a.dtype) if rank else not found[0]
        ):
            raise drops("pinv")
    return False


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
    if not full and _leaves(bare(a_dot), bare(a), bare(y)):
        raise leaves_rank("pinv")
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


def _leaves(a_dot: Array, a: Array, p: Array) -> bool:
    """Whether a direction has a part between the two null spaces, which raises the rank."""
    part = a_dot - a @ (p @ a_dot)
    part = part - (part @ p) @ a
    size = np.linalg.norm(a_dot, axis=(-2, -1))
    return bool(np.any(np.linalg.norm(part, axis=(-2, -1)) > size * np.finfo(a.dtype).eps ** 0.5))


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
