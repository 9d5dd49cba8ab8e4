"""det is a polynomial, with derivatives at singular matrices too; a complex slogdet moves its sign."""

import itertools
from typing import Any

import numpy as np
import pytest

from pullback.base.errors import NotDifferentiableError
from pullback.rules import determinant
from pullback.rules.table import TABLE
from pullback.testing.rows import check_row

DTYPES = (np.float64, np.complex128, np.float32, np.complex64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "function", [np.linalg.det, np.linalg.slogdet, determinant.minors], ids=lambda f: f.__name__
)
def test_row(function: Any, dtype: Any) -> None:
    assert check_row(TABLE[function], dtype) > 0


def leibniz(*matrices: Any) -> Any:
    """The sum over permutations of sign times product, where row i is taken from ``matrices[i]``."""
    size = len(matrices)
    total = 0.0
    for order in itertools.permutations(range(size)):
        sign = round(np.linalg.det(np.eye(size)[list(order)]))
        total = total + sign * np.prod([matrices[i][i, order[i]] for i in range(size)])
    return total


def polarized(a: Any, *directions: Any) -> Any:
    """The derivative of det along `directions` by its definition: they replace rows in every way."""
    size = len(a)
    total = 0.0
    for rows in itertools.permutations(range(size), len(directions)):
        chosen = dict(zip(rows, directions, strict=True))
        total = total + leibniz(*(chosen.get(i, a) for i in range(size)))
    return total


def of_rank(rank: int, size: int, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng([rank, size, seed])
    left, right = rng.standard_normal((2, size, rank)) + 1j * complex * rng.standard_normal((2, size, rank))
    a = left @ right.T
    return a if complex else a.real


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize(("rank", "size"), [(r, n) for n in (1, 2, 3, 4) for r in range(n + 1)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_at_every_rank(order: int, rank: int, size: int, complex: bool) -> None:
    a = of_rank(rank, size, complex)
    directions = [of_rank(size, size, complex, seed) for seed in range(1, order + 1)]
    ours = np.sum(determinant.minors(a, *directions[:-1]) * directions[-1])
    np.testing.assert_allclose(ours, polarized(a, *directions), atol=1e-11)


def test_singular_and_regular_matrices_in_one_stack() -> None:
    stack = np.stack([of_rank(r, 4, False) for r in (4, 3, 2)])
    alone = np.stack([determinant.minors(a) for a in stack])
    np.testing.assert_allclose(determinant.minors(stack), alone, atol=1e-12)


def test_integers_of_exactly_rank_one_less() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(determinant.det_vjp(1.0, 0.0, a), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-14)


def test_nan_gives_nan_and_no_error() -> None:
    with np.errstate(invalid="ignore"):
        assert np.all(np.isnan(determinant.minors(np.full((2, 2), np.nan))))


def test_a_fourth_derivative_is_refused() -> None:
    a = np.eye(3)
    with pytest.raises(NotDifferentiableError, match="third"):
        determinant.minors(a, a, a, a)


def test_float32_stays_float32() -> None:
    for a in (np.eye(3, dtype=np.float32), np.ones((3, 3), np.float32)):
        assert (
            determinant.minors(a).dtype
            == determinant.minors(a, a).dtype
            == determinant.minors(a, a, a).dtype
            == np.float32
        )


def test_the_sign_of_a_complex_determinant_moves_along_the_circle() -> None:
    a = np.array([[2.0 + 1.0j]])
    # sign = a/|a|: along i a it turns by i, along a it stays.
    sign_dot, log_dot = determinant.slogdet_jvp(1j * a, np.linalg.slogdet(a), a)
    np.testing.assert_allclose([sign_dot, log_dot], [1j * a[0, 0] / abs(a[0, 0]), 0], atol=1e-15)
    sign_dot, log_dot = determinant.slogdet_jvp(a, np.linalg.slogdet(a), a)
    np.testing.assert_allclose([sign_dot, log_dot], [0, 1], atol=1e-15)
