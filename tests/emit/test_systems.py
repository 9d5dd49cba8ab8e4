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


@pytest.mark.parametrize("n", [3, 40])
def test_what_numpy_refuses_is_refused(n: int) -> None:
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        compiled(np.ones((n, n)), np.ones(n), False)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        compiled(np.ones((n, n + 1)), np.ones(n), False)
    with pytest.raises(ValueError, match="rows"):
        compiled(np.eye(n), np.ones(n + 1), False)
