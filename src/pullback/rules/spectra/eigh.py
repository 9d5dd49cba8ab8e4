"""Eigenvalues and eigenvectors of hermitian matrices, with degenerate spectra.

With ``A = V diag(w) V^H``, ``M = V^H V_bar``, its antihermitian part K and ``F_ij = 1 / (w_j - w_i)``

    A_bar = V (diag(w_bar) + F ∘ K) V^H        w_dot = diag(V^H A_dot V)        V_dot = V (F ∘ V^H A_dot V)

outside clusters of equal eigenvalues; inside them see `clusters`. Like NumPy, and unlike PyTorch and JAX, the
rule reads one triangle alone: the gradient is 0 in the other, and twice the hermitian one's off the diagonal.

Conventions: complex eigenvectors move without turning their phase (``V^H V_dot`` has a real diagonal, zero);
a loss that depends on the phase is an error in reverse mode, as in PyTorch. Where eigenvalues are equal, the
recorded eigenvectors are not LAPACK's, but a generic basis of the same space (`gauge` says why).

Source: Giles, *Collected matrix derivative results*, 2008, §3.1; Seeger et al., *Auto-differentiating linear
algebra*, 2017 (arXiv:1710.08717), §4.3; Xie, Liu & Wang, *Automatic differentiation of dominant eigensolver
and its applications in quantum physics*, 2020 (arXiv:2001.04121).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched
from pullback.base.panels import product
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.spectra import inquiry
from pullback.rules.spectra.blurred import blurred_by
from pullback.rules.spectra.clusters import Counts, check_symmetric, settled
from pullback.rules.spectra.gauge import (
    JOINED,
    absent,
    all_apart,
    eps_of,
    first_order_only,
    identity,
    infinite_diagonal,
    merge,
    named,
    near_neighbours,
    refuse_forward,
    refuse_phase,
    refuse_second,
    refuse_seeds,
    rotation,
    runs,
    seeds_alone,
    slack_of,
    turned_neighbours,
    unresolved_neighbours,
)
from pullback.rules.structured import Filled, dense
from pullback.rules.table import calls, jvp, vjp

NAME = "numpy.linalg.eigh"
KIND = "eigenvalues"
_ROWS = 64


# -- the value --------------------------------------------------------------------------------------------


@dispatched
def generic_eigh(a: Any, uplo: Any) -> Any:
    """`numpy.linalg.eigh`, where the basis of a space with equal eigenvalues has no structure."""
    w, v = np.linalg.eigh(a, uplo)
    size, turn = w.shape[-1], inquiry.turn()
    if turn or not all_apart(w, JOINED * size * eps_of(w.dtype)):
        equal = turned_neighbours(w, size, turn)
        for place in map(tuple, np.argwhere(equal.any(axis=-1)).tolist()):
            for run in runs(equal[place]):
                merge(w[place], run)
                v[place][:, run] = v[place][:, run] @ rotation(run.stop - run.start, v.dtype, turn)
    return w, v


@functools.cache
def triangle(size: int, uplo: str, dtype: np.dtype[Any]) -> Any:
    """How often NumPy reads an entry: twice off the diagonal of one triangle, once on it."""
    half = np.tril if uplo == "L" else np.triu
    return (2 * half(np.ones((size, size))) - np.eye(size)).astype(dtype)


# -- reverse ----------------------------------------------------------------------------------------------


@vjp(generic_eigh, 0, reads="y uplo", structured=True, holomorphic=False)
def eigh_vjp(y_bar: Any, y: Any, a: Any, uplo: str) -> Any:
    w_bar, v_bar = (0.0 if type(part) is Filled else dense(part) for part in y_bar)
    return eigh_cotangent(w_bar, v_bar, y[0], y[1], uplo.upper())


@dispatched
def eigh_cotangent(w_bar: Any, v_bar: Any, w: Any, v: Any, uplo: str) -> Any:
    """The cotangent of the matrix; a cotangent that is one number is that of an output nothing depends on."""
    values = bare(w)
    size = values.shape[-1]
    vh = adjoint(v)
    if seeds_alone((w_bar, v_bar), (w, v)):
        refuse_seeds(NAME, KIND, values, near_neighbours(values))
    if absent(v_bar):
        check_symmetric(NAME, KIND, values, np.broadcast_to(bare(w_bar), values.shape), lambda _: size)
        inner = None
        left = v * (w_bar if absent(w_bar) else w_bar[..., None, :])
    else:
        m = product(vh, v_bar)
        inner = _inner(w_bar, m, bare(v_bar), w, v)
        left = product(v, inner)
    if size >= 2 * _ROWS and type(left) is type(vh) is np.ndarray and left.ndim == 2:
        return _read(left, vh, uplo)
    return (left @ vh) * triangle(size, uplo, values.dtype)


def _read(left: Any, right: Any, uplo: str) -> Any:
    """The product in the triangle that NumPy reads, some rows at a time."""
    size = len(left)
    a_bar = np.zeros((size, size), left.dtype)
    for start in range(0, size, _ROWS):
        rows = slice(start, start + _ROWS)
        columns = slice(None, start + _ROWS) if uplo == "L" else slice(start, None)
        a_bar[rows, columns] = product(left[rows], right[:, columns])
    a_bar *= triangle(size, uplo, left.real.dtype)
    return a_bar


COMPOSED[eigh_cotangent] = eigh_cotangent.__wrapped__  # type: ignore[attr-defined]


def _inner(w_bar: Any, m: Any, v_bar: Any, w: Any, v: Any) -> Any:
    """The cotangent in the basis of eigenvectors."""
    values, plain = bare(w), bare(m)
    size = values.shape[-1]
    twisted = (m - adjoint(m)) / 2
    gap = w[..., None, :] - w[..., :, None] + infinite_diagonal(size, values.dtype)
    first = first_order_only(w, v)
    columns = np.max(np.abs(bare(v_bar)), axis=-2, initial=0)
    blurred = blurred_by(values, columns, bare(twisted), bare(gap), bare(w_bar)) if first else None
    near = blurred is not None or not all_apart(values, eps_of(values.dtype) ** 0.5)
    known = None
    if near or plain.dtype.kind == "c":
        if plain.dtype.kind == "c":
            check_phases(NAME, KIND, values, plain, columns)
        if near:
            known = settled(
                NAME, KIND, values, bare(w_bar), plain, columns, bare(v), size, lambda _: size, first, blurred
            )
    if known is None:
        inner = twisted / gap
    else:
        if not first:
            assert known.run is not None
            raise refuse_second(NAME, KIND, values[known.place], known.run, known.place)
        inner = twisted / np.where(known.mask, np.inf, gap) + known.off
    return inner if absent(w_bar) else inner + w_bar[..., None] * identity(size, values.dtype)


def check_phases(function: str, kind: str, values: Any, m: Any, columns: Any) -> None:
    """Raise where the diagonal of ``V^H V_bar`` has an imaginary part: the loss depends on a phase."""
    turning = np.abs(np.imag(np.diagonal(m, axis1=-2, axis2=-1)))
    allowed = slack_of(values.dtype) * np.max(columns, axis=-1, keepdims=True, initial=0)
    wrong = turning > allowed
    if wrong.any():
        *place, index = np.argwhere(wrong)[0].tolist()
        raise refuse_phase(function, kind, values[tuple(place)], index, tuple(place))


# -- forward ----------------------------------------------------------------------------------------------


@jvp(generic_eigh, 0, reads="y uplo")
def eigh_jvp(a_dot: Any, y: Any, a: Any, uplo: str) -> Any:
    return eigh_tangent(a_dot, y[0], y[1], uplo.upper())


@dispatched
def eigh_tangent(a_dot: Any, w: Any, v: Any, uplo: str) -> Any:
    """The tangents of eigenvalues and eigenvectors."""
    values = bare(w)
    size = values.shape[-1]
    half = a_dot * (triangle(size, uplo, values.dtype) / 2)
    p = adjoint(v) @ (half + adjoint(half)) @ v
    gap = w[..., None, :] - w[..., :, None] + infinite_diagonal(size, values.dtype)
    first = first_order_only(w, v, a_dot)
    mask = unsplit(NAME, KIND, values, bare(p), size, first, lambda _: size)
    turning = p / (gap if mask is None else np.where(mask, np.inf, gap))
    if first:
        check_turning(NAME, KIND, values, turning)
    return np.real(np.diagonal(p, axis1=-2, axis2=-1)), v @ turning


COMPOSED[eigh_tangent] = eigh_tangent.__wrapped__  # type: ignore[attr-defined]


def unsplit(function: str, kind: str, values: Any, p: Any, size: int, first: bool, count: Counts) -> Any:
    """The pairs of equal values, None where there are none; an error where the tangent `p` splits them."""
    equal = unresolved_neighbours(values)
    if not equal.any():
        return None
    mask = np.zeros(p.shape, bool)
    for place in map(tuple, np.argwhere(equal.any(axis=-1)).tolist()):
        allowed = 64 * size * eps_of(values.dtype) * float(np.max(np.abs(p[place])))
        for run in runs(equal[place][: max(count(place) - 1, 0)]):
            block = p[place][run, run]
            if not first:
                raise refuse_forward(function, kind, values[place], (run.start, run.stop - 1), place)
            split = np.abs(block - np.trace(block) / len(block) * np.eye(len(block)))
            if np.max(split) > allowed:
                pair = (run.start, run.stop - 1)
                raise refuse_forward(function, kind, values[place], pair, place)
            mask[place][run, run] = True
            inquiry.note(named(kind, values[place], run.start, run.stop - 1, place))
    return mask


def check_turning(function: str, kind: str, values: Any, turning: Any) -> None:
    """Raise where vectors turn so fast that of a function of them rounding would leave a third of its digits.

    It does so beside a matrix that is small, or near a degenerate one: what they turn into nearly cancels.
    """
    fast = np.abs(turning)
    if np.max(fast, initial=0) * slack_of(values.dtype) > 1:
        *place, i, j = np.unravel_index(int(np.argmax(fast)), fast.shape)
        pair = (int(min(i, j)), int(max(i, j)))
        raise refuse_forward(function, kind, values[tuple(place)], pair, tuple(map(int, place)))


calls(
    generic_eigh,
    call(array(3, 3, kind="separated"), "L"),
    call(array(4, 4, kind="separated"), "U"),
    call(array(2, 1, 3, 3, kind="separated"), "L"),
    call(array(0, 3, 3, kind="separated"), "L"),
    call(array(1, 1, kind="separated"), "L"),
    complex=False,
)
