"""Which engine a gradient takes where none is asked for."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.api.automatic import Automatic, automatic
from pullback.api.compiled import Compiled
from pullback.base.errors import MutationError

X = np.array([0.5, 1.0, 1.5])


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions that the native engine has differentiated; it runs under CPython here."""
    names: list[str] = []
    made = Compiled.__init__
    for function in (fills, overwrites, stores_nothing, stores_into_a_dict, makes_arrays_of_ours):
        # What a test before this one has compiled.
        function.__dict__.pop("__automatic__", None)

    def init(self: Compiled, function: Any, **options: Any) -> None:
        names.append(function.__name__)
        made(self, function, **options | {"jit": False})

    monkeypatch.setattr(Compiled, "__init__", init)
    return names


def fills(x: Any) -> Any:
    y = np.zeros(x.size)
    for i in range(x.size):
        y[i] = x[i] ** 2
    return np.sum(y)


def overwrites(x: Any, w: Any) -> Any:
    x[0] = 3.0 * x[1]
    w[:] = x * w
    return np.sum(w)


def stores_nothing(x: Any) -> Any:
    return np.sum(x**2)


def stores_into_a_dict(x: Any) -> Any:
    parts = {}
    parts["a"] = x**2
    return np.sum(parts["a"])


def is_out_of_the_language(x: Any) -> Any:
    y = x * 1.0
    try:
        y[0] = 2.0 * x[1]
    finally:
        pass
    return np.sum(y)


def makes_arrays_of_ours(x: Any) -> Any:
    y = pb.zeros(3)
    y[0] = x[1] ** 2
    return np.sum(y)


def test_a_function_that_stores_into_arrays_is_compiled(called: list[str]) -> None:
    value, gradient = pb.value_and_grad(fills)(X)
    np.testing.assert_allclose(value, np.sum(X**2))
    np.testing.assert_allclose(gradient, 2 * X)
    np.testing.assert_allclose(pb.grad(fills)(X), 2 * X)
    assert called == ["fills"]
    twice = pb.grad(lambda x: np.sum(pb.grad(fills)(x) * x))(X)
    np.testing.assert_allclose(twice, 4 * X)
    np.testing.assert_allclose(pb.hessian(fills, engine="native")(X), 2 * np.eye(3))


def test_arguments_are_left_alone(called: list[str]) -> None:
    x, w = X.copy(), np.ones(3)
    gradient = pb.grad(overwrites, argnums=(0, 1))(x, w)
    np.testing.assert_allclose(gradient[0], [0, 4, 1])
    np.testing.assert_allclose(gradient[1], [3, 1, 1.5])
    assert (x == X).all()
    assert (w == 1).all()
    assert called == ["overwrites"]
    with pytest.raises(MutationError, match="shares memory"):
        pb.grad(overwrites)(x, x)


@pytest.mark.parametrize("function", [stores_nothing, stores_into_a_dict, is_out_of_the_language])
def test_everything_else_stays_eager(function: Any, called: list[str]) -> None:
    chooser = automatic(function)
    assert chooser is None or chooser.choose((X,), {}) is function
    np.testing.assert_allclose(pb.grad(function)(X), pb.grad(function, engine="tape")(X))
    again = pb.grad(function)
    again(X)
    before = len(called)
    again(X)
    assert len(called) == before


def test_arrays_of_ours_stay_eager(called: list[str]) -> None:
    np.testing.assert_allclose(pb.grad(makes_arrays_of_ours)(X), [0, 2, 0])
    chooser = Automatic(fills)
    assert chooser.choose((pb.array(X),), {}) is fills
    assert chooser.choose((object(),), {}) is fills
    assert isinstance(chooser.choose((X,), {}), Compiled)


def test_the_engine_is_decided_by_hand(called: list[str]) -> None:
    with pytest.raises(pb.PullbackError):
        pb.grad(fills, engine="tape")(X)
    assert not called
    np.testing.assert_allclose(pb.grad(fills, engine="native")(X), 2 * X)
    assert set(called) == {"fills"}
    np.testing.assert_allclose(pb.grad(makes_arrays_of_ours, engine="dual")(X), [0, 2, 0])


def test_errors_are_those_of_any_gradient(called: list[str]) -> None:
    def many(x: Any) -> Any:
        y = np.zeros(3)
        y[0] = x[0]
        return y

    with pytest.raises(pb.ShapeError, match="scalar output"):
        pb.grad(many)(X)


def test_a_gradient_made_anew_is_not_compiled_anew(monkeypatch):
    from pullback.api import compiled

    captured = []
    capture = compiled.capture
    monkeypatch.setattr(compiled, "capture", lambda *a: captured.append(1) or capture(*a))

    def squares(x):
        y = np.zeros(3)
        for i in range(3):
            y[i] = x[i] ** 2
        return np.sum(y)

    for _ in range(3):
        np.testing.assert_array_equal(pb.grad(squares)(np.ones(3)), 2 * np.ones(3))
    assert len(captured) == 1

    @functools.wraps(squares)
    def doubled(x):
        y = np.zeros(1)
        y[0] = 2 * squares(x)
        return y[0]

    np.testing.assert_array_equal(pb.grad(doubled)(np.ones(3)), 4 * np.ones(3))
