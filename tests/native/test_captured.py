"""Arrays that a function closes over and writes into, and arrays that reach it under two names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.arange(7.0) / 3
V = np.cos(X)


def with_buffer() -> Callable[..., Any]:
    buffer = np.full(3, 9.0)

    def function(x: Any) -> Any:
        buffer[:] = 1.7 * x[:3]
        buffer[0] *= buffer[1]
        return np.sum(x * x) + np.sum(buffer**2)

    return function


def without_buffer(x: Any) -> Any:
    b = 1.7 * x[:3]
    return np.sum(x * x) + (b[0] * b[1]) ** 2 + b[1] ** 2 + b[2] ** 2


WAYS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: pb.grad(f)(X),
    "vjp": lambda f: pb.vjp(f, X)[1](1.0)[0],
    "jvp": lambda f: pb.jvp(f, (X,), (V,))[1],
    "jacobian": lambda f: pb.jacobian(f)(X),
    "forward": lambda f: pb.jacobian(f, mode="forward")(X),
    "hessian": lambda f: pb.hessian(f)(X),
    "hvp": lambda f: pb.hvp(f, X, V),
    "linearize": lambda f: pb.linearize(f, X)[1](V),
    "twice": lambda f: pb.grad(lambda x: np.sum(pb.grad(f)(x) * V))(X),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_captured_buffer_is_written_in_every_transform_and_left_as_it_was(way: str) -> None:
    function = with_buffer()
    found = WAYS[way](pb.compile(function))
    np.testing.assert_allclose(found, WAYS[way](without_buffer), rtol=1e-12)
    (buffer,) = (cell.cell_contents for cell in function.__closure__ or ())
    np.testing.assert_array_equal(buffer, 9.0)


def test_an_argument_that_is_not_differentiated_is_written_and_left_as_it_was() -> None:
    def function(u: Any, p: Any) -> Any:
        for k in range(1, u.size):
            p[k] *= u[k - 1]
            u[k] += p[k]
        return np.sum(u * p)

    compiled, p = pb.compile(function), V.copy()
    along = pb.jvp(lambda u: pb.grad(compiled)(u, p), (X,), (V,))[1]
    np.testing.assert_allclose(pb.hessian(compiled)(X, p) @ V, along, rtol=1e-12)
    step = 1e-6
    up, down = (pb.grad(compiled)(X + h * V, p) for h in (step, -step))
    np.testing.assert_allclose(along, (up - down) / (2 * step), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(p, V)


def test_a_captured_buffer_that_could_be_read_afterwards_is_not_lost() -> None:
    compiled = pb.compile(with_buffer())
    with pytest.raises(pb.MutationError, match="plain array"):
        pb.grad(lambda x: 2 * compiled(x))(X)


def doubles_captured(captured: Any) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        captured[1:] *= 2.0
        return np.sum(captured * x)

    return function


def doubles_argument(captured: Any) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        x[1:] *= 2.0
        return np.sum(captured * x)

    return function


@pytest.mark.parametrize("make", [doubles_captured, doubles_argument])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "twice"])
def test_a_captured_array_that_is_passed_as_well_is_refused_where_it_is_written(way: str, make: Any) -> None:
    with pytest.raises(pb.MutationError, match="shares memory"):
        WAYS[way](pb.compile(make(X[::-1])))


def weighted(a: Any, b: Any) -> Any:
    a[1:] *= 2.0
    return np.sum(a * b)


@pytest.mark.parametrize(
    "call",
    [
        lambda c, x: pb.vjp(c, x, x),
        lambda c, x: pb.jvp(c, (x, x), (x, x)),
        lambda c, x: pb.jacobian(c, (0, 1))(x, x),
        lambda c, x: pb.hessian(c)(x, x),
        lambda c, x: pb.elementwise_grad(c)(x, x),
        lambda c, x: pb.hvp(c, (x, x), (x, x)),
        lambda c, x: pb.grad(lambda y: c(2 * y, y) + (z := y * 2).sum() * 0 + c(z, z))(x),
        lambda c, x: pb.grad(lambda y: c((z := y * 2)[1:], z[:-1]))(x),
        lambda c, x: pb.jvp(lambda y: c((z := y * 2)[1:], z[:-1]), (x,), (x,)),
    ],
)
def test_one_array_under_two_names_is_refused_where_it_is_written(call: Any) -> None:
    with pytest.raises(pb.MutationError, match="shares memory"):
        call(pb.compile(weighted), X.copy())


def test_parts_of_one_array_that_are_apart_are_right() -> None:
    def on_parts(function: Any) -> Callable[..., Any]:
        def total(x: Any) -> Any:
            y = 2 * x
            return function(y[1:4], y[4:]) + np.sum(y * y)

        return total

    found, taped = (pb.grad(on_parts(f), engine="tape")(X) for f in (pb.compile(weighted), weighted))
    np.testing.assert_allclose(found, taped, rtol=1e-13)
    moved = pb.jvp(on_parts(pb.compile(weighted)), (X,), (V,))[1]
    np.testing.assert_allclose(moved, taped @ V, rtol=1e-13)
