"""What NumPy gives as a view is, in a program, memory of its own: who says so, and who copies."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.emit import load
from pullback.ir.build import Builder
from pullback.ir.nodes import Assign, Program, Return, Var
from pullback.ir.run import run
from pullback.ir.types import type_of
from pullback.ir.views import gives_view, shares
from pullback.rules.domain import draw
from pullback.rules.table import rows
from pullback.testing.rows import calls_of

Z = np.array([[1.0 + 2.0j, 3.0 - 1.0j], [0.5j, -1.0]])


@pytest.mark.parametrize("rule", [r for r in rows() if not r.view], ids=lambda rule: rule.name)
def test_a_row_without_a_view_gives_memory_of_its_own(rule: Any) -> None:
    for example in calls_of(rule):
        args = draw(example.args, np.random.default_rng(0), np.dtype(float))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = rule.function(*args, **example.kwargs)
        assert not shares(result, args), f"{rule.name}({example})"


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (np.real, (Z,), {}),
        (np.imag, (Z,), {}),
        (np.diff, (Z,), {"n": 0}),
        (np.diagonal, (Z,), {}),
        (np.broadcast_to, (Z, (2, 2)), {}),
        (np.einsum, ("ji->ij", Z), {}),
        (np.linalg.matrix_power, (Z, 1), {}),
    ],
)
def test_a_result_keeps_its_values_when_the_argument_is_written_into(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    z = Var("z", type_of(Z))
    given = tuple(z if arg is Z else arg for arg in args)
    builder = Builder()
    with builder.block() as made:
        result = builder.call(function, *given, **kwargs)
        builder.store(z, (0, 0), 7.0)
        builder.store(z, (1, 1), 7.0)
    program = Program("f", (z,), (*made.statements(), Return((result,))))
    first = made.statements()[0]
    assert isinstance(first, Assign)
    assert gives_view(first)
    for call in (lambda x: run(program, [x]), load(program, jit=False)):
        (got,) = call(Z.copy())
        assert np.array_equal(got, function(*args, **kwargs))


def test_a_store_that_one_of_several_views_would_see_is_refused() -> None:
    def both(a: Any, b: Any) -> Any:
        first, second = np.broadcast_arrays(a, b)
        b[0] = 5.0
        return np.sum(first * second)

    with pytest.raises(pb.UnsupportedError, match="broadcast_arrays"):
        pb.compile(both, jit=False)(np.ones(3), np.ones(3))
