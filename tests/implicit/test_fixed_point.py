"""Fixed points: values, derivatives, and iterations that do not converge."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.implicit import ConvergenceError, fixed_point

W = np.random.default_rng(0).standard_normal((4, 4)) * 0.3
B = np.random.default_rng(1).standard_normal(4)


def layer(x: Any, w: Any, b: Any) -> Any:
    return np.tanh(w @ x + b)


@pytest.mark.parametrize("method", ["anderson", "iteration"])
@pytest.mark.parametrize("linear", ["dense", "gmres"])
def test_a_layer_of_infinite_depth(method: str, linear: str) -> None:
    def f(w: Any, b: Any) -> Any:
        return fixed_point(layer, np.zeros(4), (w, b), method=method, linear=linear)

    x = f(W, B)
    np.testing.assert_allclose(x, layer(x, W, B), rtol=1e-13)
    assert pb.testing.gradcheck(f, W, B)


def test_against_iterating_on_the_tape() -> None:
    def unrolled(w: Any, b: Any) -> Any:
        x = np.zeros(4)
        for _ in range(120):
            x = layer(x, w, b)
        return np.sum(x**2)

    ours = pb.grad(lambda w, b: np.sum(fixed_point(layer, np.zeros(4), (w, b)) ** 2), argnums=(0, 1))(W, B)
    for a, b in zip(ours, pb.grad(unrolled, argnums=(0, 1))(W, B), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)


def test_kepler() -> None:
    """``E = M + e sin E``: derivatives by the formula."""

    def anomaly(m: Any, e: Any) -> Any:
        return fixed_point(lambda x, m, e: m + e * np.sin(x), 1.0, (m, e))

    e_anomaly = anomaly(1.0, 0.3)
    ours = pb.grad(anomaly, argnums=(0, 1))(1.0, 0.3)
    slope = 1 - 0.3 * np.cos(e_anomaly)
    np.testing.assert_allclose(ours, (1 / slope, np.sin(e_anomaly) / slope), rtol=1e-12)
    second = pb.grad(pb.grad(anomaly))(1.0, 0.3)
    np.testing.assert_allclose(second, -0.3 * np.sin(e_anomaly) / slope**3, rtol=1e-11)


def test_anderson_where_the_iteration_alone_diverges() -> None:
    m = np.array([[-2.0, 0.5], [0.1, -1.5]])
    x = fixed_point(lambda x, b: m @ x + b, np.zeros(2), (np.ones(2),))
    np.testing.assert_allclose(x, np.linalg.solve(np.eye(2) - m, np.ones(2)), rtol=1e-12)
    with pytest.raises(ConvergenceError, match=r"(?s)after 50 iterations.*pb.implicit.root"):
        fixed_point(lambda x, b: m @ x + b, np.zeros(2), (np.ones(2),), method="iteration", max_iterations=50)


def test_complex_and_trees() -> None:
    def f(a: Any) -> Any:
        return fixed_point(lambda x, a: [0.3 * np.conj(x[1]) + a, 0.2j * x[0]], [0.0 + 0j, 0.0 + 0j], (a,))

    assert pb.testing.gradcheck(f, 1.0 + 2j)


def test_a_neutral_fixed_point() -> None:
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda a: fixed_point(lambda x, a: x * a / a, 1.0, (a,)))(2.0)


def test_beside_a_double_fixed_point() -> None:
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda b: fixed_point(lambda x, b: x - (x - 1) ** 2 + b, 0.5, (b,)))(0.0)


def test_an_unknown_method() -> None:
    with pytest.raises(UnsupportedError, match="method='newton'"):
        fixed_point(np.cos, 1.0, method="newton")
