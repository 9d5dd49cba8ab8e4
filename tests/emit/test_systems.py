"""Compiled systems by factors: all kinds and sizes, small ones in the code itself, and what is refused."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from pullback.emit import compile as compiling
from pullback.emit import native


def solved(a: Any, b: Any, transposed: bool) -> Any:
    return native.solved_by(a, b, native.factorised(a), transposed)


compiled: Any = numba.njit(**compiling.OPTIONS)(solved)


def drawn(kind: str, *shape: int) -> Any:
    rng = np.random.default_rng(shape)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if kind.startswith("c") else values).astype(kind)


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
def test_solutions_of_all_sizes(kind: str) -> None:
    tolerance = 2e-3 if kind in ("float32", "complex64") else 1e-9
    for n in (0, 1, 2, 7, 32, 33, 70):
        a = drawn(kind, n, n) + 3 * np.eye(n, dtype=kind)
        for b in (drawn(kind, n), drawn(kind, n, 3), drawn(kind, n, 0), drawn(kind, n, 140)):
            for transposed in (False, True):
                got, wanted = compiled(a, b, transposed), solved(a, b, transposed)
                assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
                np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_matrices_in_the_order_of_fortran_that_need_pivots() -> None:
    a = np.asfortranarray(drawn("float64", 9, 9)[::-1] - np.diag(np.ones(9)))
    a[0, 0] = 0.0
    np.testing.assert_allclose(compiled(a, a[:, 0].copy(), False), np.eye(9)[0], atol=1e-12)
    np.testing.assert_allclose(compiled(a, a[0].copy(), True), np.eye(9)[0], atol=1e-12)


def of_factors(a: Any) -> Any:
    factors = native.factorised(a)
    return (
        native.inverted_by(a, factors),
        native.slogdet_by(a, factors),
        native.det_by(a, factors),
        native.minors_by(a, factors),
    )


compiled_of_factors: Any = numba.njit(**compiling.OPTIONS)(of_factors)


def flat(results: Any) -> list[Any]:
    inverse, (sign, logarithm), determinant, minors = results
    return [inverse, sign, logarithm, determinant, minors]


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
def test_inverses_and_determinants_of_all_sizes(kind: str) -> None:
    tolerance = 2e-3 if kind in ("float32", "complex64") else 1e-9
    for n in (0, 1, 2, 7, 32, 33, 70):
        a = (drawn(kind, n, n) + 3 * np.eye(n, dtype=kind)) / np.asarray(3 + n**0.5 / 4, kind)
        for matrix in (a, a[::-1].copy(), np.asfortranarray(a[:, ::-1])):
            for got, wanted in zip(flat(compiled_of_factors(matrix)), flat(of_factors(matrix)), strict=True):
                assert np.shape(got) == np.shape(wanted)
                assert np.ndim(got) == 0 or got.dtype == wanted.dtype  # Numba returns Python's numbers
                size = np.max(np.abs(wanted), initial=0)
                np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * size)


def determinants(a: Any) -> Any:
    factors = native.factorised(a)
    return native.slogdet_by(a, factors), native.det_by(a, factors), native.minors_by(a, factors)


compiled_determinants: Any = numba.njit(**compiling.OPTIONS)(determinants)


@pytest.mark.parametrize("n", [3, 40])
@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_singular_matrices_have_determinants(kind: str, n: int) -> None:
    with_nan = np.eye(n, dtype=kind)
    with_nan[0, 0] = np.nan
    ones, less = np.ones((n, n), kind), np.eye(n, dtype=kind)
    less[1, 1] = 0
    for matrix in (ones, less, with_nan):
        with np.errstate(invalid="ignore"):
            found, wanted = compiled_determinants(matrix), determinants(matrix)
        np.testing.assert_allclose(found[0], wanted[0])
        np.testing.assert_allclose(found[1], wanted[1])
        np.testing.assert_allclose(found[2], wanted[2], atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        compiled_of_factors(less)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        compiled_of_factors(ones[:, 1:].copy())


@pytest.mark.parametrize("n", [3, 40])
def test_what_numpy_refuses_is_refused(n: int) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        compiled(np.ones((n, n)), np.ones(n), False)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        compiled(np.ones((n, n + 1)), np.ones(n), False)
    with pytest.raises(ValueError, match="rows"):
        compiled(np.eye(n), np.ones(n + 1), False)
