"""Systems solved with factors kept from before: in both modes, of all kinds and sizes, and no longer."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.rules import factored, substitution

KINDS = ["float32", "float64", "complex64", "complex128"]


def drawn(kind: str, *shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.startswith("c") else values).astype(kind)


@pytest.mark.parametrize("panels", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(32,), (40, 3), (150, 1), (150, 170), (64, 128), (300, 130), (600, 140)])
def test_solutions_and_those_of_the_transpose(
    kind: str, shape: tuple[int, ...], panels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substitution, "copies_nothing", lambda: panels)
    a, b = drawn(kind, shape[0], shape[0]) + 3 * np.eye(shape[0], dtype=kind), drawn(kind, *shape, seed=1)
    for matrix, right in ((a, b), (a.T, b[::-1]), (np.asfortranarray(a), np.asfortranarray(b))):
        y = factored.solve(matrix, right)
        again = factored.solved_again(y, b, transposed=False)
        turned = factored.solved_again(y, right, transposed=True)
        wanted = np.linalg.solve(matrix, right), np.linalg.solve(matrix, b), np.linalg.solve(matrix.T, right)
        for ours, theirs in zip((y, again, turned), wanted, strict=True):
            assert (ours.dtype, ours.shape, ours.flags.c_contiguous) == (theirs.dtype, theirs.shape, True)
            error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
            assert error < 1e4 * np.finfo(kind).eps


def nearly_singular(n: int) -> dict[str, Any]:
    """Matrices to which rounding does much."""
    rng = np.random.default_rng(2)
    first, second = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    graded = np.geomspace(1, 1e-14, n)
    one_small = np.where(np.arange(n) == n - 1, 1e-14, 1.0)
    i = np.arange(n)
    return {
        "graded": (first * graded) @ second,
        "one small": (first * one_small) @ second,
        "rows": graded[:, None] * rng.normal(size=(n, n)),
        "columns": graded * rng.normal(size=(n, n)),
        "Hilbert": 1 / (i[:, None] + i + 1.0) + 1e-10 * np.eye(n),
        "Vandermonde": np.linspace(0.1, 1, n)[:, None] ** i,
        "Kahan": np.sin(1.2) ** i[:, None] * (np.eye(n) - np.cos(1.2) * np.triu(np.ones((n, n)), 1)),
    }


@pytest.mark.parametrize("name", list(nearly_singular(2)))
@pytest.mark.parametrize("many", [False, True])
def test_residuals_are_as_small_as_rounding(name: str, many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substitution, "copies_nothing", lambda: many)
    n = 200
    a = nearly_singular(n)[name]
    x = drawn("float64", n, 150)
    for matrix, right in ((a, a @ x), (a, x), (a.T, a.T @ x), (a.T, x)):
        turned = matrix is not a
        y = factored.solve(a, right)
        found = factored.solved_again(y, right, transposed=True) if turned else y
        errors = [
            np.linalg.norm(right - matrix @ one)
            / (np.linalg.norm(a) * np.linalg.norm(one) + np.linalg.norm(right))
            for one in (found, np.linalg.solve(matrix, right))
        ]
        assert errors[0] < 10 * errors[1] + np.finfo(float).eps


def test_blocks_that_would_lose_digits_are_not_inverted() -> None:
    for matrix, whole in ((nearly_singular(100)["Vandermonde"], False), (drawn("float64", 200, 200), True)):
        factors = substitution.Factors.of(matrix)
        assert factors is not None
        upper, lower = factors.inverses
        assert all(block is not None for block in (*upper, *lower)) is whole


def test_factors_go_with_the_solution() -> None:
    a, b = np.eye(40), np.ones(40)
    y = factored.solve(a, b)
    assert factored.solved_again(y.copy(), b, transposed=True) is None
    assert factored.solved_again(y, b[:, None], transposed=True) is None
    assert factored.solved_again(y, b.astype(complex), transposed=True) is None
    before = len(factored._kept)
    del y
    gc.collect()
    assert len(factored._kept) == before - 1


def test_what_numpy_refuses_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        factored.solve(np.zeros((40, 40)), np.ones(40))
    with pytest.raises(np.linalg.LinAlgError):
        factored.solve(np.ones((40, 41)), np.ones(40))
    with pytest.raises(ValueError, match="mismatch"):
        factored.solve(np.eye(40), np.ones(39))


@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_derivatives_with_kept_factors(kind: str) -> None:
    a, b = drawn(kind, 40, 40) + 3 * np.eye(40), drawn(kind, 40, 2, seed=1)

    def loss(a: Any, b: Any) -> Any:
        return np.sum(np.abs(np.linalg.solve(a, b)) ** 2)

    def by_inverse(a: Any, b: Any) -> Any:
        return np.sum(np.abs(np.linalg.inv(a) @ b) ** 2)

    directions = drawn(kind, 40, 40, seed=2), drawn(kind, 40, 2, seed=3)
    wanted = pb.jvp(by_inverse, (a, b), directions)[1], *pb.grad(by_inverse, argnums=(0, 1))(a, b)
    found = pb.jvp(loss, (a, b), directions)[1], *pb.grad(loss, argnums=(0, 1), engine="tape")(a, b)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def test_a_matrix_that_changes_afterwards() -> None:
    a, b = drawn("float64", 40, 40) + 3 * np.eye(40), drawn("float64", 40, seed=1)

    def loss(a: Any, b: Any) -> Any:
        y = np.linalg.solve(a, b)
        total = np.sum(y**2)
        y[:] = 7.0
        a[:] = 1.0
        return total + np.sum(y * 0)

    wanted = pb.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), argnums=(0, 1))(a, b)
    for ours, theirs in zip(pb.grad(loss, argnums=(0, 1), engine="tape")(a, b), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
