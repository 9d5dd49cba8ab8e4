"""for and while in all their forms."""
# pyright: reportPossiblyUnboundVariable=false

import numpy as np
import pytest

from pullback.capture import capture
from pullback.ir.run import run
from pullback.ir.types import type_of

X = np.array([0.5, -1.5, 2.5, 3.5])
A = np.arange(6.0).reshape(2, 3) + 0.5


def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


def from_int(x):
    s = 0
    for v in x:
        s = s + v
    return s


def down(n):
    s = 0
    for i in range(n, -1, -2):
        s = s * 3 + i
    return s


def dynamic_step(a, b, c):
    s = 0
    for i in range(a, b, c):
        s = s * 3 + i
    return s


def triangle(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(i, a.shape[1]):
            s += a[i, j] * (i + 1) - j
    return s


def rows(a):
    s = a[0] * 0
    for row in a:
        s = s + row * row[0]
    return s


def enumerated(x):
    s = 0.0
    for i, v in enumerate(x):
        s += i * v
    for i, v in enumerate(x, 3):
        s += i * v
    return s


def zipped(x, y):
    s = 0.0
    for u, v in zip(x, y):
        s += u * v
    return s


def zipped_rows(a, x):
    for (row, v), k in zip(zip(a, x), range(5)):
        row *= v + k
    return a


def backwards(x):
    s = 0.0
    for v in reversed(x):
        s = s / 2 + v
    for i in reversed(range(1, len(x))):
        s = s / 2 + x[i]
    return s


def while_newton(x, tolerance):
    y = x
    while abs(y * y - x) > tolerance:
        y = 0.5 * (y + x / y)
    return y


def while_index(x):
    i = 0
    while i < len(x) and x[i] < 2:
        i += 1
    return i


def carried_swap(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def previous(x):
    last = x[0]
    s = 0.0
    for v in x:
        s += v * last
        last = v
    return s


def bound_in_loop(x):
    for v in x:
        y = v * 2
    return y


def last_index(n):
    for i in range(n):
        pass
    return i


def assigned_index(n):
    s = 0
    for i in range(n):
        i = i * 2
        s += i
    return s, i


def conditional_first(x):
    for i in range(len(x)):
        if i > 0:
            d = x[i] - previous_value
            x[i] = d
        previous_value = x[i]
    return x


def rebinding_array(x, n):
    for _ in range(n):
        x = x * 2 + 1
    return x


def rebinding_view(x, n):
    y = x
    for _ in range(n):
        y = y[1:]
        y[0] += 10.0
    return x


def ping_pong(x, n):
    old, new = x.copy(), np.empty_like(x)
    for _ in range(n):
        new[1:-1] = old[:-2] + old[2:]
        new[0] = 0.0
        new[-1] = 1.0
        old, new = new, old
    return old


def unrolled(x):
    s = 0.0
    for f, c in ((np.sin, 1.0), (np.cos, 2.0), (np.exp, 3.0)):
        s = s + c * f(x)
    for name in ["a", "b"]:
        if name == "b":
            s *= 2
    return s


def list_by_index(x, weights):
    for k in range(len(weights)):
        x = np.tanh(weights[k] @ x)
    return x


def nested_widening(x, n):
    a = 0
    b = 0
    for i in range(n):
        for j in range(2):
            b = b + a
            a = a + x
    return a, b


def inner_names(a):
    for i in range(a.shape[0]):
        t = a[i, 0]
        for j in range(1, a.shape[1]):
            t = t * a[i, j]
        a[i, 0] = t
    return a


def flags(x):
    found = False
    for v in x:
        if v < 0:
            found = True
    if found:
        return 1.0
    return 0.0


def best(x):
    value, place = x[0], 0
    for i in range(1, len(x)):
        if x[i] > value:
            value, place = x[i], i
    return value, place


def list_of_cells(n):
    state = [1.0, 2.0]
    for _ in range(n):
        state = [state[1], state[0] + state[1]]
    return state


def dict_state(x, n):
    state = {"p": x, "q": 0.0}
    for _ in range(n):
        state = {"p": state["p"] * 0.5, "q": state["q"] + state["p"]}
    return state["q"]


def sum_of_generator(x, n):
    return sum(x[i] * i for i in range(n) if x[i] > 0)


def range_of_lengths(a):
    out = np.zeros(a.shape)
    n, m = a.shape
    for i in range(n):
        for j in range(m):
            out[i, j] = a[n - 1 - i, m - 1 - j]
    return out


def no_turns(x):
    s = x
    for _ in range(0):
        s = s + "never"
    while False:
        s = s + "never"
    return s


CASES = [
    (total, [(X,), (np.zeros(0),)]),
    (from_int, [(X,)]),
    (down, [(7,), (0,), (-3,)]),
    (dynamic_step, [(0, 7, 2), (7, 0, -3), (0, 5, -1), (0, 5, 0)]),
    (triangle, [(A,), (A.T.copy(),)]),
    (rows, [(A,), (A[:1],)]),
    (enumerated, [(X,), (np.zeros(0),)]),
    (zipped, [(X, X[:2]), (X[:0], X), (X[:3], X)]),
    (zipped_rows, [(A, X)]),
    (backwards, [(X,), (np.zeros(0),)]),
    (while_newton, [(2.0, 1e-9), (1.0, 1e-3)]),
    (while_index, [(X,), (-X,), (X[:0],)]),
    (carried_swap, [(10,), (0,), (1,)]),
    (previous, [(X,)]),
    (bound_in_loop, [(X,), (X[:0],)]),
    (last_index, [(4,), (0,)]),
    (assigned_index, [(4,), (0,)]),
    (conditional_first, [(X,)]),
    (rebinding_array, [(X, 3), (X, 0)]),
    (rebinding_view, [(X, 2), (X, 0)]),
    (ping_pong, [(X, 3), (X, 0), (X, 4)]),
    (unrolled, [(2.0,), (X,)]),
    (list_by_index, [(A[0], [np.ones((3, 3)), A, np.ones((1, 2))])]),
    (nested_widening, [(0.5, 3)]),
    (inner_names, [(A,)]),
    (flags, [(X,), (-X,), (abs(X),)]),
    (best, [(X,), (-X,)]),
    (list_of_cells, [(3,), (0,)]),
    (dict_state, [(2.0, 3)]),
    (sum_of_generator, [(X, 4)]),
    (range_of_lengths, [(A,)]),
    (no_turns, [(2.0,)]),
]


@pytest.mark.parametrize(("function", "cases"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_loop(agrees, agrees_again, function, cases):
    captured = agrees(function, *cases[0])
    for case in cases[1:]:
        if [np.ndim(x) for x in case] == [np.ndim(x) for x in cases[0]]:
            agrees_again(captured, function, *case)
        agrees(function, *case, same_dtype=False)


def number_becomes_array(x, n):
    total = 0.0
    for k in range(n):
        total = total + x * k
    total += 1.0
    return total


def number_becomes_array_twice(a):
    total = 0
    for row in a:
        for v in range(2):
            total += row * v
    return total


def number_becomes_array_or_leaves(x, n):
    total = 1
    for k in range(n):
        if k == 2:
            break
        total = total * x
    else:
        total = -total
    return total


@pytest.mark.parametrize(
    ("function", "cases"),
    [
        (number_becomes_array, [(X, 3), (X, 1)]),
        (number_becomes_array_twice, [(A,)]),
        (number_becomes_array_or_leaves, [(X, 1), (X, 2), (X, 3)]),
    ],
    ids=lambda c: getattr(c, "__name__", ""),
)
def test_a_number_that_becomes_an_array(agrees, agrees_again, function, cases):
    captured = agrees(function, *cases[0])
    for case in cases[1:]:
        agrees_again(captured, function, *case)


def test_a_number_that_stays_one_is_an_error_at_run_time():
    captured = capture(number_becomes_array, (type_of(X), type_of(1)), {})
    with pytest.raises(ValueError, match="ran zero times"):
        run(captured.program, [X, 0])
