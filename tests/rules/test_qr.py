"""QR factorisations of every shape and mode, and where there is no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb

MODES: tuple[Any, ...] = ("complete", "reduced")


def drawn(shape: Any, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex else x


def factors(a: Any, mode: Any) -> Any:
    result = np.linalg.qr(a, mode)
    return result if mode == "r" else list(result)


@given(
    batch=st.lists(st.integers(0, 2), max_size=1),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    mode=st.sampled_from(["reduced", "complete", "r"]),
    complex=st.booleans(),
    seed=st.integers(0, 50),
)
def test_every_shape_and_mode(
    batch: list[int], rows: int, columns: int, mode: str, complex: bool, seed: int
) -> None:
    a = drawn((*batch, rows, columns), complex, seed)
    k = min(rows, columns)
    a = a + 3 * np.eye(rows, columns)[..., :, :]  # well away from a dependent column
    assert k
    assert pb.testing.gradcheck(lambda a: factors(a, mode), a, tolerance=1e-4, step=1e-6, order=1)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_second_order(shape: Any, mode: str, complex: bool) -> None:
    assert pb.testing.gradcheck(lambda a: factors(a, mode), drawn(shape, complex, 1))


@pytest.mark.parametrize("complex", [False, True])
def test_the_product_of_the_factors_is_the_identity(complex: bool) -> None:
    for shape in ((3, 3), (4, 2), (2, 4)):
        for mode in ("reduced", "complete"):

            def product(a: Any, mode: Any = mode) -> Any:
                q, r = np.linalg.qr(a, mode)
                return q @ r

            a, a_dot = drawn(shape, complex), drawn(shape, complex, 1)
            np.testing.assert_allclose(pb.jvp(product, (a,), (a_dot,))[1], a_dot, atol=1e-13)
            np.testing.assert_allclose(pb.vjp(product, a)[1](a_dot)[0], a_dot, atol=1e-13)


def test_what_completes_the_basis_follows_from_the_rest() -> None:
    a = drawn((4, 2), True)
    whole, thin = (lambda a, m=m: np.linalg.qr(a, m)[0] for m in MODES)
    weight = drawn((4, 4), True, 1)

    def of_the_rest(a: Any) -> Any:
        rest = whole(a)[:, 2:]
        return np.sum(np.real(weight * (rest @ np.conj(rest.T))))

    def of_the_thin(a: Any) -> Any:
        q = thin(a)
        return np.sum(np.real(weight * (np.eye(4) - q @ np.conj(q.T))))

    np.testing.assert_allclose(pb.grad(of_the_rest)(a), pb.grad(of_the_thin)(a), atol=1e-13)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (3, 5)])
def test_dependent_columns_are_an_error(shape: Any, complex: bool) -> None:
    a = drawn(shape, complex)
    a[:, 1] = 2 * a[:, 0]
    for derivative in (
        lambda f: pb.grad(f)(a),
        lambda f: pb.jvp(f, (a,), (a,)),
        lambda f: pb.grad(pb.compile(f, jit=False))(a),
    ):
        for loss in (of_r, of_q):
            with pytest.raises(pb.NotDifferentiableError, match=r"R\[1, 1\] is .*\n(.*\n)*.*column 1"):
                derivative(loss)


def of_r(a: Any) -> Any:
    return np.sum(np.abs(np.linalg.qr(a, "r")))


def of_q(a: Any) -> Any:
    return np.sum(np.real(np.linalg.qr(a)[0]))


def test_the_last_pivot_of_a_real_square_may_be_zero() -> None:
    """The last column of Q is what is left, however little of A is in it: Q and R go on smoothly."""
    a = drawn((3, 3), False)
    a[:, 2] = a[:, 0] - a[:, 1]
    assert abs(np.linalg.qr(a).R[2, 2]) < 1e-15
    assert pb.testing.gradcheck(lambda a: factors(a, "reduced"), a)
    wide = np.concatenate([a, drawn((3, 2), False, 3)], axis=1)
    assert pb.testing.gradcheck(lambda a: factors(a, "complete"), wide)
    with pytest.raises(pb.NotDifferentiableError, match="column 2"):
        pb.grad(of_q)(a + 0j)  # there the phase of the last column is that of what is in it


def test_small_columns_are_no_dependent_ones() -> None:
    a = drawn((3, 2), False) * [1.0, 1e-30]
    wanted = pb.jvp(lambda a: np.linalg.qr(a)[0], (a * [1.0, 1e30],), (a * [1.0, 1e30],))[1]
    np.testing.assert_allclose(pb.jvp(lambda a: np.linalg.qr(a)[0], (a,), (a,))[1], wanted, atol=1e-14)


def test_where_lapack_leaves_a_reflection_out_the_complete_basis_jumps() -> None:
    a = np.array([[1.0, 2.0], [0.0, 1.0], [0.0, 1.0]])
    for derivative in (lambda f: pb.grad(f)(a), lambda f: pb.jvp(f, (a,), (a,))):
        with pytest.raises(pb.NotDifferentiableError, match="completes Q"):
            derivative(lambda a: np.sum(np.linalg.qr(a, "complete")[0] ** 3))
    of_thin = pb.grad(lambda a: np.sum(np.linalg.qr(a, "complete")[0][:, :2] ** 3))(a)
    np.testing.assert_allclose(of_thin, pb.grad(lambda a: np.sum(np.linalg.qr(a)[0] ** 3))(a))


def test_the_raw_mode_is_refused() -> None:
    for derivative in (pb.grad, lambda f: lambda a: pb.jvp(f, (a,), (a,))):
        with pytest.raises(pb.NotDifferentiableError, match=r"mode 'raw'\n(.*\n)*.*reflections"):
            derivative(lambda a: np.sum(np.linalg.qr(a, mode="raw")[0]))(np.eye(2))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype: Any) -> None:
    for shape in ((4, 2), (2, 3), (2, 3, 3)):
        a = drawn(shape, dtype is np.complex64).astype(dtype)
        y, pull = pb.vjp(lambda a: np.linalg.qr(a, "complete"), a)
        assert pull(y)[0].dtype == dtype
        assert {part.dtype for part in pb.jvp(lambda a: factors(a, "reduced"), (a,), (a,))[1]} == {
            np.dtype(dtype)
        }


@pytest.mark.filterwarnings("ignore:The 'full' option:DeprecationWarning")
def test_the_old_name_of_a_mode() -> None:
    a = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]])
    old: Any = "full"
    assert pb.testing.gradcheck(lambda a: np.linalg.qr(a, old)[0], a)
