"""Singular values of a matrix that is small beside what a function of it varies with: right, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

SIZES = (1e-15, 1e-13, 1e-11, 1e-8)
SHAPES = ((3, 3), (5, 3), (2, 4))
KINDS = pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])


def drawn(*shape: int, complex: bool, seed: int) -> Any:
    rng = np.random.default_rng([seed, *shape])
    a = rng.standard_normal(shape)
    return a + 1j * rng.standard_normal(shape) if complex else a


def overlap(c: Any, a: Any) -> Any:
    return np.real(np.sum(np.conj(c) * a))


def odd(c: Any, u: Any, s: Any, vh: Any) -> Any:
    return overlap(c, (u * np.sin(s)) @ vh)


def even(c: Any, u: Any, s: Any, vh: Any) -> Any:
    v = np.conj(vh.T)
    return overlap(np.conj(c.T) @ c, (v * np.cos(s)) @ vh)


def both(c: Any, u: Any, s: Any, vh: Any) -> Any:
    return odd(c, u, s, vh) + even(c, u, s, vh)


def other_side(c: Any, u: Any, s: Any, vh: Any) -> Any:
    return odd(c, u, s, vh) + overlap(c @ np.conj(c.T), (u * np.cos(s)) @ np.conj(u.T))


@KINDS
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("size", SIZES)
def test_what_its_cotangents_determine_is_right(size: float, shape: tuple[int, int], complex: bool) -> None:
    a, c = size * drawn(*shape, complex=complex, seed=1), drawn(*shape, complex=complex, seed=2)
    ours = pb.grad(lambda a: odd(c, *np.linalg.svd(a, full_matrices=False)))(a)
    np.testing.assert_allclose(ours, c, atol=1e-8)

    def constant(a: Any) -> Any:
        vh = np.linalg.svd(a, full_matrices=False)[2]
        return overlap(c @ np.conj(c.T) if shape[0] < shape[1] else np.conj(c.T) @ c, rotated(vh, shape))

    assert np.max(np.abs(pb.grad(constant)(a))) <= 1e-8


def rotated(vh: Any, shape: tuple[int, int]) -> Any:
    """The identity, made of vectors."""
    return vh @ np.conj(vh.T) if shape[0] < shape[1] else np.conj(vh.T) @ vh


@KINDS
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("loss", "shape"),
    [(both, (3, 3)), (both, (5, 3)), (other_side, (3, 3)), (other_side, (2, 4))],
    ids=["both-square", "both-tall", "other-square", "other-wide"],
)
@pytest.mark.parametrize("size", SIZES)
def test_what_they_do_not_is_refused(
    size: float, loss: Callable[..., Any], shape: tuple[int, int], full: bool, complex: bool
) -> None:
    """Its derivative is `c`, of which the other part's rounding, divided by the matrix, leaves little."""
    a, c = size * drawn(*shape, complex=complex, seed=1), drawn(*shape, complex=complex, seed=2)
    count = min(shape)

    def function(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full)
        return loss(c, u[:, :count], s, vh[:count])

    direction = drawn(*shape, complex=complex, seed=3)
    slope = overlap(c, direction)
    for derivative in (
        lambda: overlap(pb.grad(function)(a), direction),
        lambda: pb.jvp(function, (a,), (direction,))[1],
    ):
        try:
            ours = derivative()
        except pb.NotDifferentiableError:
            continue
        np.testing.assert_allclose(ours, slope, atol=1e-4)


def test_the_error_names_the_values() -> None:
    a, c = 1e-15 * drawn(3, 3, complex=False, seed=1), drawn(3, 3, complex=False, seed=2)
    with pytest.raises(pb.NotDifferentiableError, match=r"singular values 0 and 1 .* small beside"):
        pb.grad(lambda a: both(c, *np.linalg.svd(a)))(a)


def test_single_precision_has_its_own_rounding() -> None:
    a, c = drawn(3, 3, complex=False, seed=1).astype("f"), drawn(3, 3, complex=False, seed=2).astype("f")
    np.testing.assert_allclose(pb.grad(lambda a: both(c, *np.linalg.svd(a)))(a), numeric(c, a), rtol=2e-2)
    with pytest.raises(pb.NotDifferentiableError, match="small beside"):
        pb.grad(lambda a: both(c, *np.linalg.svd(a)))(1e-6 * a)


@pytest.mark.parametrize("dtype", ["f", "F", "d", "D"])
@pytest.mark.parametrize("size", [1e-9, 1e-14, 1e-20, 1e-30])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_quotients_of_rounding_say_nothing_of_what_functions_vary_with(
    n: int, size: float, dtype: str
) -> None:
    """They may be as large as one likes, the smaller the matrix is."""
    is_complex = dtype in "FD"
    a, c, k = (drawn(n, n, complex=is_complex, seed=seed).astype(dtype) for seed in (4, 5, 6))
    a, c = (np.asarray(x + np.conj(x.T), dtype) for x in (np.asarray(size, dtype.lower()) * a, c))

    def exponential(a: Any) -> Any:
        w, v = np.linalg.eigh((a + np.conj(a.T)) / 2)
        return overlap(c, (v * np.exp(w)) @ np.conj(v.T))

    def sine(a: Any) -> Any:
        return odd(k, *np.linalg.svd(a, full_matrices=False))

    tolerance = 1e-4 if dtype in "fF" else 1e-7
    np.testing.assert_allclose(pb.grad(exponential)(a), c, atol=tolerance)
    np.testing.assert_allclose(pb.jvp(exponential, (a,), (c,))[1], overlap(c, c), rtol=10 * tolerance)
    np.testing.assert_allclose(pb.grad(sine)(a), k, atol=tolerance)


def numeric(c: Any, a: Any, step: float = 1e-5) -> Any:
    """By differences in double precision."""
    a, c, slopes = a.astype("d"), c.astype("d"), np.zeros(a.shape)
    for place in np.ndindex(a.shape):
        moved = np.zeros(a.shape)
        moved[place] = step
        sides = [both(c, *np.linalg.svd(a + sign * moved)) for sign in (1, -1)]
        slopes[place] = (sides[0] - sides[1]) / (2 * step)
    return slopes
