"""Compiled code that raises lets go of its arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.ones(100_000)
CALLS = 60
BYTES = X.nbytes * CALLS


def index(x: Any, n: Any) -> Any:
    y = np.zeros(x.size)
    for k in range(x.size):
        y[k] = 2 * x[k]
    z = np.cumsum(y)
    return y[n] * z[n - 1]


def own_error(x: Any, n: Any) -> Any:
    y = np.cumsum(x)
    if y[3] < n:
        raise ValueError("too small")
    return np.sum(y * y)


def rebound(x: Any, n: Any) -> Any:
    y = x
    for k in range(n):
        y = np.cumsum(y)[: x.size - k] * 1e-3
        if k == 3:
            raise ValueError("too many")
    return np.sum(y)


def rebound_later(x: Any, n: Any) -> Any:
    y = x * 2
    for k in range(n):
        if k == 2:
            raise ValueError("too many")
        z = np.cumsum(y)
        y = z * 1e-3 + y[0]
    return np.sum(y)


def until(x: Any, n: Any) -> Any:
    k = 0
    while x[0] < 10:
        x = np.cumsum(x) * 1.1
        k += n
        x[0] = x[k]
    return np.sum(x)


def singular(x: Any, n: Any) -> Any:
    y = np.cumsum(x)
    return np.sum(np.linalg.solve(np.zeros((2, 2)) * y[0], y[:2])) * n


def refused(x: Any, n: Any) -> Any:
    y = np.sort(x * 2)
    return np.sum(y * y) + y[n] + np.partition(y, n)[0]


def lengths(x: Any, n: Any) -> Any:
    y = np.cumsum(x)
    return np.sum(y[1:n] * y[2:n])


FUNCTIONS: list[Callable[..., Any]] = [
    index, own_error, rebound, rebound_later, until, singular, refused, lengths,
]  # fmt: skip


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def fails(call: Any, times: int) -> None:
    for _ in range(times):
        with pytest.raises((ValueError, IndexError)):
            call(X, 10**6)


@pytest.mark.parametrize("function", FUNCTIONS, ids=[f.__name__ for f in FUNCTIONS])
def test_memory_is_given_back(function: Any) -> None:
    for call in (pb.compile(function), pb.grad(pb.compile(function))):
        fails(call, 5)
        before = resident()
        fails(call, CALLS)
        assert resident() - before < BYTES // 4
