"""Stacks that loops fill an entry a trip are arrays; the others, and what they hold, stay."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb


def triangle(a, n):
    s = 1.0
    for i in range(n):
        for j in range(i):
            s = s * a[i, j] + a[j, i]
        for j in range(n - 1, i, -1):
            s = np.sin(s) * a[i, j]
    return s


def until(a, n):
    s, turns = 1.0, 0
    while s < 40.0 and turns < 3 * n:
        for i in range(n):
            s = s + np.tanh(s) * a[i, turns % 4] ** 2
        turns += 1
    return s


def branching(a, n):
    s = 1.0
    for i in range(n):
        for j in range(i + 1):
            if a[i, j] > 0:
                s = s * a[i, j] + 1
            s = np.cos(s) + a[j, i]
    return s


def strided(a, n):
    s = 0.5
    for i in range(n):
        for j in range(i, n, 2):
            s = s * s + a[i, j]
    return s


matrix = np.random.default_rng(3).standard_normal((4, 4)) / 2


@pytest.mark.filterwarnings("ignore::pullback.DependenceWarning")
@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("function", [triangle, until, branching, strided], ids=lambda f: f.__name__)
def test_gradients(function, n):
    expected = pb.grad(function, engine="tape")(matrix, n)
    np.testing.assert_allclose(pb.grad(pb.compile(function, jit=False))(matrix, n), expected, rtol=1e-10)


def test_second_order():
    compiled = pb.compile(triangle, jit=False)

    def slope(f, **engine):
        return pb.grad(lambda a: np.sum(pb.grad(f, **engine)(a, 4) ** 2))(matrix)

    np.testing.assert_allclose(slope(compiled), slope(triangle, engine="tape"), rtol=1e-10)


def test_compiled():
    """More numbers than there is room for at first, so that the rooms grow."""
    large = np.random.default_rng(4).standard_normal((40, 40)) / 2
    expected = pb.grad(pb.compile(triangle, jit=False))(large, 40)
    np.testing.assert_allclose(pb.grad(pb.compile(triangle))(large, 40), expected, rtol=1e-10)


def test_loops_have_no_stack():
    text = pb.source(pb.grad(pb.compile(triangle)), matrix, 4)
    assert "native.reserve" in text
    assert ".append(" not in text
    assert ".size" not in text
    assert ".size" in pb.source(pb.grad(pb.compile(branching)), matrix, 4)


def turned(a, n):
    """Arrays of a loop's own, of which the derivative needs what was in them."""
    total, shape = np.sum(a), a.shape[0]
    for i in range(n):
        for j in range(2):
            turn = pb.ones((2, 2))
            turn[0, 1] = np.sin(a[i % 4, j])
            turn[1, 0] = turn[0, 1] * a[j, 0]
            row = np.exp(a[:, j] * turn[0, 1])
            both = np.tanh(row) * row
            for k in range(shape):
                row[k] = both[k] * row[k] ** 2
            total += np.sum((turn @ turn) ** 3) * np.sum(row * both)
    return total


def of_a_length_of_its_own(a, n):
    total = np.sum(a)
    for i in range(n):
        row = np.tanh(a[i % 4, : i % 4 + 1] * total)
        for k in range(i % 4):
            row[k + 1] *= row[k]
        total += np.sum(row * np.sin(row)) * np.sum(row)
    return total


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("function", [turned, of_a_length_of_its_own], ids=lambda f: f.__name__)
@pytest.mark.parametrize("jit", [False, True])
def test_arrays_of_trips(function, n, jit):
    compiled = pb.compile(function, jit=jit)
    expected = pb.grad(function, engine="tape")(matrix, n)
    np.testing.assert_allclose(pb.grad(compiled)(matrix, n), expected, rtol=1e-10)


def test_arrays_are_placed_in_one_where_all_trips_have_one_length():
    assert ".append(" not in pb.source(pb.grad(pb.compile(turned)), matrix, 4)
    assert ".append(" in pb.source(pb.grad(pb.compile(of_a_length_of_its_own)), matrix, 4)


def test_second_order_of_arrays_of_trips():
    compiled = pb.compile(turned, jit=False)

    def slope(f, **engine):
        return pb.grad(lambda a: np.sum(pb.grad(f, **engine)(a, 3) ** 2))(matrix)

    np.testing.assert_allclose(slope(compiled), slope(turned, engine="tape"), rtol=1e-10)
