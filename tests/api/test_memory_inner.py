"""`pb.compile(f, memory=...)` where the long loop is in a branch, a function or another loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.ir.run import run
from pullback.ir.verify import verify
from pullback.transform.cut import loops_of
from pullback.transform.uncover import out_of_branches, out_of_loop

X = np.linspace(0.1, 0.9, 100)


def step(x: Any) -> Any:
    return np.sin(x) * x[0] + 0.1 * x


def in_a_branch(x: Any, n: Any, flag: Any) -> Any:
    y = x * 2
    if flag > 0:
        y = y + 1
        for _ in range(n):
            y = step(y)
        y = y * flag
    else:
        y = 3 * y
    return np.sum(y * x)


def in_either(x: Any, n: Any, flag: Any) -> Any:
    if flag > 0:
        y = x + 1
        for _ in range(n):
            y = step(y)
    elif flag < -1:
        y = 2 * x
    else:
        y = x.copy()
        for k in range(n, 0, -1):
            y[1:] = y[1:] + 0.01 * k * np.cos(y[:-1])
        for _ in range(n):
            y = y + 0.01 * step(y)
    return np.sum(y * y)


def in_a_loop(x: Any, n: Any, m: Any) -> Any:
    for j in range(m):
        x = x * (1 + 0.1 * j)
        for k in range(n):
            x = step(x) + 0.001 * k
        x = x * 1.1
    return np.sum(x)


def in_steps(x: Any, n: Any, m: Any) -> Any:
    w = np.zeros_like(x)
    for j in range(m, 1, -2):
        for k in range(1, n, 3):
            x = x + 0.01 * step(x) * k
            w[k % 7] += x[j] * x[k % 5]
        w = w + x
    return np.sum(w)


def triangle(x: Any, n: Any) -> Any:
    for j in range(1, n):
        y = 1.1 * x
        for k in range(j, n, 2):
            x = step(x) + 0.001 * k * y[j]
        x = x + 0.01 * y
    return np.sum(x * x)


def by_values(x: Any, n: Any, m: Any) -> Any:
    for j in range(m, 0, -1):
        count = int(pb.stop_gradient(n * x[j])) + j
        for k in range(count):
            x = step(x) + 0.001 * k
        x = 0.5 * x + 0.1 * j
    return np.sum(x)


def until(x: Any, n: Any) -> Any:
    for j in range(n):
        y, k = x * (1 + 0.01 * j), 0
        while y[3] > 0.05 and k < 50:
            y = step(y)
            k += 1
        x = x + 0.1 * y * k
    return np.sum(x)


def while_while(x: Any, n: Any) -> Any:
    j = 0
    while j < n:
        j += 1
        k = 0
        while k < j:
            x = step(x)
            k = k + 1
        x = x + 0.1
        if x[0] > 20.0:
            break
    return np.sum(x)


def while_in_a_branch(x: Any, n: Any, flag: Any) -> Any:
    y = 2 * x
    if flag > 0:
        k = 0
        y = y * flag
        while y[0] > -1e9 and k < n:
            y = step(y)
            k += 1
        y = y * k
    else:
        y = 3 * y
    return np.sum(y * x)


def left_in_either(x: Any, n: Any, flag: Any) -> Any:
    if flag > 0:
        for k in range(n):
            x = step(x)
            if k * flag > 50:
                break
        else:
            x = 2 * x
    else:
        while np.sum(x * x) > 1e-3:
            x = 0.8 * step(x)
    return np.sum(x)


def many(x: Any, n: Any) -> Any:
    for _ in range(n):
        x = step(x)
    return x


def in_a_function(x: Any, n: Any) -> Any:
    return np.sum(many(many(x, n) * 2, n))


CASES: list[tuple[Callable[..., Any], tuple[Any, ...], int]] = [
    (in_a_branch, (X, 120, 0.7), 30_000),
    (in_a_branch, (X, 120, -0.7), 30_000),
    (in_either, (X, 120, 0.7), 60_000),
    (in_either, (X, 120, -0.7), 60_000),
    (in_either, (X, 120, -1.7), 60_000),
    (in_either, (X, 0, 0.7), 60_000),
    (in_a_loop, (X, 120, 3), 40_000),
    (in_a_loop, (X, 0, 3), 40_000),
    (in_a_loop, (X, 120, 0), 40_000),
    (in_steps, (X, 300, 7), 60_000),
    (in_a_function, (X, 120), 30_000),
    (triangle, (X, 24), 60_000),
    (triangle, (X, 1), 60_000),
    (by_values, (X, 30, 6), 60_000),
    (until, (X, 12), 60_000),
    (while_while, (X, 16), 60_000),
    (while_while, (X, 0), 60_000),
    (while_in_a_branch, (X, 120, 0.7), 60_000),
    (while_in_a_branch, (X, 120, -0.7), 60_000),
    (while_in_a_branch, (X, 0, 0.7), 60_000),
    (left_in_either, (X, 120, 0.7), 60_000),
    (left_in_either, (X, 40, 0.7), 60_000),
    (left_in_either, (X, 120, -0.7), 60_000),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "memory"), CASES, ids=[f"{f.__name__}{k}" for k, (f, *_) in enumerate(CASES)]
)
def test_it_is_the_same_to_the_last_bit(function: Any, arguments: Any, memory: int) -> None:
    plain, bounded = (pb.compile(function, memory=m, jit=False) for m in (None, memory))
    expected = pb.grad(plain)(*arguments)
    np.testing.assert_array_equal(pb.grad(bounded)(*arguments), expected)
    np.testing.assert_allclose(expected, pb.grad(on_tape(function))(*arguments), rtol=1e-9)
    ((specialised,),) = bounded._specialised.values()
    (derived,) = specialised.pure._bounded.values()
    assert derived.spent.peak <= memory


def on_tape(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *rest: function(1 * x, *rest)


@pytest.mark.parametrize("case", [case for case in CASES if case[0] is not in_a_function])
def test_a_program_with_its_loop_at_the_top_does_the_same(case: Any) -> None:
    function, arguments, _ = case
    compiled = pb.compile(function, jit=False)
    expected = compiled(*arguments)
    ((specialised,),) = compiled._specialised.values()
    program = specialised.pure.program
    brought = out_of_branches(program)
    if brought is None:
        (position,) = (k for k in loops_of(program) if out_of_loop(program, k) is not None)
        brought = out_of_loop(program, position)
    assert brought is not None
    verify(brought)
    np.testing.assert_array_equal(run(brought, [*arguments])[0], expected)


def test_compiled_it_stays_under_the_bound_as_well() -> None:
    expected, found = (pb.grad(pb.compile(in_a_loop, memory=m))(X, 120, 3) for m in (None, 40_000))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_where_no_cut_helps_the_error_names_the_loop() -> None:
    def refilled(x: Any, n: Any) -> Any:
        y = np.zeros((n, x.size))
        for j in range(n):
            y[j] = x * j
            x = step(y[j])
        return np.sum(y * y)

    with pytest.raises(pb.UnsupportedError, match="does not fit into 20 kB") as caught:
        pb.grad(pb.compile(refilled, memory=20_000, jit=False))(X, 40)
    assert caught.value.where is not None
    assert caught.value.where.line == refilled.__code__.co_firstlineno + 2
    assert "memory=" in str(caught.value.remedy)
