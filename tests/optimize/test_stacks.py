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
