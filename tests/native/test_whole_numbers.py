"""Integers of Python in compiled code: what does not fit into 64 bits is an error, so is a divisor of 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


def series(x: Any, n: Any) -> Any:
    s, factorial, power = 1.0, 1, 1.0
    for k in range(1, n):
        factorial *= k
        power *= x
        s += power / factorial
    return s


def fibonacci(x: Any, n: Any) -> Any:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return x / b


def halved(x: Any, n: Any) -> Any:
    return x / 2**n


def shifted(x: Any, n: Any) -> Any:
    return x * (1 << n)


def binned(x: Any, n: Any) -> Any:
    return x * int(x * 10.0**n)


FITS: list[tuple[Callable[..., Any], int, int]] = [
    (series, 20, 23), (fibonacci, 90, 95), (halved, 62, 70), (shifted, 62, 70), (binned, 17, 30),
]  # fmt: skip


@pytest.mark.parametrize(("function", "fits", "large"), FITS, ids=[case[0].__name__ for case in FITS])
def test_a_number_of_more_than_64_bits_is_an_error(function: Any, fits: int, large: int) -> None:
    compiled = pb.compile(function)
    np.testing.assert_allclose(compiled(1.5, fits), function(1.5, fits), rtol=1e-14)
    for call in (compiled, pb.grad(compiled)):
        with pytest.raises(OverflowError, match="64 bits") as caught:
            call(1.5, large)
        assert __file__ in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, ValueError), (np.inf, OverflowError), (-np.inf, OverflowError)]
)
def test_int_of_no_number_is_an_error(value: float, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        pb.compile(lambda x: 2 * int(x))(value)


def quotient(x: Any, i: Any, j: Any) -> Any:
    return x[i // j] ** 2


def ring(x: Any, i: Any, n: Any) -> Any:
    s = 0.0
    for k in range(i):
        s += x[k % n]
    return s


@pytest.mark.parametrize("function", [quotient, ring])
def test_a_divisor_of_zero_is_pythons_error(function: Any) -> None:
    x = np.ones(5)
    compiled = pb.compile(function)
    for j in (2, -2):
        assert compiled(x, 4, j) == function(x, 4, j)
        np.testing.assert_allclose(pb.grad(compiled)(x, 4, j), pb.grad(function)(x, 4, j))
    for call in (compiled, pb.grad(compiled)):
        with pytest.raises(ZeroDivisionError, match="integer division") as caught:
            call(x, 3, 0)
        assert __file__ in caught.value.__notes__[0]
    assert ring(x, 0, 0) == pb.compile(ring)(x, 0, 0) == 0.0


@pytest.mark.parametrize("kind", [np.longdouble, np.float16, np.clongdouble])
def test_a_precision_that_compiled_code_does_not_have(kind: Any) -> None:
    for value in (np.ones(2, kind), kind(1)):
        with pytest.raises(pb.UnsupportedError, match="in compiled code"):
            pb.compile(lambda x: x * 2)(value)
