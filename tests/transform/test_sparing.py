"""What the reverse sweep need not keep: memory taken back, and loops that run forward and backward at once.

Each program is right if its value and its first and second derivatives are those of the tape, and the ways
to spare memory are taken where they are meant to be, and not where an iteration meets another.
"""

from typing import Any

import numpy as np
import pytest
from sparing import stays_exact, sweeps

import pullback as pb
from pullback.ir.nodes import For, Var
from pullback.ir.walk import walk
from pullback.transform.activity import Activity
from pullback.transform.alias import alias_classes
from pullback.transform.canonical import canonical, cells_of
from pullback.transform.count import counted
from pullback.transform.independent import Independence
from pullback.transform.order import Order

rng = np.random.default_rng(0)


def pairs(x, v, steps):
    """Reads by pairs, stores by bodies: cheaper to undo."""
    x, v, n = x.copy(), v.copy(), x.shape[0]
    for _ in range(steps):
        for i in range(n):
            for j in range(n):
                d = x[j] - x[i]
                v[i] += 0.1 * d / (1.0 + d * d)
        for i in range(n):
            x[i] += 0.1 * v[i]
    return np.sum(x * v)


def pairs_with_a_second_name(x, v, steps):
    y, n = x.copy(), x.shape[0]
    z = y
    for _ in range(steps):
        total = 0.0
        for i in range(n):
            for j in range(i):
                total += np.sin(y[j] * y[i])
        for i in range(n):
            z[i] += total * v[i]
        z[0] = y[n - 1] * 0.5
    return np.sum(y * y)


def pairs_in_a_while(x, v, steps):
    x, n = x.copy(), x.shape[0]
    count, total = 0, 0.0
    while count < steps:
        for i in range(n):
            for j in range(i, n):
                total += np.sin(x[j]) * x[i]
            if total > 0.5:
                x[i] = total * v[i]
            else:
                x[i] *= v[i]
        count += 1
    return total


def pairs_returned(x, v, steps):
    """The result is memory that is taken back."""
    x, n = x.copy(), x.shape[0]
    for _ in range(steps):
        total = 0.0
        for i in range(n):
            for j in range(i):
                total += np.cos(x[j] * x[i])
        for i in range(n):
            x[i] += total * v[i]
    return x


def pairs_returned_summed(x, v, steps):
    return np.sum(pairs_returned(x, v, steps) ** 3)


def pairs_overwritten_at_once(x, v, steps):
    """The element that is read is overwritten in the same iteration of the inner loop."""
    x, n = x.copy(), x.shape[0]
    total = 0.0
    for _ in range(steps):
        for i in range(n):
            for j in range(n):
                t = x[j]
                total += np.sin(t) * v[i]
                x[j] = total * 0.3
    return total


def moved(x, v, total):
    for i in range(x.shape[0]):
        x[i] += total * v[i]


def pairs_moved(x, v, steps):
    x, n = x.copy(), x.shape[0]
    for _ in range(steps):
        total = 0.0
        for i in range(n):
            for j in range(i):
                total += np.sin(x[j] * x[i])
        moved(x, v, total)
    return np.sum(x * x)


def pairs_moved_in_a_checkpoint(x, v, steps):
    x, n = x.copy(), x.shape[0]
    for _ in range(steps):
        total = 0.0
        for i in range(n):
            for j in range(i):
                total += np.sin(x[j] * x[i])
        pb.checkpoint(moved)(x, v, total)
    return np.sum(x * x)


def sums_in_checkpoints(x, v):
    n, total = x.shape[0], 0.0
    for i in range(n):
        total += pb.checkpoint(slope)(x[i, 0], v[0])
    return total


def slope(x, v):
    return np.sin(x * v) * x


def sums_of_slopes(x, v):
    n, total = x.shape[0], 0.0
    for i in range(n):
        total += slope(x[i, 0], v[0])
    return total


UNDONE = [pairs, pairs_with_a_second_name, pairs_in_a_while, pairs_returned_summed]


def scratch(x, v):
    """Each row goes through scratch memory that is filled before it is read."""
    n, m = x.shape
    q, total = np.sum(x, axis=0), 0.0
    for i in range(n):
        for j in range(m):
            q[j] = x[i, j] * v[j]
        for j in range(m):
            for k in range(j):
                q[j] += np.sin(x[i, k])
        largest = q[0]
        for j in range(1, m):
            largest = max(largest, q[j])
        s = 0.0
        for j in range(m):
            s += np.exp(q[j] - largest)
        total += largest + np.log(s)
    return 2.0 * total - v[0]


def sums(x, v):
    """A sum in a branch, into an array at an index from elsewhere, and one that goes on in an inner loop."""
    n, m = x.shape
    sizes, total, where = v * 0.0, 0.0, np.array([2, 0, 0, 1])
    for i in range(n):
        if v[0] > 0.0:
            total -= np.sin(x[i, 0])
        for j in range(m):
            total += np.tanh(x[i, j]) * v[j]
        sizes[where[i]] += np.exp(x[i, 1])
    return total + 2.0 * sizes[0] + sizes[1]


def rows(x, v):
    """Each iteration works in a row of its own."""
    n, m = x.shape
    y, total = x * 0.0, 0.0
    for i in range(n):
        y[i, 0] = v[0]
        for j in range(1, m):
            y[i, j] = np.sin(y[i, j - 1]) * x[i, j]
        total += y[i, m - 1]
    return total


JOINT = [scratch, sums, rows]


def leaking_scratch(x, v):
    """The last element of the scratch memory is what an iteration before has left."""
    n, m = x.shape
    q, total = v * 0.0 + 1.0, 0.0
    for i in range(n):
        for j in range(m - 1):
            q[j] = x[i, j] * v[j]
        for j in range(m):
            total += np.sin(q[j]) * v[j]
        q[m - 1] = total
    return total


def scratch_filled_too_late(x, v):
    n, m = x.shape
    q, total = v * 0.0 + 1.0, 0.0
    for i in range(n):
        for j in range(m):
            total += np.sin(q[j]) * v[j]
            q[j] = x[i, j] * v[j]
    return total


def scratch_filled_in_a_branch(x, v):
    n, m = x.shape
    q, total = v * 0.0 + 1.0, 0.0
    for i in range(n):
        for j in range(m):
            if x[i, j] > 0.0:
                q[j] = x[i, j] * v[j]
            total += np.sin(q[j]) * v[j]
    return total


def scratch_read_later(x, v):
    n, m = x.shape
    q, total = v * 0.0 + 1.0, 0.0
    for i in range(n):
        for j in range(m):
            q[j] = x[i, j] * v[j]
        for j in range(m):
            total += np.sin(q[j])
    return total + q[0] * q[1]


def rows_that_meet(x, v):
    n, m = x.shape
    y, total = x * 0.0, 0.0
    for i in range(n - 1):
        for j in range(m):
            y[i + 1, j] = np.sin(y[i, j] + x[i, j])
            total += y[i + 1, j] * v[j]
    return total


def the_last_row_stays(x, v):
    n, m = x.shape
    y = v * 0.0
    for i in range(n):
        for j in range(m):
            y[j] = np.sin(x[i, j]) * v[j]
    return np.sum(y * y)


def a_product(x, v):
    n, total = x.shape[0], 1.0
    for i in range(n):
        total = total * np.sin(x[i, 0]) + v[0]
    return total


def two_that_take_turns(x, v):
    n = x.shape[0]
    p, q = v[0], v[1]
    for i in range(n):
        t = p + np.sin(x[i, 0])
        p = q
        q = t
    return p + 3.0 * q


def started_anew_in_a_branch(x, v):
    n, total = x.shape[0], 0.0
    for i in range(n):
        if x[i, 1] > 0.0:
            total = v[0]
        total += np.sin(x[i, 0])
    return total


def read_on_the_way(x, v):
    n, total, s = x.shape[0], 0.0, 0.0
    for i in range(n):
        total += np.sin(x[i, 0])
        s += total * v[1]
    return s


def needed_by_the_rest(x, v):
    n, total = x.shape[0], 0.0
    for i in range(n):
        total += np.sin(x[i, 0])
    return np.exp(total) * v[0]


def the_last_one_stays(x, v):
    n, last = x.shape[0], 0.0
    for i in range(n):
        last = np.sin(x[i, 0])
    return last + v[0]


def stored_twice(x, v):
    n, y = x.shape[0], v * 0.0
    for i in range(n):
        y[i % 2] = np.sin(x[i, 0])
    return y[0] + 2.0 * y[1] + v[0]


def overwritten_after(x, v):
    """What the loop reads is overwritten before the reverse sweep gets to it."""
    n, y, total = x.shape[0], v.copy(), 0.0
    for i in range(n):
        total += np.sin(x[i, 0] * y[0])
    y[0] = 2.0
    return total + y[0] * y[1]


SEPARATE = [
    leaking_scratch, scratch_filled_too_late, scratch_filled_in_a_branch, scratch_read_later, rows_that_meet,
    the_last_row_stays, a_product, two_that_take_turns, started_anew_in_a_branch, read_on_the_way,
    the_last_one_stays, stored_twice,
]  # fmt: skip
PINNED = [needed_by_the_rest, overwritten_after]


@pytest.mark.parametrize("function", [*UNDONE, pairs_overwritten_at_once], ids=lambda f: f.__name__)
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_memory_that_is_taken_back(function, steps):
    x, v = rng.normal(size=4), rng.normal(size=4)
    stays_exact(function, x, v, steps)


@pytest.mark.parametrize("function", UNDONE, ids=lambda f: f.__name__)
def test_memory_is_taken_back_where_that_is_cheaper(function):
    program, reverse = sweeps(function, rng.normal(size=4), rng.normal(size=4), 3)
    assert any("_old" in v.name for s in walk(reverse.body) for v in getattr(s, "targets", ()))
    assert not any("_old" in v.name for s in walk(program.body) for v in getattr(s, "targets", ()))


def test_a_result_is_what_it_was_before_memory_is_taken_back():
    x, v = rng.normal(size=4), rng.normal(size=4)
    compiled = pb.compile(pairs_returned, jit=False)
    y, pull = pb.vjp(lambda x, v: compiled(x, v, 3), x, v)
    expected, tape = pb.vjp(lambda x, v: pairs_returned(x, v, 3), x, v)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    for ours, theirs in zip(pull(v), tape(v), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(
    ("function", "twin", "x", "rest"),
    [
        (pairs_moved_in_a_checkpoint, pairs_moved, rng.normal(size=4), [3]),
        (sums_in_checkpoints, sums_of_slopes, rng.normal(size=(4, 3)), []),
    ],
)
def test_checkpoints_in_between(function, twin, x, rest):
    v = rng.normal(size=4)
    found = pb.grad(pb.compile(function, jit=False), argnums=(0, 1))(x, v, *rest)
    for ours, theirs in zip(found, pb.grad(twin, argnums=(0, 1))(x, v, *rest), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("function", [*JOINT, *PINNED, *SEPARATE], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_loops_forward_and_backward_at_once(function, n):
    stays_exact(function, rng.normal(size=(n, 3)), rng.normal(size=3) + 1.5)


def loops_of(program: Any) -> int:
    return sum(isinstance(s, For) for s in program.body)


@pytest.mark.parametrize("function", JOINT, ids=lambda f: f.__name__)
def test_independent_iterations_run_at_once(function):
    program, reverse = sweeps(function, rng.normal(size=(4, 3)), rng.normal(size=3))
    assert loops_of(reverse) < 2 * loops_of(program)


@pytest.mark.parametrize("function", PINNED, ids=lambda f: f.__name__)
def test_a_loop_whose_results_the_reverse_sweep_needs_stays_where_it_is(function):
    program, reverse = sweeps(function, rng.normal(size=(4, 3)), rng.normal(size=3))
    assert loops_of(reverse) == 2 * loops_of(program)


@pytest.mark.parametrize("function", [*JOINT, *PINNED, *SEPARATE], ids=lambda f: f.__name__)
def test_iterations_that_meet_are_told(function):
    program, _ = sweeps(function, rng.normal(size=(4, 3)), rng.normal(size=3))
    program = canonical(counted(program))
    cells = cells_of(program)
    classes, order = alias_classes(program, cells), Order(program, cells)
    results = [r.name for r in program.results if isinstance(r, Var)]
    activity = Activity(program, classes, [p.name for p in program.params], results)
    (loop,) = [s for s in program.body if isinstance(s, For) and np.sin in functions(s)]
    assert Independence(program, cells, classes, activity, order).holds(loop) is (function not in SEPARATE)


def functions(loop: For) -> set[Any]:
    return {getattr(s, "function", None) for s in walk(loop.body)}
