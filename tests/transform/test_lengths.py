"""Where the reverse sweep of a loop asks an array for its lengths alone, it keeps these."""

from __future__ import annotations

from typing import Any

import numpy as np
from sparing import stays_exact, sweeps

from pullback.ir.nodes import Push
from pullback.ir.types import Array
from pullback.ir.walk import walk

rng = np.random.default_rng(0)


def chain(x: Any, v: Any, steps: int) -> Any:
    """Of each trip the derivative needs `y` and the product before the last, in whichever order it lies."""
    y = x
    for _ in range(steps):
        upper = (v @ y.T).T
        y = np.cos(v) @ upper.reshape(y.shape)
    return np.sum(y * v)


def test_products_that_are_asked_for_lengths_are_not_kept() -> None:
    x, v = (rng.normal(size=(9, 9)) for _ in range(2))
    _, adjoint = sweeps(chain, x, v, 3)
    pushed: list[Any] = [s.value for s in walk(adjoint.body) if isinstance(s, Push)]
    kept = [x for x in pushed if isinstance(x.type, Array) and not x.name.endswith("_bar")]
    assert len(kept) == 2
    assert all(array.type.layout == "C" for array in kept)


def test_derivatives_with_lengths_in_place_of_arrays() -> None:
    x, v = (0.3 * rng.normal(size=(9, 9)) for _ in range(2))
    for steps in range(4):
        stays_exact(chain, x, v, steps)
