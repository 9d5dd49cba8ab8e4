"""Products that a vector, a sum or a diagonal matrix makes cheaper: none of matrices, forward or back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(5)
A, B, C = (RNG.normal(size=(4, 4)) + np.eye(4) for _ in range(3))
WIDE, V = RNG.normal(size=(4, 6)), RNG.normal(size=4)


def chain(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.sum(np.abs((a @ b @ c) @ v) ** 2)


def from_the_left(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.sum(np.abs(np.dot(v, a @ (b @ c))) ** 2)


def form(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.abs(v @ (a.T @ (b + c) @ a) @ v)


def sums(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.abs(np.sum(a @ b) + np.sum((b @ c).sum(axis=0) * v) + np.sum(v * np.sum(c @ a, -1)))


def scaled(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.sum(np.abs(a @ np.diag(v) + np.diag(v) @ b) ** 2) + np.abs(np.sum(np.diag(v) @ (c[0] * v)))


def diagonals(a: Any, b: Any, c: Any, v: Any) -> Any:
    return np.abs(np.trace(a @ b)) ** 2 + np.sum(np.abs(np.diagonal(b @ c) * v) ** 2)


def squared(a: Any, b: Any, c: Any, v: Any) -> Any:
    d = np.diag(v)
    return np.abs(np.sum(d @ d @ a) + np.sum(b * c))


def in_a_loop(a: Any, b: Any, c: Any, v: Any) -> Any:
    for k in range(3):
        v = np.sin(0.1 * ((a @ b) @ v)) + k * c[k]
    return np.sum(np.abs(v) ** 2)


FUNCTIONS = [chain, from_the_left, form, sums, scaled, diagonals, squared, in_a_loop]


def products(compiled: Any, *args: Any) -> int:
    """How many products of matrices the gradient by all arguments has."""
    program = pb.source(pb.grad(compiled, argnums=tuple(range(len(args)))), *args)
    body = program.rpartition("\ndef ")[2]
    return body.count("native.matmul(") + body.count("native.multiply(")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_products_of_matrices(function: Callable[..., Any]) -> None:
    assert products(pb.compile(function, jit=False), A, B, C, V) == 0


def checked(compiled: Any, function: Any, args: Any, rtol: float = 1e-10) -> None:
    """Value and derivatives in both modes and of second order, against the tape's of the function."""
    scale = rtol * 10
    value = compiled(*args)
    np.testing.assert_allclose(value, function(*args), rtol=rtol)
    places = tuple(range(len(args)))
    found = pb.grad(compiled, argnums=places)(*args)
    for ours, theirs in zip(found, pb.grad(function, argnums=places, engine="tape")(*args), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=scale, atol=scale * np.max(np.abs(theirs)))
    along = tuple(np.cos(x) for x in args)
    np.testing.assert_allclose(
        pb.jvp(compiled, args, along)[1], pb.jvp(function, args, along)[1], rtol=100 * scale
    )
    ours = pb.jvp(pb.grad(compiled), args, along)[1]
    theirs = pb.jvp(pb.grad(function, engine="tape"), args, along)[1]
    np.testing.assert_allclose(ours, theirs, rtol=100 * scale, atol=100 * scale * np.max(np.abs(theirs)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_derivatives(function: Callable[..., Any]) -> None:
    checked(pb.compile(function, jit=False), function, (A, B, C, V))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_complex_matrices(function: Callable[..., Any]) -> None:
    args = tuple(x + 1j * np.cos(3 * x) for x in (A, B, C, V))
    assert products(pb.compile(function, jit=False), *args) == 0
    checked(pb.compile(function, jit=False), function, args)


@pytest.mark.parametrize("function", [chain, sums, scaled])
def test_single_precision_and_native_code(function: Callable[..., Any]) -> None:
    checked(pb.compile(function), function, (A, B, C, V))
    args = tuple(x.astype(np.float32) for x in (A, B, C, V))
    compiled = pb.compile(function, jit=False)
    assert compiled(*args).dtype == np.float32
    checked(compiled, function, args, 1e-4)


def taken_twice(a: Any, b: Any, v: Any) -> Any:
    product = a @ b
    return np.sum((product @ v) * (product @ np.sin(v)))


def before_a_loop(a: Any, b: Any, v: Any) -> Any:
    product = a @ b
    for _ in range(3):
        v = product @ v
    return np.sum(v)


def overwritten(a: Any, b: Any, v: Any) -> Any:
    b = b.copy()
    product = a @ b
    b[0, 0] = v[0]
    return np.sum(product @ v) + np.sum(b)


def diagonal_overwritten(a: Any, b: Any, v: Any) -> Any:
    v = v.copy()
    d = np.diag(v)
    v[0] = 3.0
    return np.sum((a @ d) ** 2) + np.sum(b @ v)


@pytest.mark.parametrize("function", [taken_twice, before_a_loop, overwritten, diagonal_overwritten])
def test_products_that_stay(function: Callable[..., Any]) -> None:
    compiled = pb.compile(function, jit=False)
    assert products(compiled, A, B, V) > 0
    checked(compiled, function, (A, B, V))


def kept(a: Any, v: Any) -> Any:
    return a @ np.diag(v)


def test_lengths_that_do_not_fit_are_an_error() -> None:
    for one in (np.ones(1), np.ones(3)):
        with pytest.raises(ValueError, match=r"."):
            kept(A, one)
        with pytest.raises((ValueError, pb.PullbackError), match=r"."):
            pb.compile(kept, jit=False)(A, one)
    with pytest.raises((ValueError, pb.PullbackError), match=r"."):
        pb.compile(kept, jit=False)(A[:, :1].copy(), V)
    np.testing.assert_array_equal(pb.compile(kept, jit=False)(A[:, :1].copy(), V[:1]), A[:, :1] * V[0])


def test_sums_with_options() -> None:
    def kept_axis(a: Any, b: Any) -> Any:
        return np.sum(np.sum(a @ b, axis=1, keepdims=True) ** 2)

    def both(a: Any, b: Any) -> Any:
        return np.sum(a @ b, axis=(0, 1))

    for function in (kept_axis, both):
        checked(pb.compile(function, jit=False), function, (A, WIDE))
