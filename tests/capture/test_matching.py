"""`match` over numbers and structures, and `with` where it changes no value."""
# pyright: basic

import contextlib
import enum
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

X = np.array([0.3, 0.7, 0.2, 0.9])


class Kind(enum.Enum):
    DISC = 1
    BALL = 2


class Code:
    ONE = 1
    TWO = 2


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Disc:
    radius: float
    density: float = 1.0


def numbers(x, n):
    total = 0.0
    for k in range(len(x)):
        match (k * n) % 7:
            case 0:
                total += x[k]
            case 1 | 2:
                v = x[k] ** 2
                total += v
            case j if j > 5:
                total += x[k] * j
                if j == 6:
                    continue
            case 3 if x[k] > 0.3:
                break
            case Code.ONE | 4:
                return total * 2
            case _:
                total -= x[k]
        total += 0.1 * x[0]
    return total


def pairs(x, n):
    match n > 2, x[0]:
        case True, v:
            return v * x[1]
        case False, v if v > 0.5:
            return v
        case _, v:
            return v * v * 3


def falls_through(x, n):
    out = x[0]
    match n:
        case 1:
            out = x[1]
        case 2 | 3 as q:
            out = x[2] * q
        case -1:
            out = out * 2
    return out


def always_returns(x, n):
    if n > 1:
        match n:
            case 2:
                return x[0]
            case _:
                raise ValueError("too many")
    return x[1]


def size(shape):
    match shape:
        case Point(x=0.0):
            return -1.0
        case Point(a, b) if a > b:
            return a * b
        case Point(a, y=b):
            return a + b
        case Disc(radius=r):
            return r * r
        case ("rect", w, h):
            return w * h
        case ["sum", *rest]:
            return sum(rest)
        case {"r": r, **other}:
            return 3.0 * r * len(other)
        case None:
            return 0.5
        case float(v) | int(v):
            return v * 7
        case str():
            return 1.0
        case range():
            return 2.0
    return 100.0


def structures(x, n):
    point = Point(x[0], x[1])
    return (
        size(point), size(Disc(x[2])), size(("rect", x[0], x[3])), size(["sum", x[0], x[1], n]), size("s"),
        size({"r": x[0], "q": 1}), size(None), size(n), size((1, 2)), size(float(x[3])), size(range(3)),
        size(x),
    )  # fmt: skip


def enumerations(x, n):
    total = 0.0
    for kind in (Kind.DISC, Kind.BALL, "disc"):
        match kind:
            case Kind.DISC | "disc":
                total += n * x[0]
            case Kind.BALL:
                total += x[1]
    return total


def managers(x, n):
    with np.errstate(divide="ignore", invalid="ignore"), contextlib.nullcontext(x[0]) as first:
        y = first / x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(n):
            with contextlib.nullcontext():
                if k > 1:
                    break
                y = y * 2
    return y


FUNCTIONS = [
    numbers, pairs, falls_through, always_returns, structures, enumerations, managers,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_agrees(agrees, agrees_again, function):
    captured = agrees(function, X, 1)
    for n in (2, 3, 4, 5, 6, -1, 12):
        agrees_again(captured, function, X, n)
    agrees_again(captured, function, X[::-1].copy(), 3)
