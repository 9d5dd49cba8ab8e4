"""More unknowns than a Jacobian is made for: systems by GMRES, where singular ones are found out as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import NotDifferentiableError
from pullback.implicit import fixed_point, minimize, root

N = 300
A = np.random.default_rng(0).standard_normal(N)
PLACES = np.arange(N)


def ring(x: Any) -> Any:
    """The Laplacian of a ring, which is 0 for a constant."""
    return 2 * x - np.roll(x, 1) - np.roll(x, -1)


def spread(x: Any) -> Any:
    """What a constant adds nothing to, so that the system of its derivative has solutions."""
    return np.sum((x - np.mean(x)) ** 2)


def of_root(a: Any) -> Any:
    return root(lambda x, a: x - np.mean(x) - a + np.mean(a), np.zeros(N), (a,), tol=1e-8)


def of_minimum(a: Any) -> Any:
    return minimize(lambda x, a: np.sum((x - np.mean(x) - a + np.mean(a)) ** 2), np.zeros(N), (a,))


def of_fixed_point(a: Any) -> Any:
    return fixed_point(lambda x, a: 0.5 * (x - a) + a + 0.5 * np.mean(x - a), np.zeros(N), (a,))


@pytest.mark.parametrize("loss", [spread, np.sum])
@pytest.mark.parametrize("solve", [of_root, of_minimum, of_fixed_point])
def test_a_gauge_that_nothing_fixes(solve: Any, loss: Any) -> None:
    assert np.isfinite(solve(A)).all()
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda a: loss(solve(a)))(A)
    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.jvp(solve, (A,), (A,))


@pytest.mark.parametrize("doubled", [PLACES >= 0, PLACES == 3])
def test_beside_double_roots(doubled: Any) -> None:
    def f(x: Any, a: Any) -> Any:
        return (x - a) * np.where(doubled, x - a, 1.0)

    with pytest.raises(NotDifferentiableError, match="singular"):
        pb.grad(lambda a: np.sum(root(f, A + 0.3, (a,), method="lm", tol=1e-12)))(A)


def test_what_is_badly_conditioned_and_not_singular() -> None:
    """A condition number of 4e4, which GMRES needs as many vectors for as there are unknowns."""

    def f(x: Any, a: Any) -> Any:
        return 2 * x - np.concatenate([x[1:], [0.0]]) - np.concatenate([[0.0], x[:-1]]) - a

    matrix = pb.jacobian(f)(A, A)
    ours = pb.grad(lambda a: np.sum(root(f, np.zeros(N), (a,)) ** 2))(A)
    wanted = np.linalg.solve(matrix.T, 2 * np.linalg.solve(matrix, A))
    np.testing.assert_allclose(ours, wanted, rtol=1e-7)


def test_second_order() -> None:
    def solve(t: Any, linear: str) -> Any:
        return np.sum(
            root(lambda x, t: x + 0.1 * x**3 + ring(x) - t * A, np.zeros(N), (t,), linear=linear) ** 2
        )

    by_products, made = (pb.hessian(lambda t, way=way: solve(t, way))(1.2) for way in ("gmres", "dense"))
    np.testing.assert_allclose(by_products, made, rtol=1e-9)
