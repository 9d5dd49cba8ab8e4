"""Nothing is allocated or computed again in a loop that does not change there."""

from __future__ import annotations

import numpy as np
from comparing import check

from pullback.ir.nodes import Assign, For, While
from pullback.ir.walk import walk
from pullback.optimize.hoist import hoist_memory

x = np.linspace(-1.0, 2.0, 7)


def inside_loops(program, functions):
    """The calls of these functions in the loops of the program."""
    loops = [s for s in program.body if isinstance(s, For | While)]
    return [s for s in walk(tuple(loops)) if isinstance(s, Assign) and s.function in functions]


def test_temporaries_are_allocated_once():
    def shift(r, u):
        with r.range(4):
            u[1:] = np.sin(u[:-1])
        return u * 1

    program = check(shift, x)
    assert inside_loops(program, [np.empty])
    assert not inside_loops(hoist_memory(program), [np.empty])


def test_zeros_are_zeroed_in_each_iteration():
    def accumulate(r, u):
        total = r.cell(0.0)
        with r.range(4) as i:
            z = r.call(np.zeros, 3)
            z[i % 3] = u[i]
            r.set(total, total + np.sum(z * z[0]))
        return total

    check(accumulate, x)


def test_what_is_kept_beyond_an_iteration_is_not_reused():
    def newest(r, u):
        v, old = r.cell(u), r.cell(u)
        with r.range(3):
            r.set(old, v)
            r.set(v, np.sin(v) + u)
        return v, old

    assert inside_loops(hoist_memory(check(newest, x)), [np.empty])


def test_lengths_leave_all_loops():
    def nested(r, u, k):
        with r.range(k), r.range(k):
            u[1:-1] = u[1:-1] * np.exp(2.0)
        return u * 1

    program = check(nested, x, 2, others=((x, 0),))
    subtractions = inside_loops(program, [np.subtract, np.less])
    assert not subtractions


def test_what_may_fail_stays():
    def divide(r, u, k, n):
        with r.range(k) as i:
            u[i] = u[i] + n // (k - k) + 1
        return u * 1

    check(divide, x, 0, 3)
