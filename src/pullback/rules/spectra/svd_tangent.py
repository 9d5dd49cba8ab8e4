"""Singular value decompositions in forward mode (see `svd`).

With ``P = U^H A_dot V``, its hermitian part H and its antihermitian part N, and antihermitian X and Y

    X = H_ij / (s_j - s_i) + N_ij / (s_i + s_j)     U_dot = U X + (1 - U U^H) A_dot V diag(1/s)
    Y = H_ij / (s_j - s_i) - N_ij / (s_i + s_j)     V_dot = V Y + (1 - V V^H) A_dot^H U diag(1/s)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.spectra import inquiry
from pullback.rules.spectra.eigh import check_turning, unsplit
from pullback.rules.spectra.gauge import Array, first_order_only, infinite_diagonal, placed, slack_of
from pullback.rules.spectra.inquiry import SplitError
from pullback.rules.spectra.svd import KIND, NAME, generic_svd, ranks
from pullback.rules.table import calls, jvp


@jvp(generic_svd, 0, reads="y")
def svd_jvp(a_dot: Any, y: Any, a: Any, full: bool) -> Any:
    return svd_tangent(a_dot, *y)


@dispatched
def svd_tangent(a_dot: Any, u: Any, s: Any, vh: Any) -> Any:
    """The tangents of the left singular vectors, the singular values and the right singular vectors."""
    values = bare(s)
    count, size = values.shape[-1], max(u.shape[-2], vh.shape[-1])
    if not count:
        return np.zeros(u.shape, u.dtype), np.zeros(s.shape, s.dtype), np.zeros(vh.shape, vh.dtype)
    u1, v1 = u[..., :, :count], adjoint(vh)[..., :, :count]
    along = adjoint(u) @ a_dot
    p = along[..., :count, :] @ v1
    even, odd = (p + adjoint(p)) / 2, (p - adjoint(p)) / 2
    known, first = ranks(values, size), first_order_only(u, s, vh, a_dot)
    mask = unsplit(NAME, KIND, values, bare(even), size, first, lambda place: int(known[place]))
    gap = s[..., None, :] - s[..., :, None] + infinite_diagonal(count, values.dtype)
    total: Any = s[..., None, :] + s[..., :, None]
    inverse: Any = s[..., None, :]
    zero = np.arange(count) >= known[..., None]
    if zero.any():
        _check_null_tangent(values, known, bare(a_dot), bare(u1), bare(v1), first)
        both = zero[..., None, :] & zero[..., :, None]
        mask = both if mask is None else mask | both
        total = np.where(both, np.inf, total)
        inverse = np.where(zero[..., None, :], np.inf, inverse)
    together = even / (gap if mask is None else np.where(mask, np.inf, gap))
    apart = odd / total
    if first:
        check_turning(NAME, KIND, values, together)
    u_dot = _moved(u, together + apart, a_dot @ v1, along @ v1, inverse, count)
    across = adjoint(a_dot) @ u1
    v_dot = _moved(adjoint(vh), together - apart, across, vh @ across, inverse, count)
    return u_dot, np.real(np.diagonal(p, axis1=-2, axis2=-1)), adjoint(v_dot)


COMPOSED[svd_tangent] = svd_tangent.__wrapped__  # type: ignore[attr-defined]


def _moved(basis: Any, turning: Any, pushed: Any, inside: Any, inverse: Any, count: int) -> Any:
    """The tangent of singular vectors that turn among themselves, and out of their space."""
    first = basis[..., :, :count] @ turning
    if basis.shape[-2] == count:
        return first
    if basis.shape[-1] == count:
        return first + (pushed - basis @ inside) / inverse
    out = inside[..., count:, :] / inverse
    rest = basis[..., :, count:]
    return np.concatenate((first + rest @ out, -basis[..., :, :count] @ adjoint(out)), axis=-1)


def _check_null_tangent(values: Array, known: Array, a_dot: Array, u: Array, v: Array, first: bool) -> None:
    """Raise where the tangent of the matrix does not leave its null spaces alone."""
    for place in map(tuple, np.argwhere(known < values.shape[-1]).tolist()):
        rank = int(known[place])
        inquiry.note(f"singular value {rank}{placed(place)} ({values[place][rank]})")
        left, right, moved = u[place][:, rank:], v[place][:, rank:], a_dot[place]
        across, along = moved @ right, np.conj(moved.T) @ left
        for part, basis in ((across, u[place][:, :rank]), (along, v[place][:, :rank])):
            part = part - basis @ (np.conj(basis.T) @ part)
            if not first or np.max(np.abs(part)) > slack_of(values.dtype) * np.max(np.abs(moved)):
                where = placed(place)
                raise SplitError(
                    f"{NAME} has no tangent here: singular value {rank}{where} ({values[place][rank]}) is 0 "
                    "up to rounding, and the tangent of the matrix moves it",
                    why="forward mode does not see whether the result depends on it, and on its vectors",
                    remedy="use reverse mode, which does: pb.grad, pb.vjp, pb.jacobian(f, mode='reverse').",
                )


calls(
    generic_svd,
    call(array(3, 3, kind="separated"), False),
    call(array(4, 3, kind="separated"), False),
    call(array(2, 4, kind="separated"), False),
    call(array(2, 1, 3, 4, kind="separated"), False),
    call(array(0, 3, 2, kind="separated"), False),
    call(array(3, 2, kind="separated"), True),
    call(array(2, 3, kind="separated"), True),
    call(array(3, 1, kind="separated"), False),
    complex=False,
)
