"""What a cell holds is known in straight-line code, and only there."""

from __future__ import annotations

import numpy as np
from comparing import check

import pullback as pb
from pullback.ir import primitives
from pullback.ir.nodes import Assign, Const
from pullback.ir.walk import assigns, walk

x = np.array([1.0, -2.0, 3.0, 0.5])


def is_constant(statement, value):
    """Whether the statement gives a variable a constant of this value."""
    if not isinstance(statement, Assign) or statement.function is not primitives.bind:
        return False
    source = statement.args[0]
    return isinstance(source, Const) and source.value == value


def bindings(program, value):
    return sum(is_constant(statement, value) for statement in walk(program.body))


def test_what_is_overwritten_is_not_given():
    def swap(r, x):
        a, b, spare = r.cell(x[0]), r.cell(x[1]), r.cell(7.0)
        with r.range(3):
            r.set(spare, a)
            r.set(a, b)
            r.set(b, spare)
            r.set(spare, 7.0)
        return a - b * spare

    program = check(swap, x)
    assert bindings(program, 7.0) == 2
    (spare,) = {t.name for s in walk(program.body) if is_constant(s, 7.0) for t in assigns(s)}
    assert sum(t.name == spare for s in walk(program.body) for t in assigns(s)) == 2


def test_a_value_that_a_branch_or_a_later_trip_reads_stays():
    def last(r, x, n):
        kept, total = r.cell(9.0), r.cell(0.0)
        with r.range(n) as i:
            r.set(total, total + kept)
            with r.when(x[i] > 0):
                r.set(kept, x[i])
            r.set(total, total * kept)
            r.set(kept, 5.0)
            with r.when(x[i] < 1):
                r.set(total, total + kept)
            r.set(kept, x[i] * 2)
        return total + kept

    program = check(last, x, 4, others=((x, 0), (x, 1), (-x, 3)))
    assert bindings(program, 9.0) == 1
    assert bindings(program, 5.0) <= 1


def test_adding_to_zero_is_a_copy():
    def accumulate(r, x):
        bar = r.cell(x[0])
        with r.range(4) as i:
            taken = bar * 1.0
            r.set(bar, 0.0)
            r.set(bar, bar + taken)
            r.set(bar, bar + x[i])
        return bar

    program = check(accumulate, x)
    assert not bindings(program, 0.0)


def test_sums_keep_their_cotangent():
    """The adjoint of a running sum has one cotangent for all trips, and nothing that carries it along."""

    def squares(x):
        s = 0.0
        for i in range(x.shape[0]):
            s += x[i] * x[i]
        return s

    text = pb.source(pb.grad(pb.compile(squares)), x)
    reverse = text.partition("# adjoint of: s +=")[2]
    assert reverse
    assert "s_bar_1" not in reverse
