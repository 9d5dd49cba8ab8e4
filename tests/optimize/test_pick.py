"""Index arrays and masks, in loads and stores."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check
from recording import record

from pullback.ir.run import run
from pullback.optimize.lower import lower
from pullback.optimize.pipeline import finish, optimize

x = np.linspace(-1.0, 2.0, 7)
m = np.arange(12.0).reshape(3, 4)
cube = np.arange(24.0).reshape(2, 3, 4)
places = np.array([0, 2, 2, -1, 5])
rows = np.array([0, 2, 1, 2])


def test_loads():
    check(lambda r, a, i: a[i] * 2, x, places, others=((x, places[:0]),))
    check(lambda r, a, i: (a * 2)[i], x, places)
    check(lambda r, a, i: (a[i], a[:, i] * 1, a[i, 1:3], a[i, i]), m, rows[:3].copy())
    check(lambda r, a, i: (a[i, :, i], a[:, i, i], a[0, i], a[:, 1, i], a[i, :, 0]), cube, rows[:2] // 2)
    check(lambda r, a, i: a[i], m, np.array([[0, 1], [2, 0]]))
    check(lambda r, a, i, j: a[i, j], m, rows[:3, None], rows[None, :])
    check(lambda r, a: a[[1, 2]], m)
    check(lambda r, a, i: a[::-1][i] + a[1:][:5][i], x, rows)


def test_masks():
    check(lambda r, a: a[a > 0], x, others=((x - 9,), (x[:0],)))
    check(lambda r, a: np.sum(a[a > 3] ** 2), m)
    check(lambda r, a, k: a[k], m, np.array([True, False, True]))
    check(lambda r, a: np.flatnonzero(a > 0), x)


def test_takes():
    check(lambda r, a, i: np.take(a, i), x, places)
    check(lambda r, a, i: np.take(a, i, axis=1), m, rows)
    order = np.argsort(-m, axis=1)
    check(lambda r, a, i: np.take_along_axis(a, i, 1), m, order)
    check(lambda r, a: np.take_along_axis(a, np.argsort(a, axis=0), axis=0), np.sin(m))


def test_stores():
    def store(r, a, i, v):
        a[i] = v
        a[i] = a[i] * 2
        a.add_at(i, v)
        return a * 1

    check(store, x, places, np.arange(5.0))
    check(store, x, places, 3.0)
    check(store, m, rows, np.arange(4.0))
    check(store, m, rows, np.arange(16.0).reshape(4, 4))

    def columns(r, a, i, v):
        a[:, i] = v
        a[1, i] = a[2, i[::-1]]
        return a * 1

    check(columns, m, rows[:3].copy(), np.arange(3.0))


def test_stores_through_an_index_that_is_stored_into():
    def permuted(r, a):
        a[a] = a[::-1]
        return a * 1

    # Said by hand: NumPy before 2.3 reads the index while it is overwritten.
    program, a = record(permuted, np.array([2, 0, 3, 1])), np.array([2, 0, 3, 1])
    for made in (lower(program), finish(optimize(program))):
        np.testing.assert_array_equal(run(made, [a.copy()])[0], [3, 2, 1, 0])


def test_masked_stores():
    def clip(r, a):
        a[a > 1] = 1.0
        a[a < 0] = a[a < 0] * 2
        return a * 1

    check(clip, x)
    check(clip, m)

    def values(r, a, v):
        a[a > 0] = v
        return a * 1

    check(values, np.array([1.0, -1, 2]), np.array([5.0, 6.0]), others=((np.array([1.0, 1, 2]), np.ones(2)),))

    def rows_of(r, a, k):
        a[k] = np.sum(a, axis=0)
        return a * 1

    check(rows_of, m, np.array([True, False, True]))


@pytest.mark.parametrize("size", [3, 8])
def test_out_of_bounds(size):
    check(lambda r, a, i: a[i] * 1, x, places, others=((x[:size], places),))
