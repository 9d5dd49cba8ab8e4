"""What the sweep may take as its own."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb
from pullback.tape.accumulate import Owned, taken


def test_only_what_nothing_else_refers_to_is_taken() -> None:
    # Not within assert, since pytest keeps what it shows.
    kept = np.zeros(5000)
    made = taken(np.zeros(5000))
    part = taken(np.zeros(5000)[:4000])
    assert type(made) is Owned
    assert taken(kept) is kept
    assert type(part) is np.ndarray


def test_a_rule_that_keeps_what_it_returns() -> None:
    seen: list[Any] = []

    @pb.primitive
    def doubled(x: Any) -> Any:
        return 2 * np.asarray(x)

    @pb.vjp_rule(doubled, 0)
    def doubled_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        seen.append(2 * y_bar)
        return seen[-1]

    x = np.ones(5000)
    gradient = pb.grad(lambda x: np.sum(doubled(x) * 3.0) + np.sum(x * 5.0), engine="tape")(x)
    np.testing.assert_array_equal(gradient, 11.0)
    np.testing.assert_array_equal(seen[0], 6.0)
    alone = pb.grad(lambda x: np.sum(doubled(x) * 3.0), engine="tape")(x)
    assert not np.shares_memory(alone, seen[1])
