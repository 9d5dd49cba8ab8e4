"""Equations for a matrix, of real and complex matrices together: there SciPy's values solve no equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.scipy import linalg
from pullback.testing import gradcheck

RNG = np.random.default_rng(5)
TURNING = np.array([[0.4, -1.0, 0.2], [1.0, 0.3, 0.3], [0.1, 0.2, 1.2]])
"""A real matrix with complex eigenvalues, whose real Schur form is not a triangle."""
COMPLEX = RNG.uniform(-1, 1, (3, 3)) + 1j * RNG.uniform(-1, 1, (3, 3)) + 2 * np.eye(3)
REAL = RNG.uniform(-1, 1, (3, 3))


def sylvester(a: Any, b: Any, q: Any) -> Any:
    return scipy.linalg.solve_sylvester(a, q=q, b=b)


def continuous(a: Any, b: Any, q: Any) -> Any:
    return scipy.linalg.solve_continuous_lyapunov(a, q) + b


def discrete(a: Any, b: Any, q: Any) -> Any:
    return scipy.linalg.solve_discrete_lyapunov(a * 0.3, q, method="bilinear") + b


OURS: dict[Callable[..., Any], Callable[..., Any]] = {
    sylvester: lambda a, b, q: linalg.solve_sylvester(a, q=q, b=b),
    continuous: lambda a, b, q: linalg.solve_continuous_lyapunov(a, q) + b,
    discrete: lambda a, b, q: linalg.solve_discrete_lyapunov(a * 0.3, q, method="bilinear") + b,
}
MIXED = [(TURNING, COMPLEX, REAL), (TURNING, TURNING, COMPLEX), (COMPLEX, TURNING, REAL)]


@pytest.mark.parametrize("matrices", MIXED)
@pytest.mark.parametrize("function", OURS)
def test_real_beside_complex(function: Callable[..., Any], matrices: tuple[Any, ...]) -> None:
    ours = OURS[function]
    solved = function(*(matrix.astype(complex) for matrix in matrices))
    np.testing.assert_allclose(ours(*matrices), solved, rtol=1e-12)
    assert gradcheck(ours, *matrices)

    def loss(*args: Any) -> Any:
        return np.sum(np.abs(function(*args)) ** 2)

    wanted = pb.grad(lambda *args: np.sum(np.abs(ours(*args)) ** 2), argnums=(0, 1, 2))(*matrices)
    found = pb.grad(pb.compile(loss, jit=False), argnums=(0, 1, 2))(*matrices)
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
