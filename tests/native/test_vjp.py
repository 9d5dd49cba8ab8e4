"""`pb.vjp` of a compiled function of one number: one run for the value and all that is pulled back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import ShapeError

X = np.linspace(0.1, 1.0, 7)
W = np.array([0.3, 0.4], np.float32)


def total(x: Any, w: Any, c: Any) -> Any:
    s = 0.0
    for k in range(len(x)):
        s += np.sin(x[k] * w[k % 2]) * c
    x[0] = s
    return s


def on_the_tape(x: Any, w: Any, c: Any) -> Any:
    return total(x.copy(), w, c)


def test_it_is_the_tapes_and_leaves_the_arguments_alone() -> None:
    x, w = X.copy(), W.copy()
    value, pull = pb.vjp(pb.compile(total), x, w, 2.0)
    expected, pull_on_tape = pb.vjp(on_the_tape, X, W, 2.0)
    np.testing.assert_allclose(value, expected, rtol=1e-7)
    np.testing.assert_array_equal(x, X)
    x[:], w[:] = 7.0, 5.0  # what the arguments become later is nothing to it
    for bar in (1.0, -2.5, 0.0):
        for mine, theirs in zip(pull(bar), pull_on_tape(bar), strict=True):
            assert np.asarray(mine).dtype == np.asarray(theirs).dtype
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    first = pull(1.0)[0]
    first[:] = 0.0
    assert np.all(pull(1.0)[0] != 0.0)


def test_the_program_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = pb.compile(total)
    pb.vjp(compiled, X, W, 2.0)
    ((specialised,),) = compiled._specialised.values()
    (plan,) = specialised.plans.values()
    runs: list[int] = []
    run = plan.run
    monkeypatch.setattr(plan, "run", lambda *args: (runs.append(1), run(*args))[1])
    compiled.quick.clear()
    _, pull = pb.vjp(compiled, X, W, 2.0)
    pull(1.0)
    pull(2.0)
    assert len(runs) == 1
    assert "run" not in vars(specialised)


def test_a_cotangent_of_another_shape() -> None:
    _, pull = pb.vjp(pb.compile(total), X, W, 2.0)
    with pytest.raises(ShapeError, match="has shape"):
        pull(np.ones(2))


def test_complex_arguments_and_conventions() -> None:
    compiled = pb.compile(lambda z: np.sum(np.abs(z) ** 2))
    z = np.array([1.0 + 2.0j, 3.0])
    np.testing.assert_allclose(pb.vjp(compiled, z)[1](0.5)[0], z)
    np.testing.assert_allclose(pb.vjp(compiled, z, convention="jax")[1](0.5)[0], np.conj(z))


def test_structures_and_auxiliary_output() -> None:
    compiled = pb.compile(lambda d: (d["a"] * np.sum(d["b"]), d["b"] * 2))
    value, pull, aux = pb.vjp(compiled, {"a": 2.0, "b": X}, has_aux=True)
    np.testing.assert_allclose(value, 2 * np.sum(X))
    np.testing.assert_array_equal(aux, 2 * X)
    (bar,) = pull(3.0)
    np.testing.assert_allclose(bar["a"], 3 * np.sum(X))
    np.testing.assert_allclose(bar["b"], np.full(7, 6.0))


def test_it_can_be_differentiated() -> None:
    compiled = pb.compile(lambda a, x: a * a * np.sum(np.sin(x)))

    def of_a(a: Any) -> Any:
        return np.sum(pb.vjp(compiled, a, X)[1](1.0)[1])

    np.testing.assert_allclose(pb.grad(of_a)(2.0), 4.0 * np.sum(np.cos(X)))
    _, push = pb.linearize(compiled, 2.0, X)
    tangent = push(1.0, np.ones(7))
    np.testing.assert_allclose(tangent, 4 * np.sum(np.sin(X)) + 4 * np.sum(np.cos(X)))


def test_where_the_gradient_is_infinite_a_cotangent_of_zero_gives_zero() -> None:
    value, pull = pb.vjp(pb.compile(lambda x: np.sqrt(x[0])), np.zeros(2))
    assert value == 0.0
    np.testing.assert_array_equal(pull(0.0)[0], [0.0, 0.0])
    assert pull(1.0)[0][0] == np.inf


def test_arrays_that_share_memory() -> None:
    def function(x: Any, y: Any) -> Any:
        x[0] = 2.0 * y[1]
        return np.sum(x * y)

    x = X.copy()
    with pytest.raises(pb.MutationError, match="shares memory"):
        pb.vjp(pb.compile(function), x, x)
