"""What emitted source calls means compiled what it does in Python."""

from __future__ import annotations

import itertools
from typing import Any

import numba
import numpy as np
import pytest

from pullback.emit import matmul, native, overloads
from pullback.emit.compile import OPTIONS

assert matmul
assert overloads

PARTS = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e-200, 1e200, 1e308, 5e-324, 1e-160, -1e155, 3e-30]


def compiled(function: Any) -> Any:
    return numba.njit(**OPTIONS)(function)


def magnitudes(z: Any, out: Any) -> None:
    for i in range(z.size):
        out[i] = native.magnitude(z[i])


def directions(z: Any, out: Any) -> None:
    for i in range(z.size):
        out[i] = native.direction(z[i])


def multiplied(a: Any, b: Any) -> Any:
    return native.matmul(a, b)


product = compiled(multiplied)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
@pytest.mark.parametrize(("function", "like"), [(magnitudes, np.abs), (directions, np.sign)])
def test_absolute_values_and_signs_of_complex_numbers(kind: Any, function: Any, like: Any) -> None:
    with np.errstate(all="ignore"):
        z = np.array([complex(x, y) for x, y in itertools.product(PARTS, PARTS)]).astype(kind)
        theirs = like(z)
        ours = np.empty_like(theirs)
        compiled(function)(z, ours)
        limits = np.finfo(kind)
        np.testing.assert_allclose(ours, theirs, rtol=2 * limits.eps, atol=limits.smallest_subnormal)


def drawn(rng: np.random.Generator, shape: tuple[int, int], kind: str) -> Any:
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.startswith("c") else values).astype(kind)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("orders", ["CC", "CF", "FC", "FF"])
def test_products_of_small_and_large_matrices(kind: str, orders: Any) -> None:
    rng = np.random.default_rng(0)
    for m, k, n in ((2, 3, 4), (1, 1, 1), (5, 0, 3), (0, 4, 3), (3, 4, 0), (17, 6, 11), (6, 40, 5)):
        a, b = (drawn(rng, s, kind) for s in ((m, k), (k, n)))
        ours = product(np.asarray(a, order=orders[0]), np.asarray(b, order=orders[1]))
        assert ours.dtype == a.dtype
        np.testing.assert_allclose(ours, a @ b, rtol=1e-4, atol=1e-5)


def test_products_of_matrices_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="matmul"):
        product(np.ones((2, 3)), np.ones((2, 3)))


def written(y: Any, a: Any, b: Any) -> None:
    native.multiply(y, a, b, -1, False)


def added(y: Any, a: Any, b: Any) -> None:
    native.multiply(y, a, b, -1, True)


def conjugated_first(y: Any, a: Any, b: Any) -> None:
    native.multiply(y, a, b, 0, True)


def conjugated_second(y: Any, a: Any, b: Any) -> None:
    native.multiply(y[1], a, b[0].T, 1, False)


@pytest.mark.parametrize("kind", ["float64", "complex64", "complex128"])
@pytest.mark.parametrize("sizes", [(2, 3, 4), (9, 2, 3), (17, 6, 11)])
def test_products_into_matrices(kind: str, sizes: Any) -> None:
    rng = np.random.default_rng(1)
    m, k, n = sizes
    a, b, y = (drawn(rng, s, kind) for s in ((m, k), (k, n), (m, n)))
    turned = np.asfortranarray(a), np.asfortranarray(b)
    for function, factors in (
        (written, (a, b)),
        (written, turned),
        (added, (a, turned[1])),
        (conjugated_first, (turned[0], b)),
    ):
        ours, theirs = y.copy(), y.copy()
        compiled(function)(ours, *factors)
        function(theirs, *factors)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    ours, theirs = np.zeros((2, m, n), kind), np.zeros((2, m, n), kind)
    for function, into in ((compiled(conjugated_second), ours), (conjugated_second, theirs)):
        function(into, a, np.ascontiguousarray(np.stack([b.T, b.T])))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not ours[0].any()


def test_a_product_into_a_matrix_forgets_what_was_there() -> None:
    for size in (2, 9):
        y = np.full((size, size), np.nan)
        compiled(written)(y, np.ones((size, size)), np.ones((size, size)))
        np.testing.assert_array_equal(y, size)
        compiled(written)(y, np.ones((size, 0)), np.ones((0, size)))
        np.testing.assert_array_equal(y, 0)


def test_a_product_into_a_matrix_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="lengths differ"):
        compiled(written)(np.ones((2, 3)), np.ones((2, 2)), np.ones((2, 2)))
