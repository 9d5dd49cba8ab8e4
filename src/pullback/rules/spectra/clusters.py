"""The gradient inside a cluster of equal, or nearly equal, eigenvalues or singular values.

Where values are apart, the block of the gradient is ``K_ij / (w_j - w_i)`` with ``K`` the antihermitian part
of ``M = V^H V_bar``. Inside a cluster it is a hermitian matrix ``S``, of which the cotangent of the values is
the diagonal, and the cotangents determine the rest only for losses of a kind:

- functions of the spectrum, projectors onto the whole space: the diagonal is constant, ``S = d``;
- matrices ``V f(w) V^H``, normalised or not: ``S = c (M + M^H)/2 + d`` with two numbers c and d.

The basis being generic, a loss of neither kind does not fit (in the sense of probability): with three and
more values two numbers are overdetermined. With two they are not, and there c or d has to be known: ``d = 0``
(a matrix function, not normalised), or ``2 c w`` half of a whole number up to 8, but not 0 (any power of the
matrix, normalised by its trace). What does not fit is asked for in other bases (see `inquiry`), or is an
error where the program cannot be run again.

A loss may also pass for one of the kinds and be none: ``v0^T A v0`` sends V what a projector does, and its
dependence on the basis goes to A, past this rule. So another run in another basis is asked for, to compare
with, wherever something depends on vectors of equal values.

Source: the formula is that of Giles, *Collected matrix derivative results*, 2008, §3.1; the invariance
condition of a cluster, ``K = 0``, is that of Seeger et al., *Auto-differentiating linear algebra*, 2017
(arXiv:1710.08717), and of Francuz, Schuch & Vanhecke, *Stable and efficient differentiation of tensor network
algorithms*, 2023 (arXiv:2311.11894); the fit is ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.rules.spectra import inquiry
from pullback.rules.spectra.blurred import Blurred
from pullback.rules.spectra.gauge import (
    ROUNDED,
    Array,
    eps_of,
    largest,
    named,
    near_neighbours,
    refuse_basis,
    refuse_second,
    refuse_split,
    runs,
    slack_of,
    turned_neighbours,
    unresolved_neighbours,
)
from pullback.rules.spectra.inquiry import UndeterminedError

Counts = Callable[[tuple[int, ...]], int]
"""How many of the values of a matrix in the stack take part: for singular values, those that are not 0."""


class Block:
    """One cluster in one matrix: its values and what arrives at them."""

    def __init__(self, run: slice, w: Array, w_bar: Array, m: Array) -> None:
        self.run = run
        self.w = w[run]
        self.w_bar = w_bar[run]
        self.m = m[run, run]
        self.twisted = (self.m - np.conj(self.m.T)) / 2
        self.even = (self.m + np.conj(self.m.T)) / 2


def slope_of(block: Block, w_scale: float, slack: float, floor: float) -> float | None:
    """The number c of the module's docstring, None where nothing fits; up to `floor` all is rounding."""
    spread = block.w_bar - block.w_bar.mean()
    if np.max(np.abs(spread)) <= max(slack * w_scale, floor):
        return 0.0
    diagonal = np.real(np.diagonal(block.even))
    uneven = diagonal - diagonal.mean()
    own_scale = np.max(np.abs(block.even))
    if np.max(np.abs(uneven)) <= slack * own_scale or np.max(np.abs(block.twisted)) > slack**0.75 * own_scale:
        return None
    slope = float(spread @ uneven) / float(uneven @ uneven)
    if len(spread) > 2:
        return slope if np.max(np.abs(spread - slope * uneven)) <= slack * w_scale else None
    rest = abs(block.w_bar.mean() - slope * diagonal.mean())
    if rest <= slack * max(w_scale, abs(slope) * float(np.max(np.abs(diagonal)))):
        return slope
    power = 4 * slope * block.w.mean()
    return slope if 0.9 < abs(power) < 16.1 and abs(power - round(power)) <= 100 * slack else None


class Settled:
    """What is known of the pairs inside clusters, for a stack of matrices.

    Attributes:
        mask: the pairs that do not go by the formula.
        off: the block, without its diagonal.
        place, run: of one of the clusters, to be named in an error.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.mask = np.zeros(shape, bool)
        self.off = np.zeros(shape, dtype)
        self.place: tuple[int, ...] = ()
        self.run: slice | None = None

    def settle(self, place: tuple[int, ...], run: slice, block: Array) -> None:
        """Give a cluster its block."""
        self.mask[place][run, run] = True
        self.off[place][run, run] = np.where(np.eye(len(block), dtype=bool), 0, block)
        self.place, self.run = place, run


def settled(
    function: str,
    kind: str,
    w: Array,
    w_bar: Any,
    m: Array,
    columns: Array,
    basis: Array,
    size: int,
    count: Counts,
    first: bool,
    blurred: Blurred | None = None,
) -> Settled | None:
    """The blocks of the gradient inside clusters; None where all values are well apart.

    Args:
        w: the ordered values of each matrix.
        w_bar: their cotangents, or one number 0.
        m: ``V^H V_bar`` (for singular vectors, ``U^H U_bar + V^H V_bar``).
        columns: the largest entry of each column of the cotangents of the vectors.
        basis: the vectors; any of two that are turned together.
        size: of the matrix, which tells what is rounding.
        count: see `Counts`.
        first: whether no derivative of this derivative is being taken.
        blurred: neighbours that the formula does not resolve, although they may be apart.
    """
    near = near_neighbours(w)
    if blurred is not None:
        near = near | blurred.pairs
    if not near.any():
        return None
    w_bar = np.broadcast_to(w_bar, w.shape)
    turned = turned_neighbours(w, size, inquiry.turn())
    found = Settled(m.shape, m.dtype)
    asked = inquiry.current()
    visit = 0 if asked is None else asked.visit()
    for place in map(tuple, np.argwhere(near.any(axis=-1)).tolist()):
        within = slice(max(count(place) - 1, 0))
        parts = (w[place], w_bar[place], m[place], columns[place], basis[place])
        one = _Matrix(function, kind, (visit, *place), *parts, size, first)
        if blurred is not None:
            one.widen(blurred.pairs[place], float(blurred.reach[place]))
        for run in runs(near[place][within]):
            one.settle_near(run, turned[place], found)
    return found if found.run is not None else None


class _Matrix:
    """One matrix of the stack."""

    def __init__(
        self,
        function: str,
        kind: str,
        key: tuple[int, ...],
        w: Array,
        w_bar: Array,
        m: Array,
        columns: Array,
        basis: Array,
        size: int,
        first: bool,
    ) -> None:
        self.function, self.kind, self.key, self.place = function, kind, key, key[1:]
        self.w, self.w_bar, self.m, self.columns, self.basis = w, w_bar, m, columns, basis
        self.first = first
        self.slack = slack_of(w.dtype)
        self.rounding = ROUNDED * size * eps_of(w.dtype)
        self.w_scale = float(np.max(np.abs(w_bar)))
        self.m_scale = float(np.max(columns))
        self.top = float(np.max(np.abs(w)))
        self.floor = self.rounding * self.m_scale / (self.top or np.inf)

    def widen(self, blurred: Array, reach: float) -> None:
        """Take further neighbours for unresolved; functions vary with `reach`."""
        self.blurred = self.blurred | blurred
        self.top = max(self.top, reach)
        self.floor = self.rounding * self.m_scale / (self.top or np.inf)

    def settle_near(self, run: slice, turned: Array, found: Settled) -> None:
        """A run of values near each other: as one cluster if that fits, else in it those not resolved."""
        inside = slice(run.start, run.stop - 1)
        if not (turned | self.unresolved)[inside].any():
            block = Block(run, self.w, self.w_bar, self.m)
            slope = slope_of(block, self.w_scale, self._slack(block), self.floor)
            if slope is not None and self._agrees(block, slope):
                found.settle(self.place, run, slope * block.even)
                return
        for inner in runs((turned | self.blurred)[inside]):
            start, stop = run.start + inner.start, run.start + inner.stop
            self._settle_equal(slice(start, stop), turned[start : stop - 1], found)

    def _slack(self, block: Block) -> float:
        """How far values that are not equal may miss what holds for equal ones."""
        return self.slack + 10 * abs(float(block.w[-1] - block.w[0])) / (self.top or 1.0)

    def _agrees(self, block: Block, slope: float) -> bool:
        """Whether the formula's numerators are those of a slope, up to their rounding."""
        off = np.abs(block.twisted - slope * block.even * (block.w[None, :] - block.w[:, None]))
        columns = self.columns[block.run]
        return bool((off <= self.rounding * (columns[:, None] + columns[None, :])).all())

    @functools.cached_property
    def unresolved(self) -> Array:
        """Where neighbours are so near that a further run turns them."""
        return unresolved_neighbours(self.w)

    @functools.cached_property
    def blurred(self) -> Array:
        """Where neighbours are so near that rounding takes more than a third of the formula's digits."""
        eps, top = eps_of(self.w.dtype), np.max(np.abs(self.w))
        gap = np.abs(self.w[1:] - self.w[:-1])
        size = max(self.w_scale, self.m_scale / top) if top else self.w_scale
        noise = 4 * eps * (self.columns[1:] + self.columns[:-1])
        return (noise > eps ** (1 / 3) * size * gap) | uneven_neighbours(self.w, self.w_bar)

    def _settle_equal(self, run: slice, pairs: Array, found: Settled) -> None:
        """A cluster: by what its cotangents say, or by what they say in several bases.

        Args:
            pairs: which neighbours have a basis without structure.
        """
        turned = bool(pairs.all())
        if not self.first:
            raise refuse_second(self.function, self.kind, self.w, run, self.place)
        block = Block(run, self.w, self.w_bar, self.m)
        self._check_basis(block, turned)
        slope = slope_of(block, self.w_scale, self._slack(block), self.floor)
        if slope is None or self._hides(block, pairs):
            found.settle(self.place, run, self._asked(block, turned))
        elif turned or self._agrees(block, slope) or not self._are_resolved(run, pairs):
            found.settle(self.place, run, slope * block.even)
        else:
            found.settle(self.place, run, self._doubted(block, slope))
        if turned:
            inquiry.note(named(self.kind, self.w, *_extremes(block), self.place))

    def _are_resolved(self, run: slice, turned: Array) -> bool:
        """Whether no further run turns vectors that this one has not."""
        return not (self.unresolved[run.start : run.stop - 1] & ~turned).any()

    def _hides(self, block: Block, turned: Array) -> bool:
        """Whether the basis may have structure, the diagonal being that of another function than the rest."""
        if turned.all() or self._are_resolved(block.run, turned):
            return False
        rest = np.where(np.eye(len(block.w), dtype=bool), 0, block.m)
        return bool(np.max(np.abs(rest)) > self.rounding * self.m_scale)

    def _doubted(self, block: Block, slope: float) -> Array:
        """The block where the formula's numerators do not confirm the slope.

        Either they are what rounding has left of something larger, or the basis has structure. So one run
        believes the slope, another the numerators, and they have to give the same derivative.
        """
        asked = inquiry.current()
        if asked is None:
            refusal = refuse_split(self.function, self.kind, self.w, _extremes(block), self.place)
            raise UndeterminedError(refusal)
        asked.doubted = True
        even = slope * block.even
        if asked.turn == 0:
            return even
        gaps = block.w[None, :] - block.w[:, None]
        resolved = np.abs(gaps) > self.slack * self.top
        return np.where(resolved, block.twisted / np.where(resolved, gaps, 1), even)

    def _check_basis(self, block: Block, turned: bool) -> None:
        """Raise if the loss depends on the basis.

        In a basis without structure it uses one vector as it uses another, if it does not depend on it.

        Cotangents that rounding has left of something larger may miss by more than their own rounding. They
        pass if another run gives the same derivative.
        """
        columns = self.columns[block.run]
        if turned and np.min(columns) <= self.rounding * np.max(columns) and np.max(columns) > 0:
            pair = sorted((int(np.argmin(columns)), int(np.argmax(columns))))
            pair = (block.run.start + pair[0], block.run.start + pair[1])
            raise refuse_basis(self.function, self.kind, self.w, pair, self.place)
        turning, asked = np.abs(block.twisted), inquiry.current()
        if np.max(turning) <= self.slack * self.m_scale:
            return
        if asked is not None and np.max(turning) <= self.slack**0.5 * self.m_scale:
            asked.doubted = True
            return
        i, j = np.unravel_index(int(np.argmax(turning)), turning.shape)
        start = block.run.start
        pair = (start + int(min(i, j)), start + int(max(i, j)))
        pair = pair if pair[0] < pair[1] else (start, start + 1)
        refusal = refuse_basis(self.function, self.kind, self.w, pair, self.place)
        raise refusal if np.max(turning) > self.slack**0.5 * self.m_scale else UndeterminedError(refusal)

    def _asked(self, block: Block, turned: bool) -> Array:
        """The block from what the cotangents of the values are in several bases."""
        refusal = refuse_split(self.function, self.kind, self.w, _extremes(block), self.place)
        asked = inquiry.current()
        if asked is None or (not turned and asked.turn == 0):
            raise UndeterminedError(refusal)
        if not turned:
            raise refusal
        columns = self.basis[:, block.run]
        key = (self.kind, *self.key, block.run.start)
        known = asked.block(key, None, columns, columns, block.w_bar, self.floor, refusal)
        if known is None:
            asked.drop(block.w_bar, float(np.max(np.abs(self.w))))
            return np.zeros(block.m.shape)
        return known.in_basis(columns, columns)


def _extremes(block: Block) -> tuple[int, int]:
    """The places of the two values in a cluster whose cotangents differ most."""
    first, last = sorted((int(np.argmin(block.w_bar)), int(np.argmax(block.w_bar))))
    last = last if last > first else len(block.w_bar) - 1
    return block.run.start + first, block.run.start + last


def uneven_neighbours(w: Array, w_bar: Array) -> Array:
    """Where neighbours have cotangents that differ by more than their vectors' rounding allows.

    Vectors whose values are a gap apart are known to ``eps / gap``, and with them the projectors that the
    cotangents multiply.
    """
    top, scale = largest(w), np.max(np.abs(w_bar), axis=-1, keepdims=True)
    gap = np.abs(w[..., 1:] - w[..., :-1])
    allowed = slack_of(w.dtype) + gap / np.where(top == 0, 1, top) / slack_of(w.dtype)
    return np.abs(w_bar[..., 1:] - w_bar[..., :-1]) > allowed * scale


def check_symmetric(function: str, kind: str, w: Array, w_bar: Array, count: Counts) -> None:
    """Raise where values that are not resolved, on whose vectors nothing depends, are told apart."""
    near = near_neighbours(w)
    if not near.any():
        return
    wrong = near & uneven_neighbours(w, w_bar)
    for *place, index in np.argwhere(wrong).tolist():
        if index + 1 < count(tuple(place)):
            raise refuse_split(function, kind, w[tuple(place)], (index, index + 1), tuple(place))
