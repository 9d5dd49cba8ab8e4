"""What compiled code calls: histograms, `math` of several numbers, and what it refuses to call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import NotDifferentiableError, UnsupportedError

X = np.array([0.55, 1.4, 0.8, 1.1, 0.95])
EDGES = np.array([0.5, 0.9, 1.2, 1.6])


def of_array(x: Any, edges: Any) -> Any:
    return np.sum(np.histogram(x, edges)[0] * x[:3])


def of_list(x: Any, edges: Any) -> Any:
    counts, found = np.histogram(edges, bins=[0.5, 0.9, 1.2, 1.6])
    return np.sum(counts * x[:3]) + found[1]


def weighted(x: Any, edges: Any) -> Any:
    counts, _ = np.histogram(np.arange(5.0) / 4, edges, weights=edges[[0, 1, 2, 3, 0]])
    return np.sum(counts * x[:3])


@pytest.mark.parametrize(
    ("function", "edges", "gradient"),
    [
        (of_array, EDGES, [2, 2, 1, 0, 0]),
        (of_list, np.array([0.5, 1.0, 1.3, 1.5]), [1, 1, 2, 0, 0]),
        (weighted, EDGES, [2.8, 0.5, 0, 0, 0]),
    ],
)
def test_histograms_are_constants(function: Any, edges: Any, gradient: Any) -> None:
    compiled = pb.compile(function, jit=False)
    np.testing.assert_allclose(compiled(X, edges), function(X, edges))
    np.testing.assert_allclose(pb.grad(compiled)(X, edges), gradient)


def test_edges_that_move_are_not() -> None:
    compiled = pb.compile(lambda x: np.sum(np.histogram(x, 4)[1]), jit=False)
    with pytest.raises(NotDifferentiableError, match="edges move with the data"):
        pb.grad(compiled)(X)


def test_math_of_several_numbers() -> None:
    def function(x: Any) -> Any:
        return math.hypot(x[0], x[1], x[2]) + math.hypot(x[3]) + math.hypot() + math.hypot(x[3], 2.0)

    compiled = pb.compile(function, jit=False)
    assert compiled(X) == pytest.approx(function(X))
    expected = pb.grad(lambda x: np.linalg.norm(x[:3]) + np.abs(x[3]) + np.hypot(x[3], 2.0))(X)
    np.testing.assert_allclose(pb.grad(compiled)(X), expected)


def test_exact_sums_are_refused() -> None:
    def function(x: Any) -> Any:
        return math.fsum([x[0], x[1]])

    with pytest.raises(UnsupportedError, match="rounds each sum") as caught:
        pb.compile(function)(X)
    assert caught.value.remedy
    assert "np.sum" in caught.value.remedy


def cube(x: Any) -> Any:
    return np.sum(x**3)


def doubled(z: Any, x: Any) -> None:
    z[:] = 2 * x


slope, pure = pb.grad(cube), pb.purify(doubled)


@pytest.mark.parametrize(
    ("function", "what", "remedy"),
    [
        (lambda x: slope(x)[0], "pb.grad of cube in compiled code", "transforms of a compiled function"),
        (lambda x: pb.hvp(cube, x, x)[0], "pb.hvp in compiled code", "outside"),
        (lambda x: pure(np.empty(5), x)[0], "pb.purify of doubled is called", "z = np.empty"),
    ],
)
def test_transforms_are_not_called_in_compiled_code(function: Any, what: str, remedy: str) -> None:
    with pytest.raises(UnsupportedError, match=what) as caught:
        pb.compile(function, jit=False)(X)
    assert caught.value.remedy
    assert remedy in caught.value.remedy


def test_types_are_asked_of_what_is_known_at_run_time() -> None:
    def function(x: Any, n: Any) -> Any:
        if type(x) is np.ndarray and type(x[0]) is np.float64 and type(n) is int and type((n,)) is tuple:
            return x[0] * n
        return 0.0

    assert pb.compile(function, jit=False)(X, 3) == function(X, 3) != 0
