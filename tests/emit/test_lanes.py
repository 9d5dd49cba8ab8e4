"""Loops taken apart into levels give the same numbers, however many iterations are left over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_engines import agree, record

from pullback.emit import load
from pullback.emit.lanes import with_lanes
from pullback.emit.levels import WIDTH
from pullback.emit.source import source
from pullback.ir.run import run
from pullback.ir.verify import verify

LENGTHS = [0, 1, WIDTH - 1, WIDTH, 3 * WIDTH + 5]


def table(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(0.5, 2, (n, 3))


def long(x: Any, y: Any) -> Any:
    """Enough arithmetic for a loop to be taken apart."""
    for _ in range(16):
        x, y = x * y + 0.5, (y - x) / (1.0 + x * x)
    return x + y


def columns(r: Any, a: Any) -> Any:
    found = r.call(np.empty, (a.shape[0], 2), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        found[i, 1] = long(a[i, 0], a[i, 2])
        found[i, 0] = a[i, 1] + i
    return found


def turned(r: Any, a: Any) -> Any:
    """Sines of what has to be computed, and what has to be computed of them."""
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        angle = long(a[i, 0], a[i, 1])
        found[i] = long(np.sin(angle), np.cos(angle * 3.0)) * np.exp(-angle * angle)
    return found


def added(r: Any, a: Any) -> Any:
    """Sums, of which one goes through several statements, and one is used on the way."""
    total, other = r.cell(np.float64(1)), r.cell(np.float64(0))
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        before = total + long(a[i, 0], a[i, 2])
        r.set(total, before + a[i, 1])
        r.set(other, other + a[i, 2])
        found[i] = other * before
    return total, other, found


def indirect(r: Any, a: Any) -> Any:
    """Integers that decide where to add, counted from the end."""
    found = r.call(np.zeros, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        place = r.call(np.floor_divide, i, 2)
        for where, value in ((-1 - place, long(a[i, 0], a[i, 1])), (place, a[i, 2])):
            r.builder.store(found.var, (where.var,), value.var, accumulate=True)
    return found


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("function", [columns, turned, added, indirect])
def test_the_same_numbers(function: Any, n: int) -> None:
    a = table(n)
    program = record(function, table(2))
    apart = with_lanes(program)
    assert "lanes" in source(apart)
    verify(apart)
    for found, expected in zip(run(apart, (a,)), run(program, (a,)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("function", [columns, turned, added, indirect])
def test_compiled(function: Any) -> None:
    program = record(function, table(2))
    assert "lanes" in source(program, checked=True)
    agree(program, table(3 * WIDTH + 5), ulps=1e3)


def test_angles_of_any_size() -> None:
    some = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e6, -1e6, 1e6 + 1, 9e15, 1e22, 5e-324, 2e5 * np.pi]
    quarters = np.arange(-200, 200) * (np.pi / 4)
    a = np.concatenate([10.0 ** np.linspace(-320, 308, 590), quarters, some]).reshape(-1, 3)

    def f(r: Any, a: Any) -> Any:
        found = r.call(np.empty, (a.shape[0], 6), dtype=np.dtype(float))
        with r.range(a.shape[0]) as i:
            for k in range(3):
                found[i, k], found[i, 3 + k] = np.sin(a[i, k]), np.cos(-a[i, k])
        return found

    program = record(f, a)
    assert "native.near_sin(" in source(program, checked=True)
    (found,) = load(program)(a)
    with np.errstate(all="ignore"):
        expected = np.concatenate([np.sin(a), np.cos(-a)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=0)
    np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


def in_place(r: Any, a: Any) -> Any:
    """It reads what it stores."""
    found = r.call(np.zeros, (a.shape[0],), dtype=np.dtype(float))
    with r.range(1, a.shape[0]) as i:
        found[i] = 0.01 * long(0.01 * found[i - 1], a[i, 0])
    return found


def into_the_argument(r: Any, a: Any) -> Any:
    """What is written before an error is the caller's."""
    with r.range(a.shape[0]) as i:
        a[i, 0] = long(np.float64(0.1) * i, np.float64(0.5))
    return a


def before_and_after(r: Any, a: Any) -> Any:
    """It stores what a sum was before, beside what depends on what it is now."""
    total = r.cell(np.float64(1))
    found = r.call(np.empty, (a.shape[0], 2), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        found[i, 0] = total
        r.set(total, total + long(a[i, 0], a[i, 2]))
        found[i, 1] = total
    return found


def late(r: Any, a: Any) -> Any:
    """What reads the sum of the iteration before needs more than the sum does: apart, they stay together."""
    total = r.cell(np.float64(1))
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        found[i] = total * np.arctan2(long(a[i, 0], a[i, 2]), 2.0)
        r.set(total, total + a[i, 1])
    return found


def short(r: Any, a: Any) -> Any:
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        found[i] = a[i, 0] * a[i, 1]
    return found


def along_the_row(r: Any, a: Any) -> Any:
    """LLVM sees to it."""
    found = r.call(np.empty, (3,), dtype=np.dtype(float))
    with r.range(3) as i:
        found[i] = long(a[0, i], a[1, i])
    return found


@pytest.mark.parametrize(
    "function", [in_place, into_the_argument, before_and_after, late, short, along_the_row]
)
def test_what_stays_whole(function: Any) -> None:
    a = table(3 * WIDTH + 5)
    program = record(function, a)
    text = source(program, checked=True)
    assert function is late or "lanes" not in text
    agree(program, a, ulps=1e3)


def test_an_index_that_is_out_of_range() -> None:
    def f(r: Any, a: Any, where: Any) -> Any:
        found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
        with r.range(where.shape[0]) as i:
            found[i] = long(a[where[i], 0], a[where[i], 2])
        return found

    a, where = table(50), np.arange(50)[::-1].copy()
    program = record(f, a, where)
    assert "lanes" in source(program, checked=True)
    agree(program, a, where, ulps=1e3)
    where[40] = 50
    with pytest.raises(IndexError):
        load(program)(a, where)
