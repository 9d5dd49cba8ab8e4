"""Arrays made of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

x = np.linspace(-1.0, 2.0, 7)


def test_filled():
    def zeros(r, u, n):
        z = r.call(np.zeros, n)
        z[0] = u[1]
        z[1:3] = u[1:3]
        return np.sum(z) + z[0] * r.call(np.ones, n)

    check(zeros, x, 4, others=((x, 3),))

    def values(r, u, n, v):
        return (
            u * r.call(np.ones, n) + r.call(np.full, (n,), v),
            r.call(np.zeros, (n, 2)),
            r.call(np.full, n, 3),
        )

    check(values, x, 7, 2.5)
    check(lambda r, u: np.zeros_like(u) + np.ones_like(u) * np.full_like(u, 2), x.astype(np.float32))

    def written(r, u):
        z = np.empty_like(u)
        z[:] = 3.0 * u
        z[::2] += 1
        return z

    check(written, x)


def test_zeros_in_a_loop_are_zeros_again():
    def again(r, u):
        total = r.cell(0.0)
        with r.range(3) as i:
            z = r.call(np.zeros, 3)
            z[i] = u[i]
            r.set(total, total + np.sum(z))
        return total

    check(again, x)


def test_copies():
    def copied(r, u):
        v = np.copy(u)
        v[0] = 5.0
        u[1] = 7.0
        return v, u * 1

    check(copied, x)


def test_lists():
    check(lambda r, a, b: r.call(np.array, (a, b * 2, a + b)), 1.5, 2.0)
    check(lambda r, a, b: r.call(np.array, ((a, 1), (2, b))) @ r.call(np.array, (b, a)), 1.5, 2.0)
    check(lambda r, u: r.call(np.array, (u, u * 2)), x)


@pytest.mark.parametrize("bounds", [(5,), (2, 6), (6, 2), (1, 8, 3), (8, 1, -3)])
def test_ranges(bounds):
    check(lambda r: r.call(np.arange, *bounds) * 1)
    check(lambda r, n: r.call(np.arange, 0, n) ** 2, 4, others=((0,), (-1,)))
    check(lambda r, n: r.call(np.arange, n, dtype=float) * 0.5, 4)


@pytest.mark.parametrize("num", [0, 1, 2, 5])
def test_linspace(num):
    check(lambda r, a: r.call(np.linspace, a, 3.0, num), 1.0)
    check(lambda r, a: r.call(np.linspace, a, 3.0, num, endpoint=False), 1.0)


def test_eye_and_grids():
    check(lambda r, n: (r.call(np.eye, n) * 2, r.call(np.eye, n, 4, 1)), 3)
    check(lambda r, u, v: np.meshgrid(u, v), x, x[:3].copy())
    check(lambda r, u, v: np.meshgrid(u, v, indexing="ij"), x, x[:3].copy())
