"""Systems solved with factors kept from before: in both modes, of all kinds and sizes, and no longer."""

from __future__ import annotations

import gc
from collections import Counter
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


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often matrices are factorised: by us, and by each function of NumPy's."""
    counts: Counter[str] = Counter()
    factorise, own = substitution.Factors.of, np.linalg._linalg._umath_linalg  # type: ignore[attr-defined]

    def of(a: Any, room: Any = None) -> Any:
        counts["factors"] += 1
        return factorise(a, room)

    class Watched:
        def __getattr__(self, name: str) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                counts[name] += 1
                return getattr(own, name)(*args, **kwargs)

            return call

    monkeypatch.setattr(substitution.Factors, "of", of)
    monkeypatch.setattr(np.linalg._linalg, "_umath_linalg", Watched())
    factored._recent.clear()
    return counts


def gaussian(a: Any, b: Any) -> Any:
    return np.real(b @ np.linalg.solve(a, b)) + np.linalg.slogdet(a)[1]


def by_inverse(a: Any, b: Any) -> Any:
    return np.real(b @ np.linalg.inv(a) @ b) + np.linalg.slogdet(a)[1]


def determinants(a: Any, b: Any) -> Any:
    sign, logarithm = np.linalg.slogdet(a)
    return np.real(np.linalg.det(a / 6) * sign * b[0]) + logarithm * np.abs(b[1]) ** 2


def turned(a: Any, b: Any) -> Any:
    return np.abs(np.sum(np.linalg.solve(a, b) * np.linalg.solve(a.T, b))) ** 2


TWICE = [gaussian, by_inverse, turned]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", TWICE)
def test_one_factorisation_for_a_matrix_and_all_derivatives(
    function: Any, kind: str, counted: Counter[str]
) -> None:
    a, b = drawn(kind, 40, 40) + 5 * np.eye(40, dtype=kind), drawn(kind, 40, seed=1)
    along = (b[:, None] * b, b)
    value, gradient = pb.value_and_grad(function, engine="tape")(a, b)
    slope = pb.jvp(function, (a, b), along)[1]
    pb.jvp(pb.grad(function, engine="tape"), (a, b), along)
    pb.grad(lambda a: np.sum(np.abs(pb.grad(function, engine="tape")(a, b)) ** 2), engine="tape")(a)
    assert counted == {"factors": 1}
    assert gradient.dtype == kind
    assert np.asarray(slope).dtype == value.dtype == np.abs(b).dtype
    np.testing.assert_allclose(value, function(a, b), rtol=2e-3 if kind in KINDS[::2] else 1e-10)


def test_a_determinant_and_its_gradient_by_one_factorisation(counted: Counter[str]) -> None:
    a, b = drawn("float64", 40, 40) + 5 * np.eye(40), drawn("float64", 40, seed=1)
    pb.grad(determinants, argnums=(0, 1), engine="tape")(a, b)
    assert counted == {"factors": 2}  # of a, and of a / 6
    counted.clear()
    pb.jvp(determinants, (a, b), (a, b))
    assert counted == {"factors": 2}


@pytest.mark.parametrize("kind", ["float64", "complex128"])
@pytest.mark.parametrize("function", [*TWICE, determinants])
def test_derivatives_by_factors_that_are_shared(function: Any, kind: str) -> None:
    a, b = drawn(kind, 40, 40) + 5 * np.eye(40), drawn(kind, 40, seed=1)
    dots = drawn(kind, 40, 40, seed=2), drawn(kind, 40, seed=3)
    h = 1e-6
    slopes = [
        (f(a + h * dots[0], b + h * dots[1]) - f(a - h * dots[0], b - h * dots[1])) / (2 * h)
        for f in (function, pb.grad(function, engine="tape"))
    ]
    np.testing.assert_allclose(pb.jvp(function, (a, b), dots)[1], slopes[0], rtol=1e-6)
    gradients = pb.grad(function, argnums=(0, 1), engine="tape")(a, b)
    total = sum(np.sum(np.real(np.conj(g) * d)) for g, d in zip(gradients, dots, strict=True))
    np.testing.assert_allclose(total, slopes[0], rtol=1e-6)
    moved = pb.jvp(pb.grad(function, engine="tape"), (a, b), dots)[1]
    np.testing.assert_allclose(moved, slopes[1], rtol=1e-4, atol=1e-5 * np.max(np.abs(slopes[1])))


def test_a_matrix_that_is_written_into_is_factorised_anew() -> None:
    a, b = drawn("float64", 40, 40) + 5 * np.eye(40), pb.Variable(drawn("float64", 40, seed=1))
    first = np.linalg.solve(a, b)
    a[0, 0] += 1
    np.testing.assert_allclose(np.linalg.solve(a, b).value, np.linalg.solve(a, b.value), rtol=1e-12)
    assert not np.allclose(first.value, np.linalg.solve(a, b.value))


def test_the_sign_of_permutations() -> None:
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(33)
        found = factored.slogdet(np.eye(33)[order] * 2)
        np.testing.assert_allclose(found, np.linalg.slogdet(np.eye(33)[order] * 2))
        assert isinstance(found, type(np.linalg.slogdet(np.eye(1))))


def test_large_factors_are_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factored, "_LARGE", 100)
    factored.det(np.eye(33))
    gc.collect()
    assert not factored._recent


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
