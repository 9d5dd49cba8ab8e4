"""Values that the formulas do not resolve although they are apart: those of a small matrix.

A function that varies with 1 cannot tell eigenvalues of size 1e-15 apart. What the formulas divide by gaps is
rounding there, and so is the quotient. It shows in the quotients themselves: where rounding alone would make
more than a third of the digits of the largest part of the gradient, there are no others.

Eigenvalues, and what turns both singular vectors together, are then taken for equal (see `clusters`). What
turns left and right vectors apart, or out of their space, is divided by the singular values themselves. Of
that nothing is known but that it is below rounding; it is 0 if the singular values' own cotangents are far
below that, too, and an error if they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.rules.spectra.gauge import ROUNDED, Array, absent, eps_of, hidden_of, refuse_small


class Blurred:
    """Neighbours, however far apart, of which rounding takes more than a third of the gradient's digits.

    They are those of a matrix that is small beside what a function of it varies with.

    Attributes:
        pairs: which neighbours.
        reach: what the functions vary with, for each matrix.
    """

    def __init__(self, values: Array, columns: Array, size: Array) -> None:
        eps = eps_of(values.dtype)
        noise = 4 * eps * (columns[..., 1:] + columns[..., :-1])
        self.pairs = noise > eps ** (1 / 3) * size[..., None] * np.abs(values[..., 1:] - values[..., :-1])
        self.reach = np.max(columns, axis=-1) / np.where(size == 0, 1, size)


def blurred_by(values: Array, columns: Array, twisted: Array, gap: Array, w_bar: Any) -> Blurred | None:
    """Where rounding makes the formula, ``twisted / gap`` and `w_bar`, worthless; None if nowhere."""
    if values.shape[-1] < 2 or not values.size:
        return None
    quotients = np.abs(twisted / np.where(gap == 0, np.inf, gap))
    of_values = 0 if absent(w_bar) else np.max(np.abs(w_bar), axis=-1)
    size = np.maximum(np.max(quotients, axis=(-2, -1)), of_values)
    least = np.min(np.abs(values[..., 1:] - values[..., :-1]))
    if hidden_of(values.dtype) * np.max(columns) <= np.min(size) * least:
        return None
    size = np.maximum(_resolved(quotients, twisted, columns), of_values)
    blurred = Blurred(values, columns, size)
    return blurred if blurred.pairs.any() else None


def _resolved(quotients: Array, twisted: Array, columns: Array) -> Array:
    """The largest quotient of each matrix whose numerator is more than rounding."""
    noise = 4 * eps_of(columns.dtype) * (columns[..., None, :] + columns[..., :, None])
    known = np.abs(twisted) > ROUNDED / 4 * columns.shape[-1] * noise
    return np.max(np.where(known, quotients, 0), axis=(-2, -1))


class Apart:
    """What is divided by a sum of two singular values, or by one: numerators, and what they are divided by.

    Attributes:
        numerator: a square matrix for the pairs, or columns for what is out of the space of the vectors.
        divisor: to be broadcast against it; infinite where a singular value is 0.
        noise: the rounding of a numerator.
    """

    def __init__(self, numerator: Array, divisor: Array, columns: Array, pairs: bool) -> None:
        self.numerator, self.divisor, self.pairs = numerator, divisor, pairs
        own = columns[..., None, :]
        self.noise = 4 * eps_of(columns.dtype) * (own + (columns[..., :, None] if pairs else own))

    def size(self, rows: int) -> Array:
        """The largest quotient of each matrix whose numerator is more than rounding."""
        known = np.where(self._known(rows), np.abs(self.numerator) / self.safe, 0)
        return np.max(known, axis=(-2, -1), initial=0)

    def _known(self, rows: int) -> Array:
        return np.abs(self.numerator) > ROUNDED / 4 * rows * self.noise

    @property
    def safe(self) -> Array:
        """The divisor, infinite in place of 0."""
        return np.where(self.divisor == 0, np.inf, self.divisor)

    def cleared(self, function: str, values: Array, s_bar: Array, size: Array, rows: int) -> Array:
        """The numerators, 0 in place of rounding that the division would make the largest.

        Raises:
            NotDifferentiableError: where that would leave out more than rounding.
        """
        eps = eps_of(values.dtype)
        hidden = self.noise > eps ** (1 / 3) * size[..., None, None] * self.safe
        if self.pairs and self.numerator.dtype.kind != "c":
            hidden = hidden & ~np.eye(values.shape[-1], dtype=bool)  # 0 there, of real vectors
        hidden = np.broadcast_to(hidden, self.numerator.shape)
        if not hidden.any():
            return self.numerator
        own = np.abs(s_bar)[..., None, :]
        own = np.maximum(own, np.abs(s_bar)[..., :, None]) if self.pairs else own
        wrong = hidden & (self._known(rows) | (own > eps ** (1 / 3) * self.noise / self.safe))
        if wrong.any():
            *place, i, j = np.argwhere(wrong)[0].tolist()
            raise refuse_small(function, values, (i if self.pairs else j, j), tuple(place))
        return np.where(hidden, 0, self.numerator)


def blurred_singular(
    function: str,
    values: Array,
    columns: Array,
    twisted: Array,
    gap: Array,
    s_bar: Array,
    parts: Sequence[Apart],
    rows: int,
) -> tuple[Blurred | None, list[Array]]:
    """The neighbours that the formulas do not resolve, and the numerators of `parts` without rounding.

    Args:
        values: the singular values of each matrix.
        columns: the largest entry of the cotangents of each pair of vectors.
        twisted, gap: what turns both vectors together, a quotient.
        s_bar: the cotangents of the values.
        parts: the other quotients.
        rows: the size of the matrices.
    """
    quotients = np.abs(twisted / np.where(gap == 0, np.inf, gap))
    size = np.maximum(_resolved(quotients, twisted, columns), np.max(np.abs(s_bar), axis=-1))
    for part in parts:
        size = np.maximum(size, part.size(rows))
    blurred = Blurred(values, columns, size)
    numerators = [part.cleared(function, values, s_bar, size, rows) for part in parts]
    return (blurred if blurred.pairs.any() else None), numerators
