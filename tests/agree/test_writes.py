"""Programs of views and writes: reverse and forward mode against finite differences of the same program in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import writes
from hypothesis import given

import pullback as pb

POINT = np.array([0.31, -0.72, 0.93, 0.14, -0.45, 1.2])


def differences(program: list[writes.Step], step: float) -> np.ndarray:
    """The slow reference."""
    return np.array(
        [
            (writes.run(program, np, POINT + step * e) - writes.run(program, np, POINT - step * e))
            / (2 * step)
            for e in np.eye(writes.SIZE)
        ]
    )


def checked(program: list[writes.Step]) -> None:
    """Compare value, reverse and forward mode with the reference."""

    def function(x: Any) -> Any:
        return writes.run(program, pb, x)

    before = POINT.copy()
    value, gradient = pb.value_and_grad(function)(POINT)
    np.testing.assert_array_equal(POINT, before)
    assert value == writes.run(program, np, POINT.copy())
    tangents = pb.jacobian(function, mode="forward")(POINT)
    np.testing.assert_allclose(tangents, gradient, rtol=1e-9, atol=1e-9)
    numeric = differences(program, 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-5 * max(1, np.abs(numeric).max()))


@given(writes.programs())
def test_writes_through_views_against_finite_differences(program: list[writes.Step]) -> None:
    checked(program)


@given(writes.programs(5))
def test_writes_are_differentiated_twice(program: list[writes.Step]) -> None:
    def function(x: Any) -> Any:
        return writes.run(program, pb, x)

    gradient = pb.grad(function)
    numeric = np.array(
        [(gradient(POINT + 1e-6 * e) - gradient(POINT - 1e-6 * e)) / 2e-6 for e in np.eye(writes.SIZE)]
    )
    over_reverse = pb.hessian(function)(POINT)
    np.testing.assert_allclose(over_reverse, numeric, rtol=1e-4, atol=1e-4 * max(1, np.abs(numeric).max()))
    v = np.cos(np.arange(writes.SIZE))
    of_forward = pb.grad(lambda x: pb.jvp(function, (x,), (v,))[1])(POINT)
    np.testing.assert_allclose(of_forward, over_reverse @ v, rtol=1e-9, atol=1e-9)
