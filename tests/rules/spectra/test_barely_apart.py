"""Values barely apart: more than rounding allows, less than what tells their vectors from one another.

LAPACK's vectors may then have structure, such as being columns of the identity, in which one run of a program
tells nothing of the rest of a block of the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(8)
REAL = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
COMPLEX = np.linalg.qr(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)))[0]
BASES = {
    "columns of the identity": np.eye(3),
    "those in complex numbers": np.eye(3) + 0j,
    "real": REAL,
    "real in complex numbers": REAL + 0j,
    "complex": COMPLEX,
}
GAPS = (2e-14, 3e-14, 1e-13, 1e-12, 1e-11, 3e-11, 1e-9)
EACH = pytest.mark.parametrize("name", BASES)


def matrix(name: str, gap: float) -> Any:
    u = BASES[name]
    a = (u * np.array([1, 1 + gap, 2])) @ u.conj().T
    return (a + a.conj().T) / 2


def squared(a: Any) -> Any:
    w, v = np.linalg.eigh((a + np.conj(a.T)) / 2)
    return (v * w**2) @ np.conj(v.T)


def its_gradient(a: Any, bar: Any) -> Any:
    even = (bar + bar.conj().T) / 2
    return a @ even + even @ a


def entry(i: int, j: int, kind: Any) -> Any:
    bar = np.zeros((3, 3), kind)
    bar[i, j] = 1
    return bar


def tolerance(gap: float) -> float:
    return max(1e-12, 10 * gap, 1e-16 / gap)


@EACH
@pytest.mark.parametrize("gap", GAPS)
def test_an_entry_of_a_function_of_a_matrix(name: str, gap: float) -> None:
    a = matrix(name, gap)
    y, pull = pb.vjp(squared, a)
    np.testing.assert_allclose(y, squared(a), atol=10 * gap)
    for i, j in ((0, 1), (1, 1), (2, 0)):
        bar = entry(i, j, a.dtype)
        np.testing.assert_allclose(pull(bar)[0], its_gradient(a, bar), atol=tolerance(gap))


@EACH
@pytest.mark.parametrize("gap", [3e-14, 1e-12])
def test_two_functions_one_of_which_the_diagonal_tells(name: str, gap: float) -> None:
    """The diagonal is that of ``w**2``, the rest of the block that of ``w``."""
    a = matrix(name, gap)
    u = BASES[name]
    on, off = u @ np.diag([0.3, -0.7, 0.2]) @ u.conj().T, u @ (entry(0, 1, a.dtype) * 0.9) @ u.conj().T

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh((a + np.conj(a.T)) / 2)
        both = (v * w**2) @ np.conj(v.T), (v * w) @ np.conj(v.T)
        return sum(np.sum(np.real(np.conj(bar) * part)) for bar, part in zip((on, off), both, strict=True))

    wanted = its_gradient(a, on) + (off + off.conj().T) / 2
    np.testing.assert_allclose(pb.grad(loss)(a), wanted, atol=tolerance(gap))


@EACH
@pytest.mark.parametrize("gap", [3e-14, 1e-12])
def test_forward_mode_and_a_second_derivative(name: str, gap: float) -> None:
    a, b = matrix(name, gap), its_gradient(np.eye(3), np.linspace(-1, 1, 9).reshape(3, 3))
    np.testing.assert_allclose(pb.jvp(squared, (a,), (b,))[1], a @ b + b @ a, atol=tolerance(gap))
    gradient = pb.grad(lambda a: np.sum(np.linalg.eigh((a + np.conj(a.T)) / 2)[0] ** 3))
    np.testing.assert_allclose(pb.jvp(gradient, (a,), (b,))[1], 3 * (a @ b + b @ a), atol=tolerance(gap))


@EACH
@pytest.mark.parametrize("gap", [3e-14, 1e-12])
def test_compiled_code(name: str, gap: float) -> None:
    a = matrix(name, gap)
    bar = entry(0, 1, a.dtype)
    pull = pb.vjp(pb.compile(squared, jit=False), a)[1]
    np.testing.assert_allclose(pull(bar)[0], its_gradient(a, bar), atol=tolerance(gap))


def cubed(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return (u * s**3) @ vh


@EACH
@pytest.mark.parametrize("gap", GAPS)
def test_singular_values(name: str, gap: float) -> None:
    """``U s³ V^H = A A^H A``."""
    a = matrix(name, gap) @ (REAL if np.isrealobj(BASES[name]) else COMPLEX)
    ah = a.conj().T
    pull = pb.vjp(cubed, a)[1]
    for i, j in ((0, 1), (1, 1)):
        bar = entry(i, j, a.dtype)
        wanted = bar @ ah @ a + a @ bar.conj().T @ a + a @ ah @ bar
        np.testing.assert_allclose(pull(bar)[0], wanted, atol=10 * tolerance(gap))


@EACH
@pytest.mark.parametrize("gap", [3e-14, 1e-12])
def test_what_depends_on_the_basis_is_an_error(name: str, gap: float) -> None:
    def loss(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return np.real(v[0, 0] * np.conj(v[1, 0]))

    with pytest.raises(pb.NotDifferentiableError, match="0 and 1"):
        pb.grad(loss)(matrix(name, gap))


@pytest.mark.parametrize("kind", "dDfF")
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_at_any_gap_it_is_right_or_refused(kind: str, shape: tuple[int, int]) -> None:
    eps = float(np.finfo(kind).eps)
    for gap in eps * 10 ** np.arange(0, 8, 0.5):
        a = np.zeros(shape, kind)
        a[[0, 1, 2], [0, 1, 2]] = 1, 1 + gap, 2
        ah, bar = a.conj().T, np.zeros(shape, kind)
        bar[0, 1] = 1
        functions = [(cubed, bar @ ah @ a + a @ bar.conj().T @ a + a @ ah @ bar)]
        if shape == (3, 3):
            functions.append((squared, its_gradient(a, bar)))
        for function, wanted in functions:
            try:
                found = pb.vjp(function, a)[1](bar)[0]
            except pb.NotDifferentiableError:
                continue
            assert found.dtype == kind
            np.testing.assert_allclose(
                found, wanted, atol=max(30 * gap, 100 * eps, min(20 * eps / gap, 0.02))
            )
