"""Cholesky factors: both triangles, stacks, and digits beyond those of finite differences."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from fifty_digits import slope
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb
from pullback.base.composed import COMPOSED
from pullback.rules.triangular import congruent, factor_cotangent


def definite(rng: np.random.Generator, shape: Any, complex: bool) -> Any:
    x = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if complex else 0)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1])


@pytest.mark.parametrize("complex", [False, True])
def test_against_fifty_digits(complex: bool) -> None:
    rng = np.random.default_rng(0)
    a, a_dot = definite(rng, (4, 4), complex), definite(rng, (4, 4), complex) - 3 * np.eye(4)
    wanted = slope(mpmath.cholesky, (a, a_dot))
    y_dot = pb.jvp(np.linalg.cholesky, (a,), (a_dot,))[1]
    np.testing.assert_allclose(y_dot, wanted, rtol=1e-13, atol=1e-14)
    y_bar = np.cos(np.arange(16.0)).reshape(4, 4) * (1 + 0.5j if complex else 1)
    (a_bar,) = pb.vjp(np.linalg.cholesky, a)[1](y_bar)
    np.testing.assert_allclose(
        np.sum(np.real(np.conj(a_bar) * a_dot)), np.sum(np.real(np.conj(y_bar) * wanted)), rtol=1e-13
    )


@given(
    batch=st.lists(st.integers(0, 3), max_size=2),
    n=st.integers(0, 4),
    complex=st.booleans(),
    upper=st.booleans(),
    seed=st.integers(0, 50),
)
def test_stacks_to_second_order(batch: list[int], n: int, complex: bool, upper: bool, seed: int) -> None:
    a = definite(np.random.default_rng(seed), (*batch, n, n), complex)
    assert pb.testing.gradcheck(lambda a: np.linalg.cholesky(a, upper=upper), a, tolerance=1e-4)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("n", [16, 20])
def test_stacks_of_large_matrices_are_those_of_single_ones(n: int, complex: bool) -> None:
    rng = np.random.default_rng(n)
    a, k = definite(rng, (3, n, n), complex), rng.standard_normal((3, n, n))
    gradient = pb.grad(lambda a: np.sum(np.abs(np.linalg.cholesky(a)) ** 3))
    np.testing.assert_allclose(gradient(a), [gradient(one) for one in a], rtol=1e-11, atol=1e-12)
    for reverse in (False, True):
        together = congruent(np.linalg.cholesky(a), k, reverse)
        alone = [congruent(np.linalg.cholesky(one), other, reverse) for one, other in zip(a, k, strict=True)]
        np.testing.assert_allclose(together, alone, rtol=1e-11)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(31, 31), (33, 33), (70, 70), (2, 1, 15, 15), (3, 40, 40)])
def test_cotangents_by_blocks_are_those_of_the_formula(kind: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(shape)
    a = definite(rng, shape, kind.startswith("c"))
    y, y_bar = np.linalg.cholesky(a), definite(rng, shape, kind.startswith("c")) @ a[..., ::-1, :]
    wanted = COMPOSED[factor_cotangent](y, y_bar)
    found = factor_cotangent(y.astype(kind), y_bar.astype(kind))
    assert found.dtype == kind
    assert not np.triu(found, 1).any()
    assert np.linalg.norm(found - wanted) < 200 * np.finfo(kind).eps * np.linalg.norm(wanted)


@pytest.mark.parametrize("complex", [False, True])
def test_a_factor_of_several_blocks_to_second_order(complex: bool) -> None:
    a = definite(np.random.default_rng(3), (40, 40), complex)
    assert pb.testing.gradcheck(lambda a: np.linalg.cholesky(a)[::9, ::7], a, tolerance=1e-4)


@pytest.mark.parametrize("condition", [1e3, 1e6])
def test_an_ill_conditioned_factor_keeps_its_digits(condition: float) -> None:
    rng = np.random.default_rng(4)
    q = np.linalg.qr(rng.standard_normal((100, 100)))[0]
    y = np.linalg.cholesky((q * np.geomspace(1, 1 / condition, 100)) @ q.T).astype(np.float32)
    y_bar = rng.standard_normal((100, 100)).astype(np.float32)
    wanted = COMPOSED[factor_cotangent](y.astype(float), y_bar.astype(float))
    found = factor_cotangent(y, y_bar)
    assert np.linalg.norm(found - wanted) < 1e-5 * np.linalg.norm(wanted)


@pytest.mark.parametrize("upper", [False, True])
def test_the_triangle_that_numpy_does_not_read_has_no_gradient(upper: bool) -> None:
    a = definite(np.random.default_rng(2), (3, 3), True)
    gradient = pb.grad(lambda a: np.sum(np.abs(np.linalg.cholesky(a, upper=upper)) ** 3))(a)
    unread = np.tril(gradient, -1) if upper else np.triu(gradient, 1)
    assert not unread.any()
    np.testing.assert_allclose(np.imag(np.diag(gradient)), 0, atol=1e-14)
    other = pb.grad(lambda a: np.sum(np.abs(np.linalg.cholesky(a, upper=not upper)) ** 3))(a)
    np.testing.assert_allclose(gradient, np.conj(other.T), atol=1e-13)


def test_the_zeros_above_the_diagonal_pass_nothing_on() -> None:
    """Not even where their cotangents are infinite, as those of a square root at 0."""
    a = np.array([[4.0, 1.0, 1.0], [1.0, 5.0, 2.0], [1.0, 2.0, 6.0]])
    all_of_it = pb.grad(lambda a: np.sum(np.sqrt(np.linalg.cholesky(a))))(a)
    lower = np.tril_indices(3)
    np.testing.assert_allclose(all_of_it, pb.grad(lambda a: np.sum(np.sqrt(np.linalg.cholesky(a)[lower])))(a))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype: Any) -> None:
    for shape in ((3, 3), (2, 17, 17)):
        a = definite(np.random.default_rng(4), shape, dtype is np.complex64).astype(dtype)
        y, pull = pb.vjp(np.linalg.cholesky, a)
        assert pull(y)[0].dtype == dtype
        assert pb.jvp(np.linalg.cholesky, (a,), (a,))[1].dtype == dtype


def test_a_matrix_that_is_not_definite_is_numpys_error() -> None:
    for derivative in (pb.grad, lambda f: lambda a: pb.jvp(f, (a,), (a,))):
        with pytest.raises(np.linalg.LinAlgError):
            derivative(lambda a: np.sum(np.linalg.cholesky(a)))(-np.eye(2))
