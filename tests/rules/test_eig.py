"""Eigenvalues and eigenvectors: phases, equal eigenvalues, missing eigenvectors, real matrices with pairs."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from fifty_digits import matrix_of
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb

TURNING = np.array([[0.5, 3.0, 0.2], [-2.0, 0.3, -0.4], [0.6, 0.1, 4.0]])
"""A real matrix with a pair of complex eigenvalues."""


def drawn(shape: Any, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) + 4 * np.diag(np.arange(shape[-1]))
    return x + 1j * rng.standard_normal(shape) if complex else x


def invariant(a: Any) -> list[Any]:
    """Functions of the eigensystem that no phase changes."""
    w, v = np.linalg.eig(a)
    fixed = v * np.conj(v[..., :1, :])
    sine = (v * np.sin(w)[..., None, :]) @ np.linalg.inv(v)
    return [w, np.abs(v) ** 2, fixed, sine]


@given(
    batch=st.lists(st.integers(0, 2), max_size=2),
    n=st.integers(1, 3),
    complex=st.booleans(),
    seed=st.integers(0, 50),
)
def test_stacks(batch: list[int], n: int, complex: bool, seed: int) -> None:
    a = drawn((*batch, n, n), complex, seed)
    assert pb.testing.gradcheck(invariant, a, order=1, tolerance=1e-4)
    assert pb.testing.gradcheck(np.linalg.eigvals, a, order=1, tolerance=1e-4)


@pytest.mark.parametrize(
    "a", [drawn((3, 3), False), drawn((3, 3), True), TURNING, np.stack([TURNING, drawn((3, 3), False)])]
)
def test_second_order(a: Any) -> None:
    assert pb.testing.gradcheck(invariant, a)
    assert pb.testing.gradcheck(np.linalg.eigvals, a)
    assert pb.testing.gradcheck(lambda a: np.sum(np.abs(np.linalg.eigvals(a)) ** 3), a)


@pytest.mark.parametrize("a", [drawn((4, 4), False), drawn((4, 4), True), TURNING])
def test_eigenvalues_against_fifty_digits(a: Any) -> None:
    a_dot = drawn(a.shape, a.dtype.kind == "c", 1)
    w_dot = pb.jvp(np.linalg.eigvals, (a,), (a_dot,))[1]
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -16
        found = []
        for sign in (1, -1):
            w = mpmath.eig(matrix_of(a) + sign * step * matrix_of(a_dot), left=False, right=False)
            nearest = [min(w, key=lambda x, y=y: abs(x - complex(y))) for y in np.linalg.eigvals(a)]
            found.append(nearest)
        wanted = [complex((up - down) / (2 * step)) for up, down in zip(*found, strict=True)]
    np.testing.assert_allclose(w_dot, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("a", [drawn((3, 3), True), TURNING])
def test_tangents_of_eigenvectors_are_those_of_what_lapack_returns(a: Any) -> None:
    """Phases included: the largest component of each stays real."""
    a_dot = drawn(a.shape, a.dtype.kind == "c", 1)
    v_dot = pb.jvp(lambda a: np.linalg.eig(a)[1], (a,), (a_dot,))[1]
    up, down = (np.linalg.eig(a + step * a_dot)[1] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(v_dot, (up - down) / 2e-6, atol=1e-7)


@pytest.mark.parametrize("complex", [False, True])
def test_a_loss_that_depends_on_a_phase_is_an_error(complex: bool) -> None:
    a = drawn((3, 3), True) if complex else TURNING
    for function in (phase, pb.compile(phase, jit=False)) if complex else (phase,):
        with pytest.raises(pb.NotDifferentiableError, match="phase of the eigenvector"):
            pb.grad(function)(a)
    near = pb.grad(lambda a: np.sum(np.abs(np.linalg.eig(a)[1]) ** 2 * np.arange(3)))(a)
    assert np.isfinite(near).all()


def phase(a: Any) -> Any:
    return np.sum(np.real(np.linalg.eig(a)[1]) ** 3)


def test_real_eigenvectors_of_a_real_matrix_have_no_phase() -> None:
    """Neither alone nor beside a complex pair."""
    a = drawn((3, 3), False)
    assert np.linalg.eig(a)[1].dtype == float
    assert pb.testing.gradcheck(lambda a: np.linalg.eig(a)[1] ** 3, a)
    k = int(np.argmin(np.abs(np.linalg.eigvals(TURNING).imag)))
    assert pb.testing.gradcheck(lambda a: np.real(np.linalg.eig(a)[1][:, k]) ** 3, TURNING)


REVERSE_AND_FORWARD = [lambda f, a: pb.grad(f)(a), lambda f, a: pb.jvp(f, (a,), (np.ones_like(a),))]


@pytest.mark.parametrize("derivative", REVERSE_AND_FORWARD)
@pytest.mark.parametrize(
    "a",
    [
        np.array([[0.0, 1.0], [0.0, 0.0]]),
        np.array([[2.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]]),
        np.array([[3.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 0.0, 3.0]]) + 0j,
        np.array([[1.0, 1.0], [-1.0, -1.0]]),
        np.array([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 1e-3], [0.0, 1.0]]]),
    ],
)
def test_a_missing_eigenvector_is_an_error(a: Any, derivative: Any) -> None:
    """Whatever the cotangents: the discriminant has zero ones, and yet moves with the matrix."""
    losses = [
        lambda a: np.real(np.sum(np.linalg.eigvals(a))),
        lambda a: np.real((np.linalg.eigvals(a)[..., 0] - np.linalg.eigvals(a)[..., 1]) ** 2).sum(),
        lambda a: np.sum(np.abs(np.linalg.eig(a)[1])),
    ]
    for loss in losses:
        with pytest.raises(
            pb.NotDifferentiableError, match=r"eigenvalues [01] and [12] of a matrix are equal"
        ):
            derivative(loss, a)


def similar_to(w: Any, seed: int = 0) -> Any:
    basis = np.random.default_rng(seed).standard_normal((len(w), len(w)))
    return basis @ np.diag(w) @ np.linalg.inv(basis)


@pytest.mark.parametrize("a", [np.eye(3), np.diag([1.0, 1.0, 2.0]), similar_to([1.0, 1.0, 2.0])])
def test_functions_of_the_spectrum_at_equal_eigenvalues(a: Any) -> None:
    """``Σ f(w)`` is ``tr f(A)``, whose gradient is ``f'(A)ᵀ``."""
    cubes = pb.grad(lambda a: np.real(np.sum(np.linalg.eigvals(a) ** 3)))(a)
    np.testing.assert_allclose(cubes, 3 * (a @ a).T, atol=1e-9)
    by_eig = pb.grad(lambda a: np.real(np.sum(np.linalg.eig(a)[0] ** 3)))(a)
    np.testing.assert_allclose(by_eig, cubes, atol=1e-9)
    determinant = pb.grad(lambda a: np.real(np.prod(np.linalg.eigvals(a))))(a)
    np.testing.assert_allclose(determinant, pb.grad(np.linalg.det)(a), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_equal_is_told_from_different_by_what_rounding_makes_of_it(dtype: Any) -> None:
    """Random matrices have derivatives, however large; equal eigenvalues among many are found."""
    for n in (3, 10, 30):
        rng = np.random.default_rng(n)
        basis, w = rng.standard_normal((n, n)), 2 * rng.standard_normal(n)
        w[1] = w[0]
        jordan = np.diag(w)
        jordan[0, 1] = 1
        equal, missing = (
            (basis @ middle @ np.linalg.inv(basis)).astype(dtype) for middle in (np.diag(w), jordan)
        )
        different = rng.standard_normal((n, n)).astype(dtype)
        assert np.isfinite(pb.grad(lambda a: np.sum(np.abs(np.linalg.eig(a)[1]) ** 4))(different)).all()
        for a in (equal, missing):
            with pytest.raises(pb.NotDifferentiableError, match="are equal"):
                pb.grad(lambda a: np.sum(np.abs(np.linalg.eig(a)[1]) ** 4))(a)


def test_an_eigenvalue_on_its_own_beside_equal_ones() -> None:
    a = np.diag([1.0, 1.0, 2.0])
    largest = pb.grad(lambda a: np.max(np.real(np.linalg.eigvals(a))))(a)
    np.testing.assert_allclose(largest, np.diag([0.0, 0.0, 1.0]), atol=1e-14)


@pytest.mark.parametrize("a", [np.eye(2), np.diag([1.0, 1.0, 2.0]), similar_to([3.0, 3.0, 1.0])])
def test_what_tells_equal_eigenvalues_apart_is_an_error(a: Any) -> None:
    w = np.linalg.eigvals(a)
    one, other = np.argsort(-np.sum(np.abs(w[:, None] - w) < 1e-6, axis=1), kind="stable")[:2]
    for loss in (
        lambda a: np.real(np.linalg.eigvals(a)[one] - np.linalg.eigvals(a)[other]),
        lambda a: np.real(np.linalg.eig(a)[0][one]),
        lambda a: np.sum(np.abs(np.linalg.eig(a)[1][:, other]) * np.arange(len(a))),
        lambda a: np.sum(np.linalg.eig(a)[1][one, other] ** 2),
    ):
        with pytest.raises(pb.NotDifferentiableError, match="are equal"):
            pb.grad(loss)(a)
    with pytest.raises(pb.NotDifferentiableError, match="are equal"):
        pb.hessian(lambda a: np.real(np.sum(np.linalg.eigvals(a) ** 3)))(a)
    with pytest.raises(pb.NotDifferentiableError, match="are equal"):
        pb.jvp(np.linalg.eigvals, (a,), (np.ones_like(a),))


def test_the_eigenvector_of_a_simple_eigenvalue_beside_equal_ones() -> None:
    a = similar_to([1.0, 1.0, 2.0])

    def dominant(a: Any) -> Any:
        w, v = np.linalg.eig(a)
        return np.sum(np.abs(v[:, np.argmax(np.real(w))]) ** 2 * np.arange(3))

    a_dot = np.random.default_rng(1).standard_normal((3, 3))
    numeric = (dominant(a + 1e-6 * a_dot) - dominant(a - 1e-6 * a_dot)) / 2e-6
    np.testing.assert_allclose(np.sum(pb.grad(dominant)(a) * a_dot), numeric, rtol=1e-7)
    # Of unit vectors a cotangent of zeros does not tell whether they are in use.
    with pytest.raises(pb.NotDifferentiableError, match="any mixture"):
        pb.grad(dominant)(np.diag([1.0, 1.0, 2.0]))


def test_eigenvalues_that_are_near_but_not_equal() -> None:
    a = np.diag([1.0, 1.0 + 1e-6])
    gradient = pb.grad(lambda a: np.linalg.eig(a)[0][1])(a)
    np.testing.assert_allclose(gradient, np.diag([0.0, 1.0]), atol=1e-12)
    v_dot = pb.jvp(lambda a: np.linalg.eig(a)[1], (a,), (np.array([[0.0, 1.0], [0.0, 0.0]]),))[1]
    np.testing.assert_allclose(v_dot, [[0, 1e6], [0, 0]], rtol=1e-9)


def test_the_two_ways_of_lapack_to_the_eigenvalues_are_matched() -> None:
    for seed in range(20):
        a = np.random.default_rng(seed).standard_normal((6, 6))
        w = np.linalg.eigvals(a)
        weight = np.arange(6.0)
        gradient = pb.grad(lambda a, weight=weight: np.sum(weight * np.real(np.linalg.eigvals(a))))(a)
        a_dot = np.random.default_rng(seed + 1).standard_normal((6, 6))
        tangent = pb.jvp(np.linalg.eigvals, (a,), (a_dot,))[1]
        np.testing.assert_allclose(np.sum(gradient * a_dot), weight @ tangent.real, rtol=1e-8, atol=1e-9)
        moved = np.linalg.eigvals(a + 1e-7 * a_dot)
        nearest = moved[np.argmin(np.abs(moved - w[:, None]), axis=1)]
        np.testing.assert_allclose((nearest - w) / 1e-7, tangent, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype: Any) -> None:
    a = drawn((2, 3, 3), dtype is np.complex64).astype(dtype)
    for function in (invariant, np.linalg.eigvals):
        y, pull = pb.vjp(function, a)
        (a_bar,) = pull(y)
        assert a_bar.dtype == dtype
        dots = pb.jvp(function, (a,), (a,))[1]
        parts = zip(*((dots, y) if isinstance(y, list) else ([dots], [y])), strict=True)
        assert all(dot.dtype == part.dtype for dot, part in parts)


@pytest.mark.parametrize(
    "a", [np.array([[2.7 - 0.15j]]), np.diag([1 + 2j, 3 - 1j, 0.3 + 0.1j]), np.array([[1, 2], [0, 3j]])]
)
def test_second_derivatives_of_eigenvalues_know_of_no_phase(a: Any) -> None:
    """Where hardly anything depends on the eigenvectors, what does is rounding, and that has any phase."""
    assert pb.testing.gradcheck(lambda a: np.sum(np.abs(np.linalg.eigvals(a)) ** 3), a)
