"""Arrays without entries, in each engine: NumPy's value or NumPy's error, and a derivative of no entries.

What NumPy makes of them differs from version to version, so it is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.exceptions import AxisError

import pullback as pb
from pullback.base.errors import PullbackError

ORDERS = (None, np.inf, -np.inf, 0, 1, -1, 2, -2, 3, "fro", "nuc")


def norm(x: Any, ord: Any) -> Any:
    return np.linalg.norm(x, ord)


def norm_of_the_last(x: Any, ord: Any) -> Any:
    return np.linalg.norm(x, ord, axis=-1)


def norm_of_the_first(x: Any, ord: Any) -> Any:
    return np.linalg.norm(x, ord, axis=0, keepdims=True)


def norm_of_two(x: Any, ord: Any) -> Any:
    return np.linalg.norm(x, ord, axis=(-1, -2), keepdims=True)


def vector_norm(x: Any, ord: Any) -> Any:
    return np.linalg.vector_norm(x, ord=2 if ord is None else ord)


def matrix_norm(x: Any, ord: Any) -> Any:
    return np.linalg.matrix_norm(x, ord="fro" if ord is None else ord)


def cond(x: Any, ord: Any) -> Any:
    return np.linalg.cond(x, ord)


def svd(x: Any, ord: Any) -> Any:
    return np.linalg.svd(x)[1], np.linalg.svd(x, compute_uv=False), np.linalg.svdvals(x)


def qr(x: Any, ord: Any) -> Any:
    return *np.linalg.qr(x), np.linalg.qr(x, mode="r")


def pinv(x: Any, ord: Any) -> Any:
    return np.linalg.pinv(x), np.linalg.pinv(x, 1e-6)


def lstsq(x: Any, ord: Any) -> Any:
    return np.linalg.lstsq(x, np.ones((np.shape(x)[0], 2)))[0]


def square(x: Any, ord: Any) -> Any:
    a = np.linalg.inv(x), np.linalg.det(x), np.linalg.slogdet(x)[1], np.linalg.solve(x, x)
    return *a, np.linalg.cholesky(x), np.linalg.matrix_power(x, -2), np.linalg.matrix_power(x, 3)


def spectra(x: Any, ord: Any) -> Any:
    return np.linalg.eigh(x)[0], np.linalg.eigvalsh(x, "U"), np.linalg.eigvals(x + 0j)


def parts(x: Any, ord: Any) -> Any:
    return np.linalg.trace(x), np.linalg.diagonal(x, offset=1), np.linalg.matrix_transpose(x)


FUNCTIONS = [
    norm, norm_of_the_last, norm_of_the_first, norm_of_two, vector_norm, matrix_norm, cond, svd, qr, pinv,
    lstsq, square, spectra, parts,
]  # fmt: skip
SHAPES = st.lists(st.sampled_from([0, 0, 2, 3]), min_size=1, max_size=3).map(tuple).filter(lambda s: 0 in s)


def outcome(call: Callable[[], Any]) -> Any:
    """A list of arrays, or the error."""
    try:
        value = call()
    except (ValueError, IndexError, TypeError) as error:
        return error
    return [np.asarray(x) for x in (value if isinstance(value, tuple) else (value,))]


def same(got: Any, wanted: Any) -> None:
    if isinstance(wanted, Exception):
        assert isinstance(got, type(wanted) if type(wanted) is not AxisError else ValueError), (got, wanted)
        return
    assert not isinstance(got, Exception), (got, wanted)
    assert [(x.shape, x.dtype) for x in got] == [(x.shape, x.dtype) for x in wanted]
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def derivatives_are_of_nothing(f: Any, x: Any, wanted: list[Any]) -> None:
    several = isinstance(f(x), tuple)
    zeros = [np.zeros_like(y) for y in wanted]
    same([pb.vjp(f, x)[1](tuple(zeros) if several else zeros[0])[0]], [x])
    same(outcome(lambda: pb.jvp(f, (x,), (x,))[1]), zeros)


CASES = {"shape": SHAPES, "ord": st.sampled_from(ORDERS), "dtype": st.sampled_from("dDfF")}
EACH = pytest.mark.parametrize("function", FUNCTIONS)


@EACH
@settings(max_examples=25)
@given(**CASES)
def test_empty_arrays_are_as_numpy_has_them(function: Any, shape: Any, ord: Any, dtype: str) -> None:
    def f(x: Any) -> Any:
        return function(x, ord)

    x = np.zeros(shape, dtype)
    with np.errstate(all="ignore"):
        wanted = outcome(lambda: f(x))
        same(outcome(lambda: pb.jvp(f, (x,), (x,))[0]), wanted)
        same(outcome(lambda: pb.vjp(f, x)[0]), wanted)
        if not isinstance(wanted, Exception):
            derivatives_are_of_nothing(f, x, wanted)


@EACH
@settings(max_examples=3)
@given(**CASES)
def test_empty_arrays_in_compiled_code(function: Any, shape: Any, ord: Any, dtype: str) -> None:
    def f(x: Any) -> Any:
        return function(x, ord)

    x = np.zeros(shape, dtype)
    native = pb.compile(f, jit=False)
    with np.errstate(all="ignore"):
        wanted, got = outcome(lambda: f(x)), outcome(lambda: native(x))
        if isinstance(wanted, Exception):
            assert isinstance(got, PullbackError)
            return
        same(got, wanted)
        derivatives_are_of_nothing(native, x, wanted)
