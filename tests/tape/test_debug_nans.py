"""`pb.debug_nans` around explicit variables: the first operation that fails, and the line it stands on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.array([1.0, 2.0, 3.0])
M = np.array([[1.0, 2.0], [0.0, 3.0]])


def found(program: Callable[[], Any]) -> tuple[pb.NonFiniteError, str]:
    """The error of `program`, and the line that it names."""
    with pytest.raises(pb.NonFiniteError) as caught, pb.debug_nans(), np.errstate(all="ignore"):
        program()
    error = caught.value
    assert error.where is not None
    assert error.where.file == __file__
    assert re.search(rf"test_debug_nans\.py:{error.where.line}:", str(error))
    return error, error.where.text


def test_backward() -> None:
    def program() -> None:
        x: Any = pb.Variable(X)
        y = np.sin(x) * x
        z = np.sqrt(x - 1)
        total = np.sum(y * z) + np.sum(z**2)
        total.backward()

    error, line = found(program)
    assert error.what.startswith("the adjoint of numpy.sqrt is the first to yield")
    assert line.strip() == "z = np.sqrt(x - 1)"
    assert "^" * len("np.sqrt(x - 1)") in str(error)


def test_the_first_of_several() -> None:
    """Backward, the first is the one that the sweep reaches first: the later in the program."""

    def program() -> None:
        x: Any = pb.Variable(X - 1)
        y = np.sqrt(x)
        z = np.cbrt(y)
        np.sum(z).backward()

    error, line = found(program)
    assert "numpy.cbrt" in error.what
    assert line.strip() == "z = np.cbrt(y)"


def test_forward_computation() -> None:
    def program() -> None:
        x: Any = pb.Variable(X)
        y = x * 2
        y = np.log(y - 2) + np.sqrt(-x)
        np.sum(y).backward()

    error, line = found(program)
    assert error.what == "numpy.log is the first operation to yield a NaN or an infinity"
    assert line.strip() == "y = np.log(y - 2) + np.sqrt(-x)"


@pytest.mark.parametrize("write", ["augmented", "assigned", "out"])
def test_writes(write: str) -> None:
    def program() -> None:
        x: Any = pb.Variable(X)
        y = x * 1.0
        if write == "augmented":
            y /= 0.0
        elif write == "assigned":
            y[1:] = np.divide(x[1:], 0.0)
        else:
            np.divide(y, 0.0, out=y)

    error, line = found(program)
    assert error.what.startswith("numpy.divide is the first operation")
    assert "0.0" in line


def test_an_explicit_tape() -> None:
    def program() -> None:
        with pb.Tape() as tape:
            x: Any = pb.Variable(X)
            y = x * 1.0
            y[0] = 0.0
            z = np.sum(np.sqrt(y))
        tape.gradient(z, x)

    error, line = found(program)
    assert "the adjoint of numpy.sqrt" in error.what
    assert "np.sqrt(y)" in line


def test_several_outputs() -> None:
    """They pass through unharmed, and are named where they fail."""
    x: Any = pb.Variable(M)
    with pb.debug_nans():
        first, second = np.split(x * 2, 2)
        np.sum(first * second * np.linalg.slogdet(x)[1]).backward()
    y: Any = pb.Variable(M)
    halves = np.split(y * 2, 2)
    np.sum(halves[0] * halves[1] * np.linalg.slogdet(y)[1]).backward()
    np.testing.assert_array_equal(x.grad, y.grad)

    def program() -> None:
        logarithm = np.linalg.slogdet(pb.Variable(0 * M))[1]
        logarithm.backward()

    assert found(program)[0].what.startswith("numpy.linalg.slogdet is the first")


def test_a_graph_recorded_before() -> None:
    x: Any = pb.Variable(X)
    y = np.sum(np.sqrt(x - 1))

    error, line = found(y.backward)
    assert "compute the value within pb.debug_nans()" in (error.remedy or "")
    assert "program()" in line


def test_a_cotangent_that_is_not_finite() -> None:
    x: Any = pb.Variable(X)
    error, line = found(lambda: (x * x).backward(np.array([1.0, np.nan, 0.0])))
    assert "the cotangent that the reverse sweep starts from" in error.what
    assert "(x * x).backward" in line


def test_what_is_selected_away_does_not_count() -> None:
    x: Any = pb.Variable(X)
    with pb.debug_nans():
        np.sum(np.where(x > 1, np.sqrt(x - 1), 0.0)).backward()
    np.testing.assert_allclose(x.grad, [0.0, 0.5, 0.5 / np.sqrt(2)])


def test_the_mode_ends_with_its_block() -> None:
    x: Any = pb.Variable(X)
    with pytest.raises(ValueError, match="leave"), pb.debug_nans():
        raise ValueError("leave")
    with np.errstate(all="ignore"):
        np.sum(np.sqrt(x - 1)).backward()
    assert np.isinf(x.grad[0])
