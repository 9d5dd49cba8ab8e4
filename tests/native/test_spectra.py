"""Decompositions in compiled functions: value, gradient, tangent and second order, beside the tape's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


def of_eigh(a: Any) -> Any:
    w, v = np.linalg.eigh(a, UPLO="U")
    projector = v[:, :2] @ np.conj(v[:, :2]).T
    return np.sum(np.exp(w) * np.arange(3.0)) + np.real(projector[0, 1])


def of_named_results(a: Any) -> Any:
    return np.linalg.eigh(a).eigenvalues[0] + np.linalg.svd(a).S[1] ** 2


def of_eigvalsh(a: Any) -> Any:
    return np.sum(np.linalg.eigvalsh(a) ** 3)


def of_svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    return np.sum(s**3) + np.real((u[:, :1] @ vh[:1])[0, 1])


def of_thin_svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a[:, :2], full_matrices=False)
    return np.real(np.sum((u * s) @ vh)) + np.sum(np.linalg.svd(a, compute_uv=False))


def of_hermitian(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a + np.conj(a).T, hermitian=True)
    return np.sum(s**3) + np.real((u[:, :1] @ vh[:1])[0, 1])


def of_norms(a: Any) -> Any:
    return np.linalg.norm(a, 2) + np.linalg.norm(a, -2) * np.linalg.matrix_norm(a, ord="nuc")


def of_condition(a: Any) -> Any:
    return np.linalg.cond(a) + np.linalg.cond(a, "nuc") + np.linalg.cond(a, 1)


def in_a_loop(a: Any) -> Any:
    total = 0.0
    for _ in range(3):
        w, v = np.linalg.eigh(a)
        a = a + np.real(w[0]) * (v @ np.conj(v).T) * 0.1
        total = total + np.sum(np.linalg.svdvals(a) ** 2)
    return total


FUNCTIONS = [
    of_eigh, of_named_results, of_eigvalsh, of_svd, of_thin_svd, of_hermitian, of_norms, of_condition,
    in_a_loop,
]  # fmt: skip
KINDS = pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])


def drawn(complex: bool, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((3, 3))
    return a + 1j * rng.standard_normal((3, 3)) if complex else a


def compare(function: Callable[[Any], Any], complex: bool, jit: bool) -> None:
    a, b = drawn(complex, 0), drawn(complex, 1)
    compiled = pb.compile(function, jit=jit)
    np.testing.assert_allclose(compiled(a), function(a), rtol=1e-12)
    wanted = pb.grad(function)(a)
    np.testing.assert_allclose(pb.grad(compiled)(a), wanted, atol=1e-11)
    np.testing.assert_allclose(
        pb.jvp(compiled, (a,), (b,))[1], np.real(np.sum(np.conj(wanted) * b)), rtol=1e-9, atol=1e-10
    )


@KINDS
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_first_order(function: Callable[[Any], Any], complex: bool) -> None:
    compare(function, complex, jit=False)


@KINDS
@pytest.mark.parametrize("function", [of_eigh, of_svd], ids=lambda f: f.__name__)
def test_in_machine_code(function: Callable[[Any], Any], complex: bool) -> None:
    compare(function, complex, jit=True)


@KINDS
@pytest.mark.parametrize("function", [of_eigh, of_svd, of_norms], ids=lambda f: f.__name__)
def test_second_order(function: Callable[[Any], Any], complex: bool) -> None:
    a, b = drawn(complex, 2), drawn(complex, 3)
    compiled = pb.compile(function, jit=False)

    def along(function: Any) -> Any:
        return pb.grad(lambda a: np.sum(np.real(np.conj(b) * pb.grad(function)(a))))

    wanted = along(function)(a)
    np.testing.assert_allclose(along(compiled)(a), wanted, atol=1e-10)
    np.testing.assert_allclose(pb.jvp(pb.grad(compiled), (a,), (b,))[1], wanted, atol=1e-10)


def projected(a: Any) -> Any:
    v = np.linalg.eigh(a)[1]
    return (v[:, :2] @ v[:, :2].T)[0, 2]


def an_entry(a: Any) -> Any:
    return np.linalg.eigh(a)[1][0, 0] ** 2


@pytest.mark.parametrize("jit", [False, True])
def test_degenerate_spectra(jit: bool) -> None:
    a = np.diag([1.0, 1.0, 2.0])
    wanted = np.zeros((3, 3))
    wanted[2, 0] = -1
    np.testing.assert_allclose(pb.grad(pb.compile(projected, jit=jit))(a), wanted, atol=1e-14)
    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1"):
        pb.grad(pb.compile(an_entry, jit=jit))(a)


def test_calls_answered_at_once_are_asked_again_where_values_are_equal() -> None:
    def energy(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(v[:, 0] * (a @ v[:, 0])) + np.sum(w**2)

    def projected(a: Any) -> Any:
        v = np.linalg.eigh(a)[1][:, :2]
        return np.sum((v @ v.T) * np.arange(9.0).reshape(3, 3))

    apart, equal = np.diag([1.0, 2.0, 4.0]), np.diag([1.0, 1.0, 4.0])
    gradient, of_projector = pb.grad(pb.compile(energy)), pb.grad(pb.compile(projected))
    for _ in range(3):
        gradient(apart)
        of_projector(apart)
    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1"):
        gradient(equal)
    wanted = pb.grad(projected, engine="tape")(equal)
    np.testing.assert_allclose(of_projector(equal), wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient(apart), pb.grad(energy, engine="tape")(apart), atol=1e-12)


def of_exponential(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.sum((v * np.exp(w)) @ v.T * np.arange(9.0).reshape(3, 3))


def of_both_sides(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    weights = np.arange(9.0).reshape(3, 3)
    return np.sum((u * np.sin(s)) @ vh * weights) + np.sum((vh.T * np.cos(s)) @ vh * weights)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("size", [1e-15, 1e-12, 1.0])
def test_spectra_of_rounding_are_right_or_refused(size: float, jit: bool) -> None:
    a = drawn(False, 5)
    symmetric = size * (a + a.T)
    ours = pb.grad(pb.compile(of_exponential, jit=jit))(symmetric)
    np.testing.assert_allclose(ours, pb.grad(of_exponential, engine="tape")(symmetric), atol=1e-7)
    if size < 1:
        with pytest.raises(pb.NotDifferentiableError, match="small beside"):
            pb.grad(pb.compile(of_both_sides, jit=jit))(size * a)
    else:
        ours = pb.grad(pb.compile(of_both_sides, jit=jit))(a)
        np.testing.assert_allclose(ours, pb.grad(of_both_sides, engine="tape")(a), rtol=1e-9)
