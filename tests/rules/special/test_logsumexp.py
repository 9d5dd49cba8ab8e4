"""logsumexp, softmax and log_softmax beyond finite differences: infinite entries, large numbers, weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import pullback as pb
from pullback.base.spec import spec_of
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.special.logsumexp import log_softmax, log_sum_exp, softmax
from pullback.rules.table import TABLE
from pullback.scipy import special as ours


def gradient(function: Any, y_bar: Any, *args: Any, position: int = 0, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):
        y = function(*args, **kwargs)
        x_bar = cotangent(TABLE[function], position, np.asarray(y_bar), y, args, kwargs, np.iscomplexobj(y))
    return fit(x_bar, spec_of(args[position]))


def test_rows_of_minus_infinity_have_derivative_zero() -> None:
    a = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [1.0, 1.0]])
    expected = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.5]]
    np.testing.assert_allclose(gradient(log_sum_exp, np.ones(3), a, axis=1), expected, rtol=1e-15)
    with np.errstate(all="ignore"):
        y = log_sum_exp(a, axis=1)
        y_dot = tangent(TABLE[log_sum_exp], 0, np.ones((3, 2)), y, (a,), {"axis": 1})
    np.testing.assert_allclose(y_dot, [0.0, 1.0, 1.0], rtol=1e-15)


def test_softmax_with_some_entries_minus_infinity() -> None:
    x = np.array([0.0, -np.inf, 0.0])
    np.testing.assert_allclose(gradient(softmax, [1.0, 5.0, 0.0], x), [0.25, 0.0, -0.25])
    np.testing.assert_allclose(gradient(log_softmax, [1.0, 0.0, 0.0], x), [0.5, 0.0, -0.5])


def test_large_numbers_do_not_overflow() -> None:
    a = np.array([1e4, 1e4 - 1.0, -1e4])
    np.testing.assert_allclose(gradient(log_sum_exp, 1.0, a), special.softmax(a), rtol=1e-11)


def test_a_weight_of_zero() -> None:
    a, b = np.array([0.0, 1.0, np.inf]), np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(gradient(log_sum_exp, 1.0, a[:2], None, b[:2]), [1.0, 0.0])
    np.testing.assert_allclose(gradient(log_sum_exp, 1.0, a[:2], None, b[:2], position=2), [1.0, np.e])
    np.testing.assert_allclose(gradient(log_sum_exp, 1.0, a, None, b), [1.0, 0.0, 0.0])


def test_weights_that_are_broadcast() -> None:
    a, b = np.zeros((2, 3)), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(gradient(log_sum_exp, [1.0, 1.0], a, 1, b, position=2), [1 / 3] * 3)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_is_kept(dtype: type) -> None:
    a = np.array([0.5, 1.5], dtype)
    assert tangent(TABLE[log_sum_exp], 0, a, log_sum_exp(a), (a,), {}).dtype == dtype
    assert tangent(TABLE[softmax], 0, a, softmax(a), (a,), {}).dtype == dtype


def test_drop_in_for_plain_arrays() -> None:
    a = np.linspace(-1, 1, 6).reshape(2, 3)
    np.testing.assert_array_equal(ours.logsumexp(a, axis=1), special.logsumexp(a, axis=1))
    np.testing.assert_array_equal(ours.softmax(a, axis=1), special.softmax(a, axis=1))
    np.testing.assert_array_equal(ours.log_softmax(a, axis=1), special.log_softmax(a, axis=1))
    assert ours.logsumexp(a, b=-1.0, return_sign=True) == special.logsumexp(a, b=-1.0, return_sign=True)
    np.testing.assert_array_equal(ours.polygamma(1, a), special.polygamma(1, a))
    assert ours.multigammaln(3.0, 1) == special.gammaln(3.0)
    assert ours.erf is special.erf
    assert "erf" in dir(ours)
    with pytest.raises(AttributeError):
        _ = ours.no_such_function


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex128, np.int64]
)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("entry", [0.0, 60.0, -np.inf, np.inf, np.nan])
def test_log_softmax_is_scipys_to_the_last_bit(dtype: Any, axis: Any, entry: float) -> None:
    a = np.linspace(-3, 3, 24).reshape(2, 3, 4).astype(dtype)
    if np.isfinite(entry) or a.dtype.kind != "i":
        a[0, 1, 2] = entry
    expected = special.log_softmax(a, axis=axis)
    found = ours.log_softmax(a, axis=axis)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(("large", "dtype"), [(1e200, np.float64), (3e30, np.float32), (6e4, np.float16)])
def test_log_softmax_of_large_numbers_warns_of_nothing(large: float, dtype: Any) -> None:
    a = np.array([[large, 1], [2, 3]], dtype)
    np.testing.assert_array_equal(ours.log_softmax(a, axis=1), special.log_softmax(a, axis=1))


def test_errors_name_scipys_log_softmax() -> None:
    axis: Any = pb.Variable(1.0)
    with pytest.raises(pb.UnsupportedError, match=r"^scipy\.special\.log_softmax has no vjp"):
        ours.log_softmax(np.ones(3), axis)
