"""Loops inside of others that run again: right to second order, and chosen where what they read is smaller.

The derivatives are compared with those of the tape.
"""

from __future__ import annotations

import numpy as np
import pytest
from sparing import stays_exact, sweeps

from pullback.ir.nodes import For
from pullback.ir.walk import assigns, walk

rng = np.random.default_rng(8)


def bodies(x, v, steps):
    """A number decided by two branches for each pair; the array it is added to begins anew at each step."""
    x, v, n = x.copy(), v.copy(), x.shape[0]
    pull = 0.0 * x
    for _ in range(steps):
        for i in range(n):
            pull[i] = 0.0
        for i in range(n - 1):
            for j in range(i + 1, n):
                d = x[j] - x[i]
                if d * d > 4.0:
                    continue
                if d < 0.0:
                    strength = 1.0 / (1.0 + d * d)
                else:
                    strength = np.exp(-d)
                pull[i] += strength * d
                pull[j] -= strength * d
        for i in range(n):
            v[i] += 0.1 * pull[i]
            x[i] += 0.1 * v[i]
    return np.sum(x * v)


def rows_of_pairs(x, v, steps):
    """Slices: what one row computes goes through arrays, and a sum waits for another."""
    x, v, n = x.copy(), v.copy(), x.shape[0]
    for _ in range(steps):
        pull = 0.0 * x
        for i in range(n - 1):
            apart = x[i + 1 :] - x[i]
            strength = np.where(apart * apart > 2.0, 0.0, apart / (1.0 + apart * apart))
            pull[i] += np.sum(v[i + 1 :] * strength)
            pull[i + 1 :] -= v[i] * strength
        x += 0.1 * pull
    return np.sum(x * x * v)


def read_after(x, v, steps):
    """What the loop finds is used at once, and not only added to."""
    x, n = x.copy(), x.shape[0]
    total = 0.0
    for _ in range(steps):
        energy = 0.0
        for i in range(n):
            inner = 0.0
            for j in range(n):
                inner += np.sin(x[i] * v[j])
            energy += inner * inner * v[i]
        total += energy * np.cos(energy)
        for i in range(n):
            x[i] = x[i] * 0.9 + 0.1 * energy
    return total + np.sum(x * v)


def in_a_while(x, v, steps):
    """How often the outer loop runs is not known before."""
    x, n, count = x.copy(), x.shape[0], 0
    total = 0.0
    while count < steps and total < 100.0:
        for i in range(n):
            for j in range(i):
                for k in range(j):
                    total += np.sin(x[i] + x[j] * v[k]) * np.exp(x[k])
        for i in range(n):
            x[i] = 0.5 * x[i] + 0.1 * total
        count += 1
    return total + np.sum(v * v)


def with_a_view(x, v, steps):
    """The loop reads through a second name of the array that is overwritten."""
    y, n = x.copy(), x.shape[0]
    head = y[: n - 1]
    total = 0.0
    for _ in range(steps):
        for i in range(n - 1):
            for j in range(n - 1):
                s = np.sin(head[i] * head[j])
                total += s * s * v[j]
        for i in range(n):
            y[i] = y[i] * v[i] + 0.01 * total
    return total + np.sum(y * v)


LOCAL = [bodies, in_a_while]
OTHERS = [rows_of_pairs, read_after, with_a_view]


@pytest.mark.parametrize("function", [*LOCAL, *OTHERS], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("n", "steps"), [(5, 3), (1, 2), (4, 0), (0, 2)])
def test_derivatives_stay_exact(function, n, steps):
    stays_exact(function, rng.normal(size=n), rng.normal(size=n), steps)


@pytest.mark.parametrize("function", LOCAL, ids=lambda f: f.__name__)
def test_loops_run_again_where_that_is_smaller(function):
    _, reverse = sweeps(function, rng.normal(size=4), rng.normal(size=4), 3)
    assert any("_before" in target.name for s in walk(reverse.body) for target in assigns(s))


def diffuse(x, v, steps):
    """A copy of what the loop reads would be as large as what it keeps."""
    x, n = x.copy(), x.shape[0]
    for _ in range(steps):
        for i in range(n):
            x[i] += v[i] * np.exp(x[i])
    return np.sum(x * x)


def test_loops_do_not_run_again_for_nothing():
    x, v = rng.normal(size=4), 0.1 * rng.normal(size=4)
    _, reverse = sweeps(diffuse, x, v, 3)
    assert not any("_before" in target.name for s in walk(reverse.body) for target in assigns(s))
    assert any(isinstance(s, For) for s in walk(reverse.body))
    stays_exact(diffuse, x, v, 3)
