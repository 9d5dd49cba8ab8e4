"""Broadcasting and its adjoint."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.rules.broadcast import repeated, unbroadcast

PAIRS = [
    ((), (3,)),
    ((), (2, 3)),
    ((1,), (3,)),
    ((3,), (2, 3)),
    ((1,), (2, 3)),
    ((2, 1), (2, 3)),
    ((1, 3), (2, 3)),
    ((1, 1), (2, 3)),
    ((3, 1), (4, 2, 3, 5)),
    ((1, 3, 1), (2, 2, 3, 5)),
    ((3,), (0, 3)),
    ((1,), (0,)),
    ((60, 1), (60, 60)),
    ((60,), (60, 60)),
    ((2, 3), (2, 3)),
]


@pytest.mark.parametrize(("small", "large"), PAIRS)
def test_unbroadcast_is_the_adjoint_of_repeated(small: tuple[int, ...], large: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    x, y_bar = rng.standard_normal(small), rng.standard_normal(large)
    y, x_bar = repeated(x, large), unbroadcast(y_bar, small)
    assert np.shape(y) == large
    assert np.shape(x_bar) == small
    assert np.array_equal(y, np.broadcast_to(x, large))
    assert np.sum(y * y_bar) == pytest.approx(np.sum(x * x_bar))


@pytest.mark.parametrize(("small", "large"), PAIRS)
def test_a_smaller_cotangent_is_repeated(small: tuple[int, ...], large: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(small)
    assert np.array_equal(unbroadcast(x, large), np.broadcast_to(x, large))


def test_single_precision_stays_single() -> None:
    x = np.ones((2, 3), np.float32)
    for shape in ((3,), (2, 1), (1, 1), (4, 2, 3)):
        assert unbroadcast(x, shape).dtype == np.float32
