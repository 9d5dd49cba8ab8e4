"""The compiled linear algebra gives what its Python versions do: generic matrices, others, and errors."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import NotDifferentiableError
from pullback.emit import lapack, matmul, native, triangles
from pullback.emit.compile import OPTIONS
from pullback.scipy.linalg import expm as expm_of

assert lapack
assert triangles
assert matmul


def solve(a: Any, b: Any) -> Any:
    return native.solve(a, b)


def cholesky(a: Any) -> Any:
    return native.cholesky(a)


def congruent(l: Any, k: Any, reverse: Any) -> Any:  # noqa: E741
    return native.congruent(l, k, reverse)


def factor_cotangent(l: Any, l_bar: Any) -> Any:  # noqa: E741
    return native.factor_cotangent(l, l_bar)


def eigh(a: Any) -> Any:
    return native.eigh(a)


def eigh_cotangent(w_bar: Any, v_bar: Any, w: Any, v: Any) -> Any:
    return native.eigh_cotangent(w_bar, v_bar, w, v)


def svd(a: Any) -> Any:
    return native.svd(a)


def svd_cotangent(u_bar: Any, s_bar: Any, vh_bar: Any, u: Any, s: Any, vh: Any) -> Any:
    return native.svd_cotangent(u_bar, s_bar, vh_bar, u, s, vh)


compiled: dict[Any, Any] = {
    function: numba.njit(**OPTIONS)(function)
    for function in (solve, cholesky, congruent, factor_cotangent, eigh, eigh_cotangent, svd, svd_cotangent)
}


def agree(function: Any, *arguments: Any, tolerance: float = 1e-9) -> None:
    ours, theirs = compiled[function](*arguments), function(*arguments)
    pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]
    for one, other in pairs:
        assert (one.shape, one.dtype, one.flags.c_contiguous) == (other.shape, other.dtype, True)
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def drawn(*shape: int, kind: str = "float64", seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.startswith("c") else values).astype(kind)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
def test_systems_and_factors(kind: str) -> None:
    tolerance = 1e-3 if kind in ("float32", "complex64") else 1e-9
    for n in (0, 1, 2, 7, 30):
        a = drawn(n, n, kind=kind) + n * np.eye(n, dtype=kind)
        for b in (drawn(n, kind=kind), drawn(n, 3, kind=kind), drawn(n, 0, kind=kind)):
            agree(solve, a, b, tolerance=tolerance)
        definite = a @ a.conj().T + np.eye(n, dtype=kind)
        agree(cholesky, definite, tolerance=tolerance)
        agree(cholesky, np.tril(definite), tolerance=tolerance)


def test_what_numpy_refuses_is_refused() -> None:
    for function, arguments in (
        (solve, (np.zeros((3, 3)), np.ones(3))),
        (solve, (np.ones((3, 4)), np.ones(3))),
        (cholesky, (-np.eye(3),)),
        (cholesky, (np.ones((3, 4)),)),
        (eigh, (np.ones((3, 4)),)),
        (eigh, (np.full((3, 3), np.nan),)),
        (svd, (np.full((3, 3), np.nan),)),
    ):
        with pytest.raises(np.linalg.LinAlgError):
            compiled[function](*arguments)
    with pytest.raises(ValueError, match="rows"):
        compiled[solve](np.eye(3), np.ones(4))


@pytest.mark.parametrize("reverse", [True, False])
def test_congruences(reverse: bool) -> None:
    for n in (0, 1, 2, 9, 24, 25, 40):
        l, k = np.tril(drawn(n, n)) + n * np.eye(n), drawn(n, n, seed=1)  # noqa: E741
        agree(congruent, l, k, reverse)


def test_cotangents_of_cholesky_factors() -> None:
    for n in (0, 1, 2, 9, 24, 25, 40):
        l, l_bar = np.tril(drawn(n, n)) + n * np.eye(n), drawn(n, n, seed=1)  # noqa: E741
        agree(factor_cotangent, l, l_bar)


def test_spectra_that_are_apart_and_those_that_are_not() -> None:
    close = np.diag([1.0, 1.0 + 1e-9, 2.0])
    for a in (*(drawn(n, n) for n in (0, 1, 2, 9)), np.eye(4), close):
        agree(eigh, np.tril(a + a.T))
        agree(svd, a)
    for a in (drawn(4, 3), drawn(2, 5), np.outer(np.ones(3), np.ones(3)), np.zeros((2, 2))):
        agree(svd, a)


def test_cotangents_of_spectra() -> None:
    for n in (1, 2, 3, 8, 130):
        a = drawn(n, n)
        w, v = native.eigh(a + a.T)
        agree(eigh_cotangent, drawn(n, seed=1), drawn(n, n, seed=2), w, v)
        agree(svd_cotangent, drawn(n, n, seed=1), drawn(n, seed=2), drawn(n, n, seed=3), *native.svd(a))
    for shape in ((4, 2), (2, 4)):
        u, s, vh = native.svd(drawn(*shape))
        agree(svd_cotangent, *(drawn(*x.shape, seed=1) for x in (u, s, vh)), u, s, vh)
    w, v = native.eigh(np.diag([1.0, 2.0, 4.0]))
    found = compiled[eigh_cotangent](w, np.full((3, 3), np.nan), w, v)
    assert np.isnan(found[np.tri(3) > 0]).all()


def projected(a: Any) -> Any:
    w, v = np.linalg.eigh(a + a.T)
    return np.sum((v[:, :2] @ v[:, :2].T)[0]) + np.sum(w)


def first_entry(a: Any) -> Any:
    _, v = np.linalg.eigh(a + a.T)
    return np.sum(v[:, 0] ** 4)


def test_equal_eigenvalues_in_compiled_code() -> None:
    a = np.diag([1.0, 1.0, 2.0])
    gradient = pb.grad(pb.compile(projected))(a)
    np.testing.assert_allclose(gradient, pb.grad(projected, engine="tape")(a), atol=1e-12)
    with pytest.raises(NotDifferentiableError, match="eigenvalues 0 and 1"):
        pb.grad(pb.compile(first_entry))(a)


def expm(a: Any) -> Any:
    return native.expm(a)


def expm_slope(a: Any, e: Any) -> Any:
    return native.expm_slope(a, e)


compiled |= {function: numba.njit(**OPTIONS)(function) for function in (expm, expm_slope)}


def test_exponentials_and_their_derivatives() -> None:
    jordan = np.diag(np.full(3, 1e5), 1)
    for a in (*(drawn(n, n) for n in (0, 1, 2, 8, 16, 17, 33)), 7 * drawn(8, 8), jordan, np.zeros((3, 3))):
        wanted = expm(a)
        allowed = 1e-13 * np.abs(wanted).max(initial=1)
        np.testing.assert_allclose(compiled[expm](a), wanted, rtol=0, atol=allowed)
        for e in (drawn(*a.shape, seed=1), 1e-9 * drawn(*a.shape, seed=2), np.zeros(a.shape)):
            wanted = expm_slope(a, e)
            allowed = 1e-12 * np.abs(wanted).max(initial=1e-300)
            np.testing.assert_allclose(compiled[expm_slope](a, e), wanted, rtol=0, atol=allowed)
    for bad in (np.nan, np.inf):
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(compiled[expm](np.full((2, 2), bad))).all()
            assert not np.isfinite(compiled[expm_slope](np.full((2, 2), bad), np.eye(2))).all()
            assert not np.isfinite(compiled[expm_slope](np.eye(2), np.full((2, 2), bad))).all()


def test_gradients_of_compiled_linear_algebra_are_those_of_the_tape() -> None:
    a, c = drawn(5, 5) + 4 * np.eye(5), drawn(5, 5, seed=1)

    def loss(a: Any, c: Any) -> Any:
        values, vectors = np.linalg.eigh(a)
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        total = np.sum(values * c[0]) + np.sum(vectors**2 * c) + np.sum(s * c[1])
        total += np.sum((u[:, :2] @ vh[:2]) * c) + np.sum(np.linalg.solve(a, c) ** 2)
        total += np.sum(np.linalg.cholesky(a @ a.T) * c)
        return total + np.sum(expm_of(a / 4) * c)

    value, gradients = pb.value_and_grad(pb.compile(loss), argnums=(0, 1))(a, c)
    wanted, theirs = pb.value_and_grad(loss, argnums=(0, 1), engine="tape")(a, c)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for one, other in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)
