"""Gradients of compiled functions by the shortest way: what it is taken for, and what it is not."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import MutationError

x = np.linspace(0.5, 2.0, 12).reshape(3, 4)

SCALE = 2.0


def weighted(x, power):
    return np.sum(x**power) * SCALE


def expected(x, power):
    return SCALE * np.sum(np.asarray(x, float) ** power), SCALE * power * np.asarray(x) ** (power - 1)


def same(found, wanted):
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-6)
    assert np.shape(found[1]) == np.shape(wanted[1])


def test_arguments_of_all_sorts_take_turns():
    """Each is answered twice at least, by the answer that was written for it and by no other."""
    gradient = pb.value_and_grad(pb.compile(weighted))
    strided, byte = np.repeat(x, 2, axis=1)[:, ::2], np.zeros(1 + x.nbytes, np.uint8)[1:]
    unaligned = byte.view(float).reshape(x.shape)
    unaligned[...] = x
    fixed = x.copy()
    fixed.flags.writeable = False
    arguments = [
        x, x.T, x[:, :1], x[:1], x[0], x[:0], x.astype(np.float32), x.astype(">f8"), strided,
        strided.T, unaligned, fixed, x[::-1], np.asfortranarray(x), 1.5, np.float64(1.5),
        np.real(x.astype(complex)),
    ]  # fmt: skip
    for _ in range(3):
        for given in arguments:
            for power in (2.0, 3.0):
                found = gradient(given, power)
                same(found, expected(given, power))
                assert type(found[1]) is type(given)


@pytest.mark.parametrize("given", [np.arange(3), "text", None, True])
def test_other_arguments_are_refused_as_ever(given):
    known = pb.value_and_grad(pb.compile(weighted))
    for _ in range(2):
        known(x, 2.0)
    refusals = []
    for gradient in (known, pb.value_and_grad(pb.compile(weighted))):
        with pytest.raises((pb.PullbackError, TypeError)) as refused:
            gradient(given, 2.0)
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]
    for wrong in ((x,), (x, 2.0, 3.0)):
        with pytest.raises(TypeError):
            known(*wrong)


def test_another_value_of_a_global_is_seen(monkeypatch):
    gradient = pb.value_and_grad(pb.compile(weighted))
    for scale in (2.0, 2.0, 5.0, 5.0, 2.0):
        monkeypatch.setitem(globals(), "SCALE", scale)
        same(gradient(x, 2.0), expected(x, 2.0))


def test_a_number_that_decides_the_form_is_compared():
    def summed(x, axis):
        return np.sum(np.sum(x, axis=axis) ** 2)

    gradient = pb.value_and_grad(pb.compile(summed))
    for axis in (0, 0, 1, 1, 0, -1, 1):
        found = gradient(x, axis)
        wanted = np.sum(x, axis=axis, keepdims=True)
        np.testing.assert_allclose(found[1], 2 * np.broadcast_to(wanted, x.shape))


def test_arguments_that_are_written_into_stay_and_have_to_be_apart():
    def doubled(x, y):
        x *= y
        return np.sum(x * x)

    gradient = pb.value_and_grad(pb.compile(doubled), argnums=(0, 1))
    room = np.ones(10)
    for _ in range(3):
        value, (x_bar, y_bar) = gradient(room[:5], room[5:])
        assert value == 5.0
        np.testing.assert_array_equal(x_bar, np.full(5, 2.0))
        np.testing.assert_array_equal(y_bar, np.full(5, 2.0))
        np.testing.assert_array_equal(room, 1.0)
    for other in (room[:5], room[2:7]):
        with pytest.raises(MutationError):
            gradient(room[:5], other)


def test_calls_of_the_function_itself():
    def moved(x, y):
        x += y
        return x * 2.0, np.sum(x)

    compiled = pb.compile(moved)
    for make in (np.ones, lambda n: np.ones(2 * n)[::2], lambda n: np.ones(n, np.float32)):
        for _ in range(3):
            given, by = make(4), make(4)
            twice, total = compiled(given, by)
            np.testing.assert_array_equal(given, 2.0)
            np.testing.assert_array_equal(twice, 4.0)
            assert total == 8.0
            assert (twice.dtype, type(total)) == (given.dtype, given.dtype.type)
    np.testing.assert_array_equal(compiled(x=np.ones(4), y=np.ones(4))[0], 4.0)
    room = np.ones(5)
    with pytest.raises(MutationError):
        compiled(room[1:], room[:4])
    fixed = np.ones(4)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(fixed, np.ones(4))
    with pytest.raises(ValueError, match="lengths differ"):
        compiled(np.ones(4), np.ones(5))

    def number(x):
        return x / 2, 3, 1.5

    halved = pb.compile(number)
    for given in (1.0, 1.0, 3, 3, np.float32(1.0), np.float32(1.0)):
        assert halved(given) == number(given)
        assert [type(part) for part in halved(given)] == [type(part) for part in number(given)]


def test_inside_of_another_transform_and_in_the_other_convention():
    compiled = pb.compile(weighted)
    gradient = pb.grad(compiled)
    assert all(gradient(1.5, 3.0) == 3.0 * SCALE * 1.5**2 for _ in range(2))
    assert pb.grad(gradient)(1.5, 3.0) == pytest.approx(6.0 * SCALE * 1.5)

    def modulus(z):
        return np.sum(np.abs(z) ** 2)

    z = x + 1j
    ours, theirs = (pb.grad(pb.compile(modulus), convention=c) for c in ("pullback", "jax"))
    for _ in range(2):
        np.testing.assert_allclose(ours(z), 2 * z)
        np.testing.assert_allclose(theirs(z), 2 * z.conj())


def test_results_are_memory_of_their_own():
    gradient = pb.grad(pb.compile(weighted))
    first = gradient(x, 2.0)
    first[...] = 0.0
    np.testing.assert_allclose(gradient(x, 2.0), 2 * SCALE * x)


def test_by_python_as_well():
    gradient = pb.value_and_grad(pb.compile(weighted, jit=False))
    for _ in range(3):
        same(gradient(x, 2.0), expected(x, 2.0))
        assert type(gradient(1.5, 2.0)[1]) is float
    for jit in (True, False):
        gradient = pb.value_and_grad(pb.compile(lambda x: 2.0 * x * x, jit=jit))
        for _ in range(3):
            value, slope = gradient(1.5)
            assert (value, slope, type(value), type(slope)) == (4.5, 6.0, float, float)


def test_a_function_may_have_a_name_that_means_something_else_in_source():
    def np(x):
        return max(x, 2.0) * x

    def max_(x):
        return max(x, 2.0) * x

    max_.__name__ = "max"
    for function in (np, max_):
        assert [pb.grad(pb.compile(function))(x) for x in (1.0, 3.0)] == [2.0, 6.0]
