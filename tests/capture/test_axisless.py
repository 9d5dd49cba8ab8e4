"""Arrays without axes have two names at times; numbers, which stand for them in a program, have not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import UnsupportedError

TWO_NAMES: list[Callable[[Any], Any]] = [
    lambda c: np.where(c > 0.5, 0.5, c),
    lambda c: np.asarray(c + 0.0),
    lambda c: np.copy(c + 0.0),
    lambda c: np.select([c > 0, c < 0], [1.0 * c, 2.0 * c]),
    lambda c: np.squeeze(np.full((1, 1), 2.0) * c),
]


@pytest.mark.parametrize("made", TWO_NAMES)
def test_an_update_that_another_name_would_show_is_refused(made: Any) -> None:
    def at_once(c: Any) -> Any:
        p = q = made(c)
        p -= 0.1 * c
        return q * 1.0

    def later(c: Any) -> Any:
        p = made(c)
        q = p
        if c > 0:
            q *= 2.0
        return p + 0.0

    for function in (at_once, later):
        with pytest.raises(UnsupportedError, match="is updated in place") as caught:
            pb.compile(function, jit=False)(0.7)
        assert f"{__file__}:" in str(caught.value)


@pytest.mark.parametrize("made", TWO_NAMES)
def test_an_update_under_the_only_name_that_is_read_again_is_none(made: Any) -> None:
    def updated(c: Any) -> Any:
        p = q = made(c)
        c = c + q
        p -= 0.1 * c
        p *= p
        return p + c

    compiled = pb.compile(updated, jit=False)
    np.testing.assert_allclose(compiled(0.7), updated(0.7))
    slope = (updated(0.7 + 1e-6) - updated(0.7 - 1e-6)) / 2e-6
    assert pb.grad(compiled)(0.7) == pytest.approx(slope, rel=1e-7)
