"""Random expression programs: tape, dual and their compositions against each other and finite differences."""

from __future__ import annotations

from typing import Any

import expressions
import numpy as np
from hypothesis import assume, given

import pullback as pb

POINT = np.array([0.31, -0.72, 0.93, 0.14, -0.45, 1.2, 0.52, -1.03, 0.77])
STEP = 1e-6


def program_with(program: list[expressions.Step], make: Any) -> Any:
    """The program as a function of one vector."""

    def function(z: Any) -> Any:
        with np.errstate(all="ignore"):
            return expressions.run(program, make, z[:3], np.reshape(z[3:], (2, 3)))

    return function


def differences(function: Any, step: float = STEP) -> np.ndarray:
    """Central differences of a function of `POINT`, one row for each entry."""
    return np.array(
        [(function(POINT + step * e) - function(POINT - step * e)) / (2 * step) for e in np.eye(9)]
    )


def close(ours: Any, theirs: Any, tolerance: float) -> None:
    """Equal to `tolerance`, relative to the largest entry."""
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1.0, float(np.max(np.abs(theirs)))))


@given(expressions.programs())
def test_first_order(program: list[expressions.Step]) -> None:
    plain, function = program_with(program, np), program_with(program, pb)
    numeric = differences(plain)
    assume(np.allclose(numeric, differences(plain, 2 * STEP), rtol=1e-4, atol=1e-4))  # no kink within reach
    value, gradient = pb.value_and_grad(function)(POINT)
    close(value, plain(POINT), 1e-12)
    close(gradient, numeric, 1e-5)
    close(pb.jacobian(function, mode="forward")(POINT), gradient, 1e-9)
    close(pb.jacobian(function, mode="forward", chunk_size=4)(POINT), gradient, 1e-9)


@given(expressions.programs(4))
def test_second_order(program: list[expressions.Step]) -> None:
    plain, function = program_with(program, np), program_with(program, pb)
    first = differences(plain)
    assume(np.allclose(first, differences(plain, 2 * STEP), rtol=1e-4, atol=1e-4))
    numeric = differences(pb.grad(function))
    assume(np.allclose(numeric, differences(pb.grad(function), 2 * STEP), rtol=1e-4, atol=1e-4))
    hessian = pb.hessian(function)(POINT)
    close(hessian, numeric, 1e-4)
    v = np.cos(np.arange(9.0))
    along = hessian @ v
    close(pb.grad(lambda z: np.vdot(pb.grad(function)(z), v))(POINT), along, 1e-8)
    close(pb.grad(lambda z: pb.jvp(function, (z,), (v,))[1])(POINT), along, 1e-8)
    close(pb.jvp(lambda z: pb.jvp(function, (z,), (v,))[1], (POINT,), (v,))[1], along @ v, 1e-8)
    close(pb.hvp(function, POINT, v), along, 1e-8)
