"""Equal, zero and nearly equal singular values: the right gradient, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

SHAPES = (
    (4, 4, [2.0, 2.0, 1.0, 1.0]),
    (5, 3, [2.0, 2.0, 2.0]),
    (3, 5, [2.0, 1.3, 1.3]),
    (4, 4, [3.0, 2.0, 0.0, 0.0]),
    (5, 4, [3.0, 2.0, 2.0, 0.0]),
    (4, 6, [1.7, 0.0, 0.0, 0.0]),
    (3, 3, [2.0, 1.0, 0.0]),
    (4, 4, [0.0, 0.0, 0.0, 0.0]),
)
KINDS = pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
BASES = pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
MATRICES = pytest.mark.parametrize(("rows", "columns", "s"), SHAPES, ids=str)


def adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2))


def drawn(*shape: int, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    a = rng.standard_normal(shape)
    return a + 1j * rng.standard_normal(shape) if complex else a


def matrix(rows: int, columns: int, s: list[float], complex: bool, structured: bool) -> Any:
    """A matrix with singular values `s`: a diagonal one, where zeros are exact, or one in any basis."""
    count = len(s)
    if structured:
        return np.eye(rows, columns, dtype="D" if complex else "d") * np.array([*s, *[0] * (columns - count)])
    u = np.linalg.qr(drawn(rows, rows, complex=complex, seed=1))[0][:, :count]
    v = np.linalg.qr(drawn(columns, columns, complex=complex, seed=2))[0][:, :count]
    return (u * s) @ adjoint(v)


def overlap(c: Any, a: Any) -> Any:
    return np.real(np.sum(np.conj(c) * a))


def gradient(loss: Callable[..., Any], a: Any, full_matrices: bool = False) -> Any:
    return pb.grad(lambda a: loss(*np.linalg.svd(a, full_matrices)))(a)


def numeric(function: Callable[[Any], Any], a: Any, step: float = 1e-5) -> Any:
    slopes = np.zeros_like(a)
    for place in np.ndindex(a.shape):
        for direction in (1, 1j) if a.dtype.kind == "c" else (1,):
            moved = np.zeros_like(a)
            moved[place] = direction * step
            slopes[place] += direction * (function(a + moved) - function(a - moved)) / (2 * step)
    return slopes


@KINDS
@BASES
@MATRICES
def test_odd_matrix_functions(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    a, c = matrix(rows, columns, s, complex, structured), drawn(rows, columns, complex=complex, seed=3)
    cubed = gradient(lambda u, s, vh: overlap(c, (u * s**3) @ vh), a)
    wanted = c @ adjoint(a) @ a + a @ adjoint(c) @ a + a @ adjoint(a) @ c
    np.testing.assert_allclose(cubed, wanted, atol=1e-12)

    def product(u: Any, s: Any, vh: Any) -> Any:
        return overlap(c, (u * s) @ vh)

    np.testing.assert_allclose(gradient(product, a), c, atol=1e-9)


@KINDS
@BASES
@MATRICES
def test_functions_of_singular_values(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    a = matrix(rows, columns, s, complex, structured)
    b = drawn(rows, columns, complex=complex, seed=4)
    for values in (np.linalg.svdvals, lambda a: np.linalg.svd(a)[1]):
        squares = pb.grad(lambda a, values=values: np.sum(values(a) ** 2))
        np.testing.assert_allclose(squares(a), 2 * a, atol=1e-13)
        fourth = pb.grad(lambda a, values=values: np.sum(values(a) ** 4))
        np.testing.assert_allclose(fourth(a), 4 * a @ adjoint(a) @ a, atol=1e-12)
    if 0 not in s:
        twice = pb.grad(lambda a: overlap(b, fourth(a)))(a)
        aa = adjoint(a)
        np.testing.assert_allclose(twice, 4 * (b @ aa @ a + a @ adjoint(b) @ a + a @ aa @ b), atol=1e-11)


@KINDS
@BASES
@MATRICES
def test_entanglement_entropy(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    if not any(s):
        return
    a = matrix(rows, columns, s, complex, structured)

    def entropy(a: Any) -> Any:
        s = np.linalg.svd(a)[1]
        p = s**2 / np.sum(s**2)
        return -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0))

    ours = pb.grad(entropy)(a)
    u, values, vh = np.linalg.svd(a, full_matrices=False)
    p = values**2 / np.sum(values**2)
    logs = np.log(np.where(p > 1e-20, p, 1))
    slopes = -2 * values / np.sum(values**2) * (logs - np.sum(p * logs))
    np.testing.assert_allclose(ours, (u * slopes) @ vh, atol=1e-12)


@KINDS
@BASES
@MATRICES
def test_projectors_and_truncation(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    if not any(s):
        return
    a, kept = matrix(rows, columns, s, complex, structured), slice(s.count(s[0]))
    c, d = drawn(rows, columns, complex=complex, seed=5), drawn(rows, rows, complex=complex, seed=6)

    def projected(u: Any, s: Any, vh: Any) -> Any:
        return overlap(d, u[:, kept] @ adjoint(u[:, kept]))

    def complement(u: Any, s: Any, vh: Any) -> Any:
        rest = vh[kept.stop :]
        return overlap(c.T @ np.conj(c), adjoint(rest) @ rest)

    def truncated(u: Any, s: Any, vh: Any) -> Any:
        return overlap(c, (u[:, kept] * s[kept]) @ vh[kept])

    for loss, full in ((projected, False), (projected, True), (truncated, False), (complement, True)):
        wanted = numeric(lambda a, loss=loss, full=full: loss(*np.linalg.svd(a, full)), a)
        np.testing.assert_allclose(gradient(loss, a, full), wanted, atol=2e-8)


@KINDS
@BASES
def test_what_depends_on_a_basis_is_an_error(structured: bool, complex: bool) -> None:
    equal = matrix(4, 4, [2.0, 2.0, 1.0, 0.5], complex, structured)
    one = r"singular values 0 and 1 \("
    for loss in (
        lambda u, s, vh: np.abs(u[0, 0]) ** 2,
        lambda u, s, vh: np.abs(vh[0, 1]) ** 2,
        lambda u, s, vh: s[0],
        lambda u, s, vh: np.real(u[0, 0] * vh[0, 0]),
        lambda u, s, vh: s[1] * np.abs(u[1, 1]) ** 2,
    ):
        with pytest.raises(pb.NotDifferentiableError, match=one):
            gradient(loss, equal)
    singular = matrix(4, 3, [2.0, 1.0, 0.0], complex, structured)
    for loss in (lambda u, s, vh: np.abs(u[3, 2]) ** 2, lambda u, s, vh: np.abs(u[2, 2]) ** 2):
        with pytest.raises(pb.NotDifferentiableError, match="left null space"):
            gradient(loss, singular)
    null = matrix(4, 4, [2.0, 1.0, 0.0, 0.0], complex, structured)
    with pytest.raises(pb.NotDifferentiableError, match="singular values 2 and 3"):
        gradient(lambda u, s, vh: np.abs(vh[3, 3]) ** 2, null)
    wide = matrix(2, 5, [2.0, 1.0], complex, structured)
    with pytest.raises(pb.NotDifferentiableError, match=r"right null space \(from column 2 on\)"):
        gradient(lambda u, s, vh: np.abs(vh[3, 3]) ** 2, wide, full_matrices=True)


@KINDS
def test_the_value_has_a_kink_at_zero(complex: bool) -> None:
    for structured in (False, True):
        a = matrix(4, 3, [2.0, 1.0, 0.0], complex, structured)
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        wanted = u[:, :2] @ vh[:2]
        np.testing.assert_allclose(pb.grad(lambda a: np.sum(np.linalg.svdvals(a)))(a), wanted, atol=1e-14)
        np.testing.assert_allclose(pb.grad(lambda a: np.linalg.norm(a, "nuc"))(a), wanted, atol=1e-14)
        assert not pb.grad(lambda a: np.linalg.norm(a, -2))(a).any()
        with pytest.raises(pb.NotDifferentiableError, match="singular value 2 "):
            gradient(lambda u, s, vh: np.sum(s) + np.abs(u[0, 0]) ** 2, a)


@KINDS
@pytest.mark.parametrize("s", [[2.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], ids=str)
@pytest.mark.parametrize("symmetric", [False, True], ids=["any matrix", "a symmetric one"])
def test_the_unitary_of_a_singular_matrix_has_no_derivative(
    symmetric: bool, s: list[float], complex: bool
) -> None:
    """Neither the signs of a null vector on the left and one on the right, nor more of them, are paired."""
    a = matrix(3, 3, s, complex, symmetric)
    c = drawn(3, 3, complex=complex, seed=9)
    for weights in (c, c + adjoint(c), np.eye(3)):
        with pytest.raises(pb.NotDifferentiableError, match=r"singular value"):
            gradient(lambda u, s, vh, weights=weights: overlap(weights, u @ vh), a)


@KINDS
def test_forward_mode_refuses_what_has_no_derivative(complex: bool) -> None:
    a = matrix(3, 3, [2.0, 2.0, 1.0], complex, True)
    b = drawn(3, 3, complex=complex)
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1 "):
        pb.jvp(np.linalg.svdvals, (a,), (b,))
    _, s_dot = pb.jvp(np.linalg.svdvals, (a,), (a,))
    np.testing.assert_allclose(s_dot, [2, 2, 1], atol=1e-14)
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1 "):
        pb.jvp(lambda a: np.linalg.svd(a)[0][0, 0], (a,), (a,))
    singular = matrix(3, 3, [2.0, 1.0, 0.0], complex, True)
    with pytest.raises(pb.NotDifferentiableError, match="singular value 2 "):
        pb.jvp(lambda a: np.real(np.trace(np.linalg.svd(a)[0] @ np.linalg.svd(a)[2])), (singular,), (b,))
    _, s_dot = pb.jvp(np.linalg.svdvals, (singular,), (singular,))
    np.testing.assert_allclose(s_dot, [2, 1, 0], atol=1e-14)
    # The kink of a singular value by itself has derivative 0, as in reverse mode.
    _, s_dot = pb.jvp(np.linalg.svdvals, (singular,), (b,))
    np.testing.assert_allclose(s_dot, [*np.real(b.diagonal())[:2], 0], atol=1e-14)


@KINDS
@BASES
@MATRICES
def test_forward_mode_by_reverse_mode_where_values_split(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    a, b = matrix(rows, columns, s, complex, structured), drawn(rows, columns, complex=complex, seed=10)

    def function(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return (u * s) @ vh, np.sum(s**2)

    (value, squares), (dot, squares_dot) = pb.jvp(function, (a,), (b,))
    np.testing.assert_allclose(value, a, atol=1e-14)
    np.testing.assert_allclose(dot, b, atol=1e-9)
    np.testing.assert_allclose((squares, squares_dot), (overlap(a, a), 2 * overlap(a, b)), atol=1e-13)


@KINDS
@pytest.mark.parametrize("gap", [1e-14, 1e-11, 1e-8, 1e-5])
def test_nearly_equal(gap: float, complex: bool) -> None:
    a = matrix(4, 3, [2.0, 2.0 - gap, 1.0], complex, False)
    c = drawn(4, 3, complex=complex, seed=7)
    np.testing.assert_allclose(gradient(lambda u, s, vh: overlap(c, (u * s) @ vh), a), c, atol=3e-8)

    def polar(a: Any) -> Any:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        return overlap(c, u @ vh)

    np.testing.assert_allclose(pb.grad(polar)(a), numeric(polar, a), atol=1e-7)


@KINDS
def test_small_singular_values_keep_their_digits(complex: bool) -> None:
    s = [1.0, 1e-3, 1e-6, 1e-9, 1.1e-10, 1e-12]
    a, c = matrix(6, 6, s, complex, False), drawn(6, 6, complex=complex, seed=8)
    np.testing.assert_allclose(gradient(lambda u, s, vh: overlap(c, (u * s) @ vh), a), c, atol=1e-3)


@pytest.mark.parametrize("ord", [2, -2])
def test_norms_share_at_ties(ord: int) -> None:
    np.testing.assert_allclose(
        pb.grad(lambda a: np.linalg.norm(a, ord))(np.eye(3)), np.eye(3) / 3, atol=1e-15
    )
    assert not pb.grad(lambda a: np.linalg.norm(a, ord))(np.zeros((3, 2))).any()
    np.testing.assert_allclose(pb.grad(np.linalg.cond)(np.eye(3)), 0, atol=1e-15)


def test_single_precision() -> None:
    a = matrix(4, 3, [2.0, 2.0, 1.0], True, False).astype("F")
    c = drawn(4, 3, complex=True).astype("F")
    ours = gradient(lambda u, s, vh: overlap(c, (u * s) @ vh), a)
    assert ours.dtype == np.complex64
    np.testing.assert_allclose(ours, c, atol=1e-5)


def test_stacks_and_empty_ones() -> None:
    stack = np.stack([matrix(3, 3, s, False, True) for s in ([3.0, 2.0, 1.0], [2.0, 2.0, 0.0])])
    np.testing.assert_allclose(
        pb.grad(lambda a: np.sum(np.linalg.svd(a)[1] ** 2))(stack), 2 * stack, atol=1e-14
    )
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1 of matrix 1 "):
        pb.grad(lambda a: np.sum(np.linalg.svd(a)[0][..., 0, 0] ** 2))(stack)
    for shape in ((0, 3, 2), (2, 3, 0), (2, 0, 3)):
        empty = np.zeros(shape)
        assert pb.grad(lambda a: np.sum(np.linalg.svd(a, full_matrices=False)[0]))(empty).shape == shape
        assert pb.grad(lambda a: np.sum(np.linalg.svdvals(a)))(empty).shape == shape
