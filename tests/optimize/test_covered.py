"""Zeros that products are first added to all over are not made; all others are."""

from __future__ import annotations

import numpy as np
import pytest
from recording import raw, record

from pullback.ir.nodes import Assign
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.covered import store_products_first
from pullback.optimize.pipeline import optimize

ALL = slice(None)


def add(r, array, value, *index):
    index = index or (ALL,) * array.kind.ndim
    r.builder.store(array.var, raw(index), value.var, accumulate=True)


def zeros(r, *shape):
    return r.call(np.zeros, shape, dtype=np.dtype(float))


def at_once(r, a, b):
    y = zeros(r, a.shape[1], b.shape[2])
    add(r, y, a[0] @ b[0])
    return y


def twice(r, a, b):
    y = zeros(r, a.shape[1], b.shape[2])
    add(r, y, a[0] @ b[0])
    add(r, y, a[1] @ b[1])
    return y


def in_another_shape(r, a, b):
    y = zeros(r, a.shape[1] * b.shape[2])
    z = np.reshape(y, (a.shape[1], b.shape[2]))
    add(r, z[:, :], a[0] @ b[0])
    return y


def turned(r, a, b):
    y = zeros(r, b.shape[2], a.shape[1])
    add(r, y.T, np.conj(a[0] @ b[0]))
    return y


def upward(r, a, b):
    n = a.shape[0]
    y = zeros(r, n, a.shape[1], b.shape[2])
    with r.range(n) as i:
        add(r, y[i], a[i] @ b[i])
    return y


def downward(r, a, b):
    n = a.shape[0]
    y = zeros(r, n, a.shape[1], b.shape[2])
    with r.range(n - 1, -1, -1) as i:
        add(r, y[i], (b[i].T @ a[i].T).T)
    return y


def of_known_length(r, a, b):
    y = zeros(r, 3 * a.shape[1], b.shape[2])
    z = np.reshape(y, (3, a.shape[1], b.shape[2]))
    with r.range(2, -1, -1) as i:
        add(r, z[i], a[i] @ b[i])
    return y


def nested(r, a, b):
    y = zeros(r, a.shape[0], 2, a.shape[1], b.shape[2])
    with r.range(a.shape[0]) as i:
        part = y[i]
        with r.range(1, -1, -1) as j:
            add(r, part[j], a[i] @ b[j])
    return y


TAKEN = [at_once, twice, in_another_shape, turned, upward, downward, of_known_length, nested]


def no_product(r, a, b):
    y = zeros(r, a.shape[1], a.shape[2])
    add(r, y, -a[0])
    return y


def a_part(r, a, b):
    y = zeros(r, a.shape[1] + 1, b.shape[2])
    add(r, y, a[0] @ b[0], slice(1, None), ALL)
    return y


def a_row(r, a, b):
    y = zeros(r, 2, a.shape[1], b.shape[2])
    add(r, y[1], a[0] @ b[0])
    return y


def read_first(r, a, b):
    y = zeros(r, a.shape[1], b.shape[2])
    add(r, y, (a[0] + y[0, 0]) @ b[0])
    return y


def read_elsewhere(r, a, b):
    y = zeros(r, a.shape[1], b.shape[2])
    z = y[:, :]
    seen = np.sum(z)
    add(r, y, a[0] @ b[0])
    return y, seen


def again_and_again(r, a, b):
    y = zeros(r, a.shape[1], b.shape[2])
    with r.range(a.shape[0]) as i:
        add(r, y, a[i] @ b[i])
    return y


def too_few(r, a, b):
    y = zeros(r, a.shape[0], a.shape[1], b.shape[2])
    with r.range(1, a.shape[0]) as i:
        add(r, y[i], a[i] @ b[i])
    return y


def down_to_the_second(r, a, b):
    n = a.shape[0]
    y = zeros(r, n, a.shape[1], b.shape[2])
    with r.range(n - 1, 0, -1) as i:
        add(r, y[i], a[i] @ b[i])
    return y


def not_the_last(r, a, b):
    n = a.shape[0]
    y = zeros(r, n, a.shape[1], b.shape[2])
    with r.range(n - 2, -1, -1) as i:
        add(r, y[i], a[i] @ b[i])
    return y


def also_the_next(r, a, b):
    y = zeros(r, a.shape[0], a.shape[1], b.shape[2])
    with r.range(a.shape[0]) as i:
        add(r, y[i], a[i] @ b[i])
        add(r, y[(i + 1) % 3], a[i] @ b[i])
    return y


def sometimes(r, a, b):
    y = zeros(r, a.shape[0], a.shape[1], b.shape[2])
    with r.range(a.shape[0]) as i, r.when(a[i, 0, 0] > 0):
        add(r, y[i], a[i] @ b[i])
    return y


def one_place(r, a, b):
    y = zeros(r, a.shape[1], a.shape[1], b.shape[2])
    with r.range(a.shape[1]) as i:
        add(r, y[0], a[i % 3] @ b[0])
    return y


def kept_from_before(r, a, b):
    before = r.cell(zeros(r, a.shape[1], b.shape[2]), "before")
    with r.range(a.shape[0]) as i:
        y = zeros(r, a.shape[1], b.shape[2])
        add(r, before, a[i] @ b[i])
        r.set(before, y)
    return before


LEFT = [
    no_product, a_part, a_row, read_first, read_elsewhere, again_and_again, too_few, down_to_the_second,
    not_the_last, also_the_next, sometimes, one_place, kept_from_before,
]  # fmt: skip


def count_of_zeros(program):
    return sum(isinstance(s, Assign) and s.function is np.zeros for s in walk(program.body))


@pytest.mark.parametrize("function", TAKEN + LEFT)
def test_the_same_numbers(function):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((3, 5, 4)), rng.standard_normal((3, 4, 5))
    program = record(function, a, b)
    new = store_products_first(program)
    verify(new)
    assert count_of_zeros(new) == (count_of_zeros(program) if function in LEFT else 0)
    for made in (new, optimize(program)):
        for found, expected in zip(run(made, (a, b)), run(program, (a, b)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)
