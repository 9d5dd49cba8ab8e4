"""What nothing needs goes, with the loops and branches that held nothing else."""

from __future__ import annotations

import numpy as np
from comparing import check

from pullback.ir.nodes import For, If, Store, While
from pullback.ir.walk import walk

x = np.array([1.0, -2.0, 3.0, 0.5])


def counts(program):
    """How many loops, branches and stores are left."""
    kinds = [type(statement) for statement in walk(program.body)]
    return [kinds.count(kind) for kind in (For, While, If, Store)]


def test_loops_of_what_is_not_read_go():
    def wasteful(r, x):
        spare = r.call(np.zeros, (4,))
        total = r.cell(0.0)
        with r.range(4) as i, r.range(4) as j, r.when(x[j] > 0):
            spare[i] = x[j] * 2
        with r.range(4) as i:
            r.set(total, total + x[i])
            with r.when(x[i] > 1):
                spare[i] = total
        return total

    assert counts(check(wasteful, x)) == [1, 0, 0, 0]


def test_what_a_later_trip_reads_stays():
    def shifting(r, x, n):
        first, second, third = r.cell(x[0]), r.cell(x[1]), r.cell(x[2])
        with r.range(n) as i:
            r.set(first, second)
            with r.when(x[i] > 0):
                r.set(second, third + 1.0)
            r.set(third, third * x[i])
        return first

    assert counts(check(shifting, x, 4, others=((x, 0), (x, 1), (-x, 3)))) == [1, 0, 1, 0]


def test_a_while_stays_for_it_may_never_end():
    def counting(r, x):
        k, spare = r.cell(0), r.cell(0.0)
        with r.repeat(lambda: k < 3):
            r.set(spare, spare + x[k])
            r.set(k, k + 1)
        return x[0]

    assert counts(check(counting, x)) == [0, 1, 0, 0]
