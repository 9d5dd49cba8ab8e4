"""Copies of large inputs: memory is used again once nothing refers to it, and no sooner."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb
from pullback.tape import inputs

LARGE = 1 << 17


def test_memory_is_used_again_when_it_is_free() -> None:
    value = np.arange(float(LARGE))
    first = inputs.copied(value)
    place = first.ctypes.data
    second = inputs.copied(value)
    assert second.ctypes.data != place
    view = first[3:5]
    del first
    assert inputs.copied(value + 1).ctypes.data != place
    np.testing.assert_array_equal(view, [3, 4])
    del view
    again = inputs.copied(value + 2)
    assert again.ctypes.data == place
    np.testing.assert_array_equal(again, value + 2)
    np.testing.assert_array_equal(second, value)


def test_copies_are_like_the_originals() -> None:
    base = np.arange(4.0 * LARGE)
    for value in (base[: 2 * LARGE], base.reshape(4, -1).T, base[::2], base[:3], base[::-1], base > 3):
        for _ in range(2):
            copy = inputs.copied(value)
            np.testing.assert_array_equal(copy, value)
            assert (copy.dtype, copy.strides) == (value.dtype, value.copy("K").strides)
            assert not np.shares_memory(copy, value)
            del copy


def test_what_is_kept_is_limited() -> None:
    copies = [inputs.copied(np.zeros(LARGE)) for _ in range(40)]
    assert sum(copy.nbytes for copy in inputs._kept.copies) <= 1 << 24
    assert len({copy.ctypes.data for copy in copies}) == 40


def test_a_gradient_keeps_what_a_later_one_would_need() -> None:
    x = np.linspace(0, 1, LARGE)
    values: list[Any] = []

    def loss(x: Any) -> Any:
        values.append(x)
        return np.sum(x**3)

    _, pull = pb.vjp(lambda x: np.sum(x**3), x)
    for scale in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(pb.grad(loss, engine="tape")(scale * x), 3 * (scale * x) ** 2)
    np.testing.assert_allclose(pull(1.0)[0], 3 * x**2)
    np.testing.assert_array_equal(values[0].value, x)
