"""Decompositions of matrices whose values are apart: both modes, two orders, every form NumPy has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb


def adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def drawn(*shape: int, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    a = rng.standard_normal(shape)
    return a + 1j * rng.standard_normal(shape) if complex else a


def of_eigh(a: Any, UPLO: Any = "L") -> Any:
    """What does not depend on signs and phases: values, a projector, a matrix function, magnitudes."""
    w, v = np.linalg.eigh(a, UPLO)
    kept = v[..., :, :2]
    return w, kept @ adjoint(kept), (v * np.exp(w)[..., None, :]) @ adjoint(v), np.abs(v) ** 2


def of_svd(a: Any, full_matrices: bool = False) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices)
    count = s.shape[-1]
    product = (u[..., :, :count] * s[..., None, :] ** 2) @ vh[..., :count, :]
    rest_u, rest_v = u[..., :, 1:], vh[..., 1:, :]
    return s, product, u[..., :, :1] @ vh[..., :1, :], rest_u @ adjoint(rest_u), adjoint(rest_v) @ rest_v


def of_hermitian(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a + adjoint(a), hermitian=True)
    return s, (u * s[..., None, :] ** 2) @ vh


FUNCTIONS = {
    "eigh": of_eigh,
    "eigh of the upper triangle": lambda a: of_eigh(a, "U"),
    "eigvalsh": np.linalg.eigvalsh,
    "eigvalsh of the upper triangle": lambda a: np.linalg.eigvalsh(a, UPLO="U"),
    "svd, hermitian": of_hermitian,
    "values of svd, hermitian": lambda a: np.linalg.svd(a + adjoint(a), compute_uv=False, hermitian=True),
    "condition": lambda a: np.stack([np.linalg.cond(a, p) for p in (None, 2, -2, 1, np.inf, "fro", "nuc")]),
}
RECTANGULAR = {
    "svd": of_svd,
    "full svd": lambda a: of_svd(a, True),
    "values of svd": lambda a: np.linalg.svd(a, compute_uv=False),
    "svdvals": np.linalg.svdvals,
    "norms": lambda a: np.stack([np.linalg.norm(a, p, axis=(-2, -1)) for p in (2, -2, "nuc")]),
}


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 1, 3, 3)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_square(name: str, shape: tuple[int, ...], complex: bool) -> None:
    assert pb.testing.gradcheck(FUNCTIONS[name], drawn(*shape, complex=complex))


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 5), (2, 3, 4), (3, 1)], ids=str)
@pytest.mark.parametrize("name", RECTANGULAR)
def test_rectangular(name: str, shape: tuple[int, ...], complex: bool) -> None:
    assert pb.testing.gradcheck(RECTANGULAR[name], drawn(*shape, complex=complex))


@given(
    st.lists(st.integers(0, 3), max_size=2),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
def test_shapes_and_batches(batch: list[int], rows: int, columns: int, complex: bool, full: bool) -> None:
    a = drawn(*batch, rows, columns, complex=complex)
    assert pb.testing.gradcheck(lambda a: of_svd(a, full), a, order=1)
    assert pb.testing.gradcheck(of_eigh, a @ adjoint(a) + 3 * np.diag(np.arange(rows)), order=1)


@pytest.mark.parametrize("dtype", ["f", "F"])
def test_single_precision_stays(dtype: str) -> None:
    a = (drawn(4, 4, complex=dtype == "F") + np.diag([0, 3, 6, 9])).astype(dtype)

    def loss(part: Any) -> Any:
        return sum(np.sum(np.real(x) ** 2 * np.arange(1, 5)) for x in part)

    for function in (of_eigh, of_svd, RECTANGULAR["norms"]):

        def of(a: Any, function: Any = function) -> Any:
            result = function(a)
            return np.sum(result[0] ** 2) + np.sum(np.real(result[1]) ** 2)

        single, double = pb.grad(of)(a), pb.grad(of)(a.astype("D" if dtype == "F" else "d"))
        assert single.dtype == dtype
        np.testing.assert_allclose(single, double, atol=2e-4 * np.max(np.abs(double)))
        value, tangent = pb.jvp(of, (a,), (a,))
        assert value.dtype == tangent.dtype == np.float32


def test_values_are_numpys_to_the_bit_where_they_are_apart() -> None:
    a = drawn(5, 5, complex=True)
    x = pb.Variable(a)
    for ours, theirs in ((np.linalg.eigh(x), np.linalg.eigh(a)), (np.linalg.svd(x), np.linalg.svd(a))):
        assert type(ours) is type(theirs)
        parts: Any = ours
        for part, numpys in zip(parts, theirs, strict=True):
            assert np.array_equal(part.value, numpys)


def test_the_other_triangle_has_no_derivative() -> None:
    a = drawn(3, 3, complex=False)
    assert not np.triu(pb.grad(lambda a: np.linalg.eigvalsh(a)[0])(a), 1).any()
    assert not np.tril(pb.grad(lambda a: np.linalg.eigvalsh(a, "U")[0])(a), -1).any()


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("triangle", ["L", "U"])
def test_a_large_matrix_has_the_derivative_of_one_in_a_stack(triangle: Any, complex: bool) -> None:
    """It is computed some rows at a time."""
    a = drawn(150, 150, complex=complex)
    weights = drawn(150, 150, complex=False, seed=1)

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh(a, triangle)
        return np.sum(w * weights[0]) + np.sum(np.abs(v) ** 2 * weights)

    alone, stacked = pb.grad(loss)(a), pb.grad(loss)(a[None])[0]
    np.testing.assert_allclose(alone, stacked, rtol=1e-9, atol=1e-9 * np.abs(stacked).max())


def test_a_phase_is_arbitrary() -> None:
    a = drawn(3, 3, complex=True)

    def of_pair(a: Any) -> Any:
        u, _, vh = np.linalg.svd(a)
        return np.real(u[0, 2] * vh[2, 0])

    with pytest.raises(pb.NotDifferentiableError, match="phase of the vector of eigenvalues 1 "):
        pb.grad(lambda a: np.real(np.linalg.eigh(a)[1][1, 1]))(a)
    with pytest.raises(pb.NotDifferentiableError, match="phase of the vector of singular values 2 "):
        pb.grad(lambda a: np.imag(np.linalg.svd(a)[0][1, 2]))(a)
    with pytest.raises(pb.NotDifferentiableError, match="of matrix 1 "):
        pb.grad(lambda a: np.real(np.linalg.eigh(a)[1][1, 1, 1]))(np.stack([a, a]))
    assert pb.testing.gradcheck(of_pair, a)  # in a pair of singular vectors the two phases cancel
