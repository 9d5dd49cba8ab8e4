"""Eigenvalues and eigenvectors of general matrices (`numpy.linalg.eig`, `eigvals`), in stacks.

With ``A V = V diag(w)``, ``P = V⁻¹ A_dot V`` and ``C_ij = P_ij / (w_j - w_i)`` off the diagonal, w_dot is
the diagonal of P, and V_dot is ``V C`` less what would change the length of a column (Boeddeker et al.,
*On the computation of complex-valued gradients with application to statistically optimum beamforming*,
2017, arXiv:1701.00392, §4.6; Giles 2008, §3.1).

Conventions: NumPy's eigenvectors have length 1, and so do those that move. Their phase is arbitrary. A
cotangent that depends on it is an error, as in PyTorch; tangents are those of LAPACK's choice, where the
largest component stays real.

Equal eigenvalues: eigenvectors have no derivative. Eigenvalues have one together, if no eigenvector is
missing (they then move at most as fast as the matrix) and all of them have the same cotangent. Whether
rounding allows two to be equal is told by their condition numbers, the lengths of the rows of ``V⁻¹``: an
eigenvalue is known to ``eps ‖A‖`` times that (Golub & Van Loan, *Matrix Computations*, 4th ed. 2013,
§7.2.2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import Tracked, bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.structured import Filled, dense
from pullback.rules.table import calls, gauge, jvp, vjp

Array = np.ndarray[Any, Any]
_REMEDY = "use functions of the matrix that need no eigenvectors, or np.linalg.eigh if it is Hermitian."


# -- what has no derivative -------------------------------------------------------------------------------


def _equal(w: Array, i: int, j: int, why: str) -> NotDifferentiableError:
    first, second = sorted((i, j))
    return NotDifferentiableError(
        f"the eigenvalues {first} and {second} of a matrix are equal: {w[first]:.6g} and {w[second]:.6g}",
        why=why,
        remedy=_REMEDY,
    )


def _inverse(v: Any, w: Array) -> Any:
    """``V⁻¹``; an error that names the nearest pair of eigenvectors where there is none."""
    try:
        return np.linalg.inv(v)
    except np.linalg.LinAlgError:
        plain = bare(v)
        overlaps = np.abs(adjoint(plain) @ plain) * (1 - np.eye(plain.shape[-1]))
        *place, i, j = np.unravel_index(int(np.argmax(overlaps)), overlaps.shape)
        raise _equal(
            w[tuple(place)], int(i), int(j), "the matrix is defective: an eigenvector is missing"
        ) from None


def _pairs(w: Array, a: Array, inverse: Array) -> Any:
    """The pairs of eigenvalues that are equal but for rounding, None if there are none.

    Raises:
        NotDifferentiableError: where the two have one eigenvector: they then move infinitely fast.
    """
    n = w.shape[-1]
    eps = np.finfo(w.dtype).eps
    with np.errstate(all="ignore"):
        conditions = np.linalg.norm(inverse, axis=-1)
        unsure = 10 * eps * np.linalg.norm(a, axis=(-2, -1))[..., None] * conditions
        gap = np.abs(w[..., :, None] - w[..., None, :])
        pairs = ~(gap > unsure[..., :, None] + unsure[..., None, :]) & ~np.eye(n, dtype=bool)
    if not pairs.any():
        return None
    worst = np.maximum(conditions[..., :, None], conditions[..., None, :])
    for *place, i, j in np.argwhere(pairs & ~(worst < eps**-0.25)).tolist():
        why = "the matrix is defective or nearly so: the two have the same eigenvector"
        raise _equal(w[tuple(place)], i, j, why)
    return pairs


def _idle(v: Array, v_bar: Array) -> Array:
    """Which eigenvectors nothing depends on.

    A cotangent of zeros alone does not prove it: that of ``v[1] ** 2`` is 0 where ``v[1]`` is, and yet the
    vector jumps where eigenvalues are equal. It does at a generic vector, all of whose components differ.
    """
    sizes = np.sort(np.abs(v), axis=-2)
    apart = np.diff(sizes, axis=-2, prepend=v.real.dtype.type(0)) > np.finfo(v.dtype).eps ** 0.5
    return ~np.any(v_bar, axis=-2) & np.all(apart, axis=-2)


def _settle(pairs: Array, w: Array, w_bar: Array, idle: Array | None) -> None:
    """Raise unless the cotangents at equal eigenvalues are the same, and their eigenvectors not in use.

    Args:
        idle: the eigenvectors that are not, None if none is.
    """
    close = np.abs(w_bar[..., :, None] - w_bar[..., None, :])
    size = np.max(np.abs(w_bar), axis=-1, initial=0)[..., None, None]
    split = pairs & (close > np.finfo(w.dtype).eps ** 0.5 * size)
    for *place, i, j in np.argwhere(split).tolist():
        raise _equal(w[tuple(place)], i, j, "a function that tells them apart has no derivative")
    if idle is None:
        return
    used = pairs & ~(idle[..., :, None] & idle[..., None, :])
    for *place, i, j in np.argwhere(used).tolist():
        raise _equal(w[tuple(place)], i, j, "any mixture of their eigenvectors is an eigenvector")


def _check_phases(w: Array, turning: Array, w_bar: Array, v_bar: Array, real: bool) -> None:
    """Raise if the cotangents of eigenvectors have a part along ``i v``, which turns the phase.

    Args:
        turning: the imaginary parts of ``vᴴ v_bar``.
        real: whether the matrix is: then real eigenvectors stay real.
    """
    size = np.linalg.norm(v_bar, axis=-2).max(axis=-1, initial=0) + np.abs(w_bar).max(axis=-1, initial=0)
    wrong = np.abs(turning) > np.finfo(w.dtype).eps ** 0.5 * size[..., None]
    if real:
        wrong &= np.imag(w) != 0
    for *place, j in np.argwhere(wrong).tolist():
        raise NotDifferentiableError(
            f"the result depends on the phase of the eigenvector {j}, of {w[(*place, j)]:.6g}",
            why="an eigenvector times any number of modulus 1 is an eigenvector, and which one "
            "numpy.linalg.eig returns is no property of the matrix",
            remedy="use what does not depend on it, such as np.abs(v) or v * np.conj(v[k]).",
        )


# -- eig --------------------------------------------------------------------------------------------------


def _over_gaps(p: Any, w: Any, pairs: Any) -> Any:
    """``P_ij / (w_j - w_i)``, zero on the diagonal and between equal eigenvalues."""
    same = np.eye(np.shape(w)[-1], dtype=bool)
    same = same if pairs is None else same | pairs
    gap = w[..., None, :] - w[..., :, None]
    return np.where(same, 0, p / np.where(same, 1, gap))


def _along(v: Any, u: Any) -> Any:
    """``vᴴ u`` of each column."""
    return np.sum(np.conj(v) * u, axis=-2)


@dispatched
def eig_of_any_phase(a: Any) -> Any:
    """`numpy.linalg.eig`, for functions of the eigenvectors that no phase changes."""
    return np.linalg.eig(a)


@vjp(np.linalg.eig, 0, reads="y a", structured=True, holomorphic=False)
def eig_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    return _eig_cotangent(y_bar, y, a, True)


@vjp(eig_of_any_phase, 0, reads="y a", structured=True, holomorphic=False)
def eig_of_any_phase_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    return _eig_cotangent(y_bar, y, a, False)


def _eig_cotangent(y_bar: Any, y: Any, a: Any, check: bool) -> Any:
    (w, v), (w_bar, v_bar) = y, map(dense, y_bar)
    values = bare(w)
    inverse = _inverse(v, values)
    pairs = _pairs(values, bare(a), bare(inverse))
    if pairs is not None:
        idle = None if isinstance(y_bar[1], Filled) else _idle(bare(v), bare(v_bar))
        _settle(pairs, values, bare(w_bar), idle)
    if not isinstance(y_bar[1], Filled):
        along = _along(v, v_bar)
        if check and values.dtype.kind == "c":
            _check_phases(values, np.imag(bare(along)), bare(w_bar), bare(v_bar), bare(a).dtype.kind != "c")
        p_bar = adjoint(v) @ (v_bar - v * np.real(along)[..., None, :])
        inner = _over_gaps(p_bar, np.conj(w), pairs)
        inner = inner + w_bar[..., None] * np.eye(np.shape(w)[-1], dtype=values.dtype)
        return adjoint(inverse) @ inner @ adjoint(v)
    return (adjoint(inverse) * w_bar[..., None, :]) @ adjoint(v)


@jvp(eig_of_any_phase, 0, reads="y a")
@jvp(np.linalg.eig, 0, reads="y a")
def eig_jvp(a_dot: Any, y: Any, a: Any) -> tuple[Any, Any]:
    w, v = y
    inverse = _inverse(v, bare(w))
    pairs = _pairs(bare(w), bare(a), bare(inverse))
    if pairs is not None:
        _check_direction(pairs, bare(w), a_dot)
    p = inverse @ a_dot @ v
    u = v @ _over_gaps(p, w, pairs)
    rate = np.real(_along(v, u))
    if bare(w).dtype.kind == "c" and np.shape(w)[-1]:
        largest = np.argmax(np.abs(bare(v)), axis=-2)[..., None, :]
        turn = np.take_along_axis(u, largest, -2) / np.take_along_axis(v, largest, -2)
        rate = rate + 1j * np.imag(turn)[..., 0, :]
    return np.diagonal(p, axis1=-2, axis2=-1), u - v * rate[..., None, :]


def _check_direction(pairs: Array, w: Array, a_dot: Any) -> None:
    """Raise if a matrix with equal eigenvalues moves."""
    moved = np.any(bare(a_dot) != 0, axis=(-2, -1)) | isinstance(a_dot, Tracked)
    for *place, i, j in np.argwhere(pairs & moved[..., None, None]).tolist():
        raise _equal(w[tuple(place)], i, j, "they move apart in an order that depends on the direction")


@gauge(eig_of_any_phase)
@gauge(np.linalg.eig)
def eig_gauge(y_bar: Any, y: Any) -> tuple[Any, Any]:
    """Without the part along ``i v``, which turns phases."""
    v, (w_bar, v_bar) = y[1], y_bar
    if v.dtype.kind != "c":
        return w_bar, v_bar
    return w_bar, v_bar - v * (1j * np.imag(_along(v, v_bar)))[..., None, :]


# -- eigvals ----------------------------------------------------------------------------------------------


def _with_vectors(a: Any, y: Any) -> tuple[Any, Any]:
    """The result of `eig`, and for each of its eigenvalues its place in `y`: LAPACK's two ways differ."""
    found = eig_of_any_phase(a)
    w, wanted = bare(found[0]), bare(y)
    distance = np.abs(w[..., :, None] - wanted[..., None, :])
    order = np.argmin(distance, axis=-1) if w.size else np.zeros(w.shape, int)
    for place in map(tuple, np.argwhere(np.any(np.sort(order, -1) != np.arange(w.shape[-1]), -1)).tolist()):
        rest = distance[place].copy()
        for i in range(w.shape[-1]):
            order[(*place, i)] = k = int(np.argmin(rest[i]))
            rest[:, k] = np.inf
    return found, order


@vjp(np.linalg.eigvals, 0, reads="y a", holomorphic=False)
def eigvals_vjp(y_bar: Any, y: Any, a: Any) -> Any:
    (w, v), order = _with_vectors(a, y)
    w_bar = np.take_along_axis(y_bar, order, -1)
    inverse = _inverse(v, bare(w))
    pairs = _pairs(bare(w), bare(a), bare(inverse))
    if pairs is not None:
        _settle(pairs, bare(w), bare(w_bar), None)
    return (adjoint(inverse) * w_bar[..., None, :]) @ adjoint(v)


@jvp(np.linalg.eigvals, 0, reads="y a")
def eigvals_jvp(a_dot: Any, y: Any, a: Any) -> Any:
    (w, v), order = _with_vectors(a, y)
    inverse = _inverse(v, bare(w))
    pairs = _pairs(bare(w), bare(a), bare(inverse))
    if pairs is not None:
        _check_direction(pairs, bare(w), a_dot)
    w_dot = np.diagonal(inverse @ a_dot @ v, axis1=-2, axis2=-1)
    return np.take_along_axis(w_dot, np.argsort(order, -1), -1)


TURNING = np.array([[0.5, 3.0, 0.2], [-2.0, 0.3, -0.4], [0.6, 0.1, 4.0]])
"""A real matrix with a pair of complex eigenvalues."""
SPREAD = np.array([[0.3, -0.7, 0.4], [0.9, 4.2, -0.5], [-0.2, 0.6, 8.1]])
"""One with eigenvalues so far apart that LAPACK gives them in the same order near by."""

for _function in (np.linalg.eig, eig_of_any_phase, np.linalg.eigvals):
    calls(
        _function,
        call(SPREAD + 0.5j * SPREAD.T),
        call(SPREAD),
        call(TURNING),
        call(np.stack([SPREAD + 1j, 1j * SPREAD])[:, None]),
        call(np.stack([TURNING, SPREAD])),
        call(array(1, 1)),
        call(array(0, 3, 3)),
        call(array(0, 0)),
    )
