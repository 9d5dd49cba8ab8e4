"""An inverse that one product takes is a system; one that is used otherwise stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(3)


def drawn(dtype: Any, *shape: int) -> Any:
    x = RNG.uniform(-1, 1, shape)
    x = x + 1j * RNG.uniform(-1, 1, shape) if np.dtype(dtype).kind == "c" else x
    return x.astype(dtype)


def on_the_left(a: Any, b: Any) -> Any:
    return np.linalg.inv(a) @ b


def on_the_right(a: Any, b: Any) -> Any:
    return b.T @ np.linalg.inv(a)


def by_dot(a: Any, b: Any) -> Any:
    return np.dot(np.linalg.inv(a), b)


def in_a_loop(a: Any, b: Any) -> Any:
    y = b * 1.0
    for k in range(2):
        y = y + np.linalg.inv(a + k * a) @ b
    return y


def used_twice(a: Any, b: Any) -> Any:
    c = np.linalg.inv(a)
    return c @ b + np.sum(c)


def squared(a: Any, b: Any) -> Any:
    c = np.linalg.inv(a)
    return c @ c * np.sum(b)


def used_in_a_loop(a: Any, b: Any) -> Any:
    c = np.linalg.inv(a)
    y = b * 1.0
    for _ in range(3):
        y = y + c @ b
    return y


def overwritten_before(a: Any, b: Any) -> Any:
    a = a * 1.0
    c = np.linalg.inv(a)
    a[0, 0] = 7.0
    return c @ b * a[0, 0]


SYSTEMS = [on_the_left, on_the_right, by_dot, in_a_loop]
INVERSES = [used_twice, squared, used_in_a_loop, overwritten_before]


@pytest.mark.parametrize("function", [*SYSTEMS, *INVERSES])
@pytest.mark.parametrize("dtype", ["d", "F"])
@pytest.mark.parametrize("columns", [None, 3])
def test_value_and_derivatives(function: Any, dtype: str, columns: int | None) -> None:
    a = drawn(dtype, 5, 5) + 4 * np.eye(5, dtype=dtype)
    b = drawn(dtype, 5) if columns is None else drawn(dtype, 5, columns)
    compiled = pb.compile(function, jit=dtype == "d")
    assert ("solve(" in pb.source(function, a, b)) is (function in SYSTEMS)
    (y, pull), (wanted, taped) = (pb.vjp(f, a, b) for f in (compiled, function))
    tolerance = 1e-9 if dtype == "d" else 1e-3
    assert y.dtype == wanted.dtype
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(pull(wanted), taped(wanted), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("function", [on_the_left, on_the_right])
def test_stacks(function: Any) -> None:
    a, b = drawn("d", 3, 4, 4) + 4 * np.eye(4), drawn("d", 4)
    (y, pull), (wanted, taped) = (pb.vjp(f, a, b) for f in (pb.compile(function, jit=False), function))
    np.testing.assert_allclose(y, wanted, rtol=1e-9)
    for ours, theirs in zip(pull(wanted), taped(wanted), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("jit", [False, True])
def test_a_singular_matrix_is_an_error(jit: bool) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=r"(?s)Singular matrix.*np\.linalg\.inv\(a\)"):
        pb.compile(on_the_left, jit=jit)(np.ones((3, 3)), np.ones(3))
