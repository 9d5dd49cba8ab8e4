"""Views of arrays that an outer transform follows, taken and written into inside an inner one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([1.0, 2.0, 3.0, 4.0])


def one_part(c: Any, x: Any) -> None:
    first, _ = np.split(c, 2)
    first *= 3


def other_part(c: Any, x: Any) -> None:
    _, second = np.split(c, 2)
    second[0] = x[0] ** 2


def both_parts(c: Any, x: Any) -> None:
    one_part(c, x)
    other_part(c, x)


def owner_after_parts(c: Any, x: Any) -> None:
    first, _ = np.split(c, 2)
    c[0] = x[1] ** 2
    c[3] = first[0]


def reshaped(c: Any, x: Any) -> None:
    c.reshape(2, 2)[0] = x[:2] * x[2]


def view_beside_owner(c: Any, x: Any) -> None:
    _, second = np.split(c, 2)
    _, again = np.atleast_1d(c, second)
    again[0] = x[0] ** 2


def owner_beside_view(c: Any, x: Any) -> None:
    first, second = np.split(c, 2)
    left, right = np.atleast_1d(second, c)
    c[2] = x[1] ** 2
    right[3] = left[0] + first[1] * x[0]


def beside_a_plain_array(c: Any, x: Any) -> None:
    same, _ = np.broadcast_arrays(c, np.zeros(4))
    c[0] = x[1] ** 2
    c[3] = same[0]


def on_a_grid(c: Any, x: Any) -> None:
    rows, _ = np.meshgrid(c, np.zeros(2), indexing="ij", copy=False, sparse=True)
    rows[1, 0] = x[3] * x[0]


def diagonal(c: Any, x: Any) -> None:
    np.einsum("ii->i", np.reshape(c, (2, 2)))[1] = x[0] * x[1]


WRITES = [
    one_part, other_part, both_parts, owner_after_parts, reshaped, view_beside_owner, owner_beside_view,
    beside_a_plain_array, on_a_grid, diagonal,
]  # fmt: skip


def by_grad(inner: Callable[[Any], Any], x: Any) -> Any:
    return np.sum(pb.grad(inner)(x) * x)


def by_jvp(inner: Callable[[Any], Any], x: Any) -> Any:
    return pb.jvp(inner, (x,), (x,))[1]


def plain(write: Callable[[Any, Any], None], x: Any) -> Any:
    """What the derivative of `inner` below along `x` is: the sum of what was written, times `x`."""
    c = np.array(x)
    write(c, x)
    return np.sum(c * x)


@pytest.mark.parametrize("inner_mode", [by_grad, by_jvp])
@pytest.mark.parametrize("write", WRITES)
def test_values_and_derivatives(write: Callable[[Any, Any], None], inner_mode: Callable[..., Any]) -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            c = pb.zeros(4)
            c[...] = x
            write(c, x)
            return np.sum(c * y)

        return inner_mode(inner, x)

    steps = 1e-6 * np.eye(4)
    expected = [(plain(write, X + step) - plain(write, X - step)) / 2e-6 for step in steps]
    assert np.isclose(outer(X), plain(write, X))
    assert np.allclose(pb.grad(outer)(X), expected)
    for step, slope in zip(np.eye(4), expected, strict=True):
        value, tangent = pb.jvp(outer, (X,), (step,))
        assert np.isclose(value, plain(write, X))
        assert np.isclose(tangent, slope)


@pytest.mark.parametrize("function", [np.atleast_1d, np.atleast_2d, np.broadcast_arrays])
def test_a_plain_array_beside_a_tracked_one_stays_plain(function: Any) -> None:
    def loss(x: Any) -> Any:
        beside = np.zeros(4)
        _, view = function(x, beside)
        assert np.shares_memory(view, beside)
        view[...] = 2
        return np.sum(x * beside)

    assert pb.grad(loss)(X).tolist() == [2, 2, 2, 2]


def test_meshgrid_refuses_what_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="indexing"):
        pb.grad(lambda x, indexing: np.sum(np.meshgrid(x, x, indexing=indexing)[0]))(X, "yx")
