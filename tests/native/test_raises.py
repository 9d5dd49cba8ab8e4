"""Where Python or NumPy raises for the values it is given, so does compiled code, with the line."""

# ruff: noqa: PLW0108 (what is compiled has to have source)

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.arange(1.0, 6.0)
INF = math.inf

# A function, arguments for which it raises, and arguments for which it does not.
Case = tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]

OF_ONE: list[Case] = [
    (lambda x: math.sqrt(x), (-1.0,), (2.0,)),
    (lambda x: math.sqrt(x), (np.float64(-1.0),), (INF,)),
    (lambda x: math.log(x), (0.0,), (0.5,)),
    (lambda x: math.log(x), (-1.0,), (INF,)),
    (lambda x: math.log2(x), (0.0,), (3.0,)),
    (lambda x: math.log10(x), (-0.0,), (3.0,)),
    (lambda x: math.log1p(x), (-1.0,), (-0.5,)),
    (lambda x: math.acos(x), (1.1,), (0.3,)),
    (lambda x: math.asin(x), (-1.1,), (0.3,)),
    (lambda x: math.acosh(x), (0.9,), (2.0,)),
    (lambda x: math.atanh(x), (1.0,), (0.5,)),
    (lambda x: math.exp(x), (710.0,), (-INF,)),
    (lambda x: math.expm1(x), (710.0,), (INF,)),
    (lambda x: math.exp2(x), (1024.0,), (1023.0,)),
    (lambda x: math.sinh(x), (-711.0,), (1.0,)),
    (lambda x: math.cosh(x), (-711.0,), (1.0,)),
    (lambda x: math.sin(x), (INF,), (math.nan,)),
    (lambda x: math.cos(x), (-INF,), (1.0,)),
    (lambda x: math.tan(x), (INF,), (1.0,)),
    (lambda x: math.gamma(x), (-2.0,), (0.5,)),
    (lambda x: math.gamma(x), (172.0,), (171.0,)),
    (lambda x: math.lgamma(x), (0.0,), (0.5,)),
    (lambda x: math.lgamma(x), (1e306,), (3.0,)),
    (lambda x: cmath.log(x).imag, (0.0,), (-2.0,)),
    (lambda x: cmath.exp(x).real, (1000.0,), (1.0,)),
    (lambda x: cmath.sqrt(x).imag, (None,), (-2.0,)),
    (lambda x: cmath.acos(x).imag, (None,), (2.0,)),
    (lambda x: cmath.phase(x), (None,), (-2.0,)),
    (lambda x: 1 / x, (0.0,), (2.0,)),
    (lambda x: 1j / x, (0.0,), (2.0,)),
    (lambda x: x**-1, (0.0,), (2.0,)),
    (lambda x: x**2, (1e200,), (1e100,)),
    (lambda x: x**0.5, (-2.0,), (2.0,)),
    (lambda x: float(X[0]) / x, (0.0,), (2.0,)),
    (lambda x: x * int(x), (INF,), (2.5,)),
    (lambda x: x * int(x), (math.nan,), (-2.5,)),
    (lambda x: x * math.floor(x), (math.nan,), (-2.5,)),
    (lambda x: x * np.int64(x), (INF,), (-2.5,)),
]  # fmt: skip
OF_TWO: list[Case] = [
    (lambda x, y: math.fmod(x, y), (1.0, 0.0), (5.5, 2.0)),
    (lambda x, y: math.fmod(x, y), (INF, 1.0), (5.5, INF)),
    (lambda x, y: math.pow(x, y), (-8.0, 0.5), (-8.0, 3.0)),
    (lambda x, y: math.pow(x, y), (0.0, -1.0), (0.0, 1.0)),
    (lambda x, y: math.pow(x, y), (10.0, 400.0), (10.0, -400.0)),
    (lambda x, y: math.hypot(x, y), (None,), (1.7e308, 1.7e308)),
    (lambda x, y: x**y, (None,), (-INF, 0.5)),
    (lambda x, y: x**y, (None,), (-2.0, math.nan)),
    (lambda x, y: math.log(x, y), (2.0, 1.0), (2.0, 3.0)),
    (lambda x, y: math.log(x, y), (2.0, 0.0), (2.0, 10.0)),
    (lambda x, y: x / y, (1.0, 0.0), (1.0, 2.0)),
    (lambda x, y: x / y, (1.0, 0), (1.0, 2)),
    (lambda x, y: x // y, (1.0, 0.0), (5.0, 2.0)),
    (lambda x, y: x % y, (1.0, 0.0), (5.0, 2.0)),
    (lambda x, y: x**y, (0.0, -1.0), (0.0, 1.0)),
    (lambda x, y: x**y, (0.0, -1), (0.5, -2)),
    (lambda x, y: x**y, (10.0, 400.0), (10.0, 2.0)),
    (lambda x, y: x * (1 << y), (1.0, -1), (1.0, 3)),
    (lambda x, y: x * (3 / y), (1.0, 0), (1.0, 2)),
]  # fmt: skip
OF_LENGTHS: list[Case] = [
    (lambda x, n: np.sum(x * np.zeros(n).sum()), (X, -3), (X, 0)),
    (lambda x, n: np.sum(x) + np.ones((2, n)).sum(), (X, -3), (X, 3)),
    (lambda x, n: np.sum(np.full(n, x[0])), (X, -3), (X, 3)),
    (lambda x, n: x[0] * np.empty(n).size, (X, -1), (X, 3)),
    (lambda x, n: x[0] + np.zeros_like(x, shape=(n,)).sum(), (X, -1), (X, 3)),
    (lambda x, n: np.linspace(x[0], x[1], n).sum(), (X, -1), (X, 3)),
    (lambda x, n: x[0] * np.eye(n).sum(), (X, -1), (X, 3)),
    (lambda x, n: x[0] * np.eye(3, n).sum(), (X, -1), (X, 2)),
    (lambda x, n: x[0] * np.identity(n).sum(), (X, -1), (X, 2)),
    (lambda x, n: x[0] * np.mgrid[0:n, 0:2].sum(), (X, -1), (X, 2)),
    (lambda x, n: x[0] + np.zeros(n)[:0].size, (X, -1), (X, 2)),
    (lambda x, n: np.repeat(x, n).sum(), (X, -1), (X, 2)),
    (lambda x, n: np.tile(x, n).sum(), (X, -1), (X, 2)),
    (lambda x, n: np.tile(x, (2, n)).sum(), (X, -1), (X, 0)),
    (lambda x, n: x[::n].sum(), (X, 0), (X, 2)),
    (lambda x, n: sum(x[k] for k in range(0, 5, n)), (X, 0), (X, 2)),
    (lambda x, n: np.sum(x * np.arange(1, 6) ** n), (X, -1), (X, 2)),
    (lambda x, n: np.sum(x * np.power(np.arange(5), n)), (X, np.array([1, -1, 0, 0, 0])), (X, np.arange(5))),
    (lambda x, n: x[0] * np.int64(2) ** n, (X, -1), (X, 3)),
    (lambda x, n: x[0] * (5 >> n), (X, -1), (X, 70)),
    (lambda x, m: x[m].sum(), (X, np.array([True, False])), (X, X > 2)),
]  # fmt: skip
CASES = [*OF_ONE, *OF_TWO, *OF_LENGTHS]


@pytest.mark.parametrize("jit", [True, False], ids=["native", "under CPython"])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_it_raises_as_the_function_itself_does(number: int, jit: bool) -> None:
    function, failing, fine = CASES[number]
    compiled = pb.compile(function, jit=jit)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(compiled(*fine), function(*fine), rtol=1e-14)
    if failing[0] is None:
        return
    if number == _FRACTIONAL:
        kind: type[Exception] = ValueError  # complex in Python
    else:
        with pytest.raises((ArithmeticError, ValueError, IndexError)) as python:
            function(*failing)
        kind = python.type
    for call in (compiled, pb.grad(compiled)):
        with np.errstate(all="ignore"), pytest.raises(kind) as caught:
            call(*failing)
        said = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
        assert f"{__file__}:{function.__code__.co_firstlineno}:" in said


_FRACTIONAL = next(k for k, (_, failing, _) in enumerate(CASES) if failing == (-2.0,) and k > 28)


def test_integers_of_more_than_64_bits_are_python_s_alone() -> None:
    def shifted(x: Any, n: Any) -> Any:
        return x[0] * (1 << n)

    compiled = pb.compile(shifted)
    assert compiled(X, 7) == 128
    for call in (compiled, pb.grad(compiled)):
        with pytest.raises(OverflowError, match="more than 64 bits") as caught:
            call(X, 70)
        assert f"{__file__}:" in "".join(caught.value.__notes__)


def test_numpys_numbers_give_inf_and_nan() -> None:
    with np.errstate(all="ignore"):
        for function in (
            lambda x, y: x / y,
            lambda x, y: np.sqrt(-y - 1) + x,
            lambda x, y: x[0] ** -1 + 1 / x[0],
            lambda x, y: np.log(x * y),
        ):
            given = np.zeros(2), 0.0
            np.testing.assert_array_equal(pb.compile(function)(*given), function(*given))


def test_what_is_not_run_does_not_raise() -> None:
    def careful(x: Any, n: Any) -> Any:
        y = 0.0 if x == 0 else math.log(x * x) / x
        if n > 0:
            y += np.zeros(n).sum() + math.sqrt(n) + 1 / n
        return y

    compiled = pb.compile(careful)
    for given in ((0.0, 0), (0.0, -1), (-2.0, 3)):
        assert compiled(*given) == careful(*given)


def test_loops_check_each_turn() -> None:
    def total(x: Any) -> Any:
        s = 0.0
        for k in range(len(x)):
            s += math.log(x[k])
        return s

    compiled = pb.compile(total)
    np.testing.assert_allclose(pb.grad(compiled)(X), 1 / X, rtol=1e-14)
    x = np.linspace(1, 2, 200)
    x[150] = -1
    for call in (compiled, pb.grad(compiled)):
        with pytest.raises(ValueError, match="math domain error"):
            call(x)


def test_integers_are_shifted_and_divided_as_numpy_does_it() -> None:
    def function(x: Any, i: Any, j: Any) -> Any:
        total = np.sum(x * ((i << j) + (i >> j) + np.fmod(i, j) + np.right_shift(-7, j)))
        for k in range(len(i)):
            total += x[k] * ((i[k] << j[k]) - (i[k] >> j[k]) + np.fmod(i[k], j[k]) + np.fmod(i[k], 3))
        return total + x[0] * np.sum((i > 0) << (j > 0))

    i, j = np.array([7, -7, 5, -1, 0]), np.array([2, 3, -2, 70, 1])
    compiled = pb.compile(function)
    with np.errstate(all="ignore"):
        assert compiled(X, i, j) == function(X, i, j)
        np.testing.assert_allclose(pb.grad(compiled)(X, i, j), pb.grad(function)(X, i, j))
