"""Functions of `operator`, `itertools`, `copy`, `dataclasses` and `math`, and methods of namedtuples."""
# pyright: basic

import copy
import dataclasses
import functools
import itertools
import math
import operator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from pullback.capture import capture
from pullback.ir.run import run
from pullback.ir.types import FLOAT

X = np.array([0.3, 0.7, 0.2, 0.9, 0.4])


class State(NamedTuple):
    x: np.ndarray
    t: float


@dataclass(frozen=True)
class Inner:
    w: np.ndarray


@dataclass(frozen=True)
class Outer:
    rate: float
    inner: Inner
    name: str = "o"


def operators(x):
    s = functools.reduce(operator.add, [v**2 for v in (x[0], x[1], x[2])])
    p = functools.reduce(operator.mul, (x[k] for k in range(3)), 1.0)
    less = operator.lt(s, p), operator.ge(s, p), operator.not_(s > p)
    return s, operator.truediv(p, s), operator.neg(s), operator.pow(x, 2), operator.getitem(x, 1), less


def iterators(x):
    a, b, c = x[0] * 2, x[1] + 1, x[2]
    return (
        list(itertools.chain([a], (b, c))),
        list(itertools.chain.from_iterable([[a, b], (c,)])),
        [u * w for u, w in itertools.product((x[0] * 2, b), (c, 2.0))],
        sum(u * w for u, w in itertools.combinations((x[0] * 2, x[1] + 1, x[2]), 2)),
        len(list(itertools.permutations((a, b, c)))),
        [u - w for u, w in itertools.pairwise([a, b, c])],
        [u * w for u, w in itertools.zip_longest([a, b], [c], fillvalue=1.0)],
        list(itertools.islice((a, b, c), 1, 3)),
        list(itertools.accumulate([a, b, c])),
        list(itertools.accumulate([a, b, c], lambda u, w: u * w, initial=2.0)),
        list(itertools.starmap(lambda u, w: u + w, [(a, b), (b, c)])),
    )


def copies(x):
    y, z = copy.deepcopy(x), copy.copy(x)
    y[0], z[1] = 5.0, 6.0
    items = [x[0], x]
    other = copy.copy(items)
    other[0] = 3.0
    deep = copy.deepcopy(items)
    deep[1][0] = 7.0
    return x, y, z, items, other, deep, copy.copy(2.0)


def dataclasses_(x):
    first = Outer(x[0], Inner(x))
    second = dataclasses.replace(first, rate=x[1] * first.rate)
    d = dataclasses.asdict(second)
    d["inner"]["w"][0] = 9.0
    return second, d, dataclasses.astuple(first), first


def namedtuples(x):
    state = State(x, 0.5)
    for _ in range(3):
        state = state._replace(x=state.x * 2, t=state.t + x[0])
    return state, state._asdict()


def more_math(x):
    return (
        math.prod([x[0], x[1], 2.0]), math.prod(x, start=2.0), math.dist((x[0], x[1]), (x[2], 1.0)),
        math.prod([2, 3]), np.sin(x), x.sum(), getattr(math, "nothing", 2.0),
    )  # fmt: skip


def a_tuple_with_two_names(x):
    a, b = c = (x[0] * 2, x[1] + 1)
    q, r = both = divmod(x[0], x[1])
    return a + b * c[0] + c[1], q, r, both, [v * k for t in ((a * 2, b + 1),) for k in (1, 2) for v in t]


@pytest.mark.parametrize(
    "function",
    [
        operators,
        iterators,
        copies,
        dataclasses_,
        namedtuples,
        more_math,
        a_tuple_with_two_names,
    ],
    ids=lambda function: function.__name__,
)
def test_agrees(agrees, function):
    agrees(function, X, same_dtype=False)


def test_special_functions_of_math():
    def special(x):
        return math.erf(x), math.erfc(x), math.gamma(x), math.lgamma(x), math.erf(0.5)

    captured = capture(special, (FLOAT,), {})
    got = captured.rebuild(run(captured.program, [1.7]))
    np.testing.assert_allclose(got, special(1.7), rtol=1e-14)
    assert all(type(value) is float for value in got)


def test_the_largest_of_nothing(agrees):
    def largest(x):
        return max(v * 2 for v in x), any(v > 0.5 for v in x)

    captured = agrees(largest, X)
    with pytest.raises(ValueError, match="is empty"):
        run(captured.program, [X[:0]])
