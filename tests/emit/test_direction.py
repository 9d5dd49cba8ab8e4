"""Downward loops: turned where iterations may run in any order, indices hidden around other loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_engines import agree, record

from pullback.emit.direction import with_upward_loops
from pullback.emit.source import source
from pullback.ir.nodes import Const, For
from pullback.ir.primitives import bind
from pullback.ir.walk import walk

x = np.linspace(-1.0, 2.0, 7)
y = np.cos(x)


def down(r: Any, x: Any) -> Any:
    return r.range(x.shape[0] - 1, -1, -1)


def goes_down(program: Any) -> bool:
    steps = [s.step for s in walk(program.body) if isinstance(s, For)]
    return any(isinstance(step, Const) and step.value < 0 for step in steps)


def elementwise(r: Any, x: Any, y: Any) -> Any:
    with down(r, x) as i:
        x[i] = x[i] * y[i]
    return x


def dot(r: Any, x: Any, y: Any) -> Any:
    total, most = r.cell(np.float64(0.0)), r.cell(np.float64(-np.inf))
    with down(r, x) as i:
        r.set(total, total - x[i] * y[i])
        r.set(most, np.maximum(x[i], most))
    return total, most


def handed_on(r: Any, x: Any, y: Any) -> Any:
    seed = r.cell(x[2])
    with down(r, x) as i:
        kept = r.call(bind, seed)
        r.set(seed, np.float64(0.0))
        r.set(seed, seed + kept)
        y[i] = y[i] + kept
    return y, seed


def histogram(r: Any, x: Any, y: Any) -> Any:
    with down(r, x) as i:
        r.builder.store(y.var, (1,), x[i].var, accumulate=True)
    return y


@pytest.mark.parametrize("function", [elementwise, dot, handed_on, histogram])
def test_turned(function: Any) -> None:
    program = record(function, x, y)
    assert goes_down(program)
    assert not goes_down(with_upward_loops(program))
    agree(program, x, y, ulps=32)
    if function is not handed_on:
        agree(program, x[:0], y, ulps=32)


def recurrence(r: Any, x: Any, y: Any) -> Any:
    s = r.cell(np.float64(0.5))
    with down(r, x) as i:
        r.set(s, s * y[i] + x[i])
    return s


def mixed(r: Any, x: Any, y: Any) -> Any:
    s = r.cell(np.float64(0.5))
    with down(r, x) as i:
        r.set(s, s + x[i])
        r.set(s, s * y[i])
    return s


def running(r: Any, x: Any, y: Any) -> Any:
    s = r.cell(np.float64(0.5))
    with down(r, x) as i:
        r.set(s, s + x[i])
        y[i] = s
    return y


def from_the_left(r: Any, x: Any, y: Any) -> Any:
    s = r.cell(np.float64(0.5))
    with down(r, x) as i:
        r.set(s, x[i] - s)
    return s


def last(r: Any, x: Any, y: Any) -> Any:
    s = r.cell(np.float64(0.5))
    with down(r, x) as i:
        r.set(s, x[i] * y[i])
    return s


def one_place(r: Any, x: Any, y: Any) -> Any:
    with down(r, x) as i:
        y[0] = x[i]
    return y


def read_and_added(r: Any, x: Any, y: Any) -> Any:
    with down(r, x) as i:
        x[i] = x[i] + y[0]
        r.builder.store(y.var, (0,), x[i].var, accumulate=True)
    return x, y


def shifted(r: Any, x: Any, y: Any) -> Any:
    with r.range(x.shape[0] - 2, -1, -1) as i:
        x[i] = x[i + 1] * y[i]
    return x


def through_a_view(r: Any, x: Any, y: Any) -> Any:
    other = x[1:]
    with r.range(x.shape[0] - 2, -1, -1) as i:
        x[i] = other[i] * y[i]
    return x


def around_the_end(r: Any, x: Any, y: Any) -> Any:
    with r.range(3, -4, -1) as i:
        x[i] = x[i] * y[1] + i
    return x


@pytest.mark.parametrize(
    "function",
    [
        recurrence, mixed, running, from_the_left, last, one_place, read_and_added, shifted, through_a_view,
        around_the_end,
    ],
)  # fmt: skip
def test_left_as_it_is(function: Any) -> None:
    program = record(function, x, y)
    assert goes_down(with_upward_loops(program))
    agree(program, x, y, ulps=32)


def test_a_loop_around_others_hides_its_index() -> None:
    def nested(r: Any, x: Any, y: Any) -> Any:
        with down(r, x) as i, down(r, y) as j:
            x[i] = x[i] + y[j] * i
        return x

    program = record(nested, x, y)
    assert source(program, checked=True).count("native.opaque(") == 1
    assert "native.opaque" not in source(program)
    agree(program, x, y, ulps=32)


def rows_in_turn(r: Any, a: Any) -> Any:
    with r.range(a.shape[0] // 2) as i, r.range(a.shape[1]) as j:
        a[2 * i, j] = a[2 * i, j] + a[2 * i + 1, j] ** 2
    return a


def one_row(r: Any, a: Any) -> Any:
    with r.range(a.shape[0]) as i, r.range(a.shape[1]) as j:
        a[i, j] = a[i, j] ** 2
    return a


def same_rows(r: Any, a: Any) -> Any:
    with r.range(a.shape[0]), r.range(a.shape[1]) as j:
        a[0, j] = a[0, j] + a[1, j] ** 2
    return a


@pytest.mark.parametrize(("function", "count"), [(rows_in_turn, 1), (one_row, 0), (same_rows, 0)])
def test_a_loop_hides_its_index_where_rows_of_one_array_meet(function: Any, count: int) -> None:
    a = np.arange(24.0).reshape(4, 6) / 7
    program = record(function, a)
    assert source(program, checked=True).count("native.opaque(") == count
    agree(program, a, ulps=32)
