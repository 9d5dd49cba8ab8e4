"""Products of stacks that broadcast: the cotangents sum within products, and are those of an Einstein sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.tape import conjugates

SHAPES = [
    ((3, 1, 4, 4), (2, 4, 4)),
    ((1, 3, 4, 5), (2, 1, 5, 2)),
    ((2, 3, 4, 5), (3, 5, 2)),
    ((3, 5, 2), (4, 2, 3, 2, 5)),
    ((4, 1, 3, 2, 5), (2, 1, 5, 6)),
    ((4, 5), (2, 3, 5, 3)),
    ((2, 3, 4, 5), (5, 3)),
    ((0, 1, 4, 5), (2, 5, 3)),
    ((3, 1, 4, 5), (0, 5, 3)),
    ((3, 1, 0, 5), (2, 5, 3)),
    ((3, 1, 4, 0), (2, 0, 3)),
    ((1, 1, 4, 5), (2, 5, 3)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
@pytest.mark.parametrize("shapes", SHAPES)
def test_the_cotangents_of_stacks_that_broadcast(shapes: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((*shape, 2)).view(complex)[..., 0] for shape in shapes)
    if np.dtype(dtype).kind == "f":
        a, b = np.real(a), np.real(b)
    a, b = a.astype(dtype), b.astype(dtype)

    def product(a: Any, b: Any) -> Any:
        return np.sum(np.abs(a @ b) ** 2)

    def written_out(a: Any, b: Any) -> Any:
        return np.sum(np.abs(np.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)) ** 2)

    found, expected = (pb.grad(f, argnums=(0, 1))(a, b) for f in (product, written_out))
    tolerance = 1e-12 if np.finfo(dtype).bits == 64 else 1e-4
    for x_bar, other, x in zip(found, expected, (a, b), strict=True):
        assert x_bar.shape == x.shape
        assert x_bar.dtype == x.dtype
        np.testing.assert_allclose(x_bar, other, rtol=tolerance, atol=tolerance)
    for side in (0, 1):
        one = (lambda a: product(a, b)) if side == 0 else (lambda b: product(a, b))
        np.testing.assert_allclose(pb.grad(one)((a, b)[side]), found[side], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize(
    "shapes",
    [
        ((7, 3, 4), (7, 4, 2)),
        ((2, 3, 1, 4), (2, 3, 4, 5)),
        ((3, 2, 2), (3, 2, 0)),
        ((7, 4, 4), (7, 4, 4)),
        ((7, 3, 4), (7, 4, 4)),
    ],
)
def test_conjugates_that_are_made_in_parts(shapes: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    a, b = ((rng.standard_normal((*shape, 2)).view(complex)[..., 0]).astype(dtype) for shape in shapes)
    gradient = pb.grad(lambda a, b: np.sum(np.abs(a @ b) ** 2), argnums=(0, 1), engine="tape")
    whole = gradient(a, b)
    turned = (np.asfortranarray(a), np.asfortranarray(b))
    monkeypatch.setattr(conjugates, "_CACHED", 2 * a[(0,) * (a.ndim - 2)].nbytes)
    for parts, wanted in zip((*gradient(a, b), *gradient(*turned)), 2 * whole, strict=True):
        assert parts.dtype == dtype
        np.testing.assert_allclose(
            parts, wanted, rtol=100 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps * 1e3
        )


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("shapes", [((7, 3, 4), (7, 4, 3)), ((2, 5, 4, 4), (2, 5, 4, 4))])
def test_traces_whose_conjugates_are_made_in_parts(
    shapes: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    a, b = ((rng.standard_normal((*shape, 2)).view(complex)[..., 0]).astype(dtype) for shape in shapes)

    def traces(a: Any, b: Any) -> Any:
        return np.sum(np.abs(np.trace(a @ b, axis1=-2, axis2=-1)) ** 2)

    gradient = pb.grad(traces, argnums=(0, 1), engine="tape")
    whole = gradient(a, b)
    monkeypatch.setattr(conjugates, "_CACHED", 2 * a[(0,) * (a.ndim - 2)].nbytes)
    for parts, wanted in zip(gradient(a, b), whole, strict=True):
        assert parts.dtype == dtype
        assert np.array_equal(parts, wanted)


def test_a_cotangent_that_another_value_shares_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a, b, c = rng.standard_normal((3, 7, 4, 4, 2)).view(complex)[..., 0]

    def function(a: Any, b: Any, c: Any) -> Any:
        return np.sum(np.abs(a @ b + c) ** 2)

    gradient = pb.grad(function, argnums=(0, 1, 2), engine="tape")
    whole = gradient(a, b, c)
    monkeypatch.setattr(conjugates, "_CACHED", 2 * a[0].nbytes)
    for parts, wanted in zip(gradient(a, b, c), whole, strict=True):
        np.testing.assert_allclose(parts, wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(whole[2], 2 * (a @ b + c), rtol=1e-13)
