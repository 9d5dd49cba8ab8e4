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
