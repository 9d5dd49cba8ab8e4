"""`pb.no_grad`: what it pauses, in every mode, and results that share no memory with a Variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([1.0, 2.0, 3.0])


def cubes(x: Any) -> Any:
    return np.sum(x**3)


WITHIN: dict[str, tuple[Callable[[], Any], Any]] = {
    "grad": (lambda: pb.grad(cubes, engine="tape")(X), 3 * X**2),
    "vjp": (lambda: pb.vjp(cubes, X)[1](1.0)[0], 3 * X**2),
    "jvp": (lambda: pb.jvp(cubes, (X,), (X,))[1], np.sum(3 * X**3)),
    "jacobian, reverse": (lambda: pb.jacobian(cubes, mode="reverse")(X), 3 * X**2),
    "jacobian, forward": (lambda: pb.jacobian(cubes, mode="forward")(X), 3 * X**2),
    "hvp": (lambda: pb.hvp(cubes, X, X), 6 * X**2),
    "hessian": (lambda: pb.hessian(cubes)(X), np.diag(6 * X)),
    "linearize": (lambda: pb.linearize(cubes, X)[1](X), np.sum(3 * X**3)),
    "checkpoint": (lambda: pb.grad(pb.checkpoint(cubes), engine="tape")(X), 3 * X**2),
}


@pytest.mark.parametrize("name", WITHIN)
def test_a_transform_within_is_not_paused(name: str) -> None:
    transform, expected = WITHIN[name]
    with pb.no_grad():
        np.testing.assert_allclose(transform(), expected)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_what_a_transform_follows_is_paused_in_every_mode(mode: Any) -> None:
    def function(x: Any) -> Any:
        with pb.no_grad():
            weights = pb.grad(cubes, engine="tape")(x)
            total = np.sum(x * x)
        assert type(weights) is np.ndarray
        return x * weights + total

    np.testing.assert_allclose(pb.jacobian(function, mode=mode)(X), np.diag(3 * X**2))


def test_as_a_decorator() -> None:
    paused = pb.no_grad()(cubes)
    for _ in range(2):
        np.testing.assert_array_equal(pb.grad(lambda x: paused(x) * np.sum(x), engine="tape")(X), [36.0] * 3)


VIEWS: dict[str, Callable[[Any], Any]] = {
    "slice": lambda x: x[1:],
    "all": lambda x: x[...],
    "T": lambda x: x.T,
    "reshape": lambda x: x.reshape(-1, 1),
    "ravel": np.ravel,
    "real": lambda x: x.real,
    "split": lambda x: np.split(x, [1])[1],
    "meshgrid": lambda x: np.meshgrid(x, copy=False)[0],
    "einsum": lambda x: np.einsum("i->i", x),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3)),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_nothing_that_is_kept_can_be_written_into(name: str, mode: Any) -> None:
    def function(x: Any) -> Any:
        y = np.sum(x * x * x)
        with pb.no_grad():
            part = VIEWS[name](x)
        assert type(part) is np.ndarray
        part *= 0
        return y + np.sum(x)

    np.testing.assert_array_equal(pb.jacobian(function, mode=mode)(X), 3 * X**2 + 1)
    x = pb.Variable(X)
    y = function(x)
    y.backward()
    np.testing.assert_array_equal(x.grad, 3 * X**2 + 1)
    np.testing.assert_array_equal(x.value, X)


def test_writes_into_an_input() -> None:
    w = pb.Variable(np.arange(4.0))
    y = np.sum(w**3)
    with pb.no_grad():
        w[1:] -= 0.5
        w *= 2
        w[w > 3] = 0.0
    assert w.is_leaf
    np.testing.assert_array_equal(w.value, [0, 1, 3, 0])
    y.backward()
    np.testing.assert_array_equal(w.grad, 3 * np.arange(4.0) ** 2)


def test_a_write_of_what_an_inner_transform_follows() -> None:
    u = pb.Variable(np.ones(3))

    def function(x: Any) -> Any:
        u[0] = x[0] * 2
        return np.sum(u * x)

    with pb.no_grad():
        np.testing.assert_array_equal(pb.grad(function, engine="tape")(X), [4, 1, 1])
