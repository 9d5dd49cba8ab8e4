"""The gradient inside a cluster of equal, or nearly equal, eigenvalues or singular values.

Where values are apart, the block of the gradient is ``K_ij / (w_j - w_i)`` with ``K`` the antihermitian part
of ``M = V^H V_bar``. Inside a cluster it is a hermitian matrix ``S``, of which the cotangent of the values is
the diagonal, and the cotangents determine the rest only for losses of a kind:

- functions of the spectrum, projectors onto the whole space: the diagonal is constant, ``S = d``;
- matrices ``V f(w) V^H``, normalised or not: ``S = c (M + M^H)/2 + d`` with two numbers c and d.

The basis being generic, a loss of neither kind does not fit (in the sense of probability): with three and
more values two numbers are overdetermined. With two they are not, and there c or d has to be known: ``d = 0``
(a matrix function, not normalised), or ``2 c w`` half of a whole number up to 8, but not 0 (any power of the
matrix, normalised by its trace). What does not fit is an error.

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

from pullback.rules.spectra.gauge import (
    ROUNDED,
    Array,
    eps_of,
    equal_neighbours,
    largest,
    near_neighbours,
    refuse_basis,
    refuse_split,
    runs,
    slack_of,
)

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


def slope_of(block: Block, w_scale: float, slack: float) -> float | None:
    """The number c of the module's docstring, None where nothing fits."""
    spread = block.w_bar - block.w_bar.mean()
    if np.max(np.abs(spread)) <= slack * w_scale:
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
        slopes: c for each of them.
        place, run: of one of the clusters, to be named in an error.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.mask = np.zeros(shape, bool)
        self.slopes = np.zeros(shape, dtype)
        self.place: tuple[int, ...] = ()
        self.run: slice | None = None

    def settle(self, place: tuple[int, ...], run: slice, slope: float) -> None:
        """Give a cluster its slope."""
        self.mask[place][run, run] = True
        self.slopes[place][run, run] = slope
        self.place, self.run = place, run


def settled(
    function: str, kind: str, w: Array, w_bar: Any, m: Array, columns: Array, size: int, count: Counts
) -> Settled | None:
    """The blocks of the gradient inside clusters; None where all values are well apart.

    Args:
        w: the ordered values of each matrix.
        w_bar: their cotangents, or one number 0.
        m: ``V^H V_bar`` (for singular vectors, ``U^H U_bar + V^H V_bar``).
        columns: the largest entry of each column of the cotangents of the vectors.
        size: of the matrix, which tells what is rounding.
        count: see `Counts`.
    """
    near = near_neighbours(w)
    if not near.any():
        return None
    w_bar = np.broadcast_to(w_bar, w.shape)
    equal = equal_neighbours(w, size)
    found = Settled(m.shape, w.dtype)
    for place in map(tuple, np.argwhere(near.any(axis=-1)).tolist()):
        within = slice(max(count(place) - 1, 0))
        one = _Matrix(function, kind, place, w[place], w_bar[place], m[place], columns[place], size)
        for run in runs(near[place][within]):
            one.settle_near(run, equal[place], found)
    return found if found.run is not None else None


class _Matrix:
    """One matrix of the stack."""

    def __init__(
        self,
        function: str,
        kind: str,
        place: tuple[int, ...],
        w: Array,
        w_bar: Array,
        m: Array,
        columns: Array,
        size: int,
    ) -> None:
        self.function, self.kind, self.place = function, kind, place
        self.w, self.w_bar, self.m, self.columns = w, w_bar, m, columns
        self.slack = slack_of(w.dtype)
        self.rounding = ROUNDED * size * eps_of(w.dtype)
        self.w_scale = float(np.max(np.abs(w_bar)))
        self.m_scale = float(np.max(columns))

    def settle_near(self, run: slice, equal: Array, found: Settled) -> None:
        """A run of values near each other: as one cluster if that fits, else in it those not resolved."""
        inside = slice(run.start, run.stop - 1)
        if not equal[inside].all():
            block = Block(run, self.w, self.w_bar, self.m)
            slope = slope_of(block, self.w_scale, self._slack(block))
            if slope is not None and self._agrees(block, slope):
                found.settle(self.place, run, slope)
                return
        for inner in runs((equal | self._blurred)[inside]):
            self._settle_equal(slice(run.start + inner.start, run.start + inner.stop), found)

    def _slack(self, block: Block) -> float:
        """How far values that are not equal may miss what holds for equal ones."""
        top = float(np.max(np.abs(self.w)))
        return self.slack + 10 * abs(float(block.w[-1] - block.w[0])) / (top or 1.0)

    def _agrees(self, block: Block, slope: float) -> bool:
        """Whether the formula's numerators are those of a slope, up to their rounding."""
        off = np.abs(block.twisted - slope * block.even * (block.w[None, :] - block.w[:, None]))
        columns = self.columns[block.run]
        return bool((off <= self.rounding * (columns[:, None] + columns[None, :])).all())

    @functools.cached_property
    def _blurred(self) -> Array:
        """Where neighbours are so near that rounding takes more than a third of the formula's digits."""
        eps, top = eps_of(self.w.dtype), np.max(np.abs(self.w))
        gap = np.abs(self.w[1:] - self.w[:-1])
        size = max(self.w_scale, self.m_scale / top) if top else self.w_scale
        noise = 4 * eps * (self.columns[1:] + self.columns[:-1])
        return (noise > eps ** (1 / 3) * size * gap) | uneven_neighbours(self.w, self.w_bar)

    def _settle_equal(self, run: slice, found: Settled) -> None:
        block = Block(run, self.w, self.w_bar, self.m)
        turning = np.abs(block.twisted)
        if np.max(turning) > self.slack * self.m_scale:
            i, j = np.unravel_index(int(np.argmax(turning)), turning.shape)
            pair = (run.start + int(min(i, j)), run.start + int(max(i, j)))
            pair = pair if pair[0] < pair[1] else (run.start, run.start + 1)
            raise refuse_basis(self.function, self.kind, self.w, pair, self.place)
        slope = slope_of(block, self.w_scale, self._slack(block))
        if slope is None:
            raise refuse_split(self.function, self.kind, self.w, _extremes(block), self.place)
        found.settle(self.place, run, slope)


def _extremes(block: Block) -> tuple[int, int]:
    """The places of the two values in a cluster whose cotangents differ most."""
    pair = sorted((int(np.argmin(block.w_bar)), int(np.argmax(block.w_bar))))
    return block.run.start + pair[0], block.run.start + pair[1]


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
