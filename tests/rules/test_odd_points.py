"""Second derivatives at points where a naive rule gives NaN, through every nesting of the two modes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

Function = Callable[[Any], Any]


def reverse(f: Function) -> Function:
    return pb.grad(f)


def forward(f: Function) -> Function:
    return lambda x: pb.jvp(f, (x,), (np.ones_like(x)[()],))[1]


POINTS: list[tuple[str, Function, float, float, float]] = [
    ("x**0", lambda x: x**0, 0.0, 0.0, 0.0),
    ("x**1", lambda x: x**1, 0.0, 1.0, 0.0),
    ("x**2", lambda x: x**2, 0.0, 0.0, 2.0),
    ("x**3", lambda x: x**3, 0.0, 0.0, 0.0),
    ("x**2.0", lambda x: x**2.0, 0.0, 0.0, 2.0),
    ("x**array(0)", lambda x: np.sum(x ** np.array([0.0])), 0.0, 0.0, 0.0),
    ("x**array(1)", lambda x: np.sum(x ** np.array([1.0])), 0.0, 1.0, 0.0),
    ("x**array(2)", lambda x: np.sum(x ** np.array([2])), 0.0, 0.0, 2.0),
    ("float_power(x, 1)", lambda x: np.float_power(x, 1), 0.0, 1.0, 0.0),
    ("float_power(x, 2)", lambda x: np.float_power(x, 2), 0.0, 0.0, 2.0),
    ("(x-1)**2 at 1", lambda x: (x - 1) ** 2, 1.0, 0.0, 2.0),
    ("(-2)**2", lambda x: x**2.0 * x, -2.0, 12.0, -12.0),
    ("abs", np.abs, 0.0, 0.0, 0.0),
    ("fabs", np.fabs, 0.0, 0.0, 0.0),
    ("copysign", lambda x: np.copysign(x, -1.0), 0.0, 0.0, 0.0),
    ("x abs(x)", lambda x: x * np.abs(x), 0.0, 0.0, 0.0),
    ("hypot(x, 0)", lambda x: np.hypot(x, 0.0), 0.0, 0.0, 0.0),
    ("hypot(x, x)", lambda x: np.hypot(x, 2 * x), 0.0, 0.0, 0.0),
    ("where sqrt", lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0, 0.0, 0.0),
    ("where log", lambda x: np.where(x > 0, x * np.log(x), x), -1.0, 1.0, 0.0),
    ("where 1/x", lambda x: np.where(x != 0, np.reciprocal(x), 3 * x * x), 0.0, 0.0, 6.0),
    ("where power", lambda x: np.where(x > 0, x**0.5, x * x), 0.0, 0.0, 2.0),
    ("where arctan2", lambda x: np.where(x != 0, np.arctan2(x, 0.0), x), 0.0, 1.0, 0.0),
    ("where arccos", lambda x: np.where(x < 1, np.arccos(x), x * x), 1.0, 2.0, 2.0),
    ("select", lambda x: np.select([x < 0, x < 1], [np.sqrt(x), x**2], np.log(x)), 0.0, 0.0, 2.0),
    ("nan_to_num", lambda x: np.nan_to_num(np.log(-x)) + x * x, 1.0, 2.0, 2.0),
    ("sinc", np.sinc, 0.0, 0.0, -(np.pi**2) / 3),
    ("i0", np.i0, 0.0, 0.0, 0.5),
    ("logaddexp at ties", lambda x: np.logaddexp(x, 0.0), 0.0, 0.5, 0.25),
    ("logaddexp(-inf)", lambda x: np.logaddexp(x, -np.inf), 0.0, 1.0, 0.0),
    ("logaddexp2", lambda x: np.logaddexp2(x, 0.0), 0.0, 0.5, np.log(2) / 4),
    ("maximum at ties", lambda x: x * np.maximum(x, 0.0), 0.0, 0.0, 1.0),
    ("clip at a bound", lambda x: x * np.clip(x, 0.0, 1.0), 0.0, 0.0, 1.0),
    ("heaviside", lambda x: x * np.heaviside(x, 0.5), 0.0, 0.5, 0.0),
    ("modf", lambda x: np.modf(x)[0] ** 2, 2.5, 1.0, 2.0),
    ("frexp", lambda x: np.frexp(x)[0] ** 2, 3.0, 0.375, 0.125),
    ("divmod", lambda x: np.divmod(x, 0.75)[1] ** 2, 2.0, 1.0, 2.0),
    ("remainder", lambda x: np.remainder(5.5, x) ** 2, 2.0, -6.0, 8.0),
    ("interp", lambda x: x * np.interp(x, [0.0, 1.0], [0.0, 2.0]), 0.0, 0.0, 4.0),
    ("round", lambda x: (x - np.round(x)) ** 2, 0.75, -0.5, 2.0),
]


@pytest.mark.parametrize(("name", "f", "x", "first", "second"), POINTS, ids=[point[0] for point in POINTS])
def test_first_and_second_derivative(name: str, f: Function, x: float, first: float, second: float) -> None:
    with np.errstate(all="ignore"):
        for value in (x, np.float64(x), np.array(x)):
            for outer in (reverse, forward):
                np.testing.assert_allclose(outer(f)(value), first, rtol=1e-14)
                for inner in (reverse, forward):
                    np.testing.assert_allclose(outer(inner(f))(value), second, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_where_hides_a_singular_branch_in_arrays(mode: Any) -> None:
    def f(x: Any) -> Any:
        return np.where(x > 0, np.sqrt(x), 0)

    x = np.array([-1.0, 0.0, 4.0])
    with np.errstate(all="ignore"):
        assert np.array_equal(pb.jacobian(f, mode=mode)(x), np.diag([0, 0, 0.25]))
        twice = pb.jacobian(pb.jacobian(f, mode="reverse"), mode=mode)(x)
    assert np.array_equal(twice[2], np.diag([0, 0, -1 / 32]))
    assert not np.any(twice[:2])


def test_abs_and_sign_and_angle_of_complex_zero() -> None:
    z = np.array([0j, 3 + 4j])
    assert np.allclose(pb.grad(lambda z: np.sum(np.abs(z)))(z), [0, 0.6 + 0.8j])
    assert np.allclose(pb.grad(lambda z: np.sum(np.angle(z)))(z), [0, -0.16 + 0.12j])
    with np.errstate(all="ignore"):
        gradient, moved = pb.jvp(pb.grad(lambda z: np.sum(np.abs(z))), (z,), (np.array([1j, 4 - 3j]),))
    assert np.allclose(gradient, [0, 0.6 + 0.8j])
    assert np.allclose(moved, [0, (4 - 3j) / 5])


def test_a_mixed_second_derivative_of_power() -> None:
    def f(ab: Any) -> Any:
        return ab[0] ** ab[1]

    for a, b in [(0.7, 0.0), (0.7, 1.0), (0.7, 2.0), (1.3, -1.0)]:
        log = np.log(a)
        mixed = a ** (b - 1) * (1 + b * log)
        expected = [[b * (b - 1) * a ** (b - 2), mixed], [mixed, a**b * log**2]]
        np.testing.assert_allclose(pb.hessian(f)(np.array([a, b])), expected, rtol=1e-13, atol=1e-15)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(pb.hessian(f)(np.array([0.0, 2.0])), [[2, 0], [0, 0]])


def test_bounds_of_clip_by_keyword_are_followed() -> None:
    a = np.array([-1.0, 0.2, 3.0])
    assert pb.grad(lambda low: np.sum(np.clip(a, a_min=low, a_max=None)))(-0.5) == 1
    assert pb.grad(lambda high: np.sum(np.clip(a, None, a_max=high)))(2.0) == 1
    assert np.array_equal(
        pb.jvp(lambda high: np.clip(a, a_min=None, a_max=high), (2.0,), (1.0,))[1], [0, 0, 1]
    )
    if "min" in inspect.signature(np.clip).parameters:  # not in NumPy 2.0
        assert pb.grad(lambda low: np.sum(np.clip(a, min=low)))(-0.5) == 1
        assert np.array_equal(pb.jvp(lambda high: np.clip(a, max=high), (2.0,), (1.0,))[1], [0, 0, 1])


def test_a_keyword_without_a_derivative_is_an_error() -> None:
    with pytest.raises(pb.UnsupportedError, match="mean"):
        pb.grad(lambda mean: np.std(np.ones(3), mean=mean))(1.0)


@pytest.mark.parametrize("zero", [0.0, np.float64(0), np.array(0.0)])
def test_numpy_functions_of_a_python_zero_are_infinite_as_numpy_has_them(zero: Any) -> None:
    with np.errstate(all="ignore"):
        for mode in (reverse, forward):
            assert mode(lambda x: np.divide(1.0, x))(zero) == -np.inf
            assert mode(lambda x: np.power(x, -1.0))(zero) == -np.inf
            assert mode(lambda x: np.power(x, 0.5))(zero) == np.inf
            assert mode(lambda x: np.divide(x, 0.0))(zero) == np.inf
            assert mode(mode(lambda x: np.divide(1.0, x)))(zero) == np.inf
            assert mode(lambda x: np.where(x > 0, np.divide(1.0, x), 3 * x))(zero) == 3
            assert mode(mode(lambda x: np.where(x > 0, np.divide(1.0, x), x * x)))(zero) == 2
