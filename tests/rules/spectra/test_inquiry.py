"""What one basis of a degenerate space does not tell is asked for in others, and what passes is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hermitian_matrices import adjoint, drawn, exact, hermitian, matrix

import pullback as pb

KINDS = pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
BASES = pytest.mark.parametrize("structured", [False, True], ids=["any basis", "diagonal"])
SPECTRA = (
    [1.3, 1.3, 2.0],
    [0.0, 0.0, 2.0],
    [0.6, 0.6, -1.1, -1.1],
    [0.0, 0.0, 0.0],
    [0.7, 0.7, 0.7, 0.7, -0.7],
)


@KINDS
@BASES
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
@pytest.mark.parametrize("jit", [None, False], ids=["tape", "native"])
def test_several_functions_at_once(
    jit: bool | None, spectrum: list[float], structured: bool, complex: bool
) -> None:
    a, v = matrix(spectrum, complex, structured)
    size = len(spectrum)
    b, c = drawn(size, size, complex=complex, seed=1), drawn(size, size, complex=complex, seed=2)

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh((a + np.conj(a.T)) / 2)
        one = np.real(np.sum(np.conj(b) * ((v * np.exp(w)) @ np.conj(v.T))))
        other = np.real(np.sum(np.conj(c) * ((v * np.sin(w)) @ np.conj(v.T))))
        return one + other + np.sum(np.exp(-w))

    ours = pb.grad(loss if jit is None else pb.compile(loss, jit=jit))(a)
    wanted = exact(np.exp, np.exp, spectrum, v, hermitian(b)) + exact(
        np.sin, np.cos, spectrum, v, hermitian(c)
    )
    wanted = wanted - (v * np.exp(-np.array(spectrum))) @ adjoint(v)
    np.testing.assert_allclose(ours, wanted, atol=1e-12)


@KINDS
@BASES
@pytest.mark.parametrize(
    ("rows", "columns", "s"),
    [(3, 3, [2.0, 1.0, 0.0]), (5, 4, [2.0, 2.0, 0.0, 0.0]), (3, 6, [1.0, 0.0, 0.0]), (4, 2, [0.0, 0.0])],
)
def test_two_functions_of_singular_values(
    rows: int, columns: int, s: list[float], structured: bool, complex: bool
) -> None:
    """``A`` and ``A A^H A``, and a sum, at singular values that are equal or 0."""
    count = len(s)
    a = np.zeros((rows, columns), "D" if complex else "d")
    a[:count, :count] = np.diag(s)
    if not structured:
        a = np.linalg.qr(drawn(rows, rows, complex=complex, seed=3))[0] @ a
        a = a @ np.linalg.qr(drawn(columns, columns, complex=complex, seed=4))[0]
    b, c = (drawn(rows, columns, complex=complex, seed=k) for k in (5, 6))

    def loss(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        parts = np.conj(b) * ((u * s) @ vh) + np.conj(c) * ((u * s**3) @ vh)
        return np.sum(np.real(parts)) + np.sum(s**4)

    aa = adjoint(a)
    wanted = b + c @ aa @ a + a @ adjoint(c) @ a + a @ aa @ c + 4 * a @ aa @ a
    np.testing.assert_allclose(pb.grad(loss)(a), wanted, atol=1e-9)


def test_all_transforms_ask() -> None:
    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * w) @ v.T

    a, c = np.zeros((3, 3)), drawn(3, 3)
    lower = np.tril(np.ones((3, 3)), -1) * (c + c.T) + np.diag(c.diagonal())
    value, pull = pb.vjp(function, a)
    np.testing.assert_array_equal(value, a)
    np.testing.assert_allclose(pull(c)[0], lower, atol=1e-14)
    np.testing.assert_allclose(pull(2 * c)[0], 2 * lower, atol=1e-14)
    for jacobian in (
        pb.jacobian(function, mode="reverse"),
        pb.jacobian(pb.compile(function), mode="reverse"),
    ):
        np.testing.assert_allclose(np.tensordot(c, jacobian(a), 2), lower, atol=1e-14)
    loss = pb.compile(lambda a: np.sum(c * function(a)))
    for _ in range(3):  # the second time by the answer that is kept for such arguments
        value, found = pb.value_and_grad(loss)(a)
        assert value == 0
        np.testing.assert_allclose(found, lower, atol=1e-14)


def _energy(a: Any) -> Any:
    v = np.linalg.eigh(a)[1][:, 0]
    return v @ a @ v


def _by_weights(a: Any) -> Any:
    v = np.linalg.eigh(a)[1]
    return np.sum(np.arange(9.0).reshape(3, 3) * (v.T @ a @ v))


DEPENDENT: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "an energy": (_energy, [1.0, 1.0, 2.0]),
    "an energy of 0": (_energy, [0.0, 0.0, 2.0]),
    "weighted energies": (_by_weights, [1.0, 1.0, 2.0]),
    "a singular value": (
        lambda a: np.linalg.svd(a)[0][:, 0] @ a @ np.linalg.svd(a)[2][0], [2.0, 2.0, 1.0]
    ),
    "a zero": (lambda a: np.linalg.svd(a)[0][:, 2] @ a @ np.linalg.svd(a)[2][2], [2.0, 1.0, 0.0]),
    "one of two zeros": (lambda a: np.linalg.svd(a)[0][:, 2] @ a @ np.linalg.svd(a)[2][2], [2.0, 0.0, 0.0]),
}  # fmt: skip


@BASES
@pytest.mark.parametrize("jit", [None, False], ids=["tape", "native"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_what_depends_on_the_basis_past_the_rule_is_an_error(
    name: str, jit: bool | None, structured: bool
) -> None:
    """The vectors get what those of a projector get; the rest of the dependence does not pass the rule."""
    loss, spectrum = DEPENDENT[name]
    a, _ = matrix(spectrum, False, structured)
    loss = loss if jit is None else pb.compile(loss, jit=jit)
    for gradient in (pb.grad(loss), pb.jacobian(loss, mode="reverse"), lambda a: pb.vjp(loss, a)[1](1.0)):
        with pytest.raises(pb.NotDifferentiableError, match=r"(eigen|singular )values? \d"):
            gradient(a)


def test_a_second_run_where_vectors_of_equal_values_are_used_alone() -> None:
    runs = []

    def of(function: Callable[[Any], Any], w: list[float]) -> int:
        runs.clear()

        def counted(a: Any) -> Any:
            runs.append(1)
            return function(a)

        pb.grad(counted)(np.diag(w))
        return len(runs)

    def projector(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return np.sum(v[:, :2] @ v[:, :2].T)

    assert of(projector, [1.0, 2.0, 3.0]) == 1
    assert of(projector, [1.0, 1.0, 3.0]) == 2
    assert of(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), [1.0, 1.0, 3.0]) == 1


def test_a_function_that_changes_cannot_be_compared() -> None:
    calls = iter(range(10))

    def changing(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return (1 + next(calls)) * (v[:, :2] @ v[:, :2].T)[0, 2]

    with pytest.raises(pb.NotDifferentiableError, match=r"eigenvalues 0 and 1 (.*\n)*.*from call to call"):
        pb.grad(changing)(np.diag([1.0, 1.0, 3.0]))


def test_backward_warns_of_what_it_cannot_compare() -> None:
    def projector(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return (v[:, :2] @ v[:, :2].T)[0, 2]

    x = pb.Variable(np.diag([1.0, 1.0, 3.0]))
    with pytest.warns(UserWarning, match=r"eigenvalues 0 and 1 \(1.0 and 1.0\).*pb.grad"):
        projector(x).backward()
    with pb.Tape() as tape:
        y = projector(x)
    with pytest.warns(UserWarning, match="eigenvalues 0 and 1"):
        gradient = tape.gradient(y, x)
    np.testing.assert_allclose(gradient, pb.grad(projector)(x.value), atol=1e-15)
    np.testing.assert_allclose(x.grad, gradient, atol=1e-15)


def test_a_block_of_a_checkpoint_may_return_vectors() -> None:
    """A transform within another one's run leaves the question to the outer one."""

    def loss(a: Any) -> Any:
        v = pb.checkpoint(lambda a: np.linalg.eigh(a)[1])(a)
        return (v[:, :2] @ v[:, :2].T)[0, 2]

    a = np.diag([1.0, 1.0, 3.0])
    wanted = np.zeros((3, 3))
    wanted[2, 0] = -0.5
    np.testing.assert_allclose(pb.grad(loss)(a), wanted, atol=1e-14)


def test_what_a_failed_run_noted_is_forgotten() -> None:
    calls = iter(range(10))

    def fails(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return (v[:, :2] @ v[:, :2].T)[0, 2] + np.linalg.eigh(a @ a)[1][0, 0] ** 2

    with pytest.raises(pb.NotDifferentiableError, match="eigenvalues 0 and 1"):
        pb.grad(fails)(np.diag([1.0, 1.0, 3.0]))
    assert [pb.grad(lambda x: x * next(calls))(1.0) for _ in range(3)] == [0.0, 1.0, 2.0]


def test_a_kink_beside_vectors_is_an_error() -> None:
    for s in ([2.0, 1.0, 0.0], [2.0, 0.0, 0.0]):
        for full in (False, True):

            def loss(a: Any, full: bool = full) -> Any:
                u, s, vh = np.linalg.svd(a, full_matrices=full)
                return np.sum(s) + np.sum(u[:, :1] @ vh[:1])

            with pytest.raises(pb.NotDifferentiableError, match="is 0 up to rounding"):
                pb.grad(loss)(np.diag(s))


def test_a_stack_asks_for_all_its_matrices() -> None:
    stack = np.stack([np.zeros((2, 2)), np.diag([1.0, 1.0]), np.diag([1.0, 2.0])])
    c = drawn(3, 2, 2)

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh(hermitian(a))
        return np.sum(c * ((v * np.sin(w)[..., None, :]) @ adjoint(v))) + np.sum(np.cos(w))

    ours = pb.grad(loss)(stack)
    alone = [
        exact(np.sin, np.cos, a.diagonal(), np.eye(2), hermitian(m)) for a, m in zip(stack, c, strict=True)
    ]
    wanted = np.stack(alone) - np.sin(stack)
    np.testing.assert_allclose(ours, wanted, atol=1e-13)


@pytest.mark.parametrize("dtype", ["f", "F"])
def test_single_precision(dtype: str) -> None:
    c = drawn(3, 3, complex=dtype == "F").astype(dtype)

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh(hermitian(a))
        return np.real(np.sum(np.conj(c) * ((v * np.sin(w)) @ adjoint(v)))) + np.sum(np.exp(w))

    ours = pb.grad(loss)(np.zeros((3, 3), dtype))
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, hermitian(c) + np.eye(3), atol=2e-6)
