"""Loops over the end of a row that begins later each time: turned where iterations may run in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_engines import agree, record

from pullback.emit.source import source
from pullback.emit.windows import with_fixed_ends
from pullback.ir.nodes import Const, For
from pullback.ir.run import run
from pullback.ir.walk import walk

a = np.cos(np.arange(42.0)).reshape(6, 7)
row = np.linspace(-1.0, 2.0, 7)


def goes_down(program: Any) -> bool:
    steps = [s.step for s in walk(program.body) if isinstance(s, For)]
    return any(isinstance(step, Const) and step.value < 0 for step in steps)


def eliminated(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    with r.range(a.shape[0]) as j:
        factor = row[j]
        with r.range(j + 1, n) as k:
            row[k] = row[k] - factor * a[j, k]
    return row


def added_to(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    total = r.cell(np.float64(0.0))
    with r.range(a.shape[0]) as i, r.range(a.shape[0]) as j, r.range(j + 1, n) as k:
        r.builder.store(a.var, (i.var, k.var), (row[j] * row[k]).var, accumulate=True)
        r.set(total, total + row[k])
    return a, total


@pytest.mark.parametrize("function", [eliminated, added_to])
def test_turned(function: Any) -> None:
    program = record(function, a, row)
    turned = with_fixed_ends(program)
    assert goes_down(turned)
    assert not goes_down(program)
    for rows in (a, a[:0], a[:1]):
        agree(program, rows, row, ulps=64)
        for result, expected in zip(
            run(turned, (rows.copy(), row.copy())), agree(turned, rows, row), strict=True
        ):
            np.testing.assert_allclose(result, expected, rtol=1e-13)
    assert ", -1):" in source(program, checked=True)


def in_another_row_each_time(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    with r.range(a.shape[0]) as j, r.range(j + 1, n) as k:
        a[j, k] = a[j, k] * row[k]
    return a


def from_a_place_that_stays(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    with r.range(a.shape[0]) as j, r.range(2, n) as k:
        row[k] = row[k] - a[j, k]
    return row


def with_an_end_that_moves(r: Any, a: Any, row: Any) -> Any:
    with r.range(a.shape[0]) as j, r.range(j + 1, j + 2) as k:
        row[k] = row[k] - a[j, k]
    return row


def one_after_the_other(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    with r.range(a.shape[0]) as j, r.range(j + 1, n) as k:
        row[k] = row[k - 1] - a[j, k]
    return row


def stored_alone(r: Any, a: Any, row: Any) -> Any:
    n = row.shape[0]
    with r.range(a.shape[0]) as j, r.range(j + 1, n) as k:
        row[k] = a[j, k]
    return row


def from_below(r: Any, a: Any, row: Any) -> Any:
    with r.range(-3, 2) as j, r.range(j + 1, 3) as k:
        row[k] = row[k] * a[0, k]
    return row


@pytest.mark.parametrize(
    "function",
    [
        in_another_row_each_time, from_a_place_that_stays, with_an_end_that_moves, one_after_the_other,
        stored_alone, from_below,
    ],
)  # fmt: skip
def test_left_alone(function: Any) -> None:
    program = record(function, a, row)
    assert not goes_down(with_fixed_ends(program))
    agree(program, a, row, ulps=64)
