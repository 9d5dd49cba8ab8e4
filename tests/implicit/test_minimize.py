"""Minima: values, derivatives against formulas, and functions that have no minimum or none that moves."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import NotDifferentiableError, ShapeError, UnsupportedError
from pullback.implicit import ConvergenceError, minimize

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((8, 3)), RNG.standard_normal(8)


def loss(w: Any, x: Any, y: Any, strength: Any) -> Any:
    return np.sum((x @ w - y) ** 2) + strength * np.sum(w**2)


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP"])
def test_ridge_regression(method: str) -> None:
    def closed(x: Any, y: Any, strength: Any) -> Any:
        return np.linalg.solve(x.T @ x + strength * np.eye(3), x.T @ y)

    def ours(x: Any, y: Any, strength: Any) -> Any:
        return minimize(loss, np.zeros(3), (x, y, strength), method=method)

    np.testing.assert_allclose(ours(X, Y, 0.5), closed(X, Y, 0.5), rtol=1e-11)
    v = np.array([1.0, -1.0, 2.0])
    for a, b in zip(pb.vjp(ours, X, Y, 0.5)[1](v), pb.vjp(closed, X, Y, 0.5)[1](v), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("linear", ["dense", "gmres"])
def test_against_finite_differences(linear: str) -> None:
    def f(p: Any, q: Any) -> Any:
        return minimize(
            lambda x, p, q: np.sum(p * (x - q) ** 2 + 0.3 * x**4), np.ones(3), (p, q), linear=linear
        )

    assert pb.testing.gradcheck(f, np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]), tolerance=1e-4)


def test_hyperparameters_by_second_order() -> None:
    """The Hessian of the loss of validation by the strength of the penalty."""

    def ours(strength: Any) -> Any:
        return np.sum((X[4:] @ minimize(loss, np.zeros(3), (X[:4], Y[:4], strength)) - Y[4:]) ** 2)

    def closed(strength: Any) -> Any:
        w = np.linalg.solve(X[:4].T @ X[:4] + strength * np.eye(3), X[:4].T @ Y[:4])
        return np.sum((X[4:] @ w - Y[4:]) ** 2)

    np.testing.assert_allclose(pb.grad(pb.grad(ours))(0.5), pb.grad(pb.grad(closed))(0.5), rtol=1e-8)


def test_the_value_at_the_minimum_moves_by_the_partial_derivative() -> None:
    def value(strength: Any) -> Any:
        return loss(minimize(loss, np.zeros(3), (X, Y, strength)), X, Y, strength)

    w = minimize(loss, np.zeros(3), (X, Y, 0.5))
    np.testing.assert_allclose(pb.grad(value)(0.5), np.sum(w**2), rtol=1e-9)


def test_complex_unknowns() -> None:
    target = np.array([1.0 + 2j, -1j])

    def f(t: Any) -> Any:
        return minimize(lambda z, t: np.sum(np.abs(z - t) ** 2 + np.abs(z) ** 4), np.ones(2) * (1 + 0j), (t,))

    assert pb.testing.gradcheck(f, target, tolerance=1e-4)


def test_what_is_no_number_names_the_function() -> None:
    def energies(x: Any) -> Any:
        return x

    with pytest.raises(ShapeError, match="scalar output, and energies returns"):
        minimize(energies, np.ones(2))


def test_no_minimum() -> None:
    with np.errstate(all="ignore"), pytest.raises(ConvergenceError, match=r"(?s)gradient.*without a minimum"):
        minimize(lambda x: np.exp(-x) - x, 1.0, options={"maxiter": 20})


@pytest.mark.parametrize("start", [[0.0, 0.0], [1.0, 0.0]])
def test_a_maximum_or_a_saddle_is_no_minimum(start: list[float]) -> None:
    def well(x: Any, a: Any) -> Any:
        return np.sum((x**2 - a) ** 2)

    with pytest.raises(ConvergenceError, match="no minimum"):
        pb.grad(lambda a: np.sum(minimize(well, np.array(start), (a,))))(1.0)
    assert pb.grad(lambda a: np.sum(minimize(well, np.array([1.5, 0.5]), (a,))))(4.0) == pytest.approx(0.5)


def test_a_flat_minimum() -> None:
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda a: minimize(lambda x, a: (x[0] + x[1] - a) ** 2, np.zeros(2), (a,))[0])(1.0)


@pytest.mark.parametrize("start", [0.5, 2.0, 3.0])
def test_a_minimum_of_fourth_order(start: float) -> None:
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda b: minimize(lambda x, b: (x - 1) ** 4 / 4 - b * x, start, (b,)))(0.0)


@pytest.mark.parametrize("method", ["Nelder-Mead", "trust-constr"])
def test_methods_without_gradients_are_refused(method: str) -> None:
    with pytest.raises(UnsupportedError, match="neither bounds nor constraints"):
        minimize(lambda x: x**2, 1.0, method=method)


def test_a_closure_over_what_is_tracked() -> None:
    with pytest.raises(UnsupportedError, match="closes over a tracked value"):
        pb.grad(lambda a: minimize(lambda x: (x - a) ** 2, 0.0))(1.0)
