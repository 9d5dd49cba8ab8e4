"""Sums, means and extremes by their short way, beside the way of a call with positional arguments."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

FUNCTIONS = [np.sum, np.mean, np.max, np.min]
AFTER: dict[str, Callable[[Any, Any], Any]] = {
    "a factor": lambda y, x: y * 3.0,
    "the argument": lambda y, x: np.sin(y) + np.sum(x * x),
    "a power": lambda y, x: np.exp(y) ** 2,
    "nothing": lambda y, x: y,
    "a new axis": lambda y, x: np.exp(y[None]),
    "a part": lambda y, x: y[..., None][..., 0] + y[()],
}
BEFORE: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "a scaled array": lambda x: -2.0 * x,
    "a row added": lambda x: x + np.ones(x.shape[-1], x.dtype),
    "a product": lambda x: x @ np.ones((x.shape[-1], 3), x.dtype),
    "the transpose": np.transpose,
    "another order": lambda x: np.reshape(x, (x.shape[1], -1)),
    "a part": lambda x: x[..., 1:],
    "two uses": lambda x: np.exp(x) * x + x,
    "a sum": lambda x: np.sum(x, axis=0) if x.ndim > 2 else x,
    "a maximum": lambda x: np.maximum(x, 0.0),
}


def gradient(a: Any, before: Any, reduced: Any, after: Any) -> Any:
    x = pb.Variable(a)
    y = after(reduced(before(x)), x)
    y.backward(np.ones(np.shape(y), a.dtype) if np.ndim(y) else None)
    return x.grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, -2])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_both_ways_agree(function: Any, axis: Any, keepdims: bool, dtype: Any) -> None:
    rng = np.random.default_rng(7)
    a = rng.standard_normal((4, 5)).astype(dtype)
    options = {} if axis is None and not keepdims else {"axis": axis, "keepdims": keepdims}
    positional = (None, None, keepdims) if function in (np.sum, np.mean) else (None, keepdims)
    for before, after in itertools.product(BEFORE.values(), AFTER.values()):
        short = gradient(a, before, lambda y: function(y, **options), after)
        long = gradient(a, before, lambda y: function(y, axis, *positional), after)
        assert short.dtype == dtype
        assert np.allclose(short, long, rtol=20 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("function", [np.max, np.min])
def test_ties_nan_and_cotangents_that_are_not_finite(function: Any, axis: Any) -> None:
    ties = np.array([[1.0, 2.0, 2.0], [2.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    nan = np.array([[1.0, np.nan, 2.0], [3.0, 3.0, 0.0]])
    for a in (ties, nan, -ties, np.zeros((2, 3))):
        for seed in (1.0, np.inf, np.nan, 0.0):
            gradients = []
            for arguments, options in (((), {"axis": axis}), ((axis,), {})):
                x = pb.Variable(a)
                y = function(x, *arguments, **options)
                y.backward(np.full(np.shape(y), seed) if axis is not None else seed)
                gradients.append(x.grad)
            assert np.array_equal(*gradients, equal_nan=True)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_to_second_order(function: Any) -> None:
    a = np.random.default_rng(8).standard_normal((3, 4))
    pb.testing.gradcheck(lambda x: np.sum(np.exp(function(x * x, axis=1)) * function(x, axis=1)), a)
    pb.testing.gradcheck(lambda x: function(np.exp(x)) ** 2, a)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_the_short_way_does_not_take(function: Any) -> None:
    x = pb.Variable(np.arange(6.0).reshape(2, 3))
    with pytest.raises(np.exceptions.AxisError):
        function(x, axis=2)
    with pytest.raises(TypeError):
        function(x, axis=0.5)
    with pytest.raises(TypeError):
        function(x, axes=0)
    assert function(x, axis=(0, 1)).value == function(x.value)
    assert function(pb.Variable(3.0)).value == 3.0
    assert function(pb.Variable(np.array(3.0)), axis=None).value == 3.0


def test_a_repeated_cotangent_is_nobody_s_to_write_into() -> None:
    x = pb.Variable(np.ones((2, 3)))
    np.sum(x, axis=1).backward(seed := np.array([1.0, 2.0]), retain=True)
    x.grad[:] = 7
    assert np.array_equal(seed, [1, 2])
    y = pb.Variable(np.ones((2, 3)))
    np.sum(y, axis=1, keepdims=True).backward(seed := np.array([[1.0], [2.0]]))
    assert np.array_equal(y.grad, [[1, 1, 1], [2, 2, 2]])
    y.grad[:] = 7
    assert np.array_equal(seed, [[1], [2]])
