"""`pb.compile` of what transforms have made: made again of the compiled function, and never of another."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import pullback as pb


def cube(x: Any) -> Any:
    return x**3


@pytest.mark.parametrize("transform", [pb.grad, pb.value_and_grad, pb.jacobian, pb.hessian])
def test_a_transform_is_made_again_of_the_compiled_function(transform: Any) -> None:
    remade = pb.compile(transform(cube))
    assert remade.__transform__[1].is_native
    assert np.allclose(remade(3.0), transform(cube)(3.0))


@pytest.mark.parametrize("transform", [pb.elementwise_grad, functools.partial(pb.grad, engine="dual")])
def test_a_wrapper_of_a_transform_is_not_taken_for_it(transform: Any) -> None:
    second = transform(pb.grad(cube))
    assert np.allclose(second(3.0), 18.0)
    with pytest.raises(pb.UnsupportedError):
        pb.compile(second)(3.0)


def test_a_decorated_transform_is_not_taken_for_it() -> None:
    slope = pb.grad(cube)

    @functools.wraps(slope)
    def doubled(x: Any) -> Any:
        return 2 * slope(x)

    with pytest.raises(pb.UnsupportedError):
        pb.compile(doubled)(3.0)


def test_shares_of_extremes_are_those_of_the_tape() -> None:
    def function(a: Any, b: Any) -> Any:
        return 2 * np.maximum(a, b) + 3 * np.minimum(a, b)

    gradient = pb.grad(function, (0, 1))
    native = pb.grad(pb.compile(function), (0, 1))
    for kind in (float, np.float32):
        for a, b in ((1, 2), (2, 1), (1, 1), (np.nan, 1), (1, np.nan), (np.nan, np.nan)):
            found = native(kind(a), kind(b))
            assert found == gradient(kind(a), kind(b))
            assert all(type(x) is kind for x in found)
