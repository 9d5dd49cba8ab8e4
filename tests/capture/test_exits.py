"""break, continue, early return and the else of loops."""
# pyright: reportPossiblyUnboundVariable=false, reportOptionalOperand=false

import numpy as np
import pytest

from pullback.capture import capture
from pullback.ir.run import run
from pullback.ir.types import type_of

X = np.array([0.5, -1.5, 2.5, 3.5])


def while_true(x):
    n = 0
    while True:
        x = x / 2
        n += 1
        if x < 1:
            break
    return x, n


def with_break(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 2.0:
            break
        s += x[i]
    return s, i


def with_continue(x):
    s = 0.0
    for v in x:
        if v < 0:
            continue
        if v > 3:
            s += 100
            continue
        s += v
    return s


def break_and_continue(x):
    s = 0.0
    t = 0.0
    for i, v in enumerate(x):
        if v < 0:
            t += v
            continue
        if v > 3:
            break
        if i > 1:
            s += 2 * v
        else:
            s += v
    return s, t


def rebound_before_the_next_turn(x):
    s = x[0]
    for i in range(len(x)):
        if i % 3 == 0:
            s *= 2.0
        if x[i] > 3.0:
            break
        s = x[i] if x[i] > 0 else 1.0
    for i in range(len(x)):
        if i % 2 == 0:
            row = x * s
        elif i == 1:
            row = -x
        if x[i] > 3.0:
            continue
        row = x + i
        s = row[i]
    return i


def with_else(x, limit):
    for v in x:
        if v > limit:
            r = v
            break
    else:
        r = -1.0
    return r


def while_else(n):
    k = 0
    while k < n:
        k += 1
        if k == 5:
            break
    else:
        k = -k
    return k


def early_return(x):
    for i in range(len(x)):
        for j in range(i):
            if x[i] + x[j] > 2:
                return i * 10 + j
    return -1


def return_after(x):
    for v in x:
        if v > 2:
            return v * 2
    y = np.sum(x)
    if y > 0:
        return y
    return y - 1


def unrolled_break(x):
    s = 0.0
    for c in (1.0, 2.0, 3.0):
        if x < c:
            break
        s += c * x
    else:
        s = s * 100
    return s


CASES = [
    (while_true, [(5.0,), (0.5,)]),
    (with_break, [(X,), (-X,), (X[:0],)]),
    (with_continue, [(X,), (-X,)]),
    (rebound_before_the_next_turn, [(X,), (-X,), (X[:3],)]),
    (break_and_continue, [(X,), (-X,), (X[:3],), (X[:0],)]),
    (with_else, [(X, 1.0), (X, 9.0)]),
    (while_else, [(3,), (9,), (0,)]),
    (early_return, [(X,), (-X,), (X[:0],)]),
    (return_after, [(X,), (X[:2],), (-X,)]),
    (unrolled_break, [(0.5,), (1.5,), (2.5,), (9.0,)]),
]


@pytest.mark.parametrize(("function", "cases"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_exit(agrees, agrees_again, function, cases):
    captured = agrees(function, *cases[0])
    for case in cases[1:]:
        if [np.ndim(x) for x in case] == [np.ndim(x) for x in cases[0]]:
            agrees_again(captured, function, *case)
        agrees(function, *case, same_dtype=False)


def best_or_none(x):
    best = None
    for v in x:
        if best is None or v < best:
            best = v
    if best is None:
        return -1.0
    return best


def none_in_branch(x):
    y = None
    if x > 0:
        y = x * 2
    if y is not None:
        x = x + y
    return x


def none_is_used(x):
    y = None
    if x > 0:
        y = x * 2
    return y + 1


def previous_or_none(x):
    last = None
    s = 0.0
    for v in x:
        if last is not None:
            s += (v - last) ** 2
        last = v
    return s


def none_again(x):
    pair = None
    s = 0.0
    for v in x:
        if pair is not None:
            s += pair[0] * pair[1]
            pair = None
        else:
            pair = (v, 2.0)
    return s


def reassigned_after_return(x, a):
    for b in x:
        if b <= a:
            d = x[0] * b
            if b < 0.0:
                return d
        d = 1.0
        a -= d
    return a


def unbound_before_inner_loop(x):
    s = 0.0
    for i in range(len(x)):
        for v in x:
            s += v
        if i > 0:
            s += last
        last = x[i]
    return s


@pytest.mark.parametrize(
    ("function", "cases"),
    [
        (reassigned_after_return, [(X, 3.0), (abs(X), 3.0), (X[:0], 1.0)]),
        (unbound_before_inner_loop, [(X,), (X[:1],)]),
        (best_or_none, [(X,), (X[:0],)]),
        (none_in_branch, [(2.0,), (-2.0,)]),
        (previous_or_none, [(X,), (X[:1],)]),
        (none_again, [(X,), (X[:1],)]),
    ],
    ids=lambda c: getattr(c, "__name__", ""),
)
def test_name_that_has_no_value_at_first(agrees, agrees_again, function, cases):
    captured = agrees(function, *cases[0])
    for case in cases[1:]:
        agrees_again(captured, function, *case, same_dtype=False)


def test_none_that_is_used(agrees):
    agrees(none_is_used, 2.0)
    with pytest.raises(TypeError, match="y is None"):
        run(capture(none_is_used, (type_of(1.0),), {}).program, [-1.0])
