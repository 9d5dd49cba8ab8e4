"""Inlined functions, closures, structures as arguments, builtins, math, NumPy calls and methods."""

import cmath
import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.linalg as la
import pytest
from numpy import sin as sine

X = np.array([0.5, -1.5, 2.5, 3.5])
A = np.arange(12.0).reshape(3, 4) + 0.5
W = np.array([1.0, 2.0, 3.0, 4.0])
COEFFICIENTS = [0.5, 0.25]
TABLE = {"a": 2.0, "b": W}


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Params:
    rate: float
    weights: np.ndarray
    name: str = "p"

    def scaled(self, c):
        return self.weights * self.rate * c

    @property
    def double(self):
        return self.rate * 2


class Model:
    def __init__(self):
        self.w = np.array([1.0, 2.0])
        self.scale = 3.0

    def __call__(self, x):
        return self.apply(x) * self.scale

    def apply(self, x):
        return self.w[0] * x + self.w[1]


MODEL = Model()


def helper(x, y=2.0, *rest, k=1.0, **named):
    for r in rest:
        x = x + r
    for value in named.values():
        x = x * value
    return x * y + k


def writes(a, v):
    a[0] = v


def calls(x):
    return helper(x), helper(x, 3.0), helper(x, 1.0, 2.0, 3.0), helper(x, k=x, z=2.0), helper(y=x, x=1.0)


def calls_writes(x):
    writes(x, 5.0)
    writes(x[2:], 6.0)
    return x * 2


def returns_early(x):
    if x > 0:
        return x
    return -x


def calls_early(x, y):
    return returns_early(x) + returns_early(y) * returns_early(x - y)


def local_functions(x):
    c = x * 2

    def inner(v, d=c):
        return v + c * d

    square, one = (lambda v: v * v), 1.0
    c = 1.0
    return inner(square(x)) + inner(one, 2.0)


def higher_order(x):
    def twice(f, v):
        return f(f(v))

    return twice(lambda v: v * x, 2.0) + functools.partial(helper, k=2.0)(x) + sum(map(np.cos, (x, 2.0)))


def made_closure():
    scale, memory = 2.5, np.zeros(4)

    def inner(x):
        memory[:] = x * scale
        return np.sum(memory) + W @ x + COEFFICIENTS[1] + TABLE["b"][0] * TABLE["a"]

    return inner


def structures(p, q, d):
    point = Point(p.x + p.y, q[0])
    return point, {"s": d["a"] * d["b"][1]}, Point(x=1.0, y=p.x)


def dataclasses_(p, x):
    new = Params(p.rate * 2, p.weights + x)
    return new.scaled(2.0), p.double, new.name


def methods_of_objects(x):
    return MODEL(x) + MODEL.apply(x)


def builtins_(x, n, a):
    return (
        abs(x),
        abs(a),
        min(x, 2.0),
        max(x, 1.0),
        len(a),
        sum(a),
        sum([x, 2.0, n]),
        float(n),
        int(x),
        bool(n),
        round(x),
        pow(x, 2),
        divmod(n, 3),
        min(a),
        max(a),
        all([x > 0, n > 0]),
        any([x > 100, n > 0]),
        complex(x, 2),
        isinstance(x, float),
        isinstance(a, np.ndarray),
        list(range(3)),
        tuple(v * 2 for v in (x, n)),
        round(x, 1),
        x // 2,
        x % 2,
        n // 3,
        n % 3,
        -n // 3,
        n**2,
        2.0**n,
        n / 2,
        n << 1,
        n & 3,
        ~n,
    )


def math_(x, n):
    return (
        math.sin(x),
        math.exp(x),
        math.sqrt(x),
        math.log(x),
        math.log(x, 3),
        math.floor(x),
        math.ceil(x),
        math.pi * x,
        math.hypot(x, 2.0),
        math.atan2(x, 1),
        math.isnan(x),
        math.sqrt(2.0) * n,
        math.tanh(n),
        math.fabs(x),
        cmath.exp(1j * x),
        math.copysign(1.0, x),
        math.pow(x, 2),
        math.trunc(x),
    )


def comparisons(x, y, n):
    a = 0 < x < y
    b = x == 1.0 or (y > 2.0 and not n == 3)
    c = n in (1, 2, 3), n not in (1, 2), x is not None
    d = (x > 0) & (y > 0), x != y, not x
    e = x or y, x and y, 0 or x
    return a, b, c, d, e


def reductions(a):
    return (
        np.sum(a),
        a.sum(axis=0),
        np.mean(a, 1),
        a.max(),
        a.min(axis=1, keepdims=True),
        np.prod(a, axis=(0, 1)),
        a.std(),
        np.var(a, axis=0, ddof=1),
        np.cumsum(a, axis=1),
        a.argmax(),
        np.argmin(a, axis=1),
        np.any(a > 3),
        np.all(a > 3, axis=0),
        a.trace(),
        np.linalg.norm(a),
        np.ptp(a, axis=0),
        np.median(a),
        np.count_nonzero(a > 3),
        np.add.reduce(a, axis=0),
        np.maximum.accumulate(a, axis=1),
        np.add.accumulate(a),
    )


def joins(a, x):
    return (
        np.concatenate([a, a * 2], axis=1),
        np.stack((x, x + 1)),
        np.hstack([x, x]),
        np.vstack([a, x]),
        np.column_stack([x, x]),
        np.append(x, 2.0),
        np.array([x[0], 2.0, x[1]]),
        np.array([[x[0], 1], [2, x[1]]]),
        np.array([x, x * 2]),
        np.tile(x, 2),
        np.repeat(x, 2),
        np.roll(x, 1),
        np.pad(x, 2),
        np.block([[a], [a]]),
        np.outer(x, x),
        np.add.outer(x, x),
        np.kron(x, x),
        np.diag(x),
        np.tril(a),
        np.sort(x)[::-1],
        np.diff(x),
    )


def products(a, x):
    return (
        a @ x,
        a.dot(x),
        x @ x,
        np.dot(a, a.T),
        np.einsum("ij,j->i", a, x),
        np.tensordot(a, a, axes=2),
        a.T @ a,
        np.inner(x, x),
        np.vdot(x, x),
        np.linalg.solve(a @ a.T + 10 * np.eye(3), a[:, 0]),
        la.det(a @ a.T),
        np.cross(x[:3], x[1:]),
        np.matmul(a, x[:, None]),
        np.trace(a @ a.T),
        np.linalg.inv(a[:, :3] + np.eye(3)),
        np.convolve(x, x),
    )


def creations(n, x):
    return (
        np.zeros(n),
        np.ones((n, 2)),
        np.full(3, x),
        np.empty(0),
        np.zeros_like(np.ones((n, 1))),
        np.arange(n),
        np.arange(1, n, 2),
        np.arange(0.0, 1.0, 0.25),
        np.linspace(0, x, n),
        np.eye(n),
        np.identity(2),
        np.eye(n, n + 1, k=1),
        np.full((2, n), 1),
        np.ones(n, dtype=np.float32),
        np.zeros((n,), int),
        np.array([1, 2, n]),
        np.full_like(np.ones(n), x),
        np.asarray([x, 1.0]),
        np.meshgrid(np.arange(n), np.arange(2.0)),
        np.ones(3) * np.array(x),
        np.zeros([n, 2]),
        np.array(2.0) * x,
        np.indices((2, n)),
    )


def dtypes(x, z):
    return (
        x.astype(np.float32),
        x.astype(int),
        z.real,
        z.imag,
        z.conj(),
        np.abs(z),
        x * 1j,
        np.float32(2.0) * x,
        x.dtype == np.float64,
        np.real(x),
        np.imag(x),
        z.astype(complex),
        np.angle(z),
        (x > 0).astype(float),
        (x > 0) * x,
        np.isfinite(x),
        x.ndim,
    )


def clipped(x):
    return (
        np.clip(x, 0.0, 2.0),
        x.clip(-1, 1),
        np.where(x > 0, x, 0.0),
        np.maximum(x, 0),
        np.sign(x),
        np.interp(1.2, [0, 1, 2], x[:3]),
    )


def aliases(x):
    from numpy import cos as c

    return sine(x) + c(x) + np.linalg.norm(x)


def scalars(x):
    y = np.float64(x)
    return y.item(), y.shape, y.sum() if y.ndim else y, x.real, np.sum(x), x.conjugate()


def lists(x):
    xs = []
    for k in range(3):
        xs.append(x * k)
    xs[1] = xs[1] + 1
    ys = [v * 2 for v in xs if v is not None] + [x]
    d = {k: v for k, v in zip("ab", ys)}
    d["c"] = x
    xs.extend((x, x))
    last = xs.pop()
    return xs, ys[1:], d, len(xs), last, sum(d.values()), [(i, v) for i, v in enumerate(ys)][2]


CASES = [
    (calls, [(2.0,), (X,)]),
    (calls_writes, [(X,)]),
    (calls_early, [(1.0, 2.0), (-1.0, 2.0)]),
    (local_functions, [(2.0,)]),
    (higher_order, [(2.0,)]),
    (made_closure(), [(X,)]),
    (structures, [(Point(1.0, 2.0), (3.0, 4.0), {"a": 1.0, "b": X})]),
    (dataclasses_, [(Params(2.0, X), 1.0)]),
    (methods_of_objects, [(2.0,)]),
    (builtins_, [(2.7, 5, X), (1.2, 7, W)]),
    (math_, [(2.7, 5)]),
    (comparisons, [(1.0, 2.0, 3), (3.0, 2.5, 1), (0.0, 1.0, 9)]),
    (reductions, [(A,), (A.T.copy(),)]),
    (joins, [(A, X)]),
    (products, [(A, X)]),
    (creations, [(4, 2.0), (3, 0.5)]),
    (dtypes, [(X, X + 1j)]),
    (clipped, [(X,)]),
    (aliases, [(X,)]),
    (scalars, [(2.0,)]),
    (lists, [(2.0,)]),
]


@pytest.mark.parametrize(("function", "cases"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_call(agrees, function, cases):
    for case in cases:
        agrees(function, *case)
