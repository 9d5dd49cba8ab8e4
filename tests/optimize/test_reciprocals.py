"""Factors of an adjoint divide once by each number, and results where that would show are computed anew."""

from __future__ import annotations

import numpy as np
import pytest
from recording import record

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir import primitives
from pullback.ir.nodes import Assign
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.optimistic import optimistic
from pullback.optimize.pipeline import finish


def ratios(x, y, z):
    s = 0.0
    for i in range(z.shape[0]):
        s += np.sin(x[i] / z[i]) + np.cos(y[i] / z[i])
    return s


def squared(x, y, z):
    s = 0.0
    for i in range(z.shape[0]):
        s += (x[i] / z[i]) * (y[i] / z[i])
    return s


def shifted(x, y, z):
    s = 0.0
    for i in range(z.shape[0]):
        s += (x[i] / z[i] - y[i] / z[i]) ** 2
    return s


def arguments(n=7):
    rng = np.random.default_rng(3)
    return rng.standard_normal(n), rng.standard_normal(n), 1.0 + rng.random(n)


def adjoint_of(function, given, wrt=(0, 1, 2)):
    return finish(Compiled(function).specialise(given, {})[1].pure.adjoint(wrt, (0,)).program)


def divisions(program):
    return sum(isinstance(s, Assign) and s.function is np.divide for s in walk(program.body))


@pytest.mark.parametrize("function", [ratios, squared, shifted])
def test_one_division_serves_all_factors(function):
    given = arguments()
    program = adjoint_of(function, given)
    plain = optimistic(program)
    assert plain is not None
    verify(plain)
    # The two of the function itself stay where their values count.
    assert divisions(program) >= 5
    assert divisions(plain) <= 3
    one = np.float64(1)
    *found, suspect = run(plain, (*given, one))
    assert suspect == 0
    for result, exact in zip(found, run(program, (*given, one)), strict=True):
        np.testing.assert_allclose(result, exact, rtol=4e-15, atol=0)


@pytest.mark.parametrize("z", [1e-310, -1e-310, 0.0, np.inf, np.nan])
@pytest.mark.parametrize("x", [1e-320, 1e-3, 0.0])
def test_a_reciprocal_that_is_too_large_is_noticed(x, z):
    given = (np.array([x, 2.0]), np.array([x, 3.0]), np.array([z, 1.5]))
    for wrt in ((2,), (0, 1, 2)):
        slopes = pb.grad(pb.compile(squared), argnums=wrt)(*given)
        with np.errstate(all="ignore"):
            expected = pb.grad(squared, argnums=wrt, engine="tape")(*given)
        np.testing.assert_allclose(slopes, expected, rtol=1e-14, atol=0)


def test_where_something_is_divided_by_a_cotangent_nothing_is_shared():
    """There an infinite number could end as a zero."""

    def total(r, x):
        by = x[1]
        first = r.call(primitives.scale, x[0] / by, x[2])
        return first + r.call(primitives.scale, x[2] / by, x[0])

    def inverse(r, x):
        return 1.0 / total(r, x)

    given = np.array([1.0, 2.0, 3.0])
    for function, fewer in ((total, 1), (inverse, 0)):
        program = record(function, given)
        plain = optimistic(program)
        assert plain is not None
        assert divisions(plain) == divisions(program) - fewer
