"""`pb.stop_gradient` in compiled source: the value, and no derivative, in every mode and of every order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import UnsupportedError


def whole(x: Any) -> Any:
    return np.sum(x * pb.stop_gradient(x)) + x[0] * pb.stop_gradient(x[1] * x[0])


def normalised(x: Any) -> Any:
    """Weights that are held fixed, as in expectation maximisation."""
    w = pb.stop_gradient(np.exp(x - np.max(x)))
    return np.sum(w / np.sum(w) * np.log(1 + x**2))


def in_a_loop(x: Any) -> Any:
    y = x * 2
    a, b = pb.stop_gradient((y.copy(), x[0]))
    s = 0.0
    for i in range(len(x)):
        y[i] = y[i] * pb.stop_gradient(y[i - 1]) + a[i] * b * x[i]
        s += pb.stop_gradient(s) * x[i] + y[i]
    return s


def of_structures(x: Any) -> Any:
    held = pb.stop_gradient({"scale": x[0], "rest": [x[1:] * 2, (3, None)]})
    return np.sum(held["scale"] * x) + np.sum(held["rest"][0] * x[1:]) * held["rest"][1][0]


FUNCTIONS = [whole, normalised, in_a_loop, of_structures]
X = np.array([0.3, 0.7, 0.2, -0.4])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("jit", [False, True])
def test_first_derivatives_are_the_tapes(function: Callable[[Any], Any], jit: bool) -> None:
    compiled = pb.compile(function, jit=jit)
    expected = pb.grad(function, engine="tape")(X)
    np.testing.assert_allclose(compiled(X), function(X), rtol=1e-13)
    np.testing.assert_allclose(pb.grad(compiled)(X), expected, rtol=1e-12)
    np.testing.assert_allclose(pb.jvp(compiled, (X,), (np.ones(4),))[1], np.sum(expected), rtol=1e-12)


def test_second_derivatives_have_none_of_it() -> None:
    """The gradient of x·stop(x) is stop(x), whose derivative is 0."""
    np.testing.assert_array_equal(pb.hessian(pb.compile(whole))(X), np.zeros((4, 4)))
    hessian = pb.hessian(pb.compile(normalised))(X)
    np.testing.assert_allclose(hessian, pb.hessian(normalised)(X), rtol=1e-12)
    assert np.count_nonzero(hessian) == 4


def test_whether_it_is_a_copy_cannot_be_told() -> None:
    """Of a plain array it is the array itself, of a tracked one a copy."""

    def function(x: Any) -> Any:
        y = x * 2
        held = pb.stop_gradient(y)
        y[0] = 5.0
        return np.sum(held * y)

    with pytest.raises(UnsupportedError, match=r"shares memory with a result of pb\.stop_gradient") as info:
        pb.compile(function)(X)
    assert info.value.where is not None
    assert info.value.where.text.strip() == "y[0] = 5.0"
