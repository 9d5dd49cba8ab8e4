"""Arrays in another shape or order, put together and taken apart."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

x = np.linspace(-1.0, 2.0, 7)
m = np.arange(12.0).reshape(3, 4)
cube = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize("shape", [(12,), (-1,), (2, 6), (4, -1), (3, 1, 4), (1, 12), (2, 1, 6)])
def test_reshape(shape):
    check(lambda r, a: np.reshape(a, shape) * 2, m)
    check(lambda r, a: np.reshape(a * 2, shape), m)
    check(lambda r, a: np.reshape(a, shape), m)


def test_reshape_is_a_view():
    def stored(r, a):
        b = np.reshape(a, (-1,))
        b[3] = 50.0
        b[5:7] = a[0, :2] + 1
        return a * 1

    check(stored, m)

    def column(r, a):
        b = np.reshape(a, (7, 1))
        b[1:, 0] = 4.0
        return a + np.reshape(b, (7,))

    check(column, x)


def test_orders():
    check(lambda r, a: np.flip(a, 0) + np.fliplr(a) * np.flipud(a) - np.flip(a), m)
    check(lambda r, a: np.swapaxes(a, 0, 2) * np.transpose(a), cube)
    check(lambda r, a: np.transpose(a, (1, 2, 0)) + 1, cube)


@pytest.mark.parametrize("shift", [0, 1, -1, 3, -8, 9])
def test_roll(shift):
    check(lambda r, a: np.roll(a, shift) * 1, x, others=((x[:0],), (x[:1].copy(),)))
    check(lambda r, a, s: a + np.roll(a, s, axis=1), m, shift)


def test_joins():
    check(lambda r, a, b: np.concatenate((a, b * 2)), x, x[:3].copy())
    check(lambda r, a: np.concatenate((a, a[:, :2]), axis=1), m)
    check(lambda r, a: np.concatenate((a, a.T), axis=None), m)
    check(lambda r, a: (np.stack((a, a * 2)), np.stack((a, a), axis=-1), np.stack((a, a), axis=1)), m)
    check(lambda r, a: (np.hstack((a, a)), np.vstack((a, a)), np.column_stack((a, a))), x)
    check(lambda r, a: (np.hstack((a, a)), np.vstack((a, a)), np.column_stack((a, a))), m)
    check(lambda r, a: (np.append(a, 3.0), np.append(a, a)), x)
    check(lambda r, a: np.split(a, (1, 3), axis=1), m)


def test_repetition():
    check(lambda r, a: (np.tile(a, 2), np.tile(a, (2, 3)), np.repeat(a, 3)), x)
    check(lambda r, a: (np.tile(a, 2), np.repeat(a, 2, axis=1)), m)
    check(lambda r, a: (np.pad(a, 2), np.pad(a, ((1, 0),), constant_values=2.0)), x)
    check(lambda r, a: np.pad(a, ((0, 1), (2, 3))), m)


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(k):
    check(lambda r, a: (np.tril(a, k), np.triu(a * 2, k), np.diagonal(a, k), np.diag(a, k)), m)
    check(lambda r, a: (np.diag(a, k), np.trace(np.diag(a, k), k)), x)


def test_differences():
    check(lambda r, a: (np.diff(a), np.diff(a, 2), np.diff(a * 2)), x, others=((x[:1],), (x[:0],)))
    check(lambda r, a: (np.diff(a, axis=0), np.diff(a, 3)), m)
    check(lambda r, a: (np.trapezoid(a), np.trapezoid(a**2, dx=0.5)), x)
    check(lambda r, a, t: (np.trapezoid(a, t), np.trapezoid(a, dx=2.0, axis=0)), m, x[:4].copy())


def test_broadcasts():
    check(lambda r, a: np.broadcast_to(a, (3, 7)) * 2, x)
    check(lambda r, a, b: np.broadcast_arrays(a, b), m, m[0])
