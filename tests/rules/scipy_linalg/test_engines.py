"""pullback.scipy.linalg: flags, composed functions, errors; each engine, compiled code included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from drop_in import definite, matrix, with_ours

import pullback as pb
from pullback.testing import gradcheck

# -- functions composed of parts, as users write them ------------------------------------------------------


def solved_by_cholesky(a: Any, b: Any) -> Any:
    return scipy.linalg.cho_solve(scipy.linalg.cho_factor(a), b)


def solved_by_lower_cholesky(a: Any, b: Any) -> Any:
    c, low = scipy.linalg.cho_factor(a, lower=True, overwrite_a=True)
    return scipy.linalg.cho_solve((c, low), b, overwrite_b=True)


def cholesky_array(a: Any, b: Any) -> Any:
    return scipy.linalg.cho_factor(a)[0] @ b


def solved_by_lu(a: Any, b: Any) -> Any:
    return scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b)


def solved_by_lu_transposed(a: Any, b: Any) -> Any:
    lu, piv = scipy.linalg.lu_factor(a)
    return scipy.linalg.lu_solve((lu, piv), b, trans=1)


def solved_by_lu_adjoint(a: Any, b: Any) -> Any:
    lu, piv = scipy.linalg.lu_factor(a)
    return scipy.linalg.lu_solve((lu, piv), b, 2)


def permuted(a: Any, b: Any) -> Any:
    factors: Any = scipy.linalg.lu(a, permute_l=True)
    pl, u = factors
    return pl @ b + u @ b**2


def toeplitz_product(a: Any, b: Any) -> Any:
    return scipy.linalg.toeplitz(a[0], b) @ a[:, 1] if b.shape[0] == a.shape[0] else a @ b


def toeplitz_alone(a: Any, b: Any) -> Any:
    return scipy.linalg.toeplitz(b) @ a


def circulant_product(a: Any, b: Any) -> Any:
    return scipy.linalg.circulant(b) @ a


def exponential(a: Any, b: Any) -> Any:
    return scipy.linalg.expm(a) @ b


def logarithm(a: Any, b: Any) -> Any:
    return scipy.linalg.logm(a) @ b


def root(a: Any, b: Any) -> Any:
    return scipy.linalg.sqrtm(a) @ b


def several(a: Any, b: Any) -> Any:
    u, p = scipy.linalg.polar(scipy.linalg.block_diag(a, a), side="left")
    n = a.shape[0]
    return u[:n, :n] @ b + p[n:, n:] @ b**2


def overwriting(a: Any, b: Any) -> Any:
    c, d, e = a * 1, b * 1, a * a
    x = scipy.linalg.solve(c, d, overwrite_a=True, overwrite_b=True)
    return x + scipy.linalg.inv(e, True) @ b


COMPOSED = [
    solved_by_cholesky,
    solved_by_lower_cholesky,
    cholesky_array,
    solved_by_lu,
    solved_by_lu_transposed,
    solved_by_lu_adjoint,
    permuted,
    toeplitz_product,
    toeplitz_alone,
    circulant_product,
    exponential,
    logarithm,
    root,
    several,
    overwriting,
]


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("function", COMPOSED)
def test_against_finite_differences_and_scipy(function: Callable[..., Any], kind: type) -> None:
    a, b = definite(3, kind), matrix(1, 3, kind=kind)[0]
    ours = with_ours(function)
    np.testing.assert_array_equal(ours(a.copy(), b.copy()), function(a.copy(), b.copy()))
    tracked = pb.vjp(ours, a, b)[0]
    np.testing.assert_allclose(tracked, ours(a.copy(), b.copy()), rtol=1e-12)
    assert gradcheck(ours, a, b, tolerance=1e-4)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("function", COMPOSED)
def test_compiled_under_scipys_own_names(function: Callable[..., Any], kind: type) -> None:
    def loss(a: Any, b: Any) -> Any:
        y = function(a, b)
        return np.sum(np.real(y) ** 2 + np.imag(y))

    def our_loss(a: Any, b: Any) -> Any:
        y = with_ours(function)(a, b)
        return np.sum(np.real(y) ** 2 + np.imag(y))

    a, b = definite(3, kind), matrix(1, 3, kind=kind)[0]
    wanted = pb.value_and_grad(our_loss, argnums=(0, 1))(a, b)
    found = pb.value_and_grad(pb.compile(loss, jit=False), argnums=(0, 1))(a, b)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10)
    for got, want in zip(found[1], wanted[1], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("function", [exponential, solved_by_cholesky, solved_by_lu, toeplitz_alone])
def test_compiled_by_numba(function: Callable[..., Any]) -> None:
    def loss(a: Any, b: Any) -> Any:
        return np.sum(function(a, b) ** 2)

    def our_loss(a: Any, b: Any) -> Any:
        return np.sum(with_ours(function)(a, b) ** 2)

    a, b = definite(3, float), matrix(1, 3)[0]
    np.testing.assert_allclose(pb.grad(pb.compile(loss))(a, b), pb.grad(our_loss)(a, b), rtol=1e-9)
