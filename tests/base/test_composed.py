"""Functions composed of others: NumPy's very values, and derivatives in both modes and of second order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(0)
V, W, M = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 5))
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "apply_along_axis": (lambda a: np.apply_along_axis(lambda row: np.cumsum(row) * 1, 0, a), (M,)),
    "apply_along_axis to a number": (lambda a: np.apply_along_axis(lambda row: row @ row, 1, a), (M,)),
    "apply_along_axis to a matrix": (
        lambda a: np.apply_along_axis(lambda row, b: np.outer(row, row) * b, -2, a, 2.0), (M,),
    ),
    "apply_over_axes": (lambda a: np.apply_over_axes(np.sum, a, [0, -1]), (M,)),
    "cov": (np.cov, (M,)),
    "cov of columns": (lambda a: np.cov(a, rowvar=False, bias=True), (M,)),
    "cov of two": (lambda a, b: np.cov(a, b, ddof=2), (M, 2 * M)),
    "cov of complex numbers": (np.cov, (Z,)),
    "variance": (np.cov, (V,)),
    "corrcoef": (np.corrcoef, (M,)),
    "corrcoef of two": (np.corrcoef, (V, V**2)),
    "polyder": (np.polyder, (V,)),
    "polyder twice": (lambda p: np.polyder(p, 2), (V,)),
    "polyint": (np.polyint, (V,)),
    "polyint with constants": (lambda p, k: np.polyint(p, 3, k), (V, W)),
    "polyadd": (np.polyadd, (V, W)),
    "polysub": (np.polysub, (W, V)),
    "polymul": (np.polymul, (V, W)),
    "polymul with leading zeros": (lambda p: np.polymul(np.array([0.0, 0.0, 1.0, 2.0]), p), (W,)),
    "poly": (np.poly, (V,)),
    "poly of a matrix": (lambda r: np.poly(np.stack([r * r, 1 / r, r + 3 * r**3])), (W,)),
    "poly of conjugate pairs": (lambda r: np.poly([r[0] + 1j * r[1], r[0] - 1j * r[1]]), (W,)),
    "trim_zeros": (lambda a: np.trim_zeros(np.concatenate([np.zeros(2), a, np.zeros(1)]), "f"), (V,)),
    "emath.sqrt": (np.emath.sqrt, (V,)),
    "emath.sqrt of what is positive": (np.emath.sqrt, (np.abs(V),)),
    "emath.log": (np.emath.log, (V,)),
    "emath.log2": (np.emath.log2, (V,)),
    "emath.log10": (np.emath.log10, (np.abs(V),)),
    "emath.logn": (lambda x: np.emath.logn(2.0, x), (V,)),
    "emath.power": (lambda x: np.emath.power(x, 1.5), (V,)),
    "emath.power of an integer": (lambda x: np.emath.power(x, np.array(-2)), (V,)),
    "emath.arccos": (np.emath.arccos, (3 * V,)),
    "emath.arcsin": (np.emath.arcsin, (3 * V,)),
    "emath.arctanh": (np.emath.arctanh, (3 * V,)),
    "linspace": (lambda a, b: np.linspace(a, b, 7), (1.0, W)),
    "ix_": (lambda a, b: math.prod(np.ix_(a, W, b)) ** 2, (V, W)),
    "windows": (lambda a: np.lib.stride_tricks.sliding_window_view(a, 2) ** 2, (V,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    function, args = CASES[name]
    value = function(*args)
    for tracked in (pb.vjp(function, *args)[0], pb.jvp(function, args, args)[0]):
        np.testing.assert_array_equal(tracked, value)
        assert np.asarray(tracked).dtype == np.asarray(value).dtype
    assert pb.testing.gradcheck(function, *args)


def test_single_precision_stays_single() -> None:
    single = V.astype(np.float32)
    for function in (np.polyder, np.poly, np.emath.log, lambda p: np.polymul(p, p), np.vander):
        value, pull = pb.vjp(function, single)
        assert value.dtype == function(single).dtype
        assert pull(np.ones_like(value))[0].dtype == np.float32


def test_a_write_is_seen_through_windows() -> None:
    def function(x: Any) -> Any:
        y = x * 1.0
        windows = np.lib.stride_tricks.sliding_window_view(y, 2)
        y[1] = x[0] * x[3]
        return np.sum(windows**2)

    assert pb.grad(function)(V) == pytest.approx(
        [2 * V[0] + 4 * V[0] * V[3] ** 2, 0, 4 * V[2], 2 * V[3] + 4 * V[0] ** 2 * V[3]]
    )


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda x: np.cov(x, aweights=np.ones(4)), "numpy.cov of tracked values with weights"),
        (lambda x: np.trim_zeros(np.outer(x, x)), "more than one axis"),
        (np.roots, "eigenvalues of a companion matrix"),
        (lambda x: np.polyfit(x, x, 1), "least squares"),
        (lambda x: np.union1d(x, x), "exact equality"),
        (lambda x: np.save("nowhere", x), "stop_gradient"),
        (lambda x: np.linspace(0.0, x[0], x[1]), "whole number"),
    ],
)
def test_refusals_are_specific(call: Callable[..., Any], what: str) -> None:
    for derivative in (pb.grad, lambda f: pb.jacobian(f, mode="forward")):
        with pytest.raises(pb.PullbackError) as caught:
            derivative(call)(V)
        assert what in str(caught.value)


def test_tests_of_values_are_plain() -> None:
    def function(x: Any) -> Any:
        assert np.all(x > -9) is np.True_ or np.all(x > -9) is True
        assert np.any(x)
        assert x.all()
        assert np.isin(x, [V[0]]).tolist() == [True, False, False, False]
        return np.sum(x)

    np.testing.assert_array_equal(pb.grad(function)(V), np.ones(4))
