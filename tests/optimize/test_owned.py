"""An array made anew in each iteration is updated in place where nobody can tell."""

from __future__ import annotations

import numpy as np
from comparing import check

from pullback.ir.nodes import Assign, For
from pullback.ir.walk import walk

x = np.linspace(-1.0, 2.0, 7)


def allocated_in_loops(program):
    loops = tuple(s for s in program.body if isinstance(s, For))
    return sum(isinstance(s, Assign) and s.function is np.empty for s in walk(loops))


def test_a_step_of_a_solver():
    def euler(r, y0, h):
        y = r.cell(y0)
        with r.range(5):
            r.set(y, y + h * np.sin(y) + y0)
        return y, y0 * 1

    assert not allocated_in_loops(check(euler, x, 0.1))


def test_the_right_side_reads_other_elements():
    def smooth(r, y0):
        y = r.cell(y0)
        with r.range(3):
            r.set(y, y + y[::-1] * 0.5)
        return y, y0 * 1

    check(smooth, x)


def test_other_names_for_the_array():
    def kept(r, y0):
        y, old = r.cell(y0), r.cell(y0)
        with r.range(3):
            r.set(old, y)
            r.set(y, y * 2.0 + 1)
        return y, old

    check(kept, x)

    def viewed(r, y0):
        y = r.cell(y0)
        total = r.cell(0.0)
        with r.range(3):
            v = y[1:]
            r.set(y, y * 2.0 + np.sum(v))
            r.set(total, total + v[2] + y[0])
        return y, total

    check(viewed, x)

    def computed_before(r, y0):
        y = r.cell(y0)
        total = r.cell(0.0)
        with r.range(3):
            v = y * y
            r.set(y, y + 1.0)
            r.set(total, total + np.sum(v * y))
        return total

    check(computed_before, x)


def test_stores_through_the_variable():
    def stored(r, y0):
        y = r.cell(y0)
        with r.range(3) as i:
            y[i] = 9.0
            r.set(y, y + 1.0)
        return y, y0 * 1

    check(stored, x)


def test_shapes_that_change():
    def shrinking(r, y0):
        y = r.cell(y0)
        with r.range(3):
            r.set(y, y[1:] + y[:-1])
        return y

    check(shrinking, x)


def test_branches_and_nesting():
    def nested(r, y0, k):
        y = r.cell(y0 * 2.0)
        with r.range(k) as i:
            z = r.cell(y * 0.5)
            with r.range(2):
                r.set(z, z * z)
            with r.when(i > 0):
                r.set(y, y + z)
        return y

    check(nested, x, 3, others=((x, 0),))
