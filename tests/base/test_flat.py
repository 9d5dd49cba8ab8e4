"""`x.flat` of tracked arrays: read, indexed and written as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.arange(6.0).reshape(2, 3) + 0.5


def writes(x: Any) -> Any:
    y = x * 1.0
    y.flat[0] = 2 * x[1, 0]
    y.flat[[1, 3]] = x[0, :2] * 3
    y.flat[::2] = x[0, 0] * x[1, 1]
    return np.sum(y * y)


def repeats(x: Any) -> Any:
    y = x * 1.0
    y.flat = x[0] * 2.0
    y.flat[y.flat[:] > 4.0] = x[1, :2]
    return np.sum(y * np.arange(6.0).reshape(2, 3))


def reads(x: Any) -> Any:
    return x.flat[2] * x.flat[1:][0] + sum(v * v for v in x.flat) * len(x.flat)


@pytest.mark.parametrize("function", [writes, repeats, reads])
def test_flat(function: Any) -> None:
    assert pb.value_and_grad(function, engine="tape")(X)[0] == pytest.approx(function(X.copy()))
    pb.testing.gradcheck(function, X)


def test_flat_writes_through_views() -> None:
    def function(x: Any) -> Any:
        y = x * 1.0
        y.T.flat[1] = x[0, 0] ** 2
        return y[1, 0] * x[1, 1]

    assert pb.value_and_grad(function, engine="tape")(X)[0] == function(X.copy())
    pb.testing.gradcheck(function, X)


def parts(x: Any) -> Any:
    y = x * 1.0
    for part in (y.flat[1:3], y.flat[:], y.flat[...]):
        part *= x[0, 0]
    return np.sum(y * y) + np.sum(part)


def moves(x: Any) -> Any:
    y = x * 1.0
    y.flat[:2] = y.reshape(-1)[3:5]
    y.flat[[1, 2]] = y[1, :2].copy()
    y.flat[5] = y[0, 0]
    return np.sum(y * np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("function", [parts, moves])
def test_what_is_read_is_a_copy(function: Any, mode: Any) -> None:
    step = 1e-6
    for i, slope in enumerate(np.ravel(pb.jacobian(function, mode=mode)(X))):
        aside = np.where(np.arange(6).reshape(2, 3) == i, step, 0)
        difference = function(X + aside) - function(X - aside)
        assert slope == pytest.approx(difference / (2 * step))


@pytest.mark.parametrize("index", [slice(1, 3), [1, 2], ...])
def test_a_view_of_itself_is_refused(index: Any) -> None:
    """NumPy reads entries there that it has just written: ``a.flat[1:3] = a`` gives a[0] twice."""
    y = pb.Variable(np.arange(6.0)) * 1.0
    with pytest.raises(pb.UnsupportedError, match=r"its own \.flat\n(.*\n)*.*view\.copy\(\)"):
        y.flat[index] = y
