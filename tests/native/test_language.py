"""Forms of Python and NumPy that are rarer than loops and slices, each through all comparisons."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from comparing_programs import Check

X = np.array([0.3, 0.7, 0.2, 0.9, 0.4, 0.6])
Y = np.array([0.3, 0.7, -0.2, 0.9, 0.4, 0.6])
A = np.array([[0.5, -0.3, 0.8], [1.2, 0.4, -0.6], [0.1, 0.9, 0.7]])
CASES: list[Any] = []


def case(*arguments: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of one number or more, with arguments for it."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(pytest.param(function, arguments, id=f"{function.__name__} {len(CASES)}"))
        return function

    return register


@case(X, 0.2)
@case(X, 0.7)
def a_number_compared_as_index(x, v):
    x[v > 0.5] *= 1.5
    x[..., v < 0.5] = x[:, None] * 2.0
    return np.sum(x[v > 0.5] ** 2) + np.sum(x[v < 1.0, 1:] * 2.0) + np.sum(x[False])


@case(X, 0.2)
@case(X, 0.75)
def a_choice_from_a_pair(x, v):
    return (2.0, 3.0)[bool(x[1] > v)] * x[0] + np.sum((x, x * x)[bool(v > 0.5)])


@case(A, 3)
@case(np.asfortranarray(A), -2)
def elements_of_flat(a, k):
    held = a.flat[1:4]
    held[0] = 2.0
    total = a.flat[k] * a.flat[-1] + np.sum(a.flat[[0, 2, 2]] * held) + len(a.flat) * a[0, 0]
    for j, v in enumerate(a.flat):
        total += np.sin(v) * j
    for v, w in zip(a.flat, a.T.flat, strict=True):
        total += v * w * w
    return total + np.sum(a.flat) * max(a.flat) + sum(a.flat)


@case(A, 3)
@case(A[:2], -1)
def stores_into_flat(a, k):
    b = a * 2.0
    row = b[1]
    b.flat[k] = b.flat[0] * a.flat[2]
    b.flat[2:6] = a[0, :2] * 3.0
    b.flat[[0, -2]] = np.sin(a[1, 0])
    b.flat[k] += b.flat[1]
    c = np.empty_like(b)
    c.flat = a[0] * a[1]
    c.flat[c.ravel() > 0.3] *= 2.0
    return np.sum(row * a[0]) + np.sum(b * c)


@case(A)
@case(np.concatenate([A, A])[:5])
@case(A[:2])
def diagonals(a):
    b = a * a
    np.fill_diagonal(b, a[0, 1])
    np.fill_diagonal(a, np.sin(b[1, :2]))
    c = np.zeros((2, 2, 2))
    np.fill_diagonal(c, b[0, :1])
    return np.sum(a * b) + np.sum(c**2)


@case(X)
def values_put_into_places(x):
    y = x * 2.0
    np.copyto(y, x[1])
    np.copyto(y, x**2, where=x > 0.55)
    np.put(y, [0, -1, 2], x[1:3])
    np.place(y, y > 0.33, np.array([x[0], x[5], 1.0]))
    np.putmask(y, x < 0.35, x[:3] * 3.0)
    z = np.empty_like(y)
    z.fill(y[2])
    return np.sum(y * x) + np.sum(z * y[::-1])


@case(Y, 0.33)
@case(Y, 0.65)
def names_that_a_local_function_assigns(x, t):
    s, count, best, y = 0.0, 0, x[0], x * 2

    def add(v, w=1.0):
        nonlocal s, count, best, y
        if v > t:
            s += v * w
            count += 1
            if count > 2:
                return -1.0
        elif v < 0:
            y = y * v
        for k in range(min(count, len(y))):
            s = s + y[k] * v
        best = max(best, v)
        return s

    def total():
        return s + best

    r = 0.0
    for k in range(len(x)):
        r += add(x[k]) if k % 2 == 0 else total()
        if total() > 3.0 and add(x[k], 2.0) > 0:
            break
    while add(0.1) < 5.0 and count < 20:
        r += total() * 0.1
        count += 1
    return r + np.sum(y)


@case(Y)
def functions_in_functions_assign_one_name(x):
    s = x[0]

    def outer(v):
        nonlocal s

        def inner(w):
            nonlocal s
            s = s * w

        inner(v)
        s += 1.0
        inner(v * v)
        return lambda: s * v

    f = outer(x[1])
    s = s + x[2]
    g = outer(x[0])
    s += f() * g()
    return s


@case(Y, 0.33)
@case(Y, 2.0)
def a_callback_that_counts(x, t):
    calls, last, peak = 0, None, 0.0

    def slope(s, y):
        nonlocal calls, last, peak
        calls += 1
        if s > t:
            last = y[0]
        for v in y:
            if v > peak:
                peak = v
        return -y * y + s

    def midpoints(f, y, h, n):
        calls = 0.5
        for k in range(n):
            y = y + h * f(k * h + h / 2, y + h / 2 * f(k * h, y))
            if y[0] > 10:
                break
        return y * calls

    y = midpoints(slope, x, 0.1, 5)
    out = np.sum(y) * calls + peak
    return out if last is None else out * last


@case(Y, 0.33)
def a_comprehension_calls_what_assigns(x, t):
    s, pair = 0.0, (x, 2.0 * x)

    def add(v):
        nonlocal s, pair
        s += v
        pair = (pair[1] * np.sin(s), pair[0])
        return s

    z = sum([add(v) for v in (1.0, 2.0)]) * x[0] + sum(add(v) * v for v in x)
    z += max(add(v) if v > t else 0.0 for v in (x[0], x[1]))
    return z * np.sum(pair[0] * x)


@case(Y, 1)
@case(Y, 3)
@case(Y, 6)
def cases_of_a_match(x, n):
    total = 0.0
    for k in range(len(x)):
        match (k * n) % 7:
            case 0:
                total += x[k]
            case 1 | 2:
                total += x[k] ** 2
            case j if j > 5:
                total += x[k] * j
                if j == 6:
                    continue
            case 3 if x[k] > 0.35:
                break
            case 4:
                return total * x[0]
            case j:
                total -= x[k] * total * j
        total += 0.1 * x[0]
    match n > 2, x[0]:
        case True, v:
            return v * total
        case False, v if v > 0.5:
            return total + v
    return total


@case(Y, 0.33)
@case(Y, -0.33)
def names_that_only_a_call_reads(x, c):
    s = x[0]

    def double():
        return s * 2.0

    if c > 0:
        s = x[1]
    else:
        s = x[2] * c
    s = double()
    if c > 0.1:
        s = s * s
    if double() > 0.2:
        s = 3.0 * s
    else:
        s = double() * 2
    return s


@case(Y, 0.85)
@case(Y, 2.0)
def generators_that_are_reduced(x, t):
    s = max(v * v for v in x) * min(np.sin(v) * k for k, v in enumerate(x) if k != 1)
    if any(v > t for v in x):
        s += x[1]
    if all(v > -t for v in x):
        s += x[2] ** 2
    items, total = x * 2.0, x[3]
    s += max(items[0] * v + total for v in items) + sum(x[0] for total in x)
    s += sum(x[i] * x[j] for i in range(len(x)) if i != 2 for j in range(i) if (i + j) % 2)
    s *= max(v - w for v in x for w in x[1:])
    return s + max([abs(v) for v in x]) + sum(v for v in x if v > 0.35)


@case(np.arange(8.0) / 3)
def updates_that_overlap(x):
    """Its second derivative has loops that one was split into, which are joined again."""
    x[1:] += x[:-1]
    x[:-1] = x[1:] - x[:-1]
    x[2:6] = x[6:2:-1]
    x[:4], x[4:] = x[4:].copy(), x[:4].copy()
    x[[0, 2, 0]] += x[[1, 1, 3]]
    x *= x[::-1]
    return np.sum(x * np.arange(8.0))


@case(np.arange(4.0) / 3)
def numbers_broadcast_to_no_axes(x):
    x[1:] += np.broadcast_to(x[0], ())
    return np.sum(x * x + np.broadcast_to(x[1], ()) * 0.5)


@case(np.arange(3.0) / 2 + 0.5)
def ranges_of_one(x):
    """Constants say that their axis has length 1, so that it is broadcast and fits where NumPy wants one."""
    s = np.sum(np.matmul(np.outer(x, np.ones(1)), 0.1 * np.arange(1) + x[0]))
    s += np.sum(np.linalg.solve(x[0] + 8 * np.eye(1), 0.1 * np.arange(1) + x[1]) ** 2)
    wide = np.broadcast_to(0.1 * np.arange(1, 2) + x[0], (1, 4))
    s += np.sum(np.where(wide > 0.25, wide, x[1]) ** 2) + np.sum(x + np.arange(2, 3, 1.0) * x[1] * x)
    for n in range(3):
        s += np.sum(np.arange(n) * x[0]) + np.sum(x[np.arange(1)] ** 2)
    return s


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_language(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    lines = textwrap.dedent(inspect.getsource(function)).splitlines(keepends=True)
    body = "".join(line for line in lines if not line.startswith("@"))

    check = Check("import numpy as np\n\n" + body, function.__name__, "float64", arguments)
    done = check.run(jit=True, second=True, whole=False)
    assert "native adjoint" in done
    assert "differences" in done
