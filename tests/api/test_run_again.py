"""Functions that are run again for the derivative find their constant arguments as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


def decayed(gradient: str) -> Callable[[Any, Any], Any]:
    def solve(a: Any, c: Any) -> Any:
        return pb.ode.solve(lambda t, y, a, c: -a * c * y, c, [0.0, 1.0], (a, c), gradient=gradient)[-1]

    return solve


CASES: dict[str, Callable[[Any, Any], Any]] = {
    "checkpoint": pb.checkpoint(lambda a, c: np.sin(a) * c * a),
    "keyword of checkpoint": lambda a, c: pb.checkpoint(lambda a, c: np.sin(a) * c * a)(a, c=c),
    "root": lambda a, c: pb.implicit.root(lambda x, a, c: x**3 - a * c, np.ones(2), (a, c)),
    "fixed_point": lambda a, c: pb.implicit.fixed_point(lambda x, a, c: np.cos(a * x) * c, c * 0, (a, c)),
    "minimize": lambda a, c: pb.implicit.minimize(
        lambda x, a, c: np.sum((x - a * c) ** 2 + x**4), np.ones(2), (a, c)
    ),
    **{f"ode by {gradient}": decayed(gradient) for gradient in ("steps", "adjoint", "forward")},
}


@pytest.mark.parametrize("name", CASES)
def test_a_constant_that_is_overwritten_later(name: str) -> None:
    def loss(a: Any, overwritten: bool) -> Any:
        c = np.array([0.4, 0.7])
        y = CASES[name](a, c)
        if overwritten:
            c[:] = 100.0
        return np.sum(y**2)

    a = np.array([0.5, 0.8])
    wanted, found = (pb.grad(loss, engine="tape")(a, overwritten) for overwritten in (False, True))
    np.testing.assert_array_equal(found, wanted)
    assert np.all(wanted != 0)
