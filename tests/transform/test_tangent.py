"""Tangents of whole arrays have the shape of their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.capture import capture
from pullback.emit import load
from pullback.ir.run import run
from pullback.ir.types import type_of
from pullback.ir.verify import verify
from pullback.transform.tangent import tangent


def repeated(x: Any, a: Any, b: Any, n: Any) -> Any:
    y = x[:n] - b
    z = b + np.remainder(x[:n], b)
    w = np.maximum(a[:1], a) * 1.0 - a[:, :1]
    return np.sum(y) * np.sum(z) + np.sum(w * w * w)


@pytest.mark.parametrize("n", [1, 4])
def test_a_part_whose_length_may_be_1_moves_what_it_is_repeated_to(n: int) -> None:
    rng = np.random.default_rng(0)
    given = [rng.normal(size=4), rng.normal(size=(3, 4)), rng.normal(size=4), n]
    dots = [rng.normal(size=4), rng.normal(size=(3, 4))]
    program = tangent(capture(repeated, tuple(map(type_of, given)), {}).program, [0, 1], [0])
    verify(program)
    x, a, *rest = given
    up, down = (repeated(x + h * dots[0], a + h * dots[1], *rest) for h in (1e-6, -1e-6))
    for call in (lambda *values: run(program, values), load(program, jit=False)):
        assert np.isclose(call(*given, *dots)[1], (up - down) / 2e-6, rtol=1e-7)
