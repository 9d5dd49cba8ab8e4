"""Singular value decompositions: thin and full, wide, tall, rank-deficient, with equal singular values.

With ``A = U diag(s) V^H``, ``K_U`` and ``K_V`` the antihermitian parts of ``U^H U_bar`` and ``V^H V_bar``,

    A_bar = U (diag(s_bar) + (K_U + K_V)_ij / (s_j - s_i) + (K_U - K_V)_ij / (s_i + s_j)) V^H
            + (1 - U U^H) U_bar diag(1/s) V^H + U diag(1/s) V_bar^H (1 - V V^H)

The first quotient is what rotates U and V together, and is treated at equal singular values as `clusters`
says; the second, with its diagonal, is Wan & Zhang's term of the complex case. The further columns of a full
U belong to the complement, whose basis is arbitrary.

Where singular values are 0 the bases of both null spaces are arbitrary, each by itself: a loss that depends
on one is an error. The singular value itself has a kink there, as ``abs`` at 0: if nothing depends on U and V
its derivative is 0 (the nuclear norm's, as in PyTorch). If something does, the kink cannot be told from
``U f(s) V^H``, which is smooth, unless rounding has left the singular value a little more than 0: the
vectors' cotangents are then this small number times what is asked for (see `_smooth`).

Source: Townsend, *Differentiating the singular value decomposition*, 2016; Wan & Zhang, *Automatic
differentiation for complex valued SVD*, 2019 (arXiv:1909.02659); Liao, Liu, Wang & Xiang, *Differentiable
programming tensor networks*, 2019 (arXiv:1903.09650); Francuz, Schuch & Vanhecke, 2023 (arXiv:2311.11894).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import bare
from pullback.rules.linalg import adjoint
from pullback.rules.spectra.clusters import check_symmetric, settled
from pullback.rules.spectra.eigh import check_phases
from pullback.rules.spectra.gauge import (
    JOINED,
    ROUNDED,
    Array,
    absent,
    all_apart,
    check_seeds,
    complement,
    eps_of,
    equal_neighbours,
    first_order_only,
    identity,
    infinite_diagonal,
    merge,
    near_neighbours,
    placed,
    refuse_basis,
    refuse_second,
    rotation,
    runs,
    slack_of,
)
from pullback.rules.structured import Filled, dense
from pullback.rules.table import vjp

NAME = "numpy.linalg.svd"
KIND = "singular values"


def ranks(s: Array, size: int) -> Array:
    """How many singular values of each matrix are not 0 up to rounding."""
    return np.sum(s > JOINED * size * eps_of(s.dtype) * s[..., :1], axis=-1)


# -- the value --------------------------------------------------------------------------------------------


@dispatched
def generic_svd(a: Any, full: bool) -> Any:
    """`numpy.linalg.svd`, where the bases that are arbitrary have no structure."""
    u, s, vh = np.linalg.svd(a, full)
    turn_equal(u, s, vh)
    return u, s, vh


def turn_equal(u: Array, s: Array, vh: Array) -> None:
    """Give the spaces of equal singular values, and what is outside of all, bases without structure."""
    rows, columns, count = u.shape[-2], vh.shape[-1], s.shape[-1]
    if not count:
        return
    size = max(rows, columns)
    reach = JOINED * size * eps_of(s.dtype)
    outside = max(u.shape[-1], vh.shape[-2]) - count
    if outside < 2 and all_apart(s, reach) and not (s[..., -1] <= reach * s[..., 0]).any():
        return
    equal = equal_neighbours(s, size)
    arbitrary = equal.any(axis=-1) | (s[..., -1] <= reach * s[..., 0]) | (outside > 1)
    known = ranks(s, size)
    for place in map(tuple, np.argwhere(arbitrary).tolist()):
        rank = int(known[place])
        for run in runs(equal[place][: max(rank - 1, 0)]):
            merge(s[place], run)
            turn = rotation(run.stop - run.start, u.dtype)
            u[place][:, run] = u[place][:, run] @ turn
            vh[place][run] = np.conj(turn.T) @ vh[place][run]
        _turn_null(u[place], rank, 0)
        _turn_null(vh[place].T, rank, 1)
        if rows == columns == rank + 2 and np.linalg.det(vh[place][rank:].real @ u[place][:, rank:].real) < 0:
            vh[place][-1] *= -1  # or what leads from one basis to the other would be a reflection, symmetric


def _turn_null(basis: Array, rank: int, side: int) -> None:
    """Give the columns from `rank` on, which are any of a space, a basis without structure.

    The two null spaces get different ones: of a hermitian matrix they are the same space.
    """
    count = basis.shape[1] - rank
    if count and (basis.shape[0] - rank > 1 or basis.dtype.kind == "c"):
        basis[:, rank:] = complement(basis[:, :rank], count, side)


# -- reverse ----------------------------------------------------------------------------------------------


@vjp(generic_svd, 0, reads="y", structured=True, holomorphic=False)
def svd_vjp(y_bar: Any, y: Any, a: Any, full: bool) -> Any:
    u_bar, s_bar, vh_bar = (0.0 if type(part) is Filled else dense(part) for part in y_bar)
    return svd_cotangent(u_bar, s_bar, vh_bar, *y)


@dispatched
def svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    """The cotangent of the matrix; a cotangent that is one number is that of an output nothing depends on."""
    values = bare(s)
    count = values.shape[-1]
    size = max(u.shape[-2], vh.shape[-1])
    u1, v1h = u[..., :, :count], vh[..., :count, :]
    if not count:
        return u1 @ v1h
    known = ranks(values, size)
    equal = near_neighbours(values) | (np.arange(1, count) >= known[..., None])
    check_seeds(NAME, KIND, values, equal, (u_bar, s_bar, vh_bar), (u, s, vh))
    if absent(u_bar) and absent(vh_bar):
        plain = np.broadcast_to(bare(s_bar), values.shape)
        check_symmetric(NAME, KIND, values, plain, lambda place: int(known[place]))
        s_bar = s_bar * _away_from_kinks(values, plain, known)
        return (u1 * s_bar[..., None, :]) @ v1h
    return _Cotangents(u_bar, vh_bar, u, s, vh, known).of_matrix(s_bar)


COMPOSED[svd_cotangent] = svd_cotangent.__wrapped__  # type: ignore[attr-defined]


def _away_from_kinks(values: Array, s_bar: Array, known: Array) -> Array:
    """1, and 0 for the kinks: singular values 0 with a derivative that is not."""
    zero = np.arange(values.shape[-1]) >= known[..., None]
    large = slack_of(values.dtype) * np.max(np.abs(s_bar), axis=-1, keepdims=True)
    return np.where(zero & (np.abs(s_bar) > large), values.dtype.type(0), values.dtype.type(1))


class _Cotangents:
    """The cotangents of the singular vectors, in their bases."""

    def __init__(self, u_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any, known: Array) -> None:
        self.u, self.s, self.v, self.known = u, s, adjoint(vh), known
        self.values = bare(s)
        self.count = self.values.shape[-1]
        self.size = max(u.shape[-2], vh.shape[-1])
        self.u_bar = u_bar if not absent(u_bar) else np.zeros(u.shape, u.dtype)
        self.v_bar = adjoint(vh_bar) if not absent(vh_bar) else np.zeros(self.v.shape, u.dtype)
        self.of_u, self.of_v = adjoint(u) @ self.u_bar, vh @ self.v_bar
        self.full_rank = bool((known == self.count).all())

    @functools.cached_property
    def scale(self) -> Array:
        """The largest entry of the cotangents, for each matrix."""
        return np.maximum(_largest(self.u_bar), _largest(self.v_bar))

    @functools.cached_property
    def columns(self) -> Array:
        """The largest entry for each singular value."""
        return np.maximum(
            np.max(np.abs(bare(self.u_bar))[..., : self.count], axis=-2),
            np.max(np.abs(bare(self.v_bar))[..., : self.count], axis=-2),
        )

    def of_matrix(self, s_bar: Any) -> Any:
        """The cotangent of the matrix."""
        count, values = self.count, self.values
        self._check_null_spaces()
        m_u, m_v = self.of_u[..., :count, :count], self.of_v[..., :count, :count]
        together, apart = m_u + m_v, m_u - m_v
        turning = (apart - adjoint(apart)) / 2
        zero = None if self.full_rank else np.arange(count) >= self.known[..., None]
        total = self.s[..., None, :] + self.s[..., :, None]
        inverse: Any = self.s[..., None, :]
        smooth: Any = None
        if zero is not None:
            smooth, keeps = self._smooth(bare(s_bar), zero)
            both = zero[..., None, :] & zero[..., :, None]
            total = np.where(both, np.inf, total)
            inverse = np.where((zero & ~keeps)[..., None, :], np.inf, inverse)
        inner = self._together(s_bar, together, zero) + self._cleared(turning, count) / total
        if not absent(s_bar):
            s_bar = s_bar if zero is None else np.where(zero, 0, s_bar)
            inner = inner + s_bar[..., None] * identity(count, values.dtype)
        if smooth is not None:
            inner = inner + smooth
        u1, v1 = self.u[..., :, :count], self.v[..., :, :count]
        left = u1 @ inner
        if self.u.shape[-2] > count:
            left = left + self._cleared(self._outside(self.u, self.u_bar, self.of_u), 0) / inverse
        a_bar = left @ adjoint(v1)
        if self.v.shape[-2] > count:
            outside = self._cleared(self._outside(self.v, self.v_bar, self.of_v), 0)
            a_bar = a_bar + u1 @ adjoint(outside / inverse)
        return a_bar

    def _together(self, s_bar: Any, m: Any, zero: Array | None) -> Any:
        """What rotates U and V together, as `eigh` has it, for singular values that are not 0."""
        values, count = self.values, self.count
        gap = self.s[..., None, :] - self.s[..., :, None] + infinite_diagonal(count, values.dtype)
        plain = bare(m)
        if plain.dtype.kind == "c":
            paired = plain if zero is None else np.where(zero[..., None, :], 0, plain)
            check_phases(NAME, KIND, values, paired, self.columns)
        twisted = (m - adjoint(m)) / 2
        found = None
        if not all_apart(values, eps_of(values.dtype) ** 0.5):
            known, columns = self.known, self.columns
            found = settled(
                NAME, KIND, values, bare(s_bar), plain, columns, self.size, lambda place: int(known[place])
            )
        if found is None and zero is None:
            return twisted / gap
        both = np.zeros(plain.shape, bool) if zero is None else zero[..., None, :] & zero[..., :, None]
        if found is not None:
            if not self._first():
                assert found.run is not None
                raise refuse_second(NAME, KIND, values[found.place], found.run, found.place)
            both = both | found.mask
        part = twisted / np.where(both, np.inf, gap)
        if found is None:
            return part
        off = found.slopes * (1 - identity(count, values.dtype))
        return part + off * (m + adjoint(m)) / 2

    def _cleared(self, numerator: Any, rows: int) -> Any:
        """`numerator` without what is nothing but rounding, where small singular values would amplify it."""
        eps = eps_of(self.values.dtype)
        if not (self.values[..., -1] <= eps**0.5 * self.values[..., 0]).any() or not self._first():
            return numerator
        columns = self.columns[..., None, :]
        allowed = ROUNDED * self.size * eps * (columns + self.columns[..., :, None] if rows else columns)
        return np.where(np.abs(bare(numerator)) <= allowed, 0, numerator)

    def _first(self) -> bool:
        return first_order_only(self.u, self.s, self.v)

    def _outside(self, basis: Any, basis_bar: Any, m: Any) -> Any:
        """The part of the cotangent outside the space of the singular vectors."""
        count = self.count
        if basis.shape[-1] == count:
            return basis_bar - basis @ m
        return basis[..., :, count:] @ (m[..., count:, :count] - adjoint(m[..., :count, count:]))

    def _check_null_spaces(self) -> None:
        """Raise where the loss depends on a basis of a null space, or on what is outside it."""
        count = self.count
        for basis, basis_bar, m in ((self.u, self.u_bar, self.of_u), (self.v, self.v_bar, self.of_v)):
            if basis.shape[-1] == count and self.full_rank:
                continue
            turning = np.abs(bare(m) - adjoint(bare(m))) / 2
            inside = np.arange(basis.shape[-1]) >= self.known[..., None]
            wrong = np.where(inside[..., None, :] & inside[..., :, None], turning, 0).max(
                axis=(-2, -1), initial=0
            )
            if basis.shape[-1] == count < basis.shape[-2]:
                outside = np.abs(bare(basis_bar) - bare(basis) @ bare(m)).max(axis=-2, initial=0)
                wrong = np.maximum(wrong, np.where(inside, outside, 0).max(axis=-1, initial=0))
            bad = wrong > slack_of(self.values.dtype) * self.scale
            if bad.any():
                place = tuple(np.argwhere(bad)[0].tolist())
                self._refuse_null(place, int(self.known[place]), basis is self.u)
        if self.u.shape[-2] == self.v.shape[-2] == count and self.values.dtype == bare(self.u).dtype:
            self._check_pairs_of_signs()

    def _check_pairs_of_signs(self) -> None:
        """Raise where the loss may depend on the product of the only two real vectors of null spaces.

        Their signs are arbitrary one by one, and that of the product jumps as the singular value passes 0;
        no rotation leads from one sign to the other, so that no cotangent tells.
        """
        last, allowed = self.count - 1, slack_of(self.values.dtype) * self.scale
        both = np.minimum(*(np.abs(bare(m))[..., last, last] for m in (self.of_u, self.of_v)))
        bad = (self.known == last) & (both > allowed)
        if bad.any():
            place = tuple(np.argwhere(bad)[0].tolist())
            raise NotDifferentiableError(
                f"{NAME} has no derivative that its cotangents determine here: the result depends on both "
                f"vectors of singular value {last}{placed(place)} ({self.values[place][last]}), "
                "which is 0 up to rounding",
                why="the sign of their product jumps as the singular value passes 0",
                remedy="keep the singular values that are not 0, "
                "or take the two vectors from two calls if the result does not depend on their product.",
            )

    def _refuse_null(self, place: tuple[int, ...], rank: int, left: bool) -> None:
        values = self.values[place]
        if self.count - rank > 1:
            raise refuse_basis(NAME, KIND, values, (rank, rank + 1), place)
        side = "left" if left else "right"
        where = placed(place)
        last = f", singular value {rank} ({values[rank]}) being 0 up to rounding" if rank < self.count else ""
        raise NotDifferentiableError(
            f"{NAME} has no derivative here: the result depends on the basis of the {side} null space{where}"
            f" (from column {rank} on){last}",
            why="any orthonormal basis of it would do",
            remedy="use full_matrices=False or the projector onto the whole null space, "
            "or keep the singular values that are not 0.",
        )

    def _smooth(self, s_bar: Any, zero: Array) -> tuple[Any, Array]:
        """The block of the gradient where singular values are 0, and those of which ``1/s`` counts.

        A loss of ``U diag(s) V^H`` sends ``C V s`` to U, ``C^H U s`` to V and ``Re diag(U^H C V)`` to s: if
        the first two, divided by s, agree with each other and with the third, the block is ``U^H C V``.
        """
        if not self._first():
            return self._smooth_again(s_bar, zero)
        values, count = self.values, self.count
        s_bar = np.broadcast_to(s_bar, values.shape)
        block = np.zeros(self.of_u[..., :count, :count].shape, self.of_u.dtype)
        keeps = np.zeros(zero.shape, bool)
        for place in map(tuple, np.argwhere(zero.any(axis=-1)).tolist()):
            null = slice(int(self.known[place]), count)
            s, own_bar = values[place][null], s_bar[place][null]
            if s.all():
                right = self.of_u[place][null, null] / s
                left = np.conj((self.of_v[place][null, null] / s).T)
                allowed = eps_of(values.dtype) ** 0.5 * np.max(np.abs(right))
                fits = np.abs(right - left).max() <= allowed
                if fits and np.abs(np.real(np.diagonal(right)) - own_bar).max() <= allowed:
                    block[place][null, null] = right
                    keeps[place][null] = True
                    continue
            if np.max(np.abs(own_bar)) > slack_of(values.dtype) * np.max(np.abs(s_bar[place])):
                self._refuse_kink(place, null.start)
        return block, keeps

    def _smooth_again(self, s_bar: Any, zero: Array) -> Any:
        place = tuple(np.argwhere(zero.any(axis=-1))[0].tolist())
        raise NotDifferentiableError(
            f"{NAME} has no second derivative here: singular value {int(self.known[place])} "
            f"({self.values[place][int(self.known[place])]}) is 0 up to rounding",
            why="the cotangents do not tell how the vectors' part of the first derivative changes with it",
            remedy="use functions of the singular values alone, or a matrix of full rank.",
        )

    def _refuse_kink(self, place: tuple[int, ...], index: int) -> None:
        where = placed(place)
        raise NotDifferentiableError(
            f"{NAME} has no derivative that its cotangents determine here: singular value {index}{where} "
            f"({self.values[place][index]}) is 0 up to rounding",
            why="a function of the singular value has a kink there, a matrix U f(s) V^H has none, "
            "and the two send the same",
            remedy="keep the singular values that are not 0, "
            "or take functions of the singular values alone from np.linalg.svdvals.",
        )


def _largest(cotangent: Any) -> Array:
    return np.abs(bare(cotangent)).max(axis=(-2, -1), initial=0)
