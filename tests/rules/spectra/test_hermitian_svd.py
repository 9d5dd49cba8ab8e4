"""`numpy.linalg.svd` of hermitian matrices, where eigenvalues of opposite sign have the same magnitude.

The derivative of ``tr(C f(A))`` is known for any spectrum (Daleckii & Krein, 1965): in the eigenbasis that of
f's divided differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hermitian_matrices import adjoint, drawn, exact, hermitian, matrix

import pullback as pb

SPECTRA = (
    [1.0, -1.0, 2.0, 3.0],
    [1.0, -1.0, 1.0, -1.0],
    [2.0, -2.0, 1.0, -1.0],
    [1.0, 1.0, -1.0, 0.3],
    [1.0, -1.0, 0.5, 0.0],
    [2.0, 1.0, 0.0, 0.0],
)
KINDS = pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
BASES = pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
SPECTRAL = pytest.mark.parametrize("spectrum", SPECTRA, ids=str)


def gradient(loss: Callable[..., Any], a: Any, jit: bool | None = None) -> Any:
    def of(a: Any) -> Any:
        return loss(*np.linalg.svd((a + np.conj(a.T)) / 2, hermitian=True))

    return pb.grad(of if jit is None else pb.compile(of, jit=jit))(a)


ENGINES = pytest.mark.parametrize(
    ("structured", "jit"), [(False, None), (True, None), (False, False)], ids=["any", "diagonal", "native"]
)


@KINDS
@ENGINES
@SPECTRAL
def test_what_does_not_depend_on_the_order(
    spectrum: list[float], structured: bool, complex: bool, jit: bool | None
) -> None:
    a, v = matrix(spectrum, complex, structured)
    c = hermitian(drawn(4, 4, complex=complex, seed=1))

    def squares(u: Any, s: Any, vh: Any) -> Any:
        return np.sum(s**2)

    def cubed(u: Any, s: Any, vh: Any) -> Any:
        return np.real(np.sum(np.conj(c) * ((u * s**3) @ vh)))

    def magnitude(u: Any, s: Any, vh: Any) -> Any:
        return np.real(np.sum(np.conj(c) * ((u * s**2) @ np.conj(u.T))))

    def itself(u: Any, s: Any, vh: Any) -> Any:
        return np.real(np.sum(np.conj(c) * ((u * s) @ vh)))

    def spectral(f: Any, slope: Any) -> Any:
        return exact(f, slope, spectrum, v, c)

    np.testing.assert_allclose(gradient(squares, a, jit), 2 * a, atol=1e-13)
    np.testing.assert_allclose(
        gradient(cubed, a, jit), spectral(lambda w: w**3, lambda w: 3 * w**2), atol=1e-12
    )
    np.testing.assert_allclose(
        gradient(magnitude, a, jit), spectral(lambda w: w**2, lambda w: 2 * w), atol=1e-12
    )
    if 0.0 not in spectrum:
        np.testing.assert_allclose(gradient(itself, a, jit), c, atol=1e-12)


DEPENDENT: dict[str, Callable[..., Any]] = {
    "the first value": lambda u, s, vh: s[0],
    "the second value": lambda u, s, vh: s[1] ** 2,
    "a difference": lambda u, s, vh: s[0] - s[1] + s[2],
    "an entry": lambda u, s, vh: np.abs(u[0, 0]) ** 2,
    "a right entry": lambda u, s, vh: np.abs(vh[0, 1]) ** 2,
    "a weighted value": lambda u, s, vh: s[1] * np.abs(u[1, 1]) ** 2,
}


@KINDS
@BASES
@pytest.mark.parametrize("engine", ["tape", "native"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_the_order_is_an_error_that_names_the_pair(
    name: str, engine: str, structured: bool, complex: bool
) -> None:
    a, _ = matrix([2.0, -2.0, 1.0], complex, structured)
    with pytest.raises(
        pb.NotDifferentiableError, match=r"singular values 0 and 1 \((2\.0|1\.9).* and (2\.0|1\.9)"
    ):
        gradient(DEPENDENT[name], a, None if engine == "tape" else False)


def test_the_smallest_case() -> None:
    a = np.diag([1.0, -1.0])
    for values in (
        lambda a: np.linalg.svd(a, hermitian=True)[1],
        lambda a: np.linalg.svd(a, hermitian=True, compute_uv=False),
    ):
        with pytest.raises(pb.NotDifferentiableError, match=r"singular values 0 and 1 \(1.0 and 1.0\)"):
            pb.grad(lambda a, values=values: values(a)[0])(a)
        slopes = pb.grad(lambda a, values=values: np.sum(values(a)))(a)
        np.testing.assert_allclose(slopes, a, atol=1e-15)
        with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1 "):
            pb.jvp(lambda a, values=values: values(a)[0], (a,), (np.eye(2),))
        _, s_dot = pb.jvp(values, (a,), (a,))
        np.testing.assert_allclose(s_dot, [1, 1], atol=1e-15)


@KINDS
def test_resolved_magnitudes_are_told_apart(complex: bool) -> None:
    """However near they are: the eigenvectors of opposite eigenvalues are far apart."""
    a, v = matrix([1.0 + 1e-10, -1.0, 0.3], complex, False)
    np.testing.assert_allclose(gradient(lambda u, s, vh: s[0], a), v[:, :1] @ adjoint(v[:, :1]), atol=1e-14)


@KINDS
def test_a_stack_with_ties_and_without(complex: bool) -> None:
    tied, _ = matrix([2.0, -2.0, 1.0], complex, False)
    apart = hermitian(drawn(3, 3, complex=complex, seed=2))
    stack = np.stack([tied, apart, tied])
    c = hermitian(drawn(3, 3, complex=complex, seed=3))

    def loss(a: Any) -> Any:
        u, s, vh = np.linalg.svd(hermitian(a), hermitian=True)
        return np.real(np.sum(c * ((u * s[..., None, :] ** 3) @ vh))) + np.sum(s)

    def one(a: Any) -> Any:
        return pb.grad(loss)(a)

    np.testing.assert_allclose(one(stack), np.stack([one(a) for a in stack]), atol=1e-13)
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1 of matrix 2 "):
        pb.grad(lambda a: np.linalg.svd(a, hermitian=True)[1][2, 0])(stack)

    def parts(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, hermitian=True)
        return s, (u * s[..., None, :]) @ vh

    _, (s_dot, product_dot) = pb.jvp(parts, (stack,), (stack,))
    np.testing.assert_allclose(s_dot, np.linalg.svdvals(stack), atol=1e-13)
    np.testing.assert_allclose(product_dot, stack, atol=1e-13)
    for shape in ((0, 3, 3), (2, 0, 0)):
        assert pb.grad(lambda a: np.sum(np.linalg.svd(a, hermitian=True)[1]))(np.zeros(shape)).shape == shape


@KINDS
def test_second_order(complex: bool) -> None:
    a, _ = matrix([2.0, -2.0, 1.0], complex, False)
    b = hermitian(drawn(3, 3, complex=complex, seed=4))

    def fourth(a: Any) -> Any:
        return np.sum(np.linalg.svd(hermitian(a), hermitian=True)[1] ** 4)

    twice = pb.grad(lambda a: np.real(np.sum(np.conj(b) * pb.grad(fourth)(a))))(a)
    np.testing.assert_allclose(twice, 4 * (b @ a @ a + a @ b @ a + a @ a @ b), atol=1e-11)


@KINDS
def test_values_are_numpys_but_for_the_basis_of_a_tie(complex: bool) -> None:
    tied, apart = matrix([2.0, -2.0, 1.0], complex, True)[0], hermitian(drawn(3, 3, complex=complex))
    for a, kept in ((apart, slice(None)), (tied, slice(2, None))):
        found: Any = np.linalg.svd(pb.Variable(a), hermitian=True)
        u, s, vh = np.linalg.svd(a, hermitian=True)
        assert np.array_equal(found.U.value[:, kept], u[:, kept])
        assert np.array_equal(found.S.value, s)
        assert np.array_equal(found.Vh.value[kept], vh[kept])


def test_single_precision() -> None:
    a, _ = matrix([2.0, -2.0, 1.0], True, False)
    c = hermitian(drawn(3, 3, complex=True)).astype("F")
    ours = gradient(lambda u, s, vh: np.real(np.sum(np.conj(c) * ((u * s) @ vh))), a.astype("F"))
    assert ours.dtype == np.complex64
    np.testing.assert_allclose(ours, c, atol=1e-5)
