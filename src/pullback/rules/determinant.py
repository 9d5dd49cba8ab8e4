"""Determinants: det to third order at any matrix, singular ones included, and slogdet.

The derivatives of det are polynomials in the matrix, so they exist where no inverse does. With
``A = U diag(s) Vᴴ`` and the direction ``E = Uᴴ dA V`` they need only the products of singular values with
one, two or three left out (Magnus & Neudecker, *Matrix Differential Calculus*, 3rd ed. 2019, §8.3-8.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.factored import det, inverse_again, inverse_and_determinant, slogdet
from pullback.rules.table import EACH, calls, computes, jvp, vjp

Array = np.ndarray[Any, Any]


def _over_matrices(x: Any) -> Any:
    """One number per matrix, shaped to multiply the matrices."""
    return np.expand_dims(x, (-2, -1))


# -- the derivatives of det as functions of their own -----------------------------------------------------


@dispatched
def minors(a: Any, *directions: Any) -> Any:
    """The gradient of det (plain: the cofactors of `a`), or of det's derivative along `directions`.

    Args:
        a: matrices, ``(..., n, n)``.
        directions: up to two arrays of the same shape.
    """
    a = np.asarray(a)
    if len(directions) > 2:
        raise NotDifferentiableError(
            "numpy.linalg.det has no derivative beyond the third",
            why="its rule leaves out at most three singular values at a time",
            remedy="differentiate sign * np.exp(logdet) of np.linalg.slogdet, where the matrix is regular.",
        )
    if a.shape[-1] == 0:
        return np.zeros_like(a)
    regular = None if directions else _regular_cofactors(a)
    return _minors_by_svd(a, [np.asarray(d) for d in directions]) if regular is None else regular


def _regular_cofactors(a: Array) -> Array | None:
    """``det(a) a⁻ᵀ``, or None where some matrix is too close to a singular one for it."""
    try:
        inverse, determinant = inverse_and_determinant(a)
    except np.linalg.LinAlgError:
        return None
    size = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    if np.any(size > np.finfo(a.dtype).eps ** -0.25):
        return None
    return _over_matrices(determinant) * np.swapaxes(inverse, -1, -2)


def _minors_by_svd(a: Array, directions: list[Array]) -> Array:
    u, s, vh = np.linalg.svd(a)
    uh, v = np.conj(np.swapaxes(u, -1, -2)), np.conj(np.swapaxes(vh, -1, -2))
    turned = [uh @ direction @ v for direction in directions]
    inner = (_first, _second, _third)[len(directions)](s, *turned)
    return _over_matrices(np.linalg.det(u) * np.linalg.det(vh)) * (np.conj(u) @ inner @ np.conj(vh))


def _first(s: Array) -> Array:
    """The cofactors of ``diag(s)``: the products of `s` with one left out, on the diagonal."""
    return _left_out(s)[..., None] * np.eye(s.shape[-1], dtype=s.dtype)


def _second(s: Array, e: Array) -> Array:
    """``Σ_{i≠j} P_ij (E_ii δ_jj - E_ij δ_ji)``, where ``P_ij`` leaves out two."""
    pairs = _two_left_out(s)
    on_diagonal = pairs @ _diagonal(e)[..., None]
    return on_diagonal * np.eye(s.shape[-1], dtype=s.dtype) - pairs * np.swapaxes(e, -1, -2)


def _third(s: Array, e: Array, f: Array) -> Array:
    """Sums over triples ``i, j, k``, all different, that are left out of the product; one `k` at a time."""
    size = s.shape[-1]
    total = np.zeros(np.broadcast_shapes(e.shape, f.shape), np.result_type(s, e, f))
    e_diagonal, f_diagonal = _diagonal(e), _diagonal(f)
    for k in range(size):
        rest = [i for i in range(size) if i != k]
        pairs = _two_left_out(s[..., rest])
        part_e, part_f = e[..., rest, :][..., rest], f[..., rest, :][..., rest]
        e_column, f_column = e[..., k][..., rest], f[..., k][..., rest]
        e_traces = _times(pairs, e_diagonal[..., rest])
        f_traces = _times(pairs, f_diagonal[..., rest])
        total[..., k, k] = np.sum(f_diagonal[..., rest] * e_traces, -1) - np.sum(
            pairs * part_e * np.swapaxes(part_f, -1, -2), (-2, -1)
        )
        row = _times(pairs * part_e, f_column) - e_column * f_traces
        row = row + _times(pairs * part_f, e_column) - f_column * e_traces
        total[..., k, rest] = row
    return total


def _times(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[..., None])[..., 0]


def _diagonal(e: Array) -> Array:
    return np.diagonal(e, axis1=-2, axis2=-1)


def _left_out(s: Array) -> Array:
    """At ``[..., i]`` the product of `s` without its entry i."""
    size = s.shape[-1]
    return np.prod(np.where(np.eye(size, dtype=bool), s.dtype.type(1), s[..., None, :]), axis=-1)


def _two_left_out(s: Array) -> Array:
    """At ``[..., i, j]`` the product of `s` without its entries i and j, and 0 on the diagonal."""
    size = s.shape[-1]
    own = np.eye(size, dtype=bool)
    left_out = own[:, None, :] | own[None, :, :]
    products = np.prod(np.where(left_out, s.dtype.type(1), s[..., None, None, :]), axis=-1)
    return np.where(own, s.dtype.type(0), products)


# A derivative of det, contracted with a cotangent, is symmetric in that cotangent and the directions.


@vjp(minors, EACH)
def minors_vjp(position: int, y_bar: Any, y: Any, a: Any, *directions: Any) -> Any:
    return minors_jvp(position, y_bar, y, a, *directions)


@jvp(minors, EACH)
def minors_jvp(position: int, x_dot: Any, y: Any, a: Any, *directions: Any) -> Any:
    if position == 0:
        return minors(a, *directions, x_dot)
    return minors(a, *directions[: position - 1], x_dot, *directions[position:])


calls(
    minors,
    call(array(3, 3)),
    call(array(2, 4, 4)),
    call(array(4, 4), array(4, 4)),
    call(array(2, 1, 1)),
    call(array(2, 2, 2), array(2, 2, 2)),
)


# -- det, slogdet -----------------------------------------------------------------------------------------


@vjp(np.linalg.det, 0, reads="a")
def det_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    return _over_matrices(y_bar) * minors(a)


@jvp(np.linalg.det, 0, reads="a")
def det_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    return np.sum(minors(a) * a_dot, axis=(-2, -1))


computes(np.linalg.det, det)
calls(
    np.linalg.det,
    call(array(3, 3)),
    call(array(3, 3, kind="invertible")),
    call(array(2, 1, 4, 4)),
    call(array(1, 1)),
    call(array(0, 2, 2)),
    call(array(0, 0)),
)


@vjp(np.linalg.slogdet, 0, holomorphic=False)
def slogdet_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    # With t = tr(a⁻¹ ȧ): the logarithm moves by Re t, the sign by i sign Im t; a real sign does not move.
    weight = y_bar[1]
    if dtype_of(a).kind == "c":
        weight = weight + 1j * np.imag(y_bar[0] * np.conj(y[0]))
        return _over_matrices(weight) * np.conj(np.swapaxes(inverse_again(y, a), -1, -2))
    return _over_matrices(weight) * np.swapaxes(inverse_again(y, a), -1, -2)


@jvp(np.linalg.slogdet, 0)
def slogdet_jvp(a_dot: Any, y: Any, a: Any) -> tuple[Any, Any]:
    rate = np.sum(np.swapaxes(inverse_again(y, a), -1, -2) * a_dot, axis=(-2, -1))
    if dtype_of(a).kind == "c" or dtype_of(a_dot).kind == "c":
        return 1j * y[0] * np.imag(rate), np.real(rate)
    return np.zeros(np.shape(rate), dtype_of(rate)), rate


computes(np.linalg.slogdet, slogdet)
calls(
    np.linalg.slogdet,
    call(array(3, 3, kind="invertible")),
    call(array(3, 3)),
    call(array(2, 3, 3, kind="invertible")),
    call(array(0, 2, 2)),
)
