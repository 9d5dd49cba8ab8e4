"""`Flat`: what ``x.flat`` is of a tracked array, to iterate over, to index and to write through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


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
        return np.ravel(self.base)[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        places = np.arange(len(self))[index]
        values = np.ravel(value)
        if places.size:
            # NumPy begins anew with the values where they are too few.
            chosen = values[np.arange(places.size) % np.size(values)]
            where = np.unravel_index(places, self.base.shape)
            self.base[where] = np.reshape(chosen, np.shape(places))
