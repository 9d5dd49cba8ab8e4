"""The methods of a tracked array take the arguments that NumPy's take, in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.tracked import bare

CALLS: dict[str, Callable[[Any], Any]] = {
    "clip, one bound": lambda a: a.clip(1.5),
    "clip, both": lambda a: a.clip(1, 2.0),
    "clip, by name": lambda a: a.clip(max=2),
    "clip, neither below": lambda a: a.clip(None, 2),
    "clip, by array": lambda a: a.clip(np.ones(3), max=2.5),
    "item, counted flat": lambda a: a.item(4),
    "item, counted from the end": lambda a: a.item(-1),
    "item, by place": lambda a: a.item(1, 2),
    "item, by tuple": lambda a: a.item((0, -1)),
    "argsort, kind": lambda a: a.argsort(0, "stable"),
    "sum, all in order": lambda a: a.sum(1, float, None, True),
    "std, all in order": lambda a: a.std(0, None, None, 1),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_method_takes_what_numpy_s_takes(name: str, mode: str) -> None:
    a = np.array([[3.0, 1.0, 2.0], [5.0, 4.0, 0.5]])
    found: list[Any] = []

    def apply(x: Any) -> Any:
        found.append(CALLS[name](x))
        return x

    pb.jacobian(apply, mode=mode)(a)  # type: ignore[arg-type]
    np.testing.assert_array_equal(bare(found[0]), CALLS[name](a))


def test_no_item_beyond_the_last() -> None:
    with pytest.raises(IndexError):
        pb.Variable(np.ones((2, 3))).item(6)
