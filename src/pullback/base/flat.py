"""`Flat`: what ``x.flat`` is of a tracked array, to iterate over, to index and to write through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError


class Flat:
    """The elements of an array in the order of C, as `numpy.flatiter` has them."""

    __slots__ = ("base",)

    def __init__(self, base: Any) -> None:
        self.base = base

    def __repr__(self) -> str:
        return f"{self.base!r}.flat"

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self.base))

    def __getitem__(self, index: Any) -> Any:
        part = np.ravel(self.base)[index]
        return np.copy(part) if np.ndim(part) else part

    def __setitem__(self, index: Any, value: Any) -> None:
        self._refuse_own(index, value)
        places = np.arange(len(self))[index]
        values = np.ravel(value)
        if places.size:
            # NumPy begins anew with the values where they are too few.
            chosen = values[np.arange(places.size) % np.size(values)]
            where = np.unravel_index(places, self.base.shape)
            self.base[where] = np.reshape(chosen, np.shape(places))

    def _refuse_own(self, index: Any, value: Any) -> None:
        written = np.ravel(self.base)[index]
        if not np.may_share_memory(written, self.base):
            written = self.base
        if np.may_share_memory(written, value):
            raise UnsupportedError(
                "a view of an array is written into its own .flat",
                why="NumPy goes entry by entry there, and may read what it has just written",
                remedy="write x.flat[...] = view.copy().",
            )
