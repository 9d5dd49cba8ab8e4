"""Neighbouring loops become one where no iteration sees what another has done."""

from __future__ import annotations

import numpy as np
from comparing import check
from recording import record

from pullback.ir.nodes import Assign, For
from pullback.ir.walk import walk
from pullback.optimize.pipeline import optimize

x = np.linspace(-1.0, 2.0, 7)
m = np.sin(np.arange(42.0)).reshape(6, 7)


def counts(function, *arguments):
    """The loops and the allocations of the optimised program."""
    check(function, *arguments)
    statements = list(walk(optimize(record(function, *arguments)).body))
    loops = sum(isinstance(s, For) for s in statements)
    return loops, sum(isinstance(s, Assign) and s.function is np.empty for s in statements)


def test_a_value_used_twice_becomes_a_number():
    def twice(r, u):
        e = np.exp(u)
        return np.sum(e * u) + np.sum(e / 2)

    assert counts(twice, x) == (1, 0)


def test_rows_are_worked_on_one_by_one():
    def rows(r, a):
        square = np.sum(a * a, axis=1)
        return np.sum(square / (1 + square))

    assert counts(rows, m) == (2, 0)


def test_neighbours_keep_loops_apart():
    def shifted(r, u):
        e = np.exp(u)
        return e[1:] * e[:-1]

    assert counts(shifted, x)[0] == 2

    def overwritten(r, u):
        with r.range(7) as i:
            u[i] = u[i] * 2
        with r.range(7) as i:
            u[i] = u[i - 1] + 1
        return u * 1

    assert counts(overwritten, x)[0] >= 2


def test_a_total_is_complete_before_it_is_used():
    def normalised(r, u):
        e = np.exp(u)
        return e / np.sum(e)

    assert counts(normalised, x)[0] == 2


def test_two_names_for_an_array():
    def aliases(r, u):
        v = u[::-1]
        with r.range(7) as i:
            u[i] = u[i] * 2
        with r.range(7) as i:
            v[i] = v[i] + u[i]
        return u * 1

    check(aliases, x)


def test_statements_between():
    def between(r, u, w):
        with r.range(7) as i:
            u[i] = u[i] * 2
        w[0] = u[3]
        with r.range(7) as i:
            w[i] = w[i] + u[i]
        return u * w

    check(between, x, np.cos(x))
