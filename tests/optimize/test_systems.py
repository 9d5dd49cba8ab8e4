"""Factors of a matrix are found once: for a solution and its derivatives, and for all trips of a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(4)
A, B, X = RNG.normal(size=(4, 4)) + 3 * np.eye(4), RNG.normal(size=(4, 2)), RNG.normal(size=4)


def square(a: Any, b: Any) -> Any:
    return np.sum(np.linalg.solve(a, b) ** 2)


def twice(a: Any, b: Any) -> Any:
    return np.sum(np.linalg.solve(a, b) * np.linalg.solve(a, np.sin(b)))


def steps(a: Any, x: Any) -> Any:
    for _ in range(5):
        x = np.linalg.solve(a, x) + 0.1 * x**2
    return np.sum(x)


def written(a: Any, x: Any) -> Any:
    a = a.copy()
    for i in range(3):
        x = np.linalg.solve(a, x)
        a[i, i] += x[0] ** 2
    return np.sum(x**2)


def calls(program: str, name: str) -> int:
    body = program.rpartition("\ndef ")[2]
    return body.count(f"{name}(")


@pytest.mark.parametrize(("function", "b"), [(square, B), (square, X), (twice, B), (steps, X), (written, X)])
def test_values_and_derivatives(function: Callable[..., Any], b: Any) -> None:
    compiled = pb.compile(function, jit=function is steps)
    np.testing.assert_allclose(compiled(A, b), function(A, b), rtol=1e-12)
    wanted = pb.grad(function, argnums=(0, 1), engine="tape")(A, b)
    for got, want in zip(pb.grad(compiled, argnums=(0, 1))(A, b), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    dots = np.cos(A), np.sin(b)
    np.testing.assert_allclose(
        pb.jvp(compiled, (A, b), dots)[1], pb.jvp(function, (A, b), dots)[1], rtol=1e-9
    )
    moved = pb.jvp(pb.grad(compiled), (A, b), dots)[1]
    np.testing.assert_allclose(moved, pb.jvp(pb.grad(function), (A, b), dots)[1], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("function", "b"), [(square, B), (twice, B), (steps, X)])
def test_a_gradient_factorises_once(function: Callable[..., Any], b: Any) -> None:
    program = pb.source(pb.grad(pb.compile(function, jit=False), argnums=(0, 1)), A, b)
    assert calls(program, "factorised") == 1
    assert calls(program, "native.solve") == 0
    assert "\n    factors = native.factorised(a)\n" in program  # and in no loop


def test_a_single_system_is_solved_as_it_is() -> None:
    assert calls(pb.source(pb.compile(square, jit=False), A, B), "native.solve") == 1


def test_two_systems_have_factors_in_common() -> None:
    program = pb.source(pb.compile(twice, jit=False), A, B)
    assert (calls(program, "factorised"), calls(program, "native.solve")) == (1, 0)


def test_a_matrix_that_is_written_into_is_factorised_anew() -> None:
    program = pb.source(pb.compile(written, jit=False), A, X)
    assert "native.solve(" in program.rpartition("for i in range(3):\n        ")[2]


def test_matrices_that_are_left_to_python() -> None:
    a, b = np.cos(np.arange(1600.0)).reshape(40, 40) + 9 * np.eye(40), np.ones(40)
    compiled = pb.compile(square)
    np.testing.assert_allclose(pb.grad(compiled)(a, b), pb.grad(square, engine="tape")(a, b), rtol=1e-9)


def sometimes(a: Any, x: Any, trips: int) -> Any:
    for _ in range(trips):
        x = np.linalg.solve(a, x)
    return np.sum(x)


@pytest.mark.parametrize("jit", [False, True])
def test_a_singular_matrix_is_none_in_a_loop_that_does_not_run(jit: bool) -> None:
    compiled, singular = pb.compile(sometimes, jit=jit), np.ones((4, 4))
    np.testing.assert_allclose(compiled(singular, X, 0), np.sum(X))
    np.testing.assert_array_equal(pb.grad(compiled)(singular, X, 0), np.zeros((4, 4)))
    for matrix in (singular, np.ones((4, 5))):
        with pytest.raises(np.linalg.LinAlgError):
            compiled(matrix, X, 1)


def same_results(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b), np.linalg.solve(a, b)


def test_equal_solutions_that_are_returned_are_two() -> None:
    first, second = pb.compile(same_results, jit=False)(A, B)
    first += 1
    np.testing.assert_allclose(second, np.linalg.solve(A, B))
