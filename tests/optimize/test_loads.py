"""Reads that do not change in a loop are kept once, where they cannot be out of range."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir import primitives
from pullback.ir.nodes import Assign, For, Var
from pullback.optimize.loads import hoist_loads

rng = np.random.default_rng(5)


def rows(a, x):
    """The row's factor is read in front of the inner loop."""
    n, m = a.shape
    scratch = np.empty(n)
    total = 0.0
    for step in range(3):
        for i in range(n):
            scratch[i] = np.sin(x[i] * (step + 1))
        for i in range(n):
            for j in range(m):
                total += a[i, j] * scratch[i] * a[i, j]
    return total


def beyond(a, x):
    """`x` is too short, and its last entry never needed."""
    total = 0.0
    for i in range(a.shape[0] + 1):
        for j in range(i, a.shape[1]):
            total += a[0, j] * x[i]
    return total


def overwritten(a, x):
    """The element changes while the inner loop runs."""
    y = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            y[i] += y[0] * a[i, j] + x[i]
            y[0] += 0.1
    return np.sum(y * y)


def reads_of(array: str, program, depth: int) -> bool:
    """Whether elements of an array are read in so many loops."""

    def within(block, left):
        for s in block:
            match s:
                case Assign(function=primitives.item, args=(Var(name=name), *_)) if left == 0:
                    if name.startswith(array):
                        return True
                case For(body=body) if within(body, left - 1):
                    return True
                case _:
                    pass
        return False

    return within(program.body, depth)


@pytest.mark.parametrize("function", [rows, beyond, overwritten])
@pytest.mark.parametrize("shape", [(3, 4), (4, 0), (0, 3), (3, 3)])
def test_derivatives_stay(function, shape):
    a, x = rng.normal(size=shape), rng.normal(size=max(shape[0], 1))
    if function is beyond and shape != (3, 3):
        a, x = rng.normal(size=(3, 3)), rng.normal(size=3)
    compiled = pb.compile(function, jit=False)
    np.testing.assert_allclose(compiled(a, x), function(a, x), rtol=1e-12)
    pb.testing.gradcheck(compiled, a, x)


def aside(a, x):
    """`x` is too short where `a` has no columns, and then none of it is needed."""
    total = 0.0
    for i in range(a.shape[0] + 1):
        for j in range(a.shape[1]):
            total += a[0, j] * x[i]
    return total


def test_a_sum_over_no_columns_belongs_to_no_entry():
    gradient = pb.grad(pb.compile(aside, jit=False), argnums=1)
    pull = pb.vjp(gradient, np.ones((3, 4)), np.ones(4))[1]
    assert [part.shape for part in pull(np.ones(4))] == [(3, 4), (4,)]
    _, pull = pb.vjp(gradient, np.ones((3, 0)), np.ones(3))
    np.testing.assert_array_equal(pull(np.ones(3))[1], np.zeros(3))


def test_only_what_stays_the_same_and_is_in_range_moves():
    a, x = rng.normal(size=(3, 4)), rng.normal(size=3)
    assert not reads_of("scratch", lowered(rows, a, x), 3)
    assert reads_of("x", lowered(beyond, rng.normal(size=(3, 3)), x), 2)
    loops = lowered(overwritten, a, x)
    assert reads_of("y", loops, 2)
    assert hoist_loads(loops) == loops


def lowered(function, *arguments):
    return Compiled(function).specialise(arguments, {})[1].lowered
