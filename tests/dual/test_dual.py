"""`Dual`: what it shows of itself, how it is copied, written into, and what becomes of it after its sweep."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.dual.dual import Dual, Sweep

X = np.array([1.0, 2.0, 3.0])
V = np.array([0.5, -1.0, 0.25])


def dual(primal: Any = X, tangent: Any = V) -> Any:
    return Dual(primal, tangent, Sweep())


def test_it_looks_like_its_value() -> None:
    x = dual()
    assert repr(x) == "Dual([1., 2., 3.])"
    assert f"{dual(1.5, 1.0):.2f}" == "1.50"
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((3,), 1, 3, np.dtype(float), 3)
    np.testing.assert_array_equal(x > 1.5, [False, True, True])


def test_operators_and_methods_move_the_tangent() -> None:
    x = dual()
    np.testing.assert_allclose((2 * x**2 - 1 / x).tangent, (4 * X + X**-2) * V)
    np.testing.assert_allclose(x.sum().tangent, V.sum())
    np.testing.assert_allclose((x @ x).tangent, 2 * X @ V)
    np.testing.assert_allclose([part.tangent for part in x], V)
    np.testing.assert_allclose(abs(-x).tangent, V)


def test_a_copy_is_its_own() -> None:
    for make in (copy.copy, copy.deepcopy, np.copy, lambda x: x.copy()):
        x = dual() * 1.0
        y: Any = make(x)
        y *= 3.0
        np.testing.assert_array_equal(x.tangent, V)
        np.testing.assert_array_equal(y.tangent, 3 * V)


def test_pickling_is_refused() -> None:
    with pytest.raises(pb.UnsupportedError, match=r"cannot be pickled[^$]*stop_gradient"):
        pickle.dumps(dual())


def test_conversions_are_refused() -> None:
    for convert in (np.asarray, np.array, lambda x: float(x[0]), lambda x: int(x[0]), lambda x: x.tolist()):
        with pytest.raises(pb.UnsupportedError):
            convert(dual())


def test_a_write_moves_value_and_tangent_and_leaves_the_seed_alone() -> None:
    x = dual()
    y = x * 1.0
    tail = y[1:]
    tail[0] = y[0] ** 2
    y[2] = 7.0
    np.testing.assert_array_equal(y.peel(), [1.0, 1.0, 7.0])
    np.testing.assert_array_equal(y.tangent, [0.5, 1.0, 0.0])
    tail.settle()
    np.testing.assert_array_equal(tail.tangent, [1.0, 0.0])
    np.testing.assert_array_equal(V, [0.5, -1.0, 0.25])


def test_writing_into_the_argument_of_a_transform_leaves_the_callers_arrays_alone() -> None:
    def function(x: Any) -> Any:
        x *= 2.0
        x[0] = x[1] * x[2]
        return x

    before, tangent = X.copy(), V.copy()
    value, moved = pb.jvp(function, (before,), (tangent,))
    np.testing.assert_array_equal(value, [24.0, 4.0, 6.0])
    np.testing.assert_allclose(moved, [4 * (V[1] * 3 + 2 * V[2]), 2 * V[1], 2 * V[2]])
    np.testing.assert_array_equal(before, X)
    np.testing.assert_array_equal(tangent, V)


def test_augmented_assignment_of_a_number_makes_another() -> None:
    def function(x: Any) -> Any:
        y = x
        y += 1.0
        return x * y

    assert pb.jvp(function, (3.0,), (1.0,)) == (12.0, 7.0)


def test_a_finished_sweep() -> None:
    x = dual()
    x.sweep.finished = True
    with pytest.raises(pb.UnsupportedError, match="finished forward transform"):
        np.sin(x)


def test_the_level_grows_with_every_sweep_and_a_constant_has_that_of_what_it_holds() -> None:
    outer, inner = dual(), dual()
    assert inner.level > outer.level
    assert Dual(outer, None, inner.sweep).level == outer.level
