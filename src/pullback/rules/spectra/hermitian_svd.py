"""Singular value decompositions of hermitian matrices: ``numpy.linalg.svd(a, hermitian=True)``.

There ``U = V`` up to the signs of the eigenvalues w, and ``s = |w|``: the rule is that of `eigh`, in another
order. But eigenvalues of opposite sign may have the same magnitude, and which of the two comes first is then
decided by rounding; and a magnitude has a kink at 0. Such matrices go by the rule of `svd`, which knows both:
equal singular values are turned by a generic basis, so that what depends on their order does not pass for
what does not.

Like NumPy, the rule reads the lower triangle alone (see `eigh`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.spectra.eigh import eigh_cotangent, eigh_tangent, triangle
from pullback.rules.spectra.gauge import Array, absent
from pullback.rules.spectra.svd import ranks, svd_cotangent, turn_equal
from pullback.rules.spectra.svd_tangent import svd_tangent
from pullback.rules.structured import Filled, dense
from pullback.rules.table import calls, jvp, vjp


@dispatched
def generic_hermitian_svd(a: Any) -> Any:
    """`numpy.linalg.svd` of hermitian matrices, where the bases that are arbitrary have no structure."""
    u, s, vh = np.linalg.svd(a, hermitian=True)
    # Of a zero eigenvalue some versions of NumPy make a row of zeros, 0 being its sign.
    vh = np.where((s == 0)[..., None], adjoint(u), vh)
    turn_equal(u, s, vh)
    return u, s, vh


def _signs(u: Array, s: Array, vh: Array) -> tuple[Array, Array]:
    """The signs of the eigenvalues, and which matrices have a tie of opposite ones or a zero.

    The two bases of a tie are turned together, after which ``V^H U`` has no longer 1 and -1 on its diagonal.
    """
    diagonal = np.real(np.einsum("...ij,...ji->...i", vh, u))
    mixed = (np.abs(diagonal) < 1 - 1e-3).any(axis=-1)
    size = s.shape[-1]
    return np.where(diagonal < 0, -1, 1).astype(s.dtype), mixed | (ranks(s, size) < size)


def _sorted(u: Any, s: Any, signs: Array) -> tuple[Any, Any, Array]:
    """Eigenvalues and eigenvectors in `eigh`'s order, and the order."""
    w = s * signs
    order = np.argsort(bare(w), axis=-1, kind="stable")
    return np.take_along_axis(w, order, -1), np.take_along_axis(u, order[..., None, :], -1), order


def _only(chosen: Array, part: Any) -> Any:
    """`part` of the chosen matrices of a stack, and 0 of the others; one number is that of all."""
    here = np.reshape(chosen, (*chosen.shape, *[1] * (np.ndim(part) - chosen.ndim)))
    return part if absent(part) or chosen.all() else np.where(here, part, 0)


# -- reverse ----------------------------------------------------------------------------------------------


@vjp(generic_hermitian_svd, 0, reads="y", structured=True, holomorphic=False)
def hermitian_svd_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    u_bar, s_bar, vh_bar = (0.0 if type(part) is Filled else dense(part) for part in y_bar)
    return hermitian_svd_cotangent(u_bar, s_bar, vh_bar, *y)


@dispatched
def hermitian_svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    """The cotangent of the matrix; a cotangent that is one number is that of an output nothing depends on."""
    signs, tied = _signs(bare(u), bare(s), bare(vh))
    if not tied.any():
        return _by_eigenvalues(u_bar, s_bar, vh_bar, u, s, signs)
    own = [_only(tied, bar) for bar in (u_bar, s_bar, vh_bar)]
    a_bar = _folded(svd_cotangent(own[0], own[1], own[2], u, s, vh))
    if tied.all():
        return a_bar
    rest = [_only(~tied, bar) for bar in (u_bar, s_bar, vh_bar)]
    return a_bar + _by_eigenvalues(rest[0], rest[1], rest[2], u, s, signs)


COMPOSED[hermitian_svd_cotangent] = hermitian_svd_cotangent.__wrapped__  # type: ignore[attr-defined]


def _by_eigenvalues(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, signs: Array) -> Any:
    w, v, order = _sorted(u, s, signs)
    w_bar = s_bar if absent(s_bar) else np.take_along_axis(s_bar * signs, order, -1)
    v_bar = u_bar if absent(vh_bar) else u_bar + adjoint(vh_bar) * signs[..., None, :]
    if not absent(v_bar):
        v_bar = np.take_along_axis(v_bar, order[..., None, :], -1)
    return eigh_cotangent(w_bar, v_bar, w, v, "L")


def _folded(a_bar: Any) -> Any:
    """The cotangent of the triangle that the hermitian matrix is read from."""
    return (a_bar + adjoint(a_bar)) * (triangle(a_bar.shape[-1], "L", np.real(bare(a_bar)).dtype) / 2)


# -- forward ----------------------------------------------------------------------------------------------


@jvp(generic_hermitian_svd, 0, reads="y")
def hermitian_svd_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    return hermitian_svd_tangent(a_dot, *y)


@dispatched
def hermitian_svd_tangent(a_dot: Any, u: Any, s: Any, vh: Any) -> Any:
    """The tangents of the left singular vectors, the singular values and the right singular vectors."""
    signs, tied = _signs(bare(u), bare(s), bare(vh))
    half = a_dot * (triangle(s.shape[-1], "L", bare(s).dtype) / 2)
    moved = half + adjoint(half)
    if not tied.any():
        return _eigenvalues_moved(moved, u, s, signs)
    first = svd_tangent(_only(tied, moved), u, s, vh)
    if tied.all():
        return first
    rest = _eigenvalues_moved(_only(~tied, moved), u, s, signs)
    return tuple(one + other for one, other in zip(first, rest, strict=True))


COMPOSED[hermitian_svd_tangent] = hermitian_svd_tangent.__wrapped__  # type: ignore[attr-defined]


def _eigenvalues_moved(moved: Any, u: Any, s: Any, signs: Array) -> Any:
    w, v, order = _sorted(u, s, signs)
    w_dot, v_dot = eigh_tangent(moved, w, v, "L")
    back = np.argsort(order, axis=-1)
    u_dot = np.take_along_axis(v_dot, back[..., None, :], -1)
    s_dot = np.take_along_axis(w_dot, back, -1) * signs
    return u_dot, s_dot, adjoint(u_dot * signs[..., None, :])


calls(
    generic_hermitian_svd,
    call(array(3, 3, kind="separated")),
    call(array(2, 1, 3, 3, kind="separated")),
    call(array(0, 3, 3, kind="separated")),
    call(array(1, 1, kind="separated")),
    complex=False,
)
