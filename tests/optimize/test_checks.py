"""Checks of lengths come before loops, and what they say is used after them, and only then."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir.nodes import For, If

x, y = np.linspace(-1.0, 2.0, 6), np.linspace(3.0, 1.0, 6)


def lowered(function, *arguments):
    return Compiled(function).specialise(arguments, {})[1].lowered


def two_sums(x, y):
    z = np.sin(x) * x
    return np.sum(z * y)


def triples(a, x):
    """The sum makes three columns of what the arguments' types leave open."""
    return np.sum((a - x[:3]) ** 2, axis=1) * np.sum(a + np.array([1.0, 2.0, 3.0]), axis=1)


def test_loops_over_equal_lengths_are_one():
    loops = [s for s in lowered(two_sums, x, y).body if isinstance(s, For)]
    assert len(loops) == 1


def test_three_columns_are_written_out():
    program = lowered(triples, np.ones((4, 3)), np.ones(5))
    (loop,) = [s for s in program.body if isinstance(s, For)]
    assert not any(isinstance(s, For) for s in loop.body)


@pytest.mark.parametrize("jit", [False, True])
def test_values_gradients_and_errors(jit):
    product, rows = pb.compile(two_sums, jit=jit), pb.compile(lambda a, x: np.sum(triples(a, x)), jit=jit)
    a = np.arange(12.0).reshape(4, 3)
    np.testing.assert_allclose(pb.grad(product)(x, y), pb.grad(two_sums)(x, y))
    np.testing.assert_allclose(pb.grad(rows)(a, x), pb.grad(lambda a, x: np.sum(triples(a, x)))(a, x))
    with pytest.raises(ValueError, match="lengths differ"):
        product(x, y[:5])
    with pytest.raises(ValueError, match="lengths differ"):
        rows(np.ones((4, 2)), x)
    with pytest.raises(ValueError, match="lengths differ"):
        rows(a, x[:2])


def test_what_a_loop_writes_into_an_argument_is_written_before_the_error():
    def scaled(u, x, y):
        for i in range(u.shape[0]):
            u[i] = 2.0 * x[i]
        return np.sum(x * y)

    u = np.zeros(3)
    with pytest.raises(ValueError, match="lengths differ"):
        pb.compile(scaled, jit=False)(u, x, y[:5])
    np.testing.assert_array_equal(u, 2 * x[:3])


def test_an_error_of_the_users_comes_first():
    def careful(x, y):
        total = 0.0
        for i in range(x.shape[0]):
            if x[i] > 1.0:
                raise ArithmeticError("too large")
            total += x[i]
        return total * np.sum(x * y)

    compiled = pb.compile(careful, jit=False)
    with pytest.raises(ArithmeticError, match="too large"):
        compiled(x, y[:4])
    with pytest.raises(ValueError, match="lengths differ"):
        compiled(x / 2, y[:4])


def test_a_check_in_a_branch_says_nothing_outside():
    def branching(x, y, n):
        total = 0.0
        if n > 0:
            total = np.sum(x * y)
        for i in range(x.shape[0]):
            total += x[i]
        for i in range(y.shape[0]):
            total += y[i]
        return total

    compiled = pb.compile(branching, jit=False)
    assert compiled(x, y[:4], 0) == pytest.approx(branching(x, y[:4], 0))
    assert compiled(x, y, 1) == pytest.approx(branching(x, y, 1))


def test_a_length_that_the_loop_decides_is_checked_after_it():
    def grown(x, y):
        count = 0
        for i in range(x.shape[0]):
            if x[i] > 0:
                count += 1
        return np.sum(x[:count] * y)

    compiled = pb.compile(grown, jit=False)
    count = int(np.sum(x > 0))
    assert compiled(x, y[:count]) == pytest.approx(grown(x, y[:count]))
    with pytest.raises(ValueError, match="lengths differ"):
        compiled(x, y[: count - 1])
    assert any(isinstance(s, If) for s in lowered(grown, x, y).body)
