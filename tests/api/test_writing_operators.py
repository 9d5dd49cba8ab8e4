"""Functions that write, under `pb.checkpoint` and `pb.primitive`.

Into what they make it is right, into their arguments an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([0.3, 0.5, 0.7])


def powers(x: Any) -> Any:
    """Every result lies in an array made by `pb.zeros`."""
    y = pb.zeros(4)
    y[0] = 1.0
    for i in range(1, 4):
        y[i] = y[i - 1] * x[i - 1]
    y *= 2.0
    return y


def writing(x: Any) -> Any:
    x[0] = x[1] * x[2]
    return np.sin(x)


def writing_through_a_view(x: Any) -> Any:
    tail = x[1:]
    tail *= 2.0
    return np.sin(x)


def test_checkpoint_of_a_function_that_fills_a_buffer() -> None:
    def loss(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: np.sum(np.cos(inner(np.sin(x))) * np.arange(4.0))

    plain, kept = loss(powers), loss(pb.checkpoint(powers))
    np.testing.assert_allclose(pb.grad(kept)(X), pb.grad(plain)(X), rtol=1e-14)
    np.testing.assert_allclose(pb.jacobian(kept, mode="forward")(X), pb.grad(plain)(X), rtol=1e-14)
    np.testing.assert_allclose(pb.hessian(kept)(X), pb.hessian(plain)(X), atol=1e-14)


def test_checkpoint_of_what_depends_on_nothing() -> None:
    kept = pb.checkpoint(lambda x: (np.sin(x), pb.ones(3)))
    np.testing.assert_allclose(pb.grad(lambda x: np.sum(kept(x)[0] * kept(x)[1]))(X), np.cos(X))


@pytest.mark.parametrize("function", [writing, writing_through_a_view])
@pytest.mark.parametrize("derivative", [pb.grad, lambda f: pb.jacobian(f, mode="forward")])
def test_checkpoint_of_a_function_that_writes_into_its_argument(function: Any, derivative: Any) -> None:
    kept = pb.checkpoint(function)
    before = X.copy()
    with pytest.raises(
        pb.MutationError, match=r"checkpoint writes into one of its arguments[^$]*x\.copy\(\)"
    ):
        derivative(lambda x: np.sum(kept(x) * x))(X)
    np.testing.assert_array_equal(before, X)
    copied = pb.checkpoint(lambda x: function(x.copy()))
    np.testing.assert_allclose(
        derivative(lambda x: np.sum(copied(x) * x))(X),
        derivative(lambda x: np.sum(function(x.copy()) * x))(X),
        rtol=1e-14,
    )


def test_checkpoint_of_a_function_that_writes_into_an_array_it_is_given() -> None:
    def counting(x: Any, work: Any) -> Any:
        work += 1.0
        return x * work

    work = np.zeros(3)
    with pytest.raises(pb.MutationError, match="checkpoint writes into one of its arguments"):
        pb.grad(lambda x: np.sum(pb.checkpoint(counting)(x, work)))(X)
    np.testing.assert_array_equal(work, np.zeros(3))
    with pytest.raises(ValueError, match="its own"):
        pb.grad(pb.checkpoint(failing))(X)


def failing(x: Any) -> Any:
    raise ValueError("its own")


def test_checkpoint_of_a_function_that_closes_over_what_is_followed() -> None:
    def loss(x: Any) -> Any:
        return np.sum(pb.checkpoint(lambda y: y * x)(np.sin(x)))

    with pytest.raises(pb.UnsupportedError, match="closes over a tracked value"):
        pb.grad(loss)(X)


def test_a_primitive_that_writes_into_its_argument() -> None:
    def doubling(x: Any, work: Any) -> Any:
        work[:] = x
        if work[0] > 0:
            x *= 2.0
        return work * work

    opaque = pb.primitive(doubling)

    @pb.vjp_rule(opaque, 0)
    def doubling_vjp(y_bar: Any, y: Any, x: Any, work: Any) -> Any:
        return 2 * y_bar * x

    def loss(x: Any) -> Any:
        return np.sum(opaque(x, np.zeros(3)) * x)

    with pytest.raises(pb.MutationError, match=r"doubling writes into its argument[^$]*x\.copy\(\)"):
        pb.grad(loss)(X)
    np.testing.assert_allclose(pb.grad(loss)(-X), 3 * X**2)
