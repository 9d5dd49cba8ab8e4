"""What a kernel is: a plain function with arguments of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Make = Callable[[np.random.Generator, int], tuple[Any, ...]]


@dataclass(frozen=True)
class Kernel:
    """A function and how to call it.

    Attributes:
        function: plain NumPy; returns a number, an array or a tuple of arrays, and may write into arguments.
        make: arguments from a generator and a size. Arguments of one call are never used for another.
        argnums: the arguments to differentiate by.
        small: a size at which finite differences are quick.
        large: a size at which times mean something.
        eager: whether the tape can run it as well. It cannot where a tracked value is stored into an array
            that NumPy made.
        step: of finite differences, less than the distance to the next branch.
    """

    function: Callable[..., Any]
    make: Make
    argnums: tuple[int, ...]
    small: int = 4
    large: int = 64
    eager: bool = True
    step: float = 1e-3

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.__name__

    def arguments(self, size: int | None = None, seed: int = 0) -> tuple[Any, ...]:
        """Fresh arguments, the same at each call; of the small size unless told."""
        return self.make(np.random.default_rng([len(self.name), seed]), self.small if size is None else size)
