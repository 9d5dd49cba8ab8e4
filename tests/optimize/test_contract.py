"""Zeros of which each iteration has its own part become numbers."""

from __future__ import annotations

import numpy as np
import pytest
from recording import record

from pullback.ir.nodes import Assign
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.contract import contract_zeros
from pullback.optimize.pipeline import optimize


def zeros(r, *shape):
    return r.call(np.zeros, shape, dtype=np.dtype(float))


def pairs(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n, 2)
    with r.range(n) as i:
        t[i, 1] = x[i] + t[i, 0]
        y[i] = t[i, 0] + 2.0 * t[i, 1]
    return y


def numbers(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n)
    with r.range(n) as i:
        before = t[i]
        t[i] = before + x[i]
        y[i] = t[i]
    return y


def neighbours(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n)
    with r.range(1, n) as i:
        t[i] = x[i] + t[i - 1]
        y[i] = t[i]
    return y


def shorter(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n - 1)
    with r.range(n) as i:
        t[i] = x[i]
        y[i] = t[i]
    return y


def from_the_end(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n)
    with r.range(-n, n) as i:
        y[i] = t[i]
        t[i] = x[i]
    return y


def afterwards(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n)
    with r.range(n) as i:
        t[i] = x[i]
        y[i] = t[i]
    y[0] = t[n - 1]
    return y


def by_rows(r, x):
    n, y = x.shape[0], zeros(r, x.shape[0])
    t = zeros(r, n, n)
    with r.range(n) as i, r.range(n) as j:
        t[i, j] = x[i] + t[i, 0]
        y[i] = t[i, j]
    return y


def count_of_zeros(program):
    return sum(isinstance(s, Assign) and s.function is np.zeros for s in walk(program.body))


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (pairs, 1),
        (numbers, 1),
        (neighbours, 2),
        (shorter, 2),
        (from_the_end, 2),
        (afterwards, 2),
        (by_rows, 2),
    ],
)
def test_the_same_numbers(function, left):
    x = np.random.default_rng(0).standard_normal(5)
    program = record(function, x)
    new = contract_zeros(program)
    verify(new)
    assert count_of_zeros(new) == left
    for made in (new, optimize(program)):
        if function is shorter:
            with pytest.raises(IndexError):
                run(made, (x,))
        else:
            np.testing.assert_array_equal(run(made, (x,)), run(program, (x,)))
