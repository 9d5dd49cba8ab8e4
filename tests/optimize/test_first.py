"""Zeros that a loop adds to first become stores; everything else stays zero."""

from __future__ import annotations

import numpy as np
import pytest
from recording import record

from pullback.ir.nodes import Assign
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.first import store_first
from pullback.optimize.pipeline import finish


def add(r, array, index, value):
    index = tuple(getattr(i, "var", i) for i in index)
    r.builder.store(array.var, index, getattr(value, "var", value), accumulate=True)


def zeros(r, *shape):
    return r.call(np.zeros, shape, dtype=np.dtype(float))


def whole(r, x, n):
    y = zeros(r, x.shape[0])
    with r.range(x.shape[0]) as i:
        add(r, y, (i,), x[i, 0])
        add(r, y, (i,), x[i, 1])
    return y


def some_rows_and_columns(r, x, n):
    y = zeros(r, x.shape[0], x.shape[1])
    with r.range(n) as i:
        add(r, y, (i, 1), x[i, 0])
        add(r, y, (i, 0), x[i, 1])
        add(r, y, (i, 1), x[i, 2])
    return y


def nested(r, x, n):
    y = zeros(r, x.shape[1], x.shape[0])
    with r.range(n) as i, r.range(2) as j:
        add(r, y, (j, i), x[i, j])
    with r.range(2) as k:
        add(r, y, (k, k), x[k, k])
    return y


def two(r, x, n):
    y, z = zeros(r, x.shape[0]), zeros(r, n)
    with r.range(n) as i:
        add(r, z, (i,), x[i, 0])
        add(r, y, (i,), x[i, 1])
    return y, z


TAKEN = [whole, some_rows_and_columns, nested, two]


def a_column_in_between(r, x, n):
    y = zeros(r, x.shape[0], x.shape[1])
    with r.range(n) as i:
        add(r, y, (i, 0), x[i, 0])
        add(r, y, (i, 2), x[i, 1])
    return y


def again_and_again(r, x, n):
    y = zeros(r, n)
    with r.range(n) as i, r.range(x.shape[1]) as j:
        add(r, y, (i,), x[i, j])
    return y


def diagonal(r, x, n):
    y = zeros(r, n, n)
    with r.range(n) as i:
        add(r, y, (i, i), x[i, 0])
    return y


def read_first(r, x, n):
    y = zeros(r, n)
    with r.range(n) as i:
        before = y[i]
        add(r, y, (i,), x[i, 0] + before)
    return y


def shifted(r, x, n):
    y = zeros(r, n)
    with r.range(1, n) as i:
        add(r, y, (i,), x[i, 0])
    return y


def neighbours(r, x, n):
    y = zeros(r, x.shape[0] + 1)
    with r.range(n) as i:
        add(r, y, (i,), x[i, 0])
        add(r, y, (i + 1,), x[i, 1])
    return y


def sometimes(r, x, n):
    y = zeros(r, n)
    with r.range(n) as i, r.when(x[i, 0] > 0):
        add(r, y, (i,), x[i, 0])
    return y


def triangle(r, x, n):
    y = zeros(r, n, n)
    with r.range(n) as i, r.range(i) as j:
        add(r, y, (i, j), x[i, 0])
    return y


def from_the_end(r, x, n):
    y = zeros(r, x.shape[0], x.shape[1])
    with r.range(n) as i:
        add(r, y, (i, -2), x[i, 0])
    return y


def renamed(r, x, n):
    y = zeros(r, n)
    z = r.call(np.reshape, y, (n,))
    with r.range(n) as i:
        add(r, y, (i,), x[i, 0] + z[i])
    return y


LEFT = [
    from_the_end,
    a_column_in_between, again_and_again, diagonal, read_first, shifted, neighbours, sometimes, triangle,
    renamed,
]  # fmt: skip


def count_of_zeros(program):
    return sum(isinstance(s, Assign) and s.function is np.zeros for s in walk(program.body))


@pytest.mark.parametrize("function", TAKEN + LEFT)
@pytest.mark.parametrize("n", [0, 3, 5])
def test_the_same_numbers(function, n):
    x = np.random.default_rng(n).standard_normal((5, 3))
    program = record(function, x, n)
    new = store_first(program)
    verify(new)
    assert count_of_zeros(new) == (count_of_zeros(program) if function in LEFT else 0)
    if not (function is nested and n == 0):
        for made in (new, finish(program)):
            for found, expected in zip(run(made, (x, n)), run(program, (x, n)), strict=True):
                np.testing.assert_array_equal(found, expected)


def test_too_many_rows_are_an_error_as_before():
    x = np.ones((5, 3))
    program = record(some_rows_and_columns, x, 3)
    for made in (program, store_first(program)):
        with pytest.raises(IndexError):
            run(made, (x, 6))
