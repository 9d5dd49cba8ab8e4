"""Short loops are written out, and small arrays become numbers."""

from __future__ import annotations

import numpy as np
from comparing import check
from recording import record

from pullback.ir.nodes import Assign, For
from pullback.ir.run import run
from pullback.ir.walk import walk
from pullback.optimize.pipeline import optimize

point = np.array([1.0, 2.0, -1.0])


def calls(program, function):
    return [s for s in walk(program.body) if isinstance(s, Assign) and s.function is function]


def test_points_become_numbers():
    def lorenz(r, y, n, h):
        def slope(y):
            parts = (10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - y[2])
            return r.call(np.array, parts)

        y = r.cell(y * 1.0)
        with r.range(n):
            k1 = slope(y)
            k2 = slope(y + h * k1)
            r.set(y, y + h / 2 * (k1 + k2))
        return y

    check(lorenz, point, 3, 0.01, others=((point, 0, 0.01), (np.ones(4), 3, 0.01)))
    assert len(calls(optimize(record(lorenz, point, 3, 0.01)), np.empty)) == 1


def test_accumulation_and_branches():
    def accumulate(r, x, k):
        t = r.call(np.zeros, 3)
        with r.range(k) as i:
            t.add_at(1, x[i])
            with r.when(x[i] > 0):
                t[2] = x[i] * t[1]
            t[0] = t[2] - 1
        return t[0] + t[1] * t[2]

    check(accumulate, point, 3, others=((point, 0),))
    assert not calls(optimize(record(accumulate, point, 3)), np.empty)


def test_an_array_that_is_returned_stays():
    def returned(r, x):
        t = r.call(np.array, (x[0], x[1] * 2))
        return t, t[0] + np.sum(t)

    check(returned, point)


def test_dtypes_are_kept():
    def stored(r, x):
        t = r.call(np.empty, 2, dtype=np.float32)
        t[0] = x[0]
        t[1] = 2.5
        t.add_at(1, 0.1)
        return t[0] * 1.1 + t[1]

    check(stored, point)


def test_only_short_loops():
    def sums(r, x, m):
        total = r.cell(0.0)
        with r.range(3) as i, r.range(2) as j:
            r.set(total, total * x[i] + m[i, j])
        with r.range(9) as i:
            r.set(total, total + i)
        return total

    check(sums, point, np.ones((3, 2)))
    program = optimize(record(sums, point, np.ones((3, 2))))
    assert sum(isinstance(s, For) for s in walk(program.body)) == 1
    assert run(program, (point, np.ones((3, 2))))
