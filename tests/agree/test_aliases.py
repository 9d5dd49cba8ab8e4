"""Random programs of views of complex arrays and writes through them, against a machine without either."""

from __future__ import annotations

from typing import Any

import aliases
import numpy as np
from hypothesis import assume, given
from run import close, complex_steps
from slots import Slots

import pullback as pb

POINT = np.array([0.31, -0.72, 0.93, 0.14, -0.45, 1.2, 0.52, -1.03, 0.77, -0.28, 0.64])


def plain(program: list[aliases.Step], z: Any) -> Any:
    """The program in NumPy."""
    return aliases.run(program, aliases.Arrays(np), z)


def reference(program: list[aliases.Step], z: Any) -> np.ndarray[Any, Any]:
    """The gradient without views and writes."""
    return complex_steps(lambda x: aliases.run(program, Slots(), x), z)


def tame(program: list[aliases.Step]) -> float:
    """The value at `POINT`, unless products have grown it out of reach."""
    with np.errstate(all="ignore"):
        value = float(plain(program, POINT))
    assume(abs(value) < 1e4)
    return value


@given(aliases.programs())
def test_first_order(program: list[aliases.Step]) -> None:
    expected = tame(program)
    close(np.real(aliases.run(program, Slots(), POINT + 0j)), expected, 1e-12)

    def function(z: Any) -> Any:
        return aliases.run(program, aliases.Arrays(pb), z)

    value, gradient = pb.value_and_grad(function)(POINT)
    close(value, expected, 1e-13)
    close(gradient, reference(program, POINT), 1e-11)
    close(pb.jacobian(function, mode="forward")(POINT), gradient, 1e-11)
    close(pb.jacobian(function, mode="forward", chunk_size=4)(POINT), gradient, 1e-11)


@given(aliases.programs(7))
def test_second_order(program: list[aliases.Step]) -> None:
    tame(program)
    v, h = np.cos(np.arange(11.0)), 1e-5
    numeric = (reference(program, POINT + h * v) - reference(program, POINT - h * v)) / (2 * h)

    def function(z: Any) -> Any:
        return aliases.run(program, aliases.Arrays(pb), z)

    along = pb.hvp(function, POINT, v)
    close(along, numeric, 1e-6)
    close(pb.grad(lambda z: np.sum(pb.grad(function)(z) * v))(POINT), along, 1e-10)
    close(pb.grad(lambda z: pb.jvp(function, (z,), (v,))[1])(POINT), along, 1e-10)


@given(aliases.programs(8))
def test_explicit_variables(program: list[aliases.Step]) -> None:
    """`Variable.backward` and `Tape.gradient`, the program's arrays being computed from one input."""
    tame(program)
    z = pb.Variable(POINT)
    with pb.Tape() as tape:
        y = aliases.run(program, aliases.Arrays(pb), z)
    expected = reference(program, POINT)
    close(tape.gradient(y, z), expected, 1e-11)
    y.backward()
    close(z.grad, expected, 1e-11)
