"""Singular value decompositions: thin and full, wide, tall, rank-deficient, with equal singular values.

With ``A = U diag(s) V^H``, ``K_U`` and ``K_V`` the antihermitian parts of ``U^H U_bar`` and ``V^H V_bar``,

    A_bar = U (diag(s_bar) + (K_U + K_V)_ij / (s_j - s_i) + (K_U - K_V)_ij / (s_i + s_j)) V^H
            + (1 - U U^H) U_bar diag(1/s) V^H + U diag(1/s) V_bar^H (1 - V V^H)

The first quotient is what rotates U and V together, and is treated at equal singular values as `clusters`
says; the second, with its diagonal, is Wan & Zhang's term of the complex case. The further columns of a full
U belong to the complement, whose basis is arbitrary.

Where singular values are 0 the bases of both null spaces are arbitrary, each by itself: a loss that depends
on one is an error. The singular value itself has a kink there, as ``abs`` at 0: if nothing depends on U and V
its derivative is 0 (the nuclear norm's, as in PyTorch). If something does, `null_spaces` tells the kink from
``U f(s) V^H``, which is smooth.

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
from pullback.rules.spectra import inquiry
from pullback.rules.spectra.blurred import Apart, Blurred, blurred_singular
from pullback.rules.spectra.clusters import check_symmetric, settled
from pullback.rules.spectra.eigh import check_phases
from pullback.rules.spectra.gauge import (
    JOINED,
    ROUNDED,
    Array,
    absent,
    all_apart,
    complement,
    eps_of,
    first_order_only,
    hidden_of,
    identity,
    infinite_diagonal,
    merge,
    near_neighbours,
    refuse_second,
    refuse_seeds,
    rotation,
    runs,
    seeds_alone,
    slack_of,
    turned_neighbours,
)
from pullback.rules.spectra.null_spaces import NullSpaces
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
    outside, turn = max(u.shape[-1], vh.shape[-2]) - count, inquiry.turn()
    if outside < 2 and not turn and all_apart(s, reach) and not (s[..., -1] <= reach * s[..., 0]).any():
        return
    equal = turned_neighbours(s, size, turn)
    arbitrary = equal.any(axis=-1) | (s[..., -1] <= reach * s[..., 0]) | (outside > 1)
    known = ranks(s, size)
    for place in map(tuple, np.argwhere(arbitrary).tolist()):
        rank = int(known[place])
        for run in runs(equal[place][: max(rank - 1, 0)]):
            merge(s[place], run)
            by = rotation(run.stop - run.start, u.dtype, turn)
            u[place][:, run] = u[place][:, run] @ by
            vh[place][run] = np.conj(by.T) @ vh[place][run]
        _turn_null(u[place], rank, 0, turn)
        _turn_null(vh[place].T, rank, 1, turn)
        if rows == columns == rank + 2 and np.linalg.det(vh[place][rank:].real @ u[place][:, rank:].real) < 0:
            vh[place][-1] *= -1  # or what leads from one basis to the other would be a reflection, symmetric


def _turn_null(basis: Array, rank: int, side: int, turn: int) -> None:
    """Give the columns from `rank` on, which are any of a space, a basis without structure.

    The two null spaces get different ones: of a hermitian matrix they are the same space.
    """
    count = basis.shape[1] - rank
    if count and (basis.shape[0] - rank > 1 or basis.dtype.kind == "c"):
        basis[:, rank:] = complement(basis[:, :rank], count, side, turn)
    elif count and turn % 2 and not side:
        basis[:, rank:] *= -1


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
    if seeds_alone((u_bar, s_bar, vh_bar), (u, s, vh)):
        equal = near_neighbours(values) | (np.arange(1, count) >= known[..., None])
        refuse_seeds(NAME, KIND, values, equal)
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
    def columns(self) -> Array:
        """The largest entry for each singular value."""
        return np.maximum(
            np.max(np.abs(bare(self.u_bar))[..., : self.count], axis=-2),
            np.max(np.abs(bare(self.v_bar))[..., : self.count], axis=-2),
        )

    def of_matrix(self, s_bar: Any) -> Any:
        """The cotangent of the matrix."""
        count, values = self.count, self.values
        zero = None if self.full_rank else np.arange(count) >= self.known[..., None]
        if zero is not None and not self._first():
            raise self._refuse_second(zero)
        null_spaces = None
        if zero is not None or count < max(self.u.shape[-1], self.v.shape[-1]):
            left = tuple(map(bare, (self.u, self.u_bar, self.of_u)))
            right = tuple(map(bare, (self.v, self.v_bar, self.of_v)))
            null_spaces = NullSpaces(NAME, KIND, values, self.known, left, right)
            null_spaces.check()
        m_u, m_v = self.of_u[..., :count, :count], self.of_v[..., :count, :count]
        together, apart = m_u + m_v, m_u - m_v
        turning = (apart - adjoint(apart)) / 2
        twisted = (together - adjoint(together)) / 2
        gap = self.s[..., None, :] - self.s[..., :, None] + infinite_diagonal(count, values.dtype)
        total = self.s[..., None, :] + self.s[..., :, None]
        inverse: Any = self.s[..., None, :]
        smooth: Any = None
        rest: Any = None
        if zero is not None:
            assert null_spaces is not None
            smooth, keeps, rest = null_spaces.smooth(bare(s_bar), zero)
            both = zero[..., None, :] & zero[..., :, None]
            total = np.where(both, np.inf, total)
            inverse = np.where((zero & ~keeps)[..., None, :], np.inf, inverse)
        parts = [(turning, total)]
        for basis, basis_bar, m in ((self.u, self.u_bar, self.of_u), (self.v, self.v_bar, self.of_v)):
            if basis.shape[-2] > count:
                parts.append((self._outside(basis, basis_bar, m), inverse))
        blurred, numerators = self._resolved(s_bar, twisted, gap, parts)
        inner = self._together(s_bar, together, twisted, gap, zero, blurred)
        inner = inner + self._cleared(numerators.pop(0), count) / total
        if not absent(s_bar):
            s_bar = s_bar if zero is None else np.where(zero, 0, s_bar)
            inner = inner + s_bar[..., None] * identity(count, values.dtype)
        if smooth is not None:
            inner = inner + smooth
        u1, v1 = self.u[..., :, :count], self.v[..., :, :count]
        left = u1 @ inner
        if self.u.shape[-2] > count:
            left = left + self._cleared(numerators.pop(0), 0) / inverse
        a_bar = left @ adjoint(v1)
        if self.v.shape[-2] > count:
            a_bar = a_bar + u1 @ adjoint(self._cleared(numerators.pop(0), 0) / inverse)
        return a_bar if rest is None else a_bar + rest

    def _resolved(
        self, s_bar: Any, twisted: Any, gap: Any, parts: list[tuple[Any, Any]]
    ) -> tuple[Blurred | None, list[Any]]:
        """What of the quotients is not resolved, and the numerators of `parts` without that."""
        values, numerators = self.values, [numerator for numerator, _ in parts]
        if not self._first() or not values.size:
            return None, numerators
        plain = np.broadcast_to(bare(s_bar), values.shape)
        least = values[..., -1]
        if values.shape[-1] > 1:
            least = np.minimum(least, np.min(values[..., :-1] - values[..., 1:], axis=-1))
        size = np.max(np.abs(plain), axis=-1)
        top = hidden_of(values.dtype) * np.max(self.columns, axis=-1)
        if (top <= size * least).all():
            return None, numerators
        given = [Apart(bare(x), bare(by), self.columns, k == 0) for k, (x, by) in enumerate(parts)]
        return blurred_singular(NAME, values, self.columns, bare(twisted), bare(gap), plain, given, self.size)

    def _together(
        self, s_bar: Any, m: Any, twisted: Any, gap: Any, zero: Array | None, blurred: Blurred | None
    ) -> Any:
        """What rotates U and V together, as `eigh` has it, for singular values that are not 0."""
        values, count = self.values, self.count
        plain = bare(m)
        if plain.dtype.kind == "c":
            paired = plain if zero is None else np.where(zero[..., None, :], 0, plain)
            check_phases(NAME, KIND, values, paired, self.columns)
        found = None
        if blurred is not None or not all_apart(values, eps_of(values.dtype) ** 0.5):
            known, columns = self.known, self.columns
            found = settled(
                NAME, KIND, values, bare(s_bar), plain, columns, bare(self.v)[..., :count], self.size,
                lambda place: int(known[place]), self._first(), blurred,
            )  # fmt: skip
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
        return part + found.off

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

    def _refuse_second(self, zero: Array) -> NotDifferentiableError:
        place = tuple(np.argwhere(zero.any(axis=-1))[0].tolist())
        return NotDifferentiableError(
            f"{NAME} has no second derivative here: singular value {int(self.known[place])} "
            f"({self.values[place][int(self.known[place])]}) is 0 up to rounding",
            why="the cotangents do not tell how the vectors' part of the first derivative changes with it",
            remedy="use functions of the singular values alone, or a matrix of full rank.",
        )
