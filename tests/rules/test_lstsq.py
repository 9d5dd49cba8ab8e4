"""Least squares: every result, in every shape, and deficient ranks."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from fifty_digits import slope
from hypothesis import given
from hypothesis import strategies as st

import pullback as pb


def drawn(shape: Any, complex: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex else x


def all_but_rank(a: Any, b: Any, rcond: Any = None) -> list[Any]:
    x, squares, _, s = np.linalg.lstsq(a, b, rcond)
    return [x, squares, s]


@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    right=st.none() | st.integers(0, 3),
    complex=st.booleans(),
    seed=st.integers(0, 50),
)
def test_full_rank(rows: int, columns: int, right: Any, complex: bool, seed: int) -> None:
    a = drawn((rows, columns), complex, seed) + np.diag(3.0 * np.arange(1, 5))[:rows, :columns]
    b = drawn((rows,) if right is None else (rows, right), complex, seed + 1)
    assert pb.testing.gradcheck(all_but_rank, a, b, order=1, tolerance=1e-4)
    assert pb.testing.gradcheck(lambda a, b: all_but_rank(a, b)[:2], a, b, tolerance=1e-3)


@pytest.mark.parametrize("complex", [False, True])
def test_against_fifty_digits(complex: bool) -> None:
    def solution(a: Any, b: Any) -> Any:
        return mpmath.inverse(a.H * a) * (a.H * b)

    def squares(a: Any, b: Any) -> Any:
        rest = b - a * solution(a, b)
        return mpmath.matrix([[mpmath.norm(rest[:, k]) ** 2 for k in range(b.cols)]])

    pairs = [
        (drawn(shape, complex, k), drawn(shape, complex, k + 5)) for k, shape in enumerate([(5, 3), (5, 2)])
    ]
    (a, a_dot), (b, b_dot) = pairs
    x_dot, squares_dot, _ = pb.jvp(all_but_rank, (a, b), (a_dot, b_dot))[1]
    np.testing.assert_allclose(x_dot, slope(solution, *pairs), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(squares_dot, slope(squares, *pairs)[0].real, rtol=1e-12)


def test_a_real_matrix_and_a_complex_right_hand_side() -> None:
    a, b = drawn((4, 2), False), drawn((4, 3), True)
    assert pb.testing.gradcheck(all_but_rank, a, b, order=1)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (3, 5)])
def test_a_deficient_rank_that_stays(rows: int, columns: int, complex: bool) -> None:
    x, y, b = drawn((rows, 2), complex), drawn((2, columns), complex, 1), drawn((rows, 2), complex, 2)

    def solution(x: Any, y: Any, b: Any) -> Any:
        found, squares, rank, _ = np.linalg.lstsq(x @ y, b, 1e-9)
        assert (rank, squares.size) == (2, 0)
        return found

    assert pb.testing.gradcheck(solution, x, y, b, tolerance=1e-3)
    by_parts = pb.grad(lambda x: np.sum(np.abs(np.linalg.pinv(y) @ (np.linalg.pinv(x) @ b)) ** 2))(x)
    at_once = pb.grad(lambda x: np.sum(np.abs(np.linalg.lstsq(x @ y, b)[0]) ** 2))(x)
    np.testing.assert_allclose(at_once, by_parts, rtol=1e-9)


def test_no_rank_at_all() -> None:
    a, b = np.zeros((3, 2)), np.ones(3)
    assert not pb.grad(lambda b: np.sum(np.linalg.lstsq(a, b)[0]))(b).any()
    assert pb.grad(lambda t: np.sum(np.linalg.lstsq(a * t, b)[0]))(2.0) == 0
    with pytest.raises(pb.NotDifferentiableError, match=r"rank 0 and shape \(3, 2\), whose rank changes"):
        pb.grad(lambda a: np.sum(np.linalg.lstsq(a, b)[0]))(a)


def test_a_constant_matrix_may_be_cut() -> None:
    """The solution is linear in the right-hand side, whatever the rank counts."""
    a, b = np.diag([1.0, 0.5, 0.01]), drawn(3, False)
    for cutoff in (0.9, 0.1):
        assert pb.testing.gradcheck(lambda b, cutoff=cutoff: np.linalg.lstsq(a, b, cutoff)[0], b)


def test_the_values_that_are_not_zero_move_smoothly_where_the_rank_changes() -> None:
    a = drawn((4, 2), False) @ drawn((2, 3), False, 1)
    a_bar = pb.grad(lambda a: np.linalg.lstsq(a, np.ones(4))[3][0])(a)
    u, _, vh = np.linalg.svd(a)
    np.testing.assert_allclose(a_bar, np.outer(u[:, 0], vh[0]), atol=1e-13)


def test_a_rank_that_changes_is_an_error() -> None:
    a, b = drawn((4, 2), False) @ drawn((2, 3), False, 1), drawn(4, False, 2)
    with pytest.raises(pb.NotDifferentiableError, match="rank of a matrix changes"):
        pb.jvp(lambda a: np.linalg.lstsq(a, b, 1e-9)[0], (a,), (drawn((4, 3), False, 3),))
    with pytest.raises(pb.NotDifferentiableError, match="lstsq drops a singular value"):
        pb.grad(lambda a: np.sum(np.linalg.lstsq(a, b[:2], 0.1)[0]))(np.diag([1.0, 0.01]))


def test_equal_singular_values() -> None:
    """The sum of them has a derivative, one of them has none; the solution does not mind in reverse."""
    a, b = np.eye(3)[:, :2], np.arange(3.0)
    np.testing.assert_allclose(pb.grad(lambda a: np.sum(np.linalg.lstsq(a, b)[3]))(a), a)
    assert np.isfinite(pb.grad(lambda a: np.sum(np.linalg.lstsq(a, b)[0]))(a)).all()
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1"):
        pb.grad(lambda a: np.linalg.lstsq(a, b)[3][0])(a)
    with pytest.raises(pb.NotDifferentiableError, match="singular values 0 and 1"):
        pb.jvp(lambda a: np.linalg.lstsq(a, b)[3], (a,), (np.ones((3, 2)),))
    for loss in (lambda a: np.sum(np.linalg.lstsq(a, b)[3]), lambda a: np.sum(np.linalg.svdvals(a))):
        np.testing.assert_allclose(pb.grad(loss)(np.ones((3, 2))), 6**-0.5)  # nothing in the one that is 0
    dots = pb.jvp(lambda a: np.linalg.lstsq(a, b)[3], (a,), (a * [2.0, 3.0],))[1]
    np.testing.assert_allclose(np.sort(dots), [2, 3])


def test_single_precision_stays_single() -> None:
    for dtype in (np.float32, np.complex64):
        a, b = drawn((4, 2), False).astype(dtype), drawn(4, False, 1).astype(dtype)
        y, pull = pb.vjp(all_but_rank, a, b)
        assert [part.dtype for part in y] == [dtype, np.float32, np.float32]
        assert {bar.dtype for bar in pull(y)} == {np.dtype(dtype)}
        assert [part.dtype for part in pb.jvp(all_but_rank, (a, b), (a, b))[1]] == [part.dtype for part in y]


def test_the_rank_is_a_number_without_a_derivative() -> None:
    a, b = drawn((4, 2), False), drawn(4, False, 1)
    ranks = []
    pb.grad(lambda a: (ranks.append(np.linalg.lstsq(a, b)[2]), np.sum(a))[1])(a)
    assert ranks == [2]
    assert np.linalg.matrix_rank(pb.Variable(a)) == 2


@pytest.mark.parametrize("seam", [np.maximum, np.minimum])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_rank_that_changes_at_a_kink(seam: Any, size: int) -> None:
    """On one side of it the matrix is the same, on the other it has a higher rank; it was 0 in silence."""
    x = np.zeros(size)
    x[0] = 1.0 if seam is np.maximum else -1.0

    def total(x: Any) -> Any:
        return np.sum(np.linalg.pinv(np.diag(seam(x, 0))))

    for transform in (
        pb.grad(total),
        pb.grad(total, engine="tape"),
        pb.jacobian(total),
        lambda x: pb.vjp(total, x)[1](1.0),
    ):
        with pytest.raises(pb.NotDifferentiableError, match="whose rank changes"):
            transform(x)
    for j in range(1, size):
        with pytest.raises(pb.NotDifferentiableError, match="rank"):
            pb.jvp(total, (x,), (np.eye(size)[j],))
        with pytest.raises(pb.NotDifferentiableError, match="rank"):
            pb.jvp(total, (x,), (-np.eye(size)[j],))
    np.testing.assert_array_equal(pb.grad(total)(np.where(x, x, -x[0])), -np.abs(x))
