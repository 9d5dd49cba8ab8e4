"""Pseudo-inverses of every rank: along matrices of the same rank, and errors off them."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from fifty_digits import slope
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb


def drawn(shape: Any, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex else x


@given(
    batch=st.lists(st.integers(0, 2), max_size=2),
    rows=st.integers(0, 4),
    columns=st.integers(0, 4),
    complex=st.booleans(),
    seed=st.integers(0, 50),
)
def test_full_rank(batch: list[int], rows: int, columns: int, complex: bool, seed: int) -> None:
    a = drawn((*batch, rows, columns), complex, seed) + 3 * np.eye(rows, columns)
    assert pb.testing.gradcheck(np.linalg.pinv, a, tolerance=1e-4)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_against_fifty_digits(shape: Any, complex: bool) -> None:
    def inverse(a: Any) -> Any:
        if a.rows >= a.cols:
            return mpmath.inverse(a.H * a) * a.H
        return a.H * mpmath.inverse(a * a.H)

    a, a_dot = drawn(shape, complex), drawn(shape, complex, 1)
    ours = pb.jvp(np.linalg.pinv, (a,), (a_dot,))[1]
    np.testing.assert_allclose(ours, slope(inverse, (a, a_dot)), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize(("rows", "rank", "columns"), [(4, 2, 3), (3, 1, 3), (3, 2, 5)])
def test_a_product_of_low_rank_to_second_order(rows: int, rank: int, columns: int, complex: bool) -> None:
    x, y = drawn((rows, rank), complex), drawn((rank, columns), complex, 1)
    assert pb.testing.gradcheck(lambda x, y: np.linalg.pinv(x @ y, 1e-9), x, y, tolerance=1e-3)
    by_parts = pb.grad(lambda x: np.sum(np.abs(np.linalg.pinv(y) @ np.linalg.pinv(x)) ** 2))(x)
    at_once = pb.grad(lambda x: np.sum(np.abs(np.linalg.pinv(x @ y)) ** 2))(x)
    np.testing.assert_allclose(at_once, by_parts, rtol=1e-9)


def test_a_tangent_that_changes_the_rank_is_an_error() -> None:
    a = drawn((4, 2), False) @ drawn((2, 3), False, 1)
    with pytest.raises(pb.NotDifferentiableError, match="rank of a matrix changes"):
        pb.jvp(lambda a: np.linalg.pinv(a, 1e-9), (a,), (drawn((4, 3), False, 2),))
    zero = np.zeros((2, 2))
    with pytest.raises(pb.NotDifferentiableError, match="rank of a matrix changes"):
        pb.jvp(np.linalg.pinv, (zero,), (np.eye(2),))


@pytest.mark.parametrize("option", [{"rcond": 0.1}, {"rtol": 0.1}])
def test_a_singular_value_that_is_dropped_although_it_is_not_zero_is_an_error(option: Any) -> None:
    a = np.stack([np.eye(2), np.diag([1.0, 0.01])])
    for derivative in (pb.grad, lambda f: lambda a: pb.jvp(f, (a,), (a,))):
        with pytest.raises(pb.NotDifferentiableError, match="drops a singular value"):
            derivative(lambda a: np.sum(np.linalg.pinv(a, **option)))(a)


def test_ill_conditioned_matrices_have_full_rank() -> None:
    a = np.diag([1.0, 1e-7, 1e-13])
    gradient = pb.grad(lambda a: np.sum(np.linalg.pinv(a, 1e-15) * np.eye(3)))(a)
    np.testing.assert_allclose(np.diag(gradient), [-1, -1e14, -1e26], rtol=1e-6)


@pytest.mark.parametrize("complex", [False, True])
def test_hermitian_reads_the_lower_triangle(complex: bool) -> None:
    x = drawn((3, 3), complex)
    a = x + np.conj(x.T)
    assert pb.testing.gradcheck(lambda a: np.linalg.pinv(a, hermitian=True), a, tolerance=1e-4)
    gradient = pb.grad(lambda a: np.sum(np.abs(np.linalg.pinv(a, hermitian=True)) ** 2))(a)
    assert not np.triu(gradient, 1).any()
    y = drawn((3, 2), complex, 1)
    assert pb.testing.gradcheck(
        lambda y: np.linalg.pinv(y @ np.conj(y.T), 1e-9, hermitian=True), y, tolerance=1e-3
    )


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype: Any) -> None:
    a = drawn((2, 4, 3), dtype is np.complex64).astype(dtype)
    y, pull = pb.vjp(np.linalg.pinv, a)
    assert pull(y)[0].dtype == dtype
    assert pb.jvp(np.linalg.pinv, (a,), (a,))[1].dtype == dtype
