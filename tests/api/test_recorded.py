"""A compiled function inside of a plain one, as one operation on the tape: it runs forward once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.linspace(0.1, 0.9, 7)


def stepped(x: Any, n: Any) -> Any:
    for k in range(n):
        x = np.sin(x) * x[0] + 0.1 * x * (k + 1)
    return x, np.sum(x * x), n + 1


def around(function: Any) -> Any:
    def outer(x: Any) -> Any:
        y, total, count = function(x * 2.0, 3)
        return np.sum(y * x) * count + total

    return outer


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_it_runs_forward_once(jit: bool, dtype: Any) -> None:
    compiled = pb.compile(stepped, jit=jit)
    x = X.astype(dtype) * (1 + 0.5j) if dtype is np.complex128 else X.astype(dtype)

    def loss(function: Any) -> Any:
        return lambda x: np.real(around(function)(x))

    found = pb.grad(loss(compiled), engine="tape")(x)
    expected = pb.grad(loss(stepped), engine="tape")(x)
    np.testing.assert_allclose(found, expected, rtol=1e-4 if dtype is np.float32 else 1e-12)
    assert found.dtype == dtype
    ((specialised,),) = compiled._specialised.values()
    steps = {key[0] for key in specialised.operation._derived}
    assert steps == {"halved"}


def test_what_is_written_later_is_nothing_to_the_way_back() -> None:
    compiled = pb.compile(stepped)
    given = X.copy()

    def loss(function: Any, x: Any, plain: Any) -> Any:
        first, total, _ = function(x * plain, 3)
        plain[:] = 7.0
        second = first * 1.0
        first[:] = 0.0
        return np.sum(second * x) + total

    gradients = []
    for function in (compiled, stepped):
        given[:] = X
        gradients.append(pb.grad(lambda x: loss(function, x, given), engine="tape")(X))  # noqa: B023
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-12)


def test_second_order_and_forward_mode() -> None:
    compiled = pb.compile(stepped)
    v = np.cos(X)

    def slope(function: Any) -> Any:
        return pb.grad(lambda x: np.sum(pb.grad(around(function), engine="tape")(x) * v), engine="tape")(X)

    np.testing.assert_allclose(slope(compiled), slope(stepped), rtol=1e-11)
    for order in (compiled, stepped):
        _, moved = pb.jvp(pb.grad(around(order), engine="tape"), (X,), (v,))
        np.testing.assert_allclose(moved, slope(stepped), rtol=1e-11)
    _, one = pb.jvp(around(compiled), (X,), (v,))
    _, other = pb.jvp(around(stepped), (X,), (v,))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_pullback_can_run_twice_and_under_debug_nans() -> None:
    compiled = pb.compile(stepped)
    with pb.debug_nans():
        value, pulled = pb.vjp(around(compiled), X)
    first, second = pulled(1.0), pulled(2.0)
    np.testing.assert_allclose(np.ravel(second), 2 * np.ravel(first), rtol=1e-13)
    np.testing.assert_allclose(value, around(stepped)(X), rtol=1e-13)
