"""Loops that add to neighbours become loops over the elements, where nothing else is done with the array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from comparing import check, compare
from recording import record

from pullback.ir import primitives
from pullback.ir.nodes import Assign, For, If, Program, Store
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.pipeline import finish, optimize
from pullback.transform.adjoint import adjoint


def grid(rows, columns, dtype: Any = float):
    values = np.sin(np.arange(rows * columns, dtype=float)).reshape(rows, columns)
    return values.astype(dtype) + (1j * values[::-1] if dtype is complex else 0)


SIZES = [
    (7, 6),
    (6, 7),
    (3, 3),
    (4, 3),
    (3, 9),
    (2, 5),
    (5, 2),
    (2, 2),
    (1, 4),
    (4, 1),
    (0, 3),
    (3, 0),
    (0, 0),
]
OTHERS = tuple((grid(*size), grid(*size)) for size in SIZES)


def gathers(program: Program) -> int:
    """The arrays of shares in a finished program."""
    return sum(
        isinstance(s, Assign) and s.function is np.zeros and s.targets[0].name.startswith("shares")
        for s in walk(program.body)
    )


def finished(function, *examples):
    return finish(optimize(record(function, *examples)))


def star(r, u, v):
    with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
        t = v[i, j] * 0.5
        u.add_at((i, j), -4 * t)
        u.add_at((i - 1, j), t)
        u.add_at((i + 1, j), t)
        u.add_at((i, j - 1), t)
        u.add_at((i, j + 1), t)
    return u * 1


def test_a_stencil_is_gathered_whatever_the_size():
    check(star, *OTHERS[0], others=OTHERS)
    assert gathers(finished(star, *OTHERS[0])) == 1


@pytest.mark.parametrize("dtype", [np.float32, complex])
def test_other_numbers(dtype):
    arguments = (grid(5, 6, dtype), grid(5, 6, dtype))
    check(star, *arguments)
    assert gathers(finished(star, *arguments)) == 1


def test_values_of_another_type():
    check(star, grid(5, 6, np.float32), grid(5, 6))


def test_downwards_from_the_end_and_with_bounds_known_at_run_time():
    def down(r, u, v, low):
        with r.range(u.shape[0] - 2, low - 1, -1) as i, r.range(u.shape[1] - 2, 0, -1) as j:
            t = v[i, j] * 3
            u.add_at((i + 1, j - 1), t)
            u.add_at((i, j), t * t)
            u.add_at((i - 1, j + 1), t)
        return u * 1

    others = tuple((*pair, low) for pair in OTHERS for low in (1, 2, 5))
    check(down, *OTHERS[0], 1, others=others)
    assert gathers(finished(down, *OTHERS[0], 1)) == 1


def test_steps_of_two_stay():
    def coarse(r, u, v):
        with r.range(1, u.shape[0] - 1, 2) as i, r.range(1, u.shape[1] - 1) as j:
            u.add_at((i - 1, j), v[i, j])
            u.add_at((i, j), v[i, j])
            u.add_at((i + 1, j), v[i, j])
        return u * 1

    check(coarse, *OTHERS[0], others=OTHERS)
    assert gathers(finished(coarse, *OTHERS[0])) == 0


def test_an_index_twice_or_backwards_stays():
    def odd(r, u, v):
        with r.range(1, v.shape[0] - 1) as i, r.range(1, v.shape[1] - 1) as j:
            for by in (-1, 0, 1):
                u.add_at((i + by, 2 * i, j), v[i, j])
                u.add_at((i + by, u.shape[1] - 1 - i, j), v[i, j] * 2)
        return u * 1

    u = np.ones((6, 12, 7))
    check(odd, u, OTHERS[1][0], others=((u, grid(2, 3)), (u, grid(5, 3))))
    assert gathers(finished(odd, u, OTHERS[1][0])) == 0


def test_a_variable_that_changes_between_the_additions():
    def changing(r, u, v):
        t = r.cell(0.0)
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            for by in (-1, 0, 1):
                r.set(t, t * 0.5 + v[i, j])
                u.add_at((i + by, j), t)
        return u * 1

    check(changing, *OTHERS[0], others=OTHERS)


def test_what_is_read_as_well_stays():
    def reading(r, u, v):
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            t = u[i, j] * v[i, j]
            u.add_at((i - 1, j), t)
            u.add_at((i, j), t)
            u.add_at((i + 1, j), t)
        return u * 1

    check(reading, *OTHERS[0], others=OTHERS)
    assert gathers(finished(reading, *OTHERS[0])) == 0


def test_what_is_overwritten_as_well_stays():
    def overwriting(r, u, v):
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            u.add_at((i - 1, j), v[i, j])
            u.add_at((i, j), v[i, j])
            u.add_at((i + 1, j), v[i, j])
            u[i, j] = v[i, j]
        return u * 1

    check(overwriting, *OTHERS[0], others=OTHERS)


def test_places_before_the_first_count_from_the_end():
    def periodic(r, u, v):
        with r.range(u.shape[0] - 1) as i:
            u.add_at((i - 1, 0), v[i, 0])
            u.add_at((i, 0), v[i, 1] * v[i, 0])
            u.add_at((i + 1, 0), v[i, 0])
        return u * 1

    check(periodic, grid(5, 2), grid(5, 2), others=((grid(2, 2), grid(2, 2)), (grid(1, 2), grid(1, 2))))
    assert gathers(finished(periodic, grid(5, 2), grid(5, 2))) == 1


def test_rows_of_a_cube_with_axes_in_another_order():
    def cube(r, u, v):
        with r.range(1, v.shape[0] - 1) as i, r.range(v.shape[1] - 1) as j, r.range(1, v.shape[2] - 1) as k:
            t = v[i, j, k]
            for by in (-1, 0, 1):
                u.add_at((k + by, j + 1, i - by), t)
        return u * 1

    u, v = np.ones((6, 4, 6)), np.cos(np.arange(90.0)).reshape(5, 3, 6)
    check(cube, u, v, others=((u, v[..., :2].copy()), (u, v[..., :1].copy())))
    assert gathers(finished(cube, u, v)) == 1


def test_a_view_of_what_is_added_to():
    def mirrored(r, u, v):
        w = u[::-1]
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            t = w[i, j] + v[i, j]
            u.add_at((i - 1, j), t)
            u.add_at((i, j), t)
            u.add_at((i + 1, j), t)
        return u * 1

    check(mirrored, *OTHERS[0], others=OTHERS)


def test_arrays_that_trade_places():
    def swaps(r, u, v, steps):
        a, b = r.cell(u * 1, "a"), r.cell(v * 1, "b")
        with r.range(steps):
            with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
                t = b[i, j] * 0.25
                b[i, j] = 0.0
                a.add_at((i, j), t * 3)
                a.add_at((i - 1, j), t)
                a.add_at((i, j + 1), t)
            old = r.call(primitives.bind, a)
            r.set(a, b)
            r.set(b, old)
        return a * 1, b * 1

    others = tuple((*pair, 3) for pair in OTHERS)
    check(swaps, *OTHERS[0], 4, others=others)
    assert gathers(finished(swaps, *OTHERS[0], 4)) == 1


def traded(r, u, v, factor, steps):
    a, b = r.cell(u * 1, "a"), r.cell(v * 1, "b")
    with r.range(steps):
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            x = b[i, j]
            b[i, j] = 0.0
            t = factor * x
            a.add_at((i, j), x - 4.0 * t)
            a.add_at((i - 1, j), t)
            a.add_at((i + 1, j), -t)
            a.add_at((i, j + 1), t)
        old = r.call(primitives.bind, a)
        r.set(a, b)
        r.set(b, old)
    return a * 1, b * 1


def test_multiples_of_one_number_are_shared_as_that_number():
    check(traded, *OTHERS[0], 0.1, 3, others=tuple((*pair, 0.1, 3) for pair in OTHERS))
    done = finished(traded, *OTHERS[0], 0.1, 3)
    branches = [s for s in walk(done.body) if isinstance(s, If) and any(isinstance(t, For) for t in s.orelse)]
    shared = [s for s in walk(branches[0].orelse) if isinstance(s, Store)]
    assert [s.accumulate for s in shared] == [False, False, True]


@pytest.mark.parametrize("factor", [np.inf, -np.inf, np.nan, 0.0])
def test_multiples_of_nothing_by_infinity_are_not_added(factor):
    with np.errstate(all="ignore"):
        check(traded, *OTHERS[0], factor, 3, others=tuple((*pair, factor, 3) for pair in OTHERS))


def test_arrays_that_may_be_the_same_are_told_apart_at_run_time():
    def perhaps(r, u, v, same):
        w = v * 1
        a, b = r.cell(w, "a"), r.cell(w, "b")
        with r.when(same < 0.5):
            r.set(a, u * 1)
        with r.range(1, u.shape[0] - 1) as i, r.range(1, u.shape[1] - 1) as j:
            t = b[i, j] * 0.25
            a.add_at((i, j), t * 3)
            a.add_at((i - 1, j), t)
            a.add_at((i, j + 1), t)
        return a * 1, b * 1

    others = tuple((*pair, same) for pair in OTHERS for same in (0.0, 1.0))
    check(perhaps, *OTHERS[0], 0.0, others=others)
    done = finished(perhaps, *OTHERS[0], 0.0)
    assert any(isinstance(s, If) and s.orelse for s in walk(done.body))
    assert gathers(done) == 1


def heat(r, u, alpha):
    with r.range(3):
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + alpha * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1] ** 2
        )
    return np.sum(u * u)


def test_derivatives_and_derivatives_of_derivatives():
    first = optimize(adjoint(optimize(record(heat, grid(5, 6), 0.1)), (0,), (0,)))
    second = optimize(adjoint(first, (0,), (1,)))
    assert gathers(finish(first)) >= 1
    for size in SIZES:
        u, seed = grid(*size), np.float64(1.5)
        for program, arguments in ((first, (u, 0.1, seed)), (second, (u, 0.1, seed, np.cos(u)))):
            done = finish(program)
            verify(done)
            compare(program, done, arguments)
