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


@pb.primitive
def tail(x: Any) -> Any:
    """Opaque, and a view."""
    return x[1:]


@pb.vjp_rule(tail, 0)
def tail_vjp(y_bar: Any, y: Any, x: Any) -> Any:
    return np.concatenate([np.zeros(1), y_bar])


@pb.jvp_rule(tail, 0)
def tail_jvp(x_dot: Any, y: Any, x: Any) -> Any:
    return x_dot[1:]


tail_again = pb.checkpoint(lambda x: x[1:])


def through_views(tail: Any) -> Any:
    """A function that writes into the views that `tail` returns, and beside them."""

    def program(x: Any) -> Any:
        y = x * x
        z = tail(y)
        z *= 3
        y[2] += 1
        tail(z)[0] = x[0]
        return np.sum(y * y * np.arange(3)) + np.sum(z**3)

    return program


def test_a_primitive_that_returns_a_view() -> None:
    program = through_views(tail)
    plain = program(X.copy())
    value, gradient = pb.value_and_grad(program, engine="tape")(X)
    assert value == pytest.approx(plain, rel=1e-14)
    assert pb.jvp(program, (X,), (X,))[0] == pytest.approx(plain, rel=1e-14)
    steps = 1e-6 * np.eye(3)
    slopes = [(program(X + step) - program(X - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(pb.jacobian(program, mode="forward")(X), gradient)
    np.testing.assert_allclose(pb.grad(program)(X), gradient)
    with pytest.raises(pb.UnsupportedError, match=r"shares memory with a result of .*tail"):
        pb.grad(pb.compile(program))(X)


def test_a_primitive_that_returns_a_view_of_another_argument() -> None:
    second = pb.primitive(lambda a, b: b)
    pb.vjp_rule(second, 1)(lambda y_bar, y, a, b: y_bar)
    with pytest.raises(pb.UnsupportedError, match=r"that is not its first(.*\n)*.*a copy"):
        pb.grad(lambda x: np.sum(second(1.0, x * 1)), engine="tape")(X)


def opaque_sine(vjp: Any) -> Any:
    sine = pb.primitive(lambda x: np.sin(np.asarray(x)))
    pb.vjp_rule(sine, 0)(vjp)
    pb.jvp_rule(sine, 0)(vjp)
    return lambda x: np.sum(np.exp(x * x + sine(x)))


def into_the_cotangent(y_bar: Any, y: Any, x: Any) -> Any:
    y_bar *= np.cos(x)
    return y_bar


def into_the_argument(y_bar: Any, y: Any, x: Any) -> Any:
    x *= y_bar
    return x


def into_a_number_or_an_array(y_bar: Any, y: Any, x: Any) -> Any:
    y += 1
    return y_bar * np.cos(x)


@pytest.mark.parametrize("rule", [into_the_cotangent, into_the_argument, into_a_number_or_an_array])
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_rule_that_writes_into_what_it_is_given(rule: Any, mode: Any) -> None:
    with pytest.raises(pb.MutationError, match=r"writes into what it is given(.*\n)*.*y_bar \* a"):
        pb.jacobian(opaque_sine(rule), mode=mode)(X)


def test_a_rule_that_writes_into_a_tracked_cotangent_writes_into_its_own() -> None:
    """What other rules read stays as it was."""

    def pulled(rule: Any) -> Any:
        return pb.vjp(opaque_sine(rule), X)[1](pb.Variable(1.0))[0].value

    np.testing.assert_allclose(pulled(into_the_cotangent), pulled(lambda y_bar, y, x: y_bar * np.cos(x)))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_rule_that_returns_nothing(mode: Any) -> None:
    with pytest.raises(pb.ShapeError, match=r"a rule of .*<lambda> returns None"):
        pb.jacobian(opaque_sine(lambda y_bar, y, x: None), mode=mode)(X)


def test_chunks_of_no_inputs() -> None:
    for size in (0, -1):
        with pytest.raises(pb.UnsupportedError, match=f"chunk_size={size} is no number of inputs"):
            pb.jacobian(np.sin, mode="forward", chunk_size=size)


def test_a_checkpoint_that_returns_a_view() -> None:
    program = through_views(tail_again)
    plain = program(X.copy())
    value, gradient = pb.value_and_grad(program, engine="tape")(X)
    assert value == pytest.approx(plain, rel=1e-14)
    assert pb.jvp(program, (X,), (X,))[0] == pytest.approx(plain, rel=1e-14)
    np.testing.assert_allclose(gradient, pb.grad(through_views(tail), engine="tape")(X), rtol=1e-14)
