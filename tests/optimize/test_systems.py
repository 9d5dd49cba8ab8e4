"""Factors of a matrix are found once: for a solution and its derivatives, and for all trips of a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

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


def gaussian(a: Any, b: Any) -> Any:
    return b @ np.linalg.solve(a, b) + np.linalg.slogdet(a)[1]


def of_the_inverse(a: Any, b: Any) -> Any:
    inverse = np.linalg.inv(a)
    return np.sum(inverse * inverse.T) + np.linalg.slogdet(a)[1] + b @ inverse @ b


def determinant(a: Any, b: Any) -> Any:
    return np.sin(np.linalg.det(a)) + np.sum(np.linalg.solve(a, b))


def many(a: Any, b: Any) -> Any:
    total = 0.0
    for k in range(b.shape[0]):
        total += b[k] @ np.linalg.solve(a, b[k]) + np.linalg.slogdet(a)[1]
    return total


def shifted(a: Any, b: Any) -> Any:
    total = 0.0
    for k in range(b.shape[0]):
        shift = a + (k + b[k, 0]) * np.eye(a.shape[0])
        total += b[k] @ np.linalg.solve(shift, b[k]) + np.linalg.slogdet(shift)[1]
    return total


DENSITIES = [(gaussian, X), (of_the_inverse, X), (determinant, X), (many, B.T), (shifted, B.T)]


@pytest.mark.parametrize(("function", "b"), DENSITIES)
def test_inverses_determinants_and_systems_share_one_factorisation(
    function: Callable[..., Any], b: Any
) -> None:
    program = pb.source(pb.grad(pb.compile(function, jit=False), argnums=(0, 1)), A, b)
    assert calls(program, "factorised") == 1
    for name in ("solve", "inv", "det", "slogdet", "minors"):
        assert calls(program, f"native.{name}") == calls(program, f" {name}") == 0
    assert ("\n    factors = native.factorised(a)\n" in program) is (function is not shifted)


@pytest.mark.parametrize(("function", "b"), DENSITIES)
def test_derivatives_by_the_one_factorisation(function: Callable[..., Any], b: Any) -> None:
    test_values_and_derivatives(function, b)
    compiled = pb.compile(function)
    for mine, wanted in zip(
        pb.grad(compiled, argnums=(0, 1))(A, b),
        pb.grad(function, argnums=(0, 1), engine="tape")(A, b),
        strict=True,
    ):
        np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-12)


def density(a: Any, b: Any) -> Any:
    factor = np.linalg.cholesky(a)
    z = scipy.linalg.solve_triangular(factor, b, lower=True)
    return z @ z + 2 * np.sum(np.log(np.diagonal(factor)))


def test_the_gradient_by_a_cholesky_factor_uses_it() -> None:
    a = A @ A.T
    compiled = pb.compile(density, jit=False)
    program = pb.source(pb.grad(compiled, argnums=(0, 1)), a, X)
    assert (calls(program, "native.cholesky"), calls(program, "factor_cotangent")) == (1, 1)
    assert program.rpartition("\ndef ")[2].count(" = solve_triangular") == 2
    wanted = pb.grad(gaussian, argnums=(0, 1), engine="tape")(a, X)
    found = pb.grad(compiled, argnums=(0, 1))(a, X)
    np.testing.assert_allclose(found[0] + found[0].T, wanted[0] + wanted[0].T, rtol=1e-9)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-9)


def test_a_singular_matrix_has_a_determinant_with_a_gradient() -> None:
    def alone(a: Any) -> Any:
        return np.linalg.det(a)

    for compiled in (pb.compile(alone), pb.compile(alone, jit=False)):
        assert compiled(np.diag([1.0, 2.0, 0.0])) == 0
        np.testing.assert_allclose(pb.grad(compiled)(np.diag([1.0, 2.0, 0.0])), np.diag([0.0, 0.0, 2.0]))


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


def chosen(a: Any, b: Any, flag: bool) -> Any:
    x = np.linalg.solve(a, b)
    return x @ b if flag else np.sum(np.linalg.solve(a, x))


def test_an_argument_that_is_a_bool() -> None:
    for flag in (True, False):
        np.testing.assert_allclose(pb.compile(chosen)(A, X, flag), chosen(A, X, flag))


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


def magnitudes(a: Any, b: Any) -> Any:
    return np.sum(np.abs(np.linalg.solve(a, b)) ** 2) + np.linalg.slogdet(a)[1]


@pytest.mark.parametrize(
    ("a", "b"), [(A, B + 1j), (A + 1j * A.T, X), (A.astype(np.float32), X), (A.astype(np.float32), B + 1j)]
)
def test_dtypes_that_differ(a: Any, b: Any) -> None:
    compiled = pb.value_and_grad(pb.compile(magnitudes), argnums=(0, 1))
    value, gradients = compiled(a, b)
    close = 1e-5 if a.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(value, magnitudes(a, b), rtol=close)
    wanted = pb.grad(magnitudes, argnums=(0, 1), engine="tape")(a, b)
    for got, want in zip(gradients, wanted, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=close, atol=close)
    assert "interpreted" not in pb.source(pb.grad(magnitudes, argnums=(0, 1)), a, b)
