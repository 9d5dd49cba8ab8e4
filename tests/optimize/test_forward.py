"""What a block stores and reads again, temporaries of fused nests, integers, and nests row by row."""

from __future__ import annotations

import numpy as np
from comparing import check
from recording import record

from pullback.ir.nodes import Assign, For, If, Program, Store
from pullback.ir.walk import walk
from pullback.optimize.contract import contract
from pullback.optimize.forward import forward_stores
from pullback.optimize.fuse import fuse
from pullback.optimize.integers import fold_integers
from pullback.optimize.lower import lower
from pullback.optimize.pipeline import finish, optimize, simplify

x = np.linspace(-1.0, 2.0, 7)
m = np.sin(np.arange(42.0)).reshape(6, 7)


def finished(function, *arguments) -> Program:
    return finish(optimize(record(function, *arguments)))


def count(program: Program, kind: type) -> int:
    return sum(isinstance(s, kind) for s in walk(program.body))


def allocations(program: Program) -> int:
    return sum(isinstance(s, Assign) and s.function in (np.empty, np.zeros) for s in walk(program.body))


# Forwarding


def stores(function, *arguments) -> int:
    check(function, *arguments)
    return count(forward_stores(simplify(lower(record(function, *arguments)))), Store)


def test_a_store_that_is_overwritten_goes():
    def overwritten(r, u, i):
        u[i] = 0.0
        u.add_at((i,), 2.0)
        y = u[i] * 3
        u[i] = y
        return y

    assert stores(overwritten, x, 3) == 1


def test_a_store_that_another_place_may_read_stays():
    def read(r, u, i, k):
        u[i] = 1.0
        y = u[k] * 1
        u[i] = 2.0
        return y

    assert stores(read, x, 3, 3) == 2
    assert stores(read, x, 3, -4) == 2


def test_another_name_for_the_place():
    def aliased(r, u, i):
        v = u[::-1]
        u[i] = 1.0
        v[i] = 5.0
        y = u[i] * 1
        u[i] = 2.0
        return y, u * 1

    check(aliased, x, 3)
    check(aliased, x, 2)


def test_a_store_before_a_branch_or_a_loop_that_reads_stays():
    def branches(r, u, i, k):
        total = r.cell(0.0)
        u[i] = 1.0
        with r.when(total < 1.0):
            r.set(total, total + u[k])
        u[i] = 2.0
        with r.range(k):
            r.set(total, total + u[i])
            u[i] = 3.0
        u[i] = 4.0
        return total * 1, u * 1

    for i, k in ((3, 3), (3, 0), (0, 6), (-1, 6)):
        check(branches, x, i, k)


def test_places_known_to_be_different():
    def matrix(r, a, y, i):
        a[0, 0] = 1.0
        a[0, 1] = y
        a[0, 0] = y * 2
        total = a[0, 1] + a[0, 0]
        a[0, 0] = 3.0
        return total, a * 1

    def one_of_them(r, a, y, i):
        a[0, 0] = 1.0
        a[0, 1] = y
        a[i, 0] = 5.0
        total = a[0, 0] + a[0, 1]
        a[0, 0] = 3.0
        a[-1, 0] = 4.0
        a[0, 0] = a[0, 0] + a[-1, 0]
        return total, a * 1

    assert stores(matrix, m, 2.0, 0) == 3
    for rows in (m, m[:1].copy()):
        check(one_of_them, m, 2.0, 0, others=((rows, 2.0, 0), (rows, 2.0, -1)))


def test_an_index_that_changes_is_another_place():
    def moving(r, u, n):
        place = r.cell(0)
        u[place] = 1.0
        r.set(place, place + n)
        u[place] = 2.0
        return u * 1

    check(moving, x, 0)
    check(moving, x, 2)


def test_what_is_stored_is_of_the_arrays_type():
    def narrow(r, u, i, y):
        u[i] = y
        return u[i] * 1

    check(narrow, x.astype(np.float32), 2, np.float64(0.1))
    check(narrow, np.arange(4), 2, np.float64(1.7))


# Contraction


def test_an_array_of_a_fused_nest_is_a_number():
    def rows(r, a, n):
        t = r.call(np.empty, (a.shape[0], a.shape[1]))
        with r.range(a.shape[0]) as i, r.range(a.shape[1]) as j:
            t[i, j] = a[i, j] * 2
        with r.range(a.shape[0]) as i, r.range(a.shape[1]) as j:
            a[i, j] = t[i, j] + n
        return a * 1

    check(rows, m, 1.0, others=((m[:0], 1.0), (m[:, :1].copy(), 2.0)))
    program = simplify(contract(fuse(simplify(lower(record(rows, m, 1.0))))))
    assert allocations(program) == 1


def test_what_the_next_row_reads_stays_an_array():
    def carried(r, a):
        t = r.call(np.empty, (a.shape[0], a.shape[1]))
        with r.range(a.shape[1]) as j:
            t[0, j] = a[0, j]
        with r.range(1, a.shape[0]) as i, r.range(a.shape[1]) as j:
            t[i, j] = t[i - 1, j] + a[i, j]
            a[i, j] = t[i, j]
        return a * 1

    check(carried, m, others=((m[:1].copy(),), (m[:2].copy(),)))


def test_a_column_is_not_the_row():
    def columns(r, a):
        t = r.call(np.empty, (a.shape[0], a.shape[1]))
        with r.range(a.shape[0]) as i:
            with r.range(a.shape[1]) as j:
                t[i, j] = a[i, j] * 2
            with r.range(a.shape[1]) as j:
                a[i, j] = t[i, a.shape[1] - 1 - j]
        return a * 1

    check(columns, m, others=((m[:, :1].copy(),), (m[:0],)))


# Integers


def branches_left(function, *arguments) -> int:
    check(function, *arguments)
    return count(simplify(fold_integers(simplify(lower(record(function, *arguments))))), If)


def test_a_length_is_itself_and_not_negative():
    def lengths(r, u, k):
        n = u.shape[0]
        y = r.cell(0.0)
        with r.when(n != n + 1 - 1):
            r.set(y, 1.0)
        with r.when(n < 0):
            r.set(y, 2.0)
        with r.when(n + 3 == n + 4):
            r.set(y, 3.0)
        return y * 1

    assert branches_left(lengths, x, 0) == 0


def test_an_argument_may_be_negative():
    def arguments(r, u, k):
        y = r.cell(0.0)
        with r.when(k < 0):
            r.set(y, 1.0)
        with r.when(u.shape[0] - 3 < 0):
            r.set(y, y + 2.0)
        with r.range(k, 3) as i, r.when(i < 0):
            r.set(y, y + 4.0)
        return y * 1

    check(arguments, x, -2, others=((x[:2].copy(), 1), (x, 3), (x[:0], -5)))
    assert branches_left(arguments, x, -2) == 3


def test_a_number_that_changes_is_not_itself():
    def changes(r, u, k):
        n = r.cell(3)
        before = n + 1
        r.set(n, n + k)
        y = r.cell(0.0)
        with r.when(before != n + 1):
            r.set(y, 1.0)
        return y * 1

    check(changes, x, 0)
    check(changes, x, 2)


# Row by row


def guarded(program: Program) -> int:
    """Loops with tests in them."""
    return sum(isinstance(s, For) and any(isinstance(t, If) for t in s.body) for s in walk(program.body))


SIZES = tuple(m[:rows, :columns].copy() for rows in range(6) for columns in (0, 1, 2, 3, 7))


def test_the_second_nest_lags_behind():
    def smooth(r, u):
        with r.range(9):
            u[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] - u[1:-1, 2:]
        return u * 1

    check(smooth, m, others=tuple((a,) for a in SIZES))
    assert guarded(finished(smooth, m)) == 1


def test_what_has_to_wait_for_all_rows_waits():
    def upside_down(r, u):
        with r.range(3):
            u[...] = u[::-1] * 2
        return u * 1

    def last(r, u, v):
        with r.range(u.shape[0]) as i, r.range(u.shape[1]) as j:
            v[i, j] = u[i, j] + u[u.shape[0] - 1, j]
        with r.range(u.shape[0]) as i, r.range(u.shape[1]) as j:
            u[i, j] = v[0, j] - v[i, j]
        return u * 1

    check(upside_down, m, others=tuple((a,) for a in SIZES))
    assert guarded(finished(upside_down, m)) == 0
    check(last, m, np.cos(m), others=((m[:1].copy(), m[:1].copy()), (m[:0], m[:0])))
    assert guarded(finished(last, m, np.cos(m))) == 0


def test_rows_that_begin_and_end_elsewhere():
    def ranges(r, u, v, low, high):
        with r.range(2, u.shape[0] - 2) as i, r.range(u.shape[1]) as j:
            v[i, j] = u[i - 2, j] + u[i + 2, j]
        with r.range(1, u.shape[0] - 1) as i, r.range(u.shape[1]) as j:
            u[i, j] = v[i, j] - v[i - 1, j]
        with r.range(low, high) as i, r.range(u.shape[1]) as j:
            v[i, j] = u[i, j] * 2
        return u * 1, v * 1

    check(ranges, m, np.cos(m), 1, 4, others=tuple((a, np.cos(a), 0, a.shape[0]) for a in SIZES[:20]))
    assert guarded(finished(ranges, m, np.cos(m), 1, 4)) >= 1


def test_rows_before_the_first_count_from_the_end():
    def wrapped(r, u, v):
        with r.range(u.shape[0] - 1) as i, r.range(u.shape[1]) as j:
            v[i, j] = u[i - 1, j] + u[i, j]
        with r.range(u.shape[0] - 1) as i, r.range(u.shape[1]) as j:
            u[i, j] = v[i - 1, j] * 2
        return u * 1, v * 1

    check(wrapped, m, np.cos(m))
