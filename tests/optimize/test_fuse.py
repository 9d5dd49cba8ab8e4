"""Neighbouring loops become one where no iteration sees what another has done."""

from __future__ import annotations

import numpy as np
from comparing import check
from recording import record

from pullback.ir import primitives
from pullback.ir.build import Builder, Names
from pullback.ir.nodes import Assign, Const, For, Program, Return, Var
from pullback.ir.run import run
from pullback.ir.types import INT, Array
from pullback.ir.walk import walk
from pullback.optimize.fuse import fuse
from pullback.optimize.pipeline import optimize

VECTOR = Array(np.dtype(float), 1)

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


def test_loops_that_share_an_index_are_joined():
    """The parts of a loop that was split have one index; the others are told apart by what it is called."""
    a, b, c = (Var(name, VECTOR) for name in "abc")
    i, j, k, n = (Var(name, INT) for name in "ijkn")
    builder = Builder(Names(set("abcijkn")))

    def doubled(array, index, shift):
        with builder.block() as body:
            place = builder.call(np.add, index, shift)
            entry = builder.call(primitives.item, array, (place,))
            builder.store(array, (place,), builder.call(np.multiply, entry, 2.0))
        return For(index, Const(0), n, Const(1), body.statements())

    loops = (doubled(a, i, 0), doubled(b, i, 0), doubled(c, j, 1), doubled(c, k, 1))
    length = Assign((n,), primitives.dim, (a, Const(0)))
    fused = fuse(Program("f", (a, b, c), (length, *loops, Return((a, b, c)))))
    assert sum(isinstance(s, For) for s in walk(fused.body)) == 1
    for got, wanted in zip(run(fused, [np.ones(2), np.ones(2), np.ones(3)]), (2, 2, [1, 4, 4]), strict=True):
        np.testing.assert_array_equal(got, np.broadcast_to(wanted, got.shape))
