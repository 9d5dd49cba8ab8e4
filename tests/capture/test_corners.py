"""Where features meet: scopes, precisions, grids, sources, guards."""
# pyright: reportPossiblyUnboundVariable=false

import functools
import itertools
import linecache
from typing import Any

import numpy as np
import pytest

from pullback.capture import StaticNeededError, capture
from pullback.ir.types import FLOAT, INT, Array, type_of

X = np.array([0.5, -1.5, 2.5, 3.5])
X32 = X.astype(np.float32)
A = np.arange(12.0).reshape(3, 4) + 0.5
SCALE = 2.0


def grids(n, m):
    u, v = np.mgrid[0:n, 1:m]
    w = np.mgrid[0:n]
    s, t = np.ogrid[0:n, 0:m:2]
    return u * 10 + v, w, s + t, np.mgrid[0.0:1.0:0.25]


def concatenated(x, s):
    return np.r_[x, s, 0.0, x[:2]], np.c_[x, x * 2], np.r_[0:3]


def crossed(a):
    i, j = np.array([0, 2]), np.array([1, 3])
    b = a[np.ix_(i, j)]
    a[np.ix_(i, j)] += 1.0
    return b, a


def walrus_in_while(x):
    n = 0
    while (y := x / 2) > 1:
        x = y
        n += 1
    return x, y, n


def precisions(x):
    s = 0.0
    for v in x:
        s += v * 0.1
    t = 1
    for v in x:
        t = t * v
    return s, t, np.sum(x * 2.0), np.mean(x), x / 3, np.sqrt(2.0) * x[0]


def spread(x, *rest, **named):
    def inner(a, b=1.0, *more, c=2.0):
        return a * b + c + sum(more)

    return inner(x, *rest), inner(x, **named), inner(*(x, 2.0), c=x)


def unstacked(a):
    u, v, w = a
    u[0] = 100.0
    return u + v * w, [row[0] for row in (u, v)]


def determinant(a):
    sign, logarithm = np.linalg.slogdet(a @ a.T + np.eye(3))
    return sign * logarithm, np.linalg.slogdet(a @ a.T + np.eye(3)).logabsdet


def by_constant_index(x):
    factors = (1.0, x, 3.0)
    s = x
    for i in range(3):
        s = s * factors[i]
    for i, j in zip(range(2), (2, 1)):
        s = s + factors[i] * factors[j]
    return s


def returns_in_unrolled(x):
    for c in (1.0, 2.0, 3.0):
        if x < c:
            return c - x
    return x


def static_print(x):
    print("start", SCALE)
    return x * SCALE


def transposed_store(a):
    a.T[0] = 5.0
    a[:, 1:].T[1, :2] *= 2.0
    return a


def comprehensions(x):
    pairs = [(i, j) for i in range(3) for j in range(i) if i != j]
    return [x * i + j for i, j in pairs], {k: v * x for k, v in [("a", 1.0), ("b", 2.0)]}


def masks_and_logic(x):
    inside = (x > 0) & (x < 3) | (x == 3.5)
    inside ^= x > 100
    return np.where(inside, x, -x), ~inside, inside.sum(), np.any(inside) and x[0] > 0


def optional(x, y=None):
    y = x if y is None else y
    return x * y


def shadowing(x):
    sum = x * 2
    max = sum + 1
    return sum * max


def global_declared(x):
    global SCALE
    return x * SCALE


def empties(x):
    y = x[:0]
    s = 0.0
    for v in y:
        s += v
    return s, np.sum(y), y.size, np.concatenate([y, x])


def bounded_below(x, n):
    k = n
    while k > 0:
        k -= 1
        for j in range(k, n):
            x[j] += x[k] * 0.5
            n -= 1
    return x, n


def array_of_params(p):
    a, b, (c, d) = p[0], p[1], p[2:]
    m = np.array([[a, b], [c, d]])
    return m @ m, np.array([p, p * 2]).shape


def flattened(a):
    flat = a.flatten()
    flat[0] = 50.0
    for v in a.ravel():
        flat = flat + v
    return flat, a.reshape(2, -1), a.reshape((4, 3), order="F"), a.ravel(order="F"), np.reshape(a, -1)


def quiet(x):
    with np.errstate(all="ignore"):
        y = np.log(x)
        for v in x:
            if v > 3:
                break
    return y, v


def sorted_in_place(x, a):
    x.sort()
    a.sort(axis=0)
    return x[0], a


def constant_tables(n):
    weights = [0.5, 0.25, 2.0]
    s = 0.0
    for i in range(n):
        s += weights[i % 3] * (1, 2)[i % 2]
    return s, weights[-1]


def select_or_branch(x, n):
    a = 1.0 if x > 2 else x
    b = x if n else 1
    return a, b, max(x, 2.0), min(n, 3), max(x, n * 1.0, 0.5)


def reduced(x):
    return functools.reduce(lambda a, b: a * b + 1, [x, 2.0, 3.0]), functools.reduce(max, (x, 1.0), 5.0)


def double_loop(a):
    s = 0.0
    for i, j in itertools.product(range(a.shape[0]), range(1, a.shape[1])):
        s = s * 0.9 + a[i, j]
    for i, j in itertools.product((0, 1), repeat=2):
        s += a[i, j] * i
    return s


def writes_and_returns(a):
    a[0] += 1.0
    return a[0] * 2


def order_of_reads(x):
    x[0] += writes_and_returns(x)
    x[1] = x[0] + writes_and_returns(x)
    x[:2] *= writes_and_returns(x)
    x[2] -= x[0] if x[0] > 0 else writes_and_returns(x)
    return x


def compose(f, v):
    return f(f(v))


def composed(x):
    return compose(lambda u: compose(lambda w: w * x, u) + 1.0, 2.0)


def read_in_a_branch_of_a_closure(x):
    if x > 0:
        y = x * 2

    def inner(v):
        return v + y if v > 1 else v

    a = inner(x)
    return a, inner(x + 1)


def bool_bounds(x, flag):
    s = 0.0
    for i in range(flag):
        s += x[i]
    return s


CASES = [
    (order_of_reads, [(X,)]),
    (composed, [(2.0,)]),
    (read_in_a_branch_of_a_closure, [(2.0,), (0.5,), (-3.0,)]),
    (bool_bounds, [(X, True), (X, False)]),
    (quiet, [(X,)]),
    (sorted_in_place, [(X, A[::-1].copy())]),
    (constant_tables, [(7,), (0,)]),
    (select_or_branch, [(1.0, 2), (3.0, 5)]),
    (reduced, [(2.0,)]),
    (double_loop, [(A,)]),
    (grids, [(3, 4)]),
    (concatenated, [(X, 2.0)]),
    (crossed, [(A,)]),
    (walrus_in_while, [(9.0,), (0.5,)]),
    (precisions, [(X32,), (X,)]),
    (spread, [(2.0,)]),
    (unstacked, [(A,)]),
    (determinant, [(A,)]),
    (by_constant_index, [(2.0,)]),
    (returns_in_unrolled, [(0.5,), (2.5,), (9.0,)]),
    (static_print, [(2.0,)]),
    (transposed_store, [(A,), (np.asfortranarray(A),)]),
    (comprehensions, [(2.0,)]),
    (masks_and_logic, [(X,)]),
    (optional, [(2.0,), (2.0, 3.0)]),
    (shadowing, [(2.0,)]),
    (global_declared, [(2.0,)]),
    (empties, [(X,)]),
    (bounded_below, [(X, 4)]),
    (array_of_params, [(X,)]),
    (flattened, [(A,)]),
]


@pytest.mark.parametrize(("function", "cases"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_corner(agrees, function, cases):
    for case in cases:
        agrees(function, *case)


def test_star_arguments(agrees):
    agrees(spread, 2.0, 3.0, 4.0, 5.0, b=2.0, c=1.0)


def test_lambdas_on_one_line(agrees):
    first, second = (lambda x: x * 2.0), (lambda x: x * 3.0)
    agrees(first, 2.0)
    agrees(second, 2.0)
    agrees(functools.partial, 2.0) if False else agrees(lambda x: (lambda y: y + x)(x), 2.0)


def test_source_from_a_notebook_cell(agrees):
    text = "def cell(x):\n    return x * 2.0\n"
    cache: Any = linecache.cache
    cache["<cell 1>"] = (len(text), None, text.splitlines(True), "<cell 1>")
    scope = {}
    exec(compile(text, "<cell 1>", "exec"), scope)
    agrees(scope["cell"], 3.0)


def test_a_source_that_changed_is_refused():
    text = "def moved(x):\n    return x * 2.0\n"
    scope = {}
    exec(compile(text, "<cell 2>", "exec"), scope)
    cache: Any = linecache.cache
    cache["<cell 2>"] = (0, None, ["\n", "\n", text], "<cell 2>")
    with pytest.raises(Exception, match="is not where it was"):
        capture(scope["moved"], (FLOAT,), {})


def test_guards_and_captives():
    factor, weights, names = 2.0, np.ones(3), {"k": 1.5}

    def f(x):
        return x * factor * names["k"] + weights

    captured = capture(f, (FLOAT,), {})
    assert [c is weights for c in captured.captives] == [True]
    assert captured.program.params[-1].name == "weights"
    assert captured.valid()
    factor = 3.0
    assert not captured.valid()
    factor = 2.0
    assert captured.valid()
    names["k"] = 0.0
    assert not captured.valid()
    names["k"], weights = 1.5, np.ones(3)
    assert not captured.valid()


def test_sources_of_everything_inlined():
    captured = capture(by_constant_index, (FLOAT,), {})
    assert captured.sources[0][1] == "by_constant_index"
    assert "factors" in captured.sources[0][2]


def test_a_parameter_that_has_to_be_static():
    def f(x, k):
        return (x, x * 2)[k]

    with pytest.raises(StaticNeededError) as info:
        capture(f, (type_of(X), INT), {})
    assert info.value.position == 1
    assert capture(f, (type_of(X), 1), {}).program.params[0].name == "x"


def test_names_and_locations():
    def f(x, n):
        total = 0.0
        for i in range(n):
            product = x[i] * 2.0
            total += product
        return total

    program = capture(f, (Array(np.dtype(float), 1), INT), {}).program
    loop: Any = program.body[1]
    assert [s.targets[0].name for s in loop.body] == ["t", "product", "total"]
    assert [s.comment for s in loop.body] == ["product = x[i] * 2.0"] * 2 + ["total += product"]
    assert loop.location is not None
    assert loop.location.text.strip() == "for i in range(n):"
