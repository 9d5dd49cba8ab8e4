"""`copy.copy` and `copy.deepcopy` of tracked values: the derivative passes through those of inputs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, np.copy])
def test_a_copy_of_an_input_depends_on_it(make: Callable[[Any], Any]) -> None:
    def function(x: Any) -> Any:
        y = make(x)
        y *= x
        return np.sum(y)

    np.testing.assert_array_equal(pb.grad(function)(np.ones(2)), [2.0, 2.0])
    assert pb.grad(lambda x: make(x) * 2)(3.0) == 2.0
    np.testing.assert_array_equal(pb.hessian(lambda x: np.sum(make(x) ** 2))(np.ones(2)), 2 * np.eye(2))


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_variable_is_an_input_again(make: Callable[[Any], Any]) -> None:
    x = pb.Variable(np.ones(2))
    y = make(x)
    np.sum(y * 3.0).backward()
    assert x.grad is None
    np.testing.assert_array_equal(y.grad, [3.0, 3.0])
