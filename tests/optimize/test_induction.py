"""Counters follow from the index of their loop; what only looks like a counter stays."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir.nodes import Assign, For
from pullback.ir.types import INT
from pullback.ir.walk import assigns, walk

x = np.linspace(-1.0, 2.0, 12)


def packed(a, n):
    p, s = 0, 0.0
    for i in range(n):
        for j in range(i, n):
            s += a[p] * a[p] * (j + 1)
            p += 1
    return s + p


def read_after(a, n):
    p, s = -1, 0.0
    for _ in range(n):
        s += a[p] ** 2
        p = 1 + p
        s *= a[p]
    return s * a[p - 1]


def downwards(a, n):
    p, s = 9, 1.0
    for k in range(n, 0, -1):
        s = s * a[p] + a[k]
        p -= 2
    return s + a[p]


def two(a, n):
    p, q, s = 0, 5, 0.0
    for k in range(1, n):
        s += a[p] * a[q] * k
        p += 1
        q -= 1
        s += a[q] * a[p]
    return s + a[p] * a[q]


def own_bound(a, n):
    p, s = 1, 0.0
    for k in range(p, n):
        s += a[p] * a[k]
        p += 1
    return s * a[p]


COUNTED = [packed, read_after, downwards, two, own_bound]


def moved_bound(a, n):
    p, s, stop = 0, 0.0, n
    for k in range(stop):
        s += a[p] * a[k] ** 2
        p += 1
        stop = 1
    return s * a[p] * a[stop]


def sometimes(a, n):
    p, s = 0, 0.0
    for k in range(n):
        s += a[p] * a[k] ** 2
        if a[k] > 0:
            p += 1
    return s * a[p]


def twice(a, n):
    p, s = 0, 0.0
    for k in range(n):
        p += 1
        s += a[p] * a[k] ** 2
        p += 1
    return s * a[p]


def doubled(a, n):
    p, s = 1, 0.0
    for k in range(n):
        s += a[p] * a[k]
        p += p
    return s * a[p]


OTHERS = [moved_bound, sometimes, twice, doubled]


@pytest.mark.filterwarnings("ignore::pullback.DependenceWarning")
@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("function", COUNTED + OTHERS, ids=lambda f: f.__name__)
def test_values_and_gradients(function, n):
    compiled = pb.compile(function, jit=False)
    value, gradient = pb.value_and_grad(compiled)(x, n)
    expected, slope = pb.value_and_grad(function, engine="tape")(x, n)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)


@pytest.mark.parametrize("function", COUNTED, ids=lambda f: f.__name__)
def test_nothing_is_counted_in_innermost_loops(function):
    _, specialised = Compiled(function).specialise((x, 3), {})
    loops = [s for s in walk(specialised.lowered.body) if isinstance(s, For)]
    innermost = [loop for loop in loops if not any(isinstance(s, For) for s in walk(loop.body))]
    outside = {t.name for s in specialised.lowered.body if isinstance(s, Assign) for t in assigns(s)}
    for loop in innermost:
        integers = {t.name for s in loop.body for t in assigns(s) if t.type == INT}
        assert not integers & outside
