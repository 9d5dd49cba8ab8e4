"""Rows of `rules.shape`: every call in four dtypes, memory orders, several outputs, structured cotangents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.base.spec import Spec, spec_of
from pullback.rules import shape
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.structured import Filled, dense
from pullback.rules.table import TABLE
from pullback.testing.rows import check_row

FUNCTIONS = [
    np.reshape, np.ravel, np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.copy,
    np.transpose, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes, np.moveaxis, np.rollaxis,
    np.flip, np.flipud, np.fliplr, np.rot90, np.roll, np.broadcast_to, np.broadcast_arrays, np.resize,
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("function", [np.reshape, np.ravel])
def test_an_order_that_follows_memory_is_an_error(function: Any) -> None:
    rule = TABLE[function]
    a = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    args = (a, (6,), "A") if function is np.reshape else (a, "A")
    y = function(*args)
    with pytest.raises(UnsupportedError, match="memory"):
        cotangent(rule, 0, y, spec_of(y), (spec_of(a), *args[1:]), {}, False)
    with pytest.raises(UnsupportedError, match="memory"):
        tangent(rule, 0, a, y, args, {})


def test_order_k_of_a_vector_is_order_c() -> None:
    y_bar = np.arange(3.0)
    x_bar = cotangent(TABLE[np.ravel], 0, y_bar, None, (Spec((3,), y_bar.dtype), "K"), {}, False)
    assert x_bar.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.reshape, (-1,)),
        (np.ravel, ()),
        (np.transpose, ()),
        (np.transpose, ((1, 0),)),
        (np.expand_dims, (0,)),
    ],
)
def test_one_number_everywhere_stays_one_number(function: Any, args: tuple[Any, ...]) -> None:
    a = np.ones((2, 3))
    y = function(a, *args)
    x_bar = cotangent(TABLE[function], 0, Filled(2.0, y.shape), None, (spec_of(a), *args), {}, False)
    assert isinstance(x_bar, Filled)
    assert x_bar.dense().tolist() == np.full((2, 3), 2.0).tolist()


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_filled_cotangent_in_any_order(order: Any) -> None:
    a = np.ones((2, 3))
    x_bar = cotangent(TABLE[np.reshape], 0, Filled(2.0, (6,)), None, (spec_of(a), (6,), order), {}, False)
    assert dense(x_bar).tolist() == np.full((2, 3), 2.0).tolist()


def test_an_unsigned_shift_rolls_back() -> None:
    args = (spec_of(np.ones(5)), np.uint8(2))
    x_bar = cotangent(TABLE[np.roll], 0, np.arange(5.0), None, args, {}, False)
    assert x_bar.tolist() == [2, 3, 4, 0, 1]


def test_rules_read_shapes_only() -> None:
    for function in FUNCTIONS:
        for direction in TABLE[function].vjps.values():
            assert not direction.keeps(1)[0], f"{function} keeps its output"
            assert not direction.keeps(1)[1], f"{function} keeps its argument"


def test_a_complex_argument_is_not_conjugated() -> None:
    y_bar = np.array([1 + 2j, 3 - 1j])
    x_bar = cotangent(TABLE[np.flip], 0, y_bar, None, (spec_of(y_bar),), {}, True)
    assert x_bar.tolist() == [3 - 1j, 1 + 2j]


def test_known_orders_pass() -> None:
    assert shape.known_order("F", np.ones((2, 2)), "numpy.ravel") == "F"


def test_numpy_astype_drops_the_imaginary_part() -> None:
    if hasattr(np, "astype"):
        x_bar = cotangent(
            TABLE[np.astype], 0, np.array([2.0]), None, (Spec((1,), np.dtype(complex)), float), {}, False
        )
        assert fit(x_bar, Spec((1,), np.dtype(complex))).tolist() == [2 + 0j]
        assert check_row(TABLE[np.astype], np.dtype(float)) > 0
