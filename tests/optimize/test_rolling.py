"""Of arrays between nests that go row by row only the latest rows are kept, where nothing else is read."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from comparing import compare
from recording import record

import pullback as pb
from pullback.api.compiled import Compiled
from pullback.ir.nodes import Assign, Const
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.optimize.pipeline import finish


def heat(u, steps, alpha):
    for _ in range(steps):
        u[1:-1, 1:-1] += alpha * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
    return np.sum(u**2)


def far(u, steps, alpha):
    for _ in range(steps):
        u[2:-2] += alpha * (u[4:] - 3.0 * u[:-4] + u[1:-3] * u[3:-1])
    return np.sum(np.sin(u))


def deep(u, steps, alpha):
    for _ in range(steps):
        u[1:-1, 1:-1, 1:-1] += alpha * (
            u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, 1:-1, :-2]
        )
    return np.sum(u**2)


def lengths(program):
    """The arrays of a program with an axis of known length."""
    return [
        tuple(n.value for n in s.args[0] if isinstance(n, Const))
        for s in walk(program.body)
        if isinstance(s, Assign) and s.function in (np.empty, np.zeros) and isinstance(s.args[0], tuple)
    ]


def adjoint_of(function, u):
    return Compiled(function).specialise((u, 3, 0.1), {})[1].pure.adjoint((0,), (0,)).program


SHAPES = {
    heat: [(9, 12), (3, 10), (2, 12), (12, 2), (11, 4), (0, 10), (4, 9)],
    far: [(11, 10), (15, 9), (4, 9), (3, 9), (9, 10)],
    deep: [(6, 10, 9), (5, 9, 11), (2, 9, 10), (7, 9, 2), (3, 9, 9)],
}


@pytest.mark.parametrize(("function", "rows"), [(heat, [(2,), (5,)]), (far, [(4,)]), (deep, [(2,), (5,)])])
def test_stencils_keep_a_few_rows(function, rows):
    rng = np.random.default_rng(5)
    program = adjoint_of(function, rng.random(SHAPES[function][0]))
    finished = finish(program)
    verify(finished)
    found = lengths(finished)
    assert [n for n in rows if n in found] == rows
    for shape in SHAPES[function]:
        for steps in (0, 1, 4):
            compare(program, finished, (rng.random(shape), steps, 0.1, np.float64(1.5)))


@pytest.mark.parametrize("function", [heat, far, deep])
def test_compiled(function):
    rng = np.random.default_rng(6)
    for shape in SHAPES[function]:
        u = rng.random(shape)
        expected = pb.grad(function, engine="tape")(u.copy(), 3, 0.1)
        found = pb.grad(pb.compile(function))(u.copy(), 3, 0.1)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def nests(r, x, steps, *, made=np.zeros, columns=lambda step, i, m: m, seen=1, positive=False, kept=False):
    """A nest that stores rows of an array, and one that adds rows of it to `x`."""
    n, m = x.shape
    between = r.call(made, (n + 2, m + 2), dtype=np.dtype(float))
    with r.range(steps) as step:
        with r.range(n - 1) as i, r.range(columns(step, i, m)) as j:
            value = x[i, j] + 0.5 * x[i + 1, j]
            with r.when(value > 0) if positive else contextlib.nullcontext():
                between[i + 1, j] = value
        with r.range(n - 1) as i, r.range(m) as j:
            x.add_at((i + 1, j), between[i + seen, j])
    return between[1, 1] if kept else x[0, 0]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, 2),
        ({"made": np.empty}, 2),
        ({"seen": 0}, 5),  # no iteration stores row 0: it is read at a row of zeros
        ({"columns": lambda step, i, m: m - 1}, 2),
        ({"columns": lambda step, i, m: i}, None),  # what a shorter row leaves is another row's
        ({"columns": lambda step, i, m: step}, None),
        ({"columns": lambda step, i, m: m - 1, "made": np.empty}, None),  # nothing stores what is read
        ({"seen": 0, "made": np.empty}, None),
        ({"positive": True}, None),
        ({"kept": True}, None),
    ],
)
def test_what_is_read_says_whether_rows_are_enough(options, rows):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((6, 5))
    program = record(lambda r, x, steps: nests(r, x, steps, **options), x, 3)
    finished = finish(program)
    verify(finished)
    assert lengths(finished) == [() if rows is None else (rows,)]
    if options.get("made") is np.empty and rows is None:
        return
    for shape in ((6, 5), (9, 3), (3, 2), (2, 4)):
        for steps in (0, 1, 3):
            compare(program, finished, (rng.standard_normal(shape), steps))
