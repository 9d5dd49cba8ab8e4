"""Slicing: a contraction as the sum over values of some indices, each a smaller contraction.

Memory is that of one slice, in the reverse sweep too, which computes the intermediates of a slice again (Gray
& Kourtis, *Hyper-optimized tensor network contraction*, Quantum 5, 410, 2021).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.rules.networks.plan import Plan


@dataclass(frozen=True)
class Sliced:
    """A sum of contractions.

    Attributes:
        plan: of one slice.
        sizes: the lengths of the indices summed over.
        axes: for each tensor, its axes that are taken apart, in order, each with the number of its index.
    """

    plan: Plan
    sizes: tuple[int, ...]
    axes: tuple[tuple[tuple[int, int], ...], ...]

    def _slices(self, tensors: Sequence[Any]) -> Any:
        for values in itertools.product(*map(range, self.sizes)):
            yield (
                [
                    tensor[_index(axes, values)] if axes else tensor
                    for tensor, axes in zip(tensors, self.axes, strict=True)
                ],
                values,
            )

    def forward(self, forward: Callable[..., Any], tensors: Sequence[Any]) -> Any:
        """The sum of the contractions of all slices."""
        total: Any = None
        for parts, _ in self._slices(tensors):
            y = forward(self.plan, parts, None)
            total = y if total is None else total + y
        return total

    def reverse(
        self,
        forward: Callable[..., Any],
        reverse: Callable[..., Any],
        y_bar: Any,
        tensors: Sequence[Any],
        wanted: tuple[int, ...],
    ) -> list[Any]:
        """The cotangents of the tensors `wanted`, None for the others."""
        sums: list[dict[tuple[int, ...], Any]] = [{} for _ in tensors]
        for parts, values in self._slices(tensors):
            matrices: list[Any] = []
            forward(self.plan, parts, matrices)
            bars = reverse(self.plan, y_bar, parts, matrices, wanted)
            for place in wanted:
                own = tuple(values[number] for _, number in self.axes[place])
                known = sums[place].get(own)
                sums[place][own] = bars[place] if known is None else known + bars[place]
        return [self._joined(place, found) if found else None for place, found in enumerate(sums)]

    def _joined(self, place: int, found: dict[tuple[int, ...], Any]) -> Any:
        axes = self.axes[place]
        if not axes:
            return found[()]
        lead = tuple(self.sizes[number] for _, number in axes)
        stacked = np.stack([found[own] for own in itertools.product(*map(range, lead))])
        whole = np.reshape(stacked, (*lead, *np.shape(stacked)[1:]))
        return np.moveaxis(whole, tuple(range(len(axes))), tuple(axis for axis, _ in axes))


def _index(axes: tuple[tuple[int, int], ...], values: tuple[int, ...]) -> tuple[Any, ...]:
    chosen = {axis: values[number] for axis, number in axes}
    return tuple(chosen.get(axis, slice(None)) for axis in range(max(chosen) + 1))
