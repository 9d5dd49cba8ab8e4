"""Norms: every order, the conventions at 0 and at ties, and the ones that are refused."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.rules.norm import norm_jvp, norm_vjp
from pullback.rules.table import TABLE
from pullback.testing.rows import check_row

DTYPES = (np.float64, np.complex128, np.float32, np.complex64)
ORDERS = (None, 2, 1, 0, 3, 0.5, -1, -2.5, np.inf, -np.inf)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["norm", "vector_norm", "matrix_norm"])
def test_row(name: str, dtype: Any) -> None:
    assert check_row(TABLE[getattr(np.linalg, name)], dtype) > 0


def slope(x: Any, ord: Any = None, axis: Any = None) -> Any:
    y = np.linalg.norm(x, ord, axis)
    with np.errstate(all="ignore"):
        return norm_vjp(np.ones_like(y), y, x, ord, axis)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_the_derivative_at_zero_is_zero(ord: Any, dtype: Any) -> None:
    x_bar = slope(np.zeros(3, dtype), ord)
    np.testing.assert_array_equal(x_bar, np.zeros(3))
    assert x_bar.dtype == dtype


@pytest.mark.parametrize("ord", [None, "fro", 1, -1, np.inf, -np.inf])
def test_the_derivative_of_a_matrix_norm_at_zero_is_zero(ord: Any) -> None:
    np.testing.assert_array_equal(slope(np.zeros((2, 3)), ord), np.zeros((2, 3)))


@pytest.mark.parametrize("ord", [3, 1.5, 0.5, 1, -1])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_an_entry_of_zero_has_derivative_zero(ord: Any) -> None:
    x_bar = slope(np.array([0.0, 1.0, -2.0]), ord)
    assert x_bar[0] == 0
    assert np.all(np.isfinite(x_bar))


def test_ties_share_equally() -> None:
    np.testing.assert_array_equal(slope(np.array([1.0, -2.0, 2.0]), np.inf), [0, -0.5, 0.5])
    np.testing.assert_array_equal(slope(np.array([1.0, -2.0, -1.0]), -np.inf), [0.5, 0, -0.5])
    np.testing.assert_array_equal(slope(np.array([[1.0, 2.0], [3.0, -2.0]]), 1), [[0.5, 0.5], [0.5, -0.5]])


def test_a_complex_entry_moves_the_norm_along_itself() -> None:
    z = np.array([3 + 4j, 0])
    for order in (None, 1, 3, np.inf):
        np.testing.assert_allclose(slope(z, order), [0.6 + 0.8j, 0], atol=1e-15)
        assert norm_jvp(1j * z, np.linalg.norm(z, order), z, order) == pytest.approx(0, abs=1e-15)


def test_an_axis_is_what_numpy_makes_an_int_of() -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    for axis in (np.int64(1), 1.0, np.array(1)):
        np.testing.assert_array_equal(slope(x, 3, axis), slope(x, 3, 1))


@pytest.mark.parametrize("order", [1, np.inf, "fro", "nuc"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (2, 0), (2, 0, 2)])
def test_norms_of_empty_matrices(order: Any, shape: tuple[int, ...]) -> None:
    def norm(a: Any) -> Any:
        return np.sum(np.linalg.norm(a, order, (-2, -1)))

    a = np.zeros(shape)
    assert norm(a) == 0
    assert pb.grad(norm)(a).shape == shape
    assert pb.jvp(norm, (a,), (a,))[1] == 0
    assert pb.grad(pb.compile(norm, jit=False))(a).shape == shape
