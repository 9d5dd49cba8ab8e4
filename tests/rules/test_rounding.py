"""Remainders, floating-point parts and signs, at ordinary and at odd points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.rules import rounding
from pullback.rules.read import cotangent, tangent
from pullback.rules.table import TABLE
from pullback.testing.slopes import slope

assert rounding.__doc__
PAIRS = [
    (7.5, 2.0),
    (-7.5, 2.0),
    (7.5, -2.0),
    (-7.5, -2.0),
    (0.3, 0.1),
    (1.0, 0.1),
    (6.0, 3.0),
    (1e17, 3.0),
    (2, np.inf),
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_remainder_follows_the_quotient_numpy_took(a: float, b: float) -> None:
    assert slope(np.remainder, a, b) == 1
    assert slope(np.remainder, a, b, argument=1) == -np.floor_divide(a, b)
    exact = 0.0 if np.isinf(b) else round((a - np.fmod(a, b)) / b)
    assert slope(np.fmod, a, b, argument=1) == -exact
    quotient, rest = np.divmod(a, b)
    assert cotangent(TABLE[np.divmod], 1, (0.0, 1.0), (quotient, rest), (a, b), {}, False) == -quotient
    assert tangent(TABLE[np.divmod], 1, 1.0, (quotient, rest), (a, b), {}) == (0, -quotient)


def test_a_remainder_rounded_up_to_the_divisor() -> None:
    assert slope(np.remainder, -1e-20, 1.0, argument=1) == 1
    assert slope(np.fmod, np.nextafter(0.3, 0), 0.3, argument=1) == 0


def test_signs() -> None:
    a, b = np.array([2.0, -2.0, 0.0, 2.0, -2.0]), np.array([1.0, 1.0, 1.0, -1.0, -0.0])
    assert np.array_equal(slope(np.copysign, a, b), [1, -1, 0, -1, 1])
    assert np.array_equal(slope(np.copysign, a, b, argument=1), np.zeros(5))
    assert np.array_equal(slope(np.fabs, a), [1, -1, 0, 1, -1])
    assert np.array_equal(slope(np.sign, a), np.zeros(5))


def test_heaviside_moves_with_its_value_at_zero_only() -> None:
    x, value = np.array([-1.0, 0.0, 1.0]), np.full(3, 0.3)
    assert np.array_equal(slope(np.heaviside, x, value), np.zeros(3))
    assert np.array_equal(slope(np.heaviside, x, value, argument=1), [0, 1, 0])


def test_nextafter_moves_with_its_start() -> None:
    assert slope(np.nextafter, 1.0, 2.0) == 1
    assert slope(np.nextafter, 1.0, 2.0, argument=1) == 0


@pytest.mark.parametrize("x", [0.0, 0.75, -3.5, 1024.0, 1e-310])
def test_frexp_and_ldexp_scale_by_a_power_of_two(x: float) -> None:
    mantissa, exponent = np.frexp(x)
    with np.errstate(over="ignore"):
        factor = np.ldexp(1.0, -exponent)
        assert cotangent(TABLE[np.frexp], 0, (1.0, 0), (mantissa, exponent), (x,), {}, False) == factor
        assert tangent(TABLE[np.frexp], 0, 1.0, (mantissa, exponent), (x,), {})[0] == factor
    assert slope(np.ldexp, x, 3) == 8


@pytest.mark.parametrize(
    "function", [np.floor, np.rint, np.round, np.fix, np.greater, np.isnan, np.floor_divide]
)
def test_piecewise_constant(function: Any) -> None:
    assert TABLE[function].constant


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(x, dtype=int),
        lambda x: np.cumsum(x, dtype=int),
        lambda x: np.prod(x, dtype=int),
        lambda x: np.add.reduce(x, dtype=int),
        lambda x: np.trace(np.outer(x, x), dtype=int),
        lambda x: np.einsum("i->", x, dtype=int, casting="unsafe"),
        lambda x: np.linspace(x[0], x[1], 4, dtype=int),
        lambda x: np.linspace(x[0], x[1], 4, dtype=int, retstep=True)[0],
        lambda x: np.concatenate([x, x], dtype=int, casting="unsafe"),
    ],
)
def test_what_is_computed_in_integers_moves_in_steps(function: Any) -> None:
    def loss(x: Any) -> Any:
        return np.sum(function(x) * 2.0) + x[0]

    x = np.array([1.2, 2.5])
    for derivative in (pb.grad(loss), pb.jacobian(loss, mode="forward")):
        assert derivative(x).tolist() == [1, 0]
    tracked: Any = pb.Variable(x)
    for _ in range(2):  # the second time by the plan that the first time made
        loss(tracked).backward()
    assert tracked.grad.tolist() == [2, 0]
