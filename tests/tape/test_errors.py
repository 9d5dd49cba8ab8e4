"""The errors of `Variable`, `backward` and `Tape`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

X = np.array([1.0, 2.0, 3.0])


def test_a_released_graph() -> None:
    x = pb.Variable(X)
    y = np.sum(x * x)
    y.backward()
    with pytest.raises(pb.MutationError, match="ran through this graph before") as caught:
        y.backward()
    assert "retain=True" in str(caught.value)
    assert __file__ in str(caught.value)


def test_a_write_under_no_grad_to_a_computed_variable() -> None:
    x = pb.Variable(X)
    y = x * x
    with (
        pytest.raises(pb.MutationError, match="computed Variable is written into under pb.no_grad") as caught,
        pb.no_grad(),
    ):
        y[0] = 3.0
    assert "outside no_grad" in str(caught.value)


def test_the_value_of_a_computed_variable() -> None:
    y = pb.Variable(X) * 2
    with pytest.raises(pb.MutationError, match="cannot be assigned"):
        y.value = X
    with pytest.raises(pb.MutationError, match=r"shape \(2,\)"):
        pb.Variable(X).value = X[:2]


def test_cotangents() -> None:
    x = pb.Variable(X)
    with pytest.raises(pb.ShapeError, match=r"starts from an output of shape \(3,\)"):
        (x * x).backward()
    with pytest.raises(pb.ShapeError, match=r"cotangent given to backward\(\) has shape \(2,\)"):
        (x * x).backward(np.ones(2))
    with pytest.raises(pb.ShapeError, match="is complex"):
        (x * x).backward(1j * X)
    with pytest.raises(pb.NotDifferentiableError, match="complex output"):
        np.sum(1j * x).backward()


def test_a_variable_of_a_variable() -> None:
    with pytest.raises(pb.UnsupportedError, match="already"):
        pb.Variable(pb.Variable(X))


def test_backward_from_nothing_warns() -> None:
    with pytest.warns(pb.DependenceWarning, match="depends on no"):
        np.sum(pb.zeros(3)).backward()


def test_a_value_from_outside_the_tape() -> None:
    x = pb.Variable(X)
    y = x * 2
    with pb.Tape() as tape:
        z = np.sum(y * x)
    with pytest.raises(pb.UnsupportedError, match="was not recorded on this tape"):
        tape.gradient(z, y)
