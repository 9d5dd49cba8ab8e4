"""Zero times infinity is zero on the way through a constant factor too, in every mode and order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

ZERO = {
    "number before the root": lambda x: np.sqrt(0.0 * x),
    "number after the root": lambda x: 0.0 * np.sqrt(x),
    "whole number": lambda x: np.sqrt(x * 0),
    "infinite denominator": lambda x: np.sqrt(x) / np.inf,
    "array of few": lambda x: np.sum(np.sqrt(0.0 * (x * np.ones(2)))),
    "array of many": lambda x: np.sum(0 * np.sqrt(x * np.ones(40))),
    "matrix": lambda x: np.trace(0.0 * np.sqrt(x * np.ones((3, 3)))),
    "array of zeros": lambda x: np.sum(np.zeros(3) * np.sqrt(x * np.ones(3))),
}
INFINITE = {
    "sum": lambda x: np.sum(np.inf * (x * np.ones(3))),
    "trace": lambda x: np.trace((x * np.ones((3, 3))) * np.inf),
}


def derivatives(function: Callable[[Any], Any]) -> list[Any]:
    with np.errstate(all="ignore"):
        return [
            pb.grad(function)(0.0),
            pb.jvp(function, (0.0,), (1.0,))[1],
            pb.jacobian(function, mode="forward")(0.0),
        ]


@pytest.mark.filterwarnings("ignore:the output of")
@pytest.mark.parametrize("name", ZERO)
def test_a_factor_of_zero_outweighs_an_infinite_slope(name: str) -> None:
    assert derivatives(ZERO[name]) == [0.0] * 3
    with np.errstate(all="ignore"):
        assert pb.grad(pb.grad(ZERO[name]))(0.0) == 0.0
        assert pb.hessian(ZERO[name])(0.0) == 0.0


@pytest.mark.parametrize("name", INFINITE)
def test_an_infinite_factor_of_a_sum(name: str) -> None:
    assert derivatives(INFINITE[name]) == [np.inf] * 3
