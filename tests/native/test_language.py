"""Forms of Python and NumPy that are rarer than loops and slices, each through all comparisons."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from comparing_programs import Check

X = np.array([0.3, 0.7, 0.2, 0.9, 0.4, 0.6])
A = np.array([[0.5, -0.3, 0.8], [1.2, 0.4, -0.6], [0.1, 0.9, 0.7]])
CASES: list[Any] = []


def case(*arguments: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of one number or more, with arguments for it."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(pytest.param(function, arguments, id=f"{function.__name__} {len(CASES)}"))
        return function

    return register


@case(X, 0.2)
@case(X, 0.7)
def a_number_compared_as_index(x, v):
    x[v > 0.5] *= 1.5
    x[..., v < 0.5] = x[:, None] * 2.0
    return np.sum(x[v > 0.5] ** 2) + np.sum(x[v < 1.0, 1:] * 2.0) + np.sum(x[False])


@case(X, 0.2)
@case(X, 0.75)
def a_choice_from_a_pair(x, v):
    return (2.0, 3.0)[bool(x[1] > v)] * x[0] + np.sum((x, x * x)[bool(v > 0.5)])


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_language(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    lines = textwrap.dedent(inspect.getsource(function)).splitlines(keepends=True)
    body = "".join(line for line in lines if not line.startswith("@"))

    check = Check("import numpy as np\n\n" + body, function.__name__, "float64", arguments)
    done = check.run(jit=True, second=True, whole=False)
    assert "native adjoint" in done
    assert "differences" in done
