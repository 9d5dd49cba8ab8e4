"""Jacobians of compiled functions with few outputs: the rows of one run are those that forward mode finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.api import rows
from pullback.api.compiled import Compiled

RNG = np.random.default_rng(0)


def sums_of_columns(x, w):
    found = np.empty((x.shape[0], 2))
    for i in range(x.shape[0]):
        t = x[i, 0] * w[0] + np.sin(x[i, 1])
        found[i, 0], found[i, 1] = t * t, np.exp(-t) * w[1]
    return np.sum(found, axis=0)


def several_ways(x, w):
    out = np.zeros(3)
    for i in range(x.shape[0]):
        if x[i, 0] > 0:
            out[0] += np.sqrt(x[i, 0]) * w[0]
        else:
            out[1] -= x[i, 0] * w[1] ** 2
        out[2] = out[2] * w[0] + x[i, 1]
    return out


def until(x, w):
    out = np.zeros(2)
    s, k = 1.0, 0
    while s < 5.0:
        s = s * 1.3 + 0.1 * w[k % 2] ** 2
        out[k % 2] += s * x[k % x.shape[0], 0]
        k += 1
    return out


def steps(x, w):
    u = x[:, 0].copy()
    for _ in range(4):
        u[1:-1] += w[0] * (u[2:] - 2 * u[1:-1] + u[:-2]) - w[1] * u[1:-1] ** 3
    return u[:3] * u[-1]


def product(x, w):
    return np.tanh(x.T @ x) @ w


def table(x, w):
    return (x.T * w[0]) @ x + np.outer(w, w)


def own_way(x, w):
    return np.sort(x[:, 0])[:2] * w


def of_numbers(x, w):
    a, b = w[0], w[1]
    return np.array([a * b, a + np.sum(x), np.sin(b)])


FUNCTIONS = [sums_of_columns, several_ways, until, steps, product, table, own_way, of_numbers]


def compare(found: Any, expected: Any) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.fixture
def counted(monkeypatch):
    """How often the rows came from one run."""
    found = []
    original = rows.rows_at_once

    def counting(*args):
        answer = original(*args)
        found.append(answer is not None)
        return answer

    monkeypatch.setattr("pullback.api.rows.rows_at_once", counting)
    return found


@pytest.mark.parametrize(
    ("function", "jit"), [*((f, False) for f in FUNCTIONS), (sums_of_columns, True), (steps, True)]
)
def test_as_in_forward_mode(function, jit, counted):
    x, w = RNG.standard_normal((7, 2)), np.array([0.3, 0.4])
    compiled = Compiled(function, jit=jit)
    for argnums in ((0, 1), (1,)):
        found = pb.jacobian(compiled, argnums, mode="reverse")(x, w)
        compare(found, pb.jacobian(compiled, argnums, mode="forward")(x, w))
    assert counted == [True, True]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("mode", ["auto", "reverse"])
def test_a_call_like_one_before(mode, jit, counted, monkeypatch):
    def powers(x, w, scale):
        found = np.empty(w.shape[0])
        for k in range(w.shape[0]):
            found[k] = np.sum(x ** (k + 1)) * w[k] * scale
        return found, scale * w

    compiled = Compiled(powers, jit=jit)
    looked = []
    specialise = Compiled.specialise
    monkeypatch.setattr(
        Compiled, "specialise", lambda self, *given: looked.append(0) or specialise(self, *given)
    )
    jacobian = pb.jacobian(compiled, (0, 2), mode=mode, has_aux=True)

    def check(n, rows, scale, at_once):
        x, w = RNG.standard_normal(n), RNG.standard_normal(rows)
        before = len(looked)
        (x_bar, scale_bar), aux = jacobian(x, w, scale)
        assert (len(looked) == before) == at_once
        (x_expected, scale_expected), _ = pb.jacobian(compiled, (0, 2), mode="forward", has_aux=True)(
            x, w, scale
        )
        compare([x_bar, scale_bar, aux], [x_expected, scale_expected, scale * w])

    check(5, 3, 2.0, False)
    check(5, 3, 3.0, True)
    check(9, 3, 4.0, True)
    # Other cotangents than those that are ready, fewer columns than rows, and an argument of another type.
    check(5, 2, 2.0, False)
    check(6, 3, 2.0, True)
    check(6, 2, 2.0, True)
    check(2, 3, 2.0, mode == "reverse")
    check(6, 3, np.float32(2), False)
    with pytest.raises(IndexError):
        pb.jacobian(pb.compile(lambda x: np.array([x[5], x[0]])))(np.ones(3))


def test_the_shape_of_the_output_may_depend_on_values(counted):
    def chosen(x):
        return x[x > 0] ** 2

    compiled = Compiled(chosen, jit=False)
    jacobian = pb.jacobian(compiled, mode="reverse")
    for x in ([1.0, -2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, -1.0, -2.0], [-1.0, -2.0, -1.0, 1.0]):
        expected = pb.jacobian(compiled, mode="forward")(np.array(x))
        compare([jacobian(np.array(x))], [expected])
    assert counted == [True, True, True, False]


def test_what_is_beside_the_output_and_structures_of_arguments():
    def function(state, scale):
        moved = state["x"] * scale
        return np.array([np.sum(moved), np.prod(moved) * state["y"][0]]), moved

    state = {"x": RNG.standard_normal(3), "y": (2.0, 1.0)}
    compiled = Compiled(function, jit=False)
    found, moved = pb.jacobian(compiled, (0, 1), has_aux=True, mode="reverse")(state, 1.5)
    expected, _ = pb.jacobian(compiled, (0, 1), has_aux=True, mode="forward")(state, 1.5)
    np.testing.assert_array_equal(moved, state["x"] * 1.5)
    compare([found[0]["x"], *found[0]["y"], found[1]], [expected[0]["x"], *expected[0]["y"], expected[1]])


def test_no_more_columns_than_rows_go_forward_by_themselves(counted):
    function = Compiled(of_numbers, jit=False)
    x, w = RNG.standard_normal((7, 2)), np.array([0.3, 0.4])
    np.testing.assert_allclose(pb.jacobian(function, 1)(x, w)[0], [0.4, 0.3], rtol=1e-12)
    pb.jacobian(function, 0)(x, w)
    assert counted == [False, True]


@pytest.mark.parametrize("n", [1, 8, 9])
def test_one_row_and_many(n, counted):
    def powers(x):
        return x ** np.arange(1, n + 1)

    x = np.linspace(1, 2, n)
    np.testing.assert_allclose(
        pb.jacobian(Compiled(powers, jit=False), mode="reverse")(x),
        np.diag(np.arange(1, n + 1) * x ** np.arange(n)),
    )
    assert counted == [n == 8]


def test_nothing_is_shared_between_calls_and_arguments_stay(counted):
    x, w = RNG.standard_normal((7, 2)), np.array([0.3, 0.4])
    kept = x.copy()
    jacobian = pb.jacobian(Compiled(sums_of_columns, jit=False), (0, 1), mode="reverse")
    first = jacobian(x, w)
    before = [part.copy() for part in first]
    for part in first:
        part[...] = 7
    compare(jacobian(x, w), before)
    np.testing.assert_array_equal(x, kept)
    assert counted == [True, True]


def test_zero_times_infinity():
    def roots(x):
        found = np.zeros(2)
        for i in range(x.shape[0]):
            found[0] += np.where(x[i] > 0, np.sqrt(x[i]), 0.0)
            found[1] += np.sqrt(x[i])
        return found

    found = pb.jacobian(pb.compile(roots), mode="reverse")(np.array([4.0, 0.0]))
    np.testing.assert_array_equal(found, [[0.25, 0.0], [0.25, np.inf]])


def test_functions_that_write_and_single_precision():
    def doubled(x):
        x *= 2
        return x[:2] * np.sum(x)

    def pure(x):
        return 4.0 * x[:2] * np.sum(x)

    x = RNG.standard_normal(3).astype(np.float32)
    kept = x.copy()
    found = pb.jacobian(pb.compile(doubled), mode="reverse")(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, pb.jacobian(pure, engine="tape")(kept), rtol=1e-6)
