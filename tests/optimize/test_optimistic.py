"""Plain products say when they are wrong, and are not used where nobody would hear it."""

from __future__ import annotations

import numpy as np
import pytest
from recording import record

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir import primitives
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.optimize.optimistic import optimistic
from pullback.optimize.pipeline import finish


def masked(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += np.where(x[i] > 0, np.sqrt(x[i]) * np.log(x[i]), 0.0)
    return s


def in_memory(x):
    y = np.empty_like(x)
    for i in range(x.shape[0]):
        y[i] = np.sqrt(x[i]) if x[i] > 0 else x[i] * 0
    return np.sum(np.sqrt(y) * y)


def rotated(z):
    return np.sum(np.abs(np.sqrt(z) * z) ** 2)


def gradient_of(function, x):
    return Compiled(function).specialise((x,), {})[1].pure.adjoint((0,), (0,)).program


good, bad = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0])


@pytest.mark.parametrize("function", [masked, in_memory])
def test_the_last_result_tells(function):
    program = finish(gradient_of(function, good))
    plain = optimistic(program)
    assert plain is not None
    verify(plain)
    one = np.float64(1)
    _, slope, suspect = run(plain, (good, one))
    assert suspect == 0
    np.testing.assert_array_equal(slope, run(program, (good, one))[1])
    *_, suspect = run(plain, (bad, one))
    assert np.isnan(suspect)


@pytest.mark.parametrize("function", [masked, in_memory])
def test_compiled(function):
    compiled = pb.compile(function)
    for x in (good, bad, good):
        with np.errstate(all="ignore"):
            expected = pb.grad(function, engine="tape")(x)
        np.testing.assert_allclose(pb.grad(compiled)(x), expected, rtol=1e-12)
        assert np.isfinite(expected).all()


def test_complex():
    z = np.array([1.0 + 2.0j, -0.5j])
    expected = pb.grad(rotated, engine="tape")(z)
    np.testing.assert_allclose(pb.grad(pb.compile(rotated))(z), expected, rtol=1e-12)
    zero = np.array([0.0j, 1.0])
    np.testing.assert_array_equal(pb.grad(pb.compile(rotated))(zero)[0], 0)


def test_a_decision_on_a_derivative_is_left_alone():
    """Programs may compare derivatives, where a NaN would choose in silence."""

    def deciding(r, x, partial):
        seed = r.call(primitives.scale, partial, x[0])
        total = r.cell(0.0)
        with r.when(seed > 0.5):
            r.set(total, seed * 1.0)
        return total

    def ordering(r, x, partial):
        return np.maximum(r.call(primitives.scale, partial, x[0]), x[1])

    def indexing(r, x, partial):
        return x[r.call(primitives.truncate, r.call(primitives.scale, partial, x[0]))]

    for function in (deciding, ordering, indexing):
        assert optimistic(record(function, good, 2.0)) is None


def test_no_product_no_version():
    assert optimistic(finish(gradient_of(lambda x: np.sum(x * x), good))) is None
