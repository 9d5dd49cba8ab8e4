"""A function that writes into one of two arguments which share memory has no derivative by either."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb


def doubles(x: Any, y: Any) -> Any:
    """Compiled code is not asked: the list is out of its language."""
    x *= [2.0][0]
    return np.sum(x * y)


def reads(x: Any, y: Any) -> Any:
    return np.sum(x * y[::-1])


def restores(x: Any, y: Any) -> Any:
    x[0] += 1
    x[0] -= 1
    return np.sum(x * y)


def of_a_tree(tree: Any) -> Any:
    tree["x"][0] = 3.0
    return np.sum(tree["x"] * tree["y"])


TRANSFORMS = {
    "grad": lambda f, x, y: pb.grad(f, engine="tape")(x, y),
    "grad by the second": lambda f, x, y: pb.value_and_grad(f, 1, engine="tape")(x, y),
    "grad by keyword": lambda f, x, y: pb.grad(f, "y", engine="tape")(x, y=y),
    "elementwise_grad": lambda f, x, y: pb.elementwise_grad(f)(x, y),
    "jacobian": lambda f, x, y: pb.jacobian(f, (0, 1), mode="reverse")(x, y),
    "jacobian forward": lambda f, x, y: pb.jacobian(f, mode="forward")(x, y),
    "vjp": pb.vjp,
    "jvp": lambda f, x, y: pb.jvp(f, (x, y), (np.ones(len(x)), np.ones(len(y)))),
    "a Variable": lambda f, x, y: pb.grad(lambda z: pb.grad(f, 1, engine="tape")(z, z)[0])(np.ones(3)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_writing_is_an_error(transform: str) -> None:
    x = np.ones(3)
    with pytest.raises(pb.MutationError, match=r"doubles writes into .*, which shares memory with") as info:
        TRANSFORMS[transform](doubles, x, x)
    assert "pass a copy of one of them" in str(info.value)
    TRANSFORMS[transform](reads, x, x)
    TRANSFORMS[transform](restores, x, x)
    if transform != "a Variable":
        TRANSFORMS[transform](doubles, np.ones(3), np.ones(3))


def test_views_share_where_they_overlap() -> None:
    x = np.ones(8)
    with pytest.raises(pb.MutationError, match="argument 0, which shares memory with argument 1"):
        pb.vjp(doubles, x[:5], x[3:])
    value, pull = pb.vjp(doubles, x[::2], x[1::2])
    assert value == 8
    np.testing.assert_array_equal(pull(1.0), np.full((2, 4), 2.0))


def test_leaves_of_one_argument_and_plain_ones() -> None:
    x = np.ones(3)
    with pytest.raises(pb.MutationError, match="argument 0, which shares memory with argument 0"):
        pb.grad(of_a_tree, engine="tape")({"x": x, "y": x})
    assert pb.grad(of_a_tree, engine="tape")({"x": x, "y": x.copy()})["y"][0] == 3


NESTED = {
    "hvp": lambda f, x, y: pb.hvp(f, (x, y), (x, y)),
    "jacobian of grad": lambda f, x, y: pb.jacobian(pb.grad(f, (0, 1)), (0, 1))(x, y),
    "jacobian of grad by one": lambda f, x, y: pb.jacobian(pb.grad(f, (0, 1)), 1)(x, y),
    "grad of vjp": lambda f, x, y: pb.grad(lambda a, b: np.sum(pb.vjp(f, a, b)[1](1.0)[0]))(x, y),
    "jvp of jvp": lambda f, x, y: pb.jvp(lambda a, b: pb.jvp(f, (a, b), (x, x))[1], (x, y), (x, x)),
}


@pytest.mark.parametrize("transform", NESTED)
def test_of_a_transform_of_a_transform(transform: str) -> None:
    """The inner one is given values of the outer one's, each of which is alone."""
    x = np.ones(4)
    for y in (x, x[::-1]):
        with pytest.raises(pb.MutationError, match=r"doubles writes into .*, which shares memory with"):
            NESTED[transform](doubles, x, y)
        NESTED[transform](reads, x, y)
    NESTED[transform](doubles, x, np.ones(4))


def test_pairs_that_share_are_told_apart() -> None:
    def twice(x: Any, x_again: Any, y: Any, y_again: Any) -> Any:
        return np.sum(pb.grad(doubles, engine="tape")(x, y)) + np.sum(x_again * y_again)

    x, y = np.ones(3), np.full(3, 2.0)
    np.testing.assert_array_equal(pb.grad(twice, 2, engine="tape")(x, x, y, y), 2)
    with pytest.raises(pb.MutationError):
        pb.grad(lambda x, z, y: np.sum(pb.grad(doubles)(x, z)), 2, engine="tape")(x, x, y)
