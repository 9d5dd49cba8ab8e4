"""Calls again with other values, shapes and layouts; arguments without axes; loops that swap arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

FACTOR = 3.0


def cubes(x: Any, c: Any) -> Any:
    return FACTOR * c * np.sum(x**3)


def test_a_call_like_one_before_gives_its_own_gradient() -> None:
    gradient = pb.value_and_grad(pb.compile(cubes, jit=False), argnums=(0, 1))
    whole = np.arange(1.0, 13.0)
    read_only = whole.copy()
    read_only.flags.writeable = False
    for x in (whole, whole + 1, whole[::2], whole[:3], read_only, whole.astype(np.float32)):
        for c in (2.0, 0.5, np.float64(2.0)):
            value, (x_bar, c_bar) = gradient(x, c)
            np.testing.assert_allclose(value, 3.0 * c * np.sum(x**3), rtol=1e-5)
            np.testing.assert_allclose(x_bar, 9.0 * c * x**2, rtol=1e-5)
            np.testing.assert_allclose(c_bar, 3.0 * np.sum(x**3), rtol=1e-5)
            assert type(c_bar) is type(c)
            assert x_bar.dtype == x.dtype


def test_a_call_like_one_before_sees_a_new_global(monkeypatch: Any) -> None:
    gradient = pb.grad(pb.compile(cubes, jit=False))
    x = np.ones(3)
    np.testing.assert_allclose(gradient(x, 1.0), 9.0)
    np.testing.assert_allclose(gradient(x, 1.0), 9.0)
    monkeypatch.setitem(cubes.__globals__, "FACTOR", 1.0)
    np.testing.assert_allclose(gradient(x, 1.0), 3.0)


def solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b)


@pytest.mark.parametrize("jit", [False, True])
def test_a_function_with_the_name_of_one_that_it_calls(jit: bool) -> None:
    a, b = np.array([[2.0, 1.0], [0.0, 4.0]]), np.ones(2)
    np.testing.assert_allclose(pb.compile(solve, jit=jit)(a, b), [0.375, 0.25])
    y_bar = pb.vjp(pb.compile(solve, jit=jit), a, b)[1](np.ones(2))
    np.testing.assert_allclose(y_bar[1], pb.vjp(solve, a, b)[1](np.ones(2))[1])


def test_reductions_of_numbers_and_arrays_without_axes() -> None:
    weight = np.array(2.0)

    def function(x: Any) -> Any:
        return np.sum(x * weight) + np.mean(x) * np.max(x) + np.prod(x)

    value, gradient = pb.value_and_grad(pb.compile(function, jit=False))(1.5)
    assert (value, gradient) == (6.75, 6.0)


def swapped(u: Any, steps: Any) -> Any:
    new = u.copy()
    for _ in range(steps):
        for i in range(1, u.shape[0] - 1):
            new[i] = u[i] + 0.25 * u[i - 1] * u[i + 1]
        u, new = new, u
    total = 0.0
    for i in range(u.shape[0]):
        total += u[i] ** 2
    return total


def test_a_reference_is_kept_once_for_the_loops_that_leave_it_alone() -> None:
    u = np.linspace(0.5, 1.0, 5)
    text = pb.source(pb.grad(pb.compile(swapped, jit=False)), u, 3, stage="final")
    pushes = [line for line in text.splitlines() if ".append(" in line]
    assert pushes
    assert max(len(line) - len(line.lstrip()) for line in pushes) <= 8
    np.testing.assert_allclose(
        pb.grad(pb.compile(swapped, jit=False))(u, 3),
        pb.grad(swapped, engine="tape")(u.copy(), 3),
        rtol=1e-12,
    )


def test_transposed_products_are_written_as_properties() -> None:
    def function(a: Any, b: Any) -> Any:
        return np.sum((a @ b) ** 2)

    text = pb.source(pb.grad(pb.compile(function)), np.ones((2, 3)), np.ones((3, 2)))
    assert ".T" in text
    assert "np.transpose" not in text


def test_arrays_that_the_eager_engines_can_write_into_are_plain_ones_in_compiled_source():
    def filled(x):
        y, z = pb.zeros(3), pb.full_like(x, 2.0)
        pairs, room = pb.array([x[0], 2 * x[1]]), pb.empty((2, 2))
        room[:] = x[0]
        y[0] = 1.0
        for i in range(1, 3):
            y[i] = y[i - 1] * x[i] * z[i]
        return np.sum(y) + np.sum(pairs * pairs) + np.sum(room) + np.sum(pb.ones(3) * x)

    x = np.array([0.5, -1.0, 2.0])
    value, slope = pb.value_and_grad(pb.compile(filled, jit=False))(x)
    expected, tape = pb.value_and_grad(filled, engine="tape")(x)
    assert value == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(slope, tape, rtol=1e-15)


def turned_row(a: Any) -> Any:
    return np.sum(np.sum(a * a, axis=0, keepdims=True).T.reshape(2, 2)[1:])


def moved_unit_axis(a: Any) -> Any:
    return np.sum(np.transpose((a @ a).reshape(4, 2, 1, 2), (0, 2, 1, 3)).reshape(8, 2)[1:] ** 2)


@pytest.mark.parametrize("function", [turned_row, moved_unit_axis])
def test_memory_of_a_transposed_array_with_an_axis_of_length_1(function: Any) -> None:
    """NumPy calls it contiguous as before, Numba does not: a view of another shape has to know which."""
    a = np.arange(16.0).reshape(4, 4) / 8
    value, slope = pb.value_and_grad(pb.compile(function))(a)
    np.testing.assert_allclose(value, function(a), rtol=1e-12)
    np.testing.assert_allclose(slope, pb.grad(function, engine="tape")(a), rtol=1e-12)
