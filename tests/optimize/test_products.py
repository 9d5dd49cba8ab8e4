"""Products, running sums and convolution."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import check

from pullback.ir.nodes import Assign
from pullback.ir.walk import walk

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


@pytest.mark.parametrize("function", [np.trace, np.diagonal, np.diag])
def test_a_product_read_on_its_diagonal_alone_is_not_formed(function):
    wide, tall = m, m.T.copy()
    for a, b in (
        (square, square.T),
        (wide, tall),
        (tall, wide),
        (square[:2], square),
        (square, square[:, :2]),
    ):
        program = check(lambda r, a, b: function(a @ b), a.copy(), b.copy())
        assert np.matmul not in functions(program)
    check(
        lambda r, a, b: function(a @ b), square, square, others=((wide, tall), (wide, wide), (m[:0], square))
    )
    check(lambda r, a, b: function(np.dot(a, b), 1), square, square)


def test_a_product_that_is_read_elsewhere_or_changes_is_formed():
    def twice(r, a, b):
        product = a @ b
        return np.trace(product), product[0, 1]

    def changed(r, a, b):
        product = a @ b
        a[0, 0] = 7.0
        return np.trace(product)

    for function in (twice, changed):
        assert np.matmul in functions(check(function, square, square.T.copy()))


def functions(program):
    return {s.function for s in walk(program.body) if isinstance(s, Assign)}


stack = np.sin(np.arange(150.0)).reshape(3, 2, 5, 5)


@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
def test_stacks_are_multiplied_a_matrix_at_a_time(dtype):
    a = stack.astype(dtype)
    b = np.cos(a[0])
    for function in (
        lambda r, a, b: a @ b,
        lambda r, a, b: b @ a,
        lambda r, a, b: np.sum(np.exp(a) @ b, axis=0),
        lambda r, a, b: np.transpose(a @ b, (3, 0, 2, 1)) * 2,
        lambda r, a, b: np.transpose(a, (0, 1, 3, 2)) @ b[None],
        lambda r, a, b: a[:, :1] @ b[1],
        lambda r, a, b: np.sum((a @ b)[:, -1:, ::2], axis=-1),
    ):
        program = check(function, a, b, others=((a[:0], b), (a[:, :, :0], b[..., :0]), (a[..., :0], b)))
        assert np.matmul in functions(program)


def test_a_stack_is_multiplied_before_it_is_overwritten():
    def reversed_(r, a, b):
        a[:] = a @ a[::-1]
        return a

    def shifted(r, a, b):
        a[1:] = b @ a[:-1]
        return a

    def own(r, a, b):
        a[:] = a @ b
        return a

    for function in (reversed_, shifted, own):
        check(function, stack, stack[0])


@pytest.mark.parametrize("function", [np.trace, np.diagonal])
def test_diagonals_of_stacks(function):
    for axes in ((0, 1), (2, 3), (3, 2), (-1, 0), (1, 2)):
        check(lambda r, a, axes=axes: function(a, 0, *axes), stack)
        check(lambda r, a, axes=axes: function(a, 1, axis1=axes[0], axis2=axes[1]), stack)
    last = {np.trace: np.linalg.trace, np.diagonal: np.linalg.diagonal}[function]
    for calls in (last, lambda a: last(a, offset=-1), lambda a: function(a, 0, -2, -1)):
        program = check(lambda r, a, b, calls=calls: calls(a @ b), stack, stack[0])
        assert np.matmul not in functions(program)
    program = check(lambda r, a, b: function(a @ b), stack, stack[0])
    assert np.matmul in functions(program)
