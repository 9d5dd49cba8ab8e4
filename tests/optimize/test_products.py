"""Products, running sums and convolution."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

x = np.linspace(-1.0, 2.0, 4)
y = np.cos(x)
m = np.sin(np.arange(12.0)).reshape(3, 4)
square = np.sin(np.arange(16.0)).reshape(4, 4)
cube = np.cos(np.arange(24.0)).reshape(2, 3, 4)


@pytest.mark.parametrize("function", [np.dot, np.matmul, np.inner])
@pytest.mark.parametrize(
    "operands", [(x, y), (m, x), (square, m.T), (square, square), (cube, x), (cube, square), (x, square)]
)
@pytest.mark.parametrize("dtype", [np.float64, np.complex64, np.int64])
def test_ranks(function, operands, dtype):
    a, b = ((9 * operand).astype(dtype) for operand in operands)
    if function is np.inner and a.shape[-1] != b.shape[-1]:
        return
    check(lambda r, a, b: function(a, b), a, b)
    check(lambda r, a, b: np.sum(function(a * 2, b + 1)), a, b)


def test_lengths():
    check(lambda r, a, b: a @ b, m, x, others=((m[:, :3].copy(), x), (m[:0], x)))
    check(lambda r, a, b: a @ b, m[:1], m[:1].T.copy())


def test_vectors():
    check(lambda r, a, b: (np.outer(a, b), np.vdot(a, b), np.cross(a[1:], b[1:]), np.kron(a, b)), x, y)
    check(lambda r, a, b: np.vdot(a, b), x + 1j, y - 2j)
    check(lambda r, a, b: (np.add.outer(a, b), np.subtract.outer(a, b), np.multiply.outer(a, b)), m, y)
    check(lambda r, a, b: np.kron(a, b), m, square)


@pytest.mark.parametrize("axes", [0, 1, 2, (1, 0), ((0, 1), (1, 0)), ((1,), (1,)), ((0,), (0,))])
def test_tensordot(axes):
    check(lambda r, a, b: np.tensordot(a, b, axes), square, square.T.copy())


@pytest.mark.parametrize(
    "subscripts",
    [
        "ij,jk->ik",
        "ij,kj->ik",
        "ij,ij->",
        "ij,ij->i",
        "ii->i",
        "ii",
        "ij->ji",
        "ij,jk",
        "ij,k->ijk",
        "ik,jk,kl->ijl",
    ],
)
def test_einsum(subscripts):
    operands = {1: (square,), 2: (square, square), 3: (square, square, square)}[subscripts.count(",") + 1]
    if subscripts == "ij,k->ijk":
        operands = (square, x)
    check(lambda r, *arrays: np.einsum(subscripts, *arrays), *operands)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_scans(axis):
    check(lambda r, a: (np.cumsum(a, axis), np.cumprod(a * 2, axis), np.sum(np.cumsum(a, axis) ** 2)), m)
    check(lambda r, a: np.cumsum(a, axis), (m * 9).astype(np.int32), others=((np.ones((0, 4), np.int32),),))


@pytest.mark.parametrize("mode", ["full", "valid"])
def test_convolve(mode):
    check(lambda r, a, b: np.convolve(a, b, mode), x, m[0, :2].copy(), others=((x[:2], x), (x[:0], x)))
