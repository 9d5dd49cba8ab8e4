"""Errors where a derivative would get lost: writes into plain arrays, tracked indices, plain numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([1.0, 2.0, 3.0])
TRANSFORMS: dict[str, Callable[..., Any]] = {
    "grad": lambda f: pb.grad(f, engine="tape")(X),
    "vjp": lambda f: pb.vjp(f, X),
    "jvp": lambda f: pb.jvp(f, (X,), (X,)),
    "forward jacobian": lambda f: pb.jacobian(f, mode="forward")(X),
    "hessian": lambda f: pb.hessian(f, engine="tape")(X),
}


def into_floats(x: Any) -> Any:
    a = np.zeros(3)
    a[0] = x[0]
    return np.sum(a)


def added(x: Any) -> Any:
    a = np.zeros(3, np.float32)
    a[1] += x[0] * 2
    return np.sum(a)


def into_integers(x: Any) -> Any:
    a = np.zeros(3, int)
    a[2] = x[0]
    return np.sum(a)


def into_complex(x: Any) -> Any:
    a = np.zeros((3, 3), complex)
    a[1, 2] = x[0]
    return np.sum(np.real(a))


def into_a_part(x: Any) -> Any:
    a = np.zeros(3)
    a[:2] = [x[0], x[1]]
    return np.sum(a)


WRITES = {
    into_floats: "a[0]", added: "a[1]", into_integers: "a[2]", into_complex: "a[1, 2]", into_a_part: "a[:2]",
}  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("function", WRITES)
def test_a_write_into_a_plain_array_names_the_array_and_the_line(
    function: Callable[..., Any], transform: str
) -> None:
    with pytest.raises(pb.UnsupportedError) as caught:
        TRANSFORMS[transform](function)
    error = caught.value
    assert error.what.startswith(f"{WRITES[function]} = … writes a ")
    assert "into the plain array a and would lose its derivative" in error.what
    assert error.where is not None
    assert error.where.file == __file__
    assert error.where.line == function.__code__.co_firstlineno + 2
    assert error.why
    assert "pb.zeros" in (error.remedy or "")
    assert "pb.zeros_like" in (error.remedy or "")
    assert any(entry.name == function.__name__ for entry in caught.traceback)


def test_outside_a_transform_numpys_error_has_ours_as_its_cause() -> None:
    a = np.zeros(3)
    x: Any = pb.Variable(X)
    with pytest.raises(ValueError, match="sequence") as caught:
        a[0] = x[0]
    assert isinstance(caught.value.__cause__, pb.UnsupportedError)
    assert "a[0] = … writes a Variable into the plain array a" in str(caught.value.__cause__)
    with pytest.raises(pb.UnsupportedError, match="into the plain array a"):
        a[:] = x
    with pytest.raises(pb.UnsupportedError, match=r"a\[0\] = … writes a Variable"), pb.Tape():
        a[0] = x[0]


def test_a_users_own_error_stays_as_it_is() -> None:
    def function(x: Any) -> Any:
        raise ValueError("mine") from KeyError("its cause")

    with pytest.raises(ValueError, match="mine") as caught:
        pb.grad(function)(1.0)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_tracked_index(transform: str) -> None:
    plain = np.arange(3.0)

    def written(x: Any) -> Any:
        y = x * 1.0
        y[x[0]] = 1.0
        return np.sum(y)

    def written_plain(x: Any) -> Any:
        i = x[0]
        plain[i] = 1.0
        return np.sum(x)

    for function in (
        lambda x: np.sum(x[x[0]]),
        lambda x: np.sum(x[x[0] : 2]),
        lambda x: np.sum(x[None, x[0]]),
        lambda x: plain[x[0]] * x[0],
        lambda x: [1.0, 2.0][x[0]] * x[0],
        written,
        written_plain,
    ):
        with pytest.raises(pb.UnsupportedError, match="is used as an index") as caught:
            TRANSFORMS[transform](function)
        assert "whole number" in (caught.value.why or "")
        assert "int(pb.stop_gradient(" in (caught.value.remedy or "")


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_counts_and_indices_of_functions(transform: str) -> None:
    for function in (
        lambda x: np.sum(np.take(x, x[0])),
        lambda x: np.sum(np.repeat(x, x[0])),
        lambda x: np.sum(np.roll(x, x[0])),
        lambda x: np.sum(np.choose(x, X)),
    ):
        with pytest.raises(pb.NotDifferentiableError, match="has no derivative in its argument") as caught:
            TRANSFORMS[transform](function)
        assert "whole number" in (caught.value.why or "")


def test_plain_numbers_name_what_to_use() -> None:
    with pytest.raises(pb.UnsupportedError, match=r"float\(\) would turn a Variable") as caught:
        pb.grad(math.sin)(1.0)
    assert "NumPy's functions in place of math's" in (caught.value.remedy or "")
    with pytest.raises(pb.UnsupportedError, match="used as an index"):
        pb.grad(lambda x: x * operator.index(x))(1.0)


def test_a_write_under_checkpoint() -> None:
    with pytest.raises(pb.UnsupportedError, match="into the plain array a"):
        pb.grad(pb.checkpoint(into_floats))(X)
