"""Errors of compiled code while it runs: the user's file, line, column and variable, reason and remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.errors import OutOfRangeError, PullbackError, ShapeError, SingularError, UnsupportedError

X = np.ones(4)


class OwnError(ValueError):
    """A user's own."""


def element(x: Any, i: Any) -> Any:
    return x[i] * 2


def total(x: Any, n: Any) -> Any:
    s = 0.0
    for k in range(n):
        s += x[k]
    return s


def of_two(x: Any, y: Any, n: Any) -> Any:
    s = 0.0
    for i in range(n):
        for j in range(n):
            s += x[i + 1, j] * y[j]
    return s


def searched(x: Any, step: Any) -> Any:
    i = 0
    while x[i] > 0:
        i += step
    return x[i]


def stored(x: Any, i: Any) -> Any:
    x[i] = 3.0
    return x.sum()


def picked(x: Any, index: Any) -> Any:
    return x[index].sum()


def added(x: Any, y: Any) -> Any:
    return np.sum(x + y)


def multiplied(m: Any, v: Any) -> Any:
    return np.sum(m @ v)


def unpacked(x: Any) -> Any:
    a, b, c = x
    return a + b + c


def solved(m: Any, v: Any) -> Any:
    return np.sum(np.linalg.solve(m, v))


def factored(m: Any) -> Any:
    return np.sum(np.linalg.cholesky(m))


def inverse(m: Any) -> Any:
    return np.sum(np.linalg.inv(m))


Case = tuple[Callable[..., Any], tuple[Any, ...], type[PullbackError], type[Exception], int, str, str]
CASES: list[Case] = [
    (element, (X, 7), OutOfRangeError, IndexError, 1, "x[i]", "axis 0 of 'x'"),
    (total, (X, 5), OutOfRangeError, IndexError, 3, "x[k]", "axis 0 of 'x'"),
    (of_two, (np.ones((3, 3)), X, 3), OutOfRangeError, IndexError, 4, "x[i + 1, j]", "axis 0 of 'x'"),
    (of_two, (np.ones((9, 9)), X, 5), OutOfRangeError, IndexError, 4, "y[j]", "axis 0 of 'y'"),
    (searched, (X, 1), OutOfRangeError, IndexError, 2, "x[i]", "axis 0 of 'x'"),
    (stored, (X, -5), OutOfRangeError, IndexError, 1, "x[i]", "axis 0 of 'x'"),
    (picked, (X, np.array([0, 9])), OutOfRangeError, IndexError, 1, "x[index]", "axis 0 of 'x'"),
    (added, (X, np.ones(3)), ShapeError, ValueError, 1, "x + y", "lengths differ"),
    (multiplied, (np.ones((3, 2)), np.ones(3)), ShapeError, ValueError, 1, "m @ v", "lengths differ"),
    (unpacked, (X,), ShapeError, ValueError, 1, "a, b, c", "expected 3 values"),
    (solved, (np.zeros((2, 2)), X[:2]), SingularError, np.linalg.LinAlgError, 1, "solve", "Singular"),
    (factored, (-np.eye(3),), SingularError, np.linalg.LinAlgError, 1, "cholesky", "positive definite"),
    (inverse, (np.zeros((2, 2)),), SingularError, np.linalg.LinAlgError, 1, "inv", "Singular"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0].__name__}{k}" for k, case in enumerate(CASES)])
@pytest.mark.parametrize("way", ["value", "again", "gradient", "under CPython"])
def test_it_says_where(case: Any, way: str) -> None:
    function, arguments, kind, base, line, marked, said = case
    compiled = pb.compile(function, jit=way != "under CPython")
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    if way == "again":
        remembered(compiled, function, given)
    call = pb.grad(compiled) if way == "gradient" else compiled
    with pytest.raises(base) as caught:
        call(*given)
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, PullbackError)
    assert error.where is not None
    assert error.where.file == __file__
    assert error.where.line == function.__code__.co_firstlineno + line
    if way != "under CPython":
        assert said in error.what
        assert marked in error.where.text[error.where.column - 1 :]
    if function is not inverse and function is not unpacked:
        assert error.remedy


def remembered(compiled: Any, function: Any, given: list[Any]) -> None:
    """Let calls of these types be answered at once, by one that succeeds."""
    fine: dict[Any, list[Any]] = {
        element: [X, 1], total: [X, 2], of_two: [np.ones((9, 9)), X, 2], searched: [-X, 1],
        stored: [X.copy(), 0], picked: [X, np.array([0, 1])], added: [X, X],
        multiplied: [np.ones((3, 3)), X[:3]], unpacked: [X[:3]], solved: [np.eye(2), X[:2]],
        factored: [np.eye(3)], inverse: [np.eye(2)],
    }  # fmt: skip
    compiled(*fine[function])
    compiled(*fine[function])


def test_what_the_user_raises_stays_the_users() -> None:
    def checked(x: Any) -> Any:
        assert x < 10, "too large"
        if x < 0:
            raise OwnError("negative")
        return np.sqrt(x)

    compiled = pb.compile(checked)
    for value, kind, said, line in ((11.0, AssertionError, "too large", 1), (-1.0, OwnError, "negative", 3)):
        with pytest.raises(kind, match=said) as caught:
            compiled(value)
        assert type(caught.value) is kind
        (note,) = caught.value.__notes__
        assert f"{__file__}:{checked.__code__.co_firstlineno + line}:" in note


def test_an_exception_that_has_no_name_in_a_module_is_refused() -> None:
    class NamelessError(Exception):
        pass

    def checked(x: Any) -> Any:
        if x < 0:
            raise NamelessError("negative")
        return np.sqrt(x)

    with pytest.raises(UnsupportedError, match="at the top of a file"):
        pb.compile(checked)(1.0)


def factors_of_two(a: Any, b: Any) -> Any:
    total = np.sum(np.linalg.solve(a, a))
    total += np.sum(np.linalg.solve(b, a))
    total += np.sum(np.linalg.cholesky(a)) + np.sum(np.linalg.inv(a))
    total += np.sum(np.linalg.cholesky(-b)) + np.sum(np.linalg.inv(b))
    return total


def inverses_of_two(a: Any, b: Any) -> Any:
    total = np.sum(np.linalg.inv(a)) + np.linalg.det(a)
    total += np.sum(np.linalg.inv(b)) + np.linalg.det(b)
    return total


@pytest.mark.parametrize(
    ("function", "a", "b", "line", "marked", "remedy"),
    [
        (factors_of_two, np.eye(2), np.zeros((2, 2)), 2, "np.linalg.solve(b, a)", "lstsq"),
        (factors_of_two, np.zeros((2, 2)), np.eye(2), 1, "np.linalg.solve(a, a)", "lstsq"),
        (factors_of_two, -np.eye(2), np.eye(2), 3, "np.linalg.cholesky(a)", "positive"),
        (factors_of_two, np.eye(2), np.eye(2), 4, "np.linalg.cholesky(-b)", "positive"),
        (inverses_of_two, np.eye(2), np.zeros((2, 2)), 2, "np.linalg.inv(b)", "lstsq"),
        (inverses_of_two, np.zeros((2, 2)), np.eye(2), 1, "np.linalg.inv(a)", "lstsq"),
        (inverses_of_two, np.eye(2), np.eye(2, 3), 2, "np.linalg.inv(b)", "as many rows as columns"),
    ],
)
@pytest.mark.parametrize("jit", [True, False], ids=["native", "under CPython"])
def test_of_several_matrices_the_one_is_named(
    function: Any, a: Any, b: Any, line: int, marked: str, remedy: str, jit: bool
) -> None:
    compiled = pb.compile(function, jit=jit)
    for call in (compiled, pb.grad(compiled)):
        with pytest.raises(SingularError) as caught:
            call(a, b)
        where = caught.value.where
        assert where is not None
        assert where.line == function.__code__.co_firstlineno + line
        assert where.snippet == marked
        assert remedy in str(caught.value.remedy)


def test_a_vjp_says_it_too() -> None:
    def shifted(x: Any, n: Any) -> Any:
        y = np.zeros_like(x)
        for i in range(len(x)):
            y[i] = x[i] * x[i + int(n)]
        return y

    with pytest.raises(OutOfRangeError, match="axis 0 of 'x'"):
        pb.vjp(pb.compile(lambda x: shifted(x, 1)), X)
