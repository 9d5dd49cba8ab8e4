"""Products and linear algebra through the public functions, to second and third order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

FUNCTIONS = {
    "trace of a product": lambda a, b: np.trace(a @ b),
    "a stack": lambda a, b: np.trace(np.stack([a, b]) @ a, axis1=-2, axis2=-1),
    "matmul": lambda a, b: a @ b @ a,
    "solve": np.linalg.solve,
    "solve a vector": lambda a, b: np.linalg.solve(a, b[0]),
    "inv": lambda a, b: np.linalg.inv(a) @ b,
    "det": lambda a, b: np.linalg.det(a @ b),
    "slogdet": lambda a, b: np.linalg.slogdet(a)[1] * b,
    "the sign of slogdet": lambda a, b: np.linalg.slogdet(a)[0] * b,
    "norm": lambda a, b: np.linalg.norm(a * b),
    "norms": lambda a, b: np.linalg.norm(a, 3, axis=0) * np.linalg.norm(b, np.inf, axis=1),
    "matrix norm": lambda a, b: np.linalg.norm(a @ b, 1),
    "einsum": lambda a, b: np.einsum("ij,kj,kk->i", a, b, a),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=([0], [1])),
    "kron": lambda a, b: np.kron(a, b[:2]),
    "cross": np.cross,
    "convolve": lambda a, b: np.convolve(a[0], b[1], "same"),
    "correlate": lambda a, b: np.correlate(a[0], b[1], "full"),
    "vdot": lambda a, b: np.vdot(a, b) * a[0],
    "vecdot": lambda a, b: np.linalg.vecdot(a, b, axis=0),
    "matrix_power": lambda a, b: np.linalg.matrix_power(a, 3) @ np.linalg.matrix_power(b, -2),
    "multi_dot": lambda a, b: np.linalg.multi_dot([a[0], b, a, b[:, 1]]),
    "tensorsolve": lambda a, b: np.linalg.tensorsolve(np.reshape(a, (1, 3, 3)), b[:1]),
}


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_modes_to_second_order(name: str, complex: bool) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-1, 1, (2, 3, 3)) + 1j * complex * rng.uniform(-1, 1, (2, 3, 3)) + 3 * np.eye(3)
    args = (a, b) if complex else (a.real, b.real)
    assert pb.testing.gradcheck(FUNCTIONS[name], *args)


def test_the_third_derivative_of_det_of_a_singular_matrix() -> None:
    """Along a line, det is a cubic: its third derivative is the same everywhere, at the zero matrix too."""
    direction = np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 1.0], [2.0, 1.0, 3.0]])
    for start in (np.zeros((3, 3)), np.ones((3, 3)), np.eye(3)):

        def along(t: Any, start: Any = start) -> Any:
            return np.linalg.det(start + t * direction)

        third = pb.grad(pb.grad(pb.grad(along)))(0.0)
        assert third == pytest.approx(6 * np.linalg.det(direction), rel=1e-12)


def test_the_hessian_of_det_of_a_singular_matrix() -> None:
    """``det [[a, b], [c, d]] = ad - bc`` has the same Hessian everywhere."""
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1
    for a in (np.zeros((2, 2)), np.ones((2, 2)), np.eye(2)):
        np.testing.assert_allclose(pb.hessian(np.linalg.det)(a), expected, atol=1e-15)


@pytest.mark.parametrize("ord", [None, 1, 3, np.inf])
def test_the_hessian_of_a_norm_at_zero_is_zero(ord: Any) -> None:
    hessian = pb.hessian(lambda x: np.linalg.norm(x, ord))(np.zeros(3))
    np.testing.assert_array_equal(hessian, np.zeros((3, 3)))


def test_float32_stays_float32() -> None:
    rng = np.random.default_rng(0)
    a = (rng.standard_normal((3, 3)) + 3 * np.eye(3)).astype(np.float32)
    for f in (
        np.linalg.det,
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.norm(a, 3, axis=0)[0],
        lambda a: np.trace(np.linalg.solve(a, a.T)),
        lambda a: np.einsum("iji->j", a[None] * a[:, :, None])[0],
    ):
        assert pb.grad(f)(a).dtype == np.float32
        assert pb.hessian(f)(a).dtype == np.float32
