"""Rows of `rules.index`: every call in four dtypes, every layout of an index, what is refused."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from pullback.base.spec import Spec, spec_of
from pullback.rules import index
from pullback.rules.read import cotangent
from pullback.rules.scatter import is_basic
from pullback.rules.structured import Filled, Scattered, dense
from pullback.rules.table import EACH, TABLE
from pullback.testing.dense import columns, transposed_columns
from pullback.testing.rows import check_row

FUNCTIONS = [operator.getitem, np.take, np.take_along_axis, np.choose, np.compress, np.extract]
ALL = slice(None)
TWICE = np.array([1, 0, 1])
GRID = np.array([[1, 1], [0, 1]])
SHAPE = (2, 3, 2)
LAYOUTS = [
    1, -1, np.int64(1), ..., None, (), ALL, slice(None, None, -1), (0, 1, 1), (ALL, -1), (..., 1), (None, 0,
    None), (slice(1, 2), slice(0, 0)), [1, 1, 0], [-1, 1], TWICE, GRID, np.array(1), (TWICE, TWICE), (TWICE,
    ALL, TWICE), (ALL, TWICE, TWICE), (TWICE, None, TWICE), (0, ALL, TWICE), (ALL, 0, TWICE), (TWICE, slice(0,
    2), 1), (..., TWICE), (GRID, TWICE[:2], slice(0, 1)), (GRID, ALL, TWICE[:2]), (None, TWICE, ..., None),
    ((1, 1),), ((1, 1), (2, 2)), ([1, 1], ALL, [0, 0]), np.ix_([1, 1], [2, 0], [0]), True, False,
    np.array([True, False]), (ALL, np.array([True, False, True])), (np.array([True, True]), np.array([2, 2])),
    (True, TWICE), np.ones(SHAPE, bool), np.zeros(SHAPE, bool), np.arange(12).reshape(SHAPE) % 3 == 0, [True,
    False], [], (np.array([[True, False, True], [False, False, True]]), 1), (np.array([], int), ALL),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("layout", LAYOUTS, ids=repr)
def test_every_layout_agrees_with_unit_vectors(layout: Any) -> None:
    args = (np.arange(1.0, 13.0).reshape(SHAPE), layout)
    expected = columns(TABLE[operator.getitem], 0, args, {})
    assert np.array_equal(transposed_columns(TABLE[operator.getitem], 0, args, {}), expected)


@pytest.mark.parametrize("layout", LAYOUTS, ids=repr)
def test_a_basic_index_names_no_place_twice_and_gives_a_view(layout: Any) -> None:
    a = np.arange(12.0).reshape(SHAPE)
    y = a[layout]
    if is_basic(layout):
        assert np.ndim(y) == 0 or y.size == 0 or np.shares_memory(y, a)
    else:
        assert not np.shares_memory(y, a)


@pytest.mark.parametrize("layout", [1, TWICE, (ALL, TWICE)])
def test_an_index_gives_a_scattered_cotangent(layout: Any) -> None:
    a = np.ones((2, 3))
    layout = (layout, 0) if layout is TWICE else layout
    y = a[layout]
    x_bar = cotangent(TABLE[operator.getitem], 0, np.ones_like(y), None, (spec_of(a), layout), {}, False)
    assert isinstance(x_bar, Scattered)
    buffer = np.full((2, 3), 10.0)
    x_bar.add_into(buffer)
    assert np.array_equal(buffer, 10 + x_bar.dense())


@pytest.mark.parametrize("layout", [slice(1, 3), TWICE, (TWICE, None)])
def test_an_index_of_a_filled_cotangent(layout: Any) -> None:
    a = np.ones(3)
    y_bar = Filled(np.float64(2.0), a[layout].shape)
    ours = cotangent(TABLE[operator.getitem], 0, y_bar, None, (spec_of(a), layout), {}, False)
    theirs = cotangent(TABLE[operator.getitem], 0, y_bar.dense(), None, (spec_of(a), layout), {}, False)
    assert dense(ours).tolist() == dense(theirs).tolist()


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take_adds_up_repeated_places(axis: int | None, mode: str) -> None:
    indices = [0, -1, 0, 1] if mode == "raise" else [0, -9, 0, 7]
    args = (np.arange(6.0).reshape(2, 3), indices)
    kwargs = {"axis": axis, "mode": mode}
    expected = columns(TABLE[np.take], 0, args, kwargs)
    assert np.array_equal(transposed_columns(TABLE[np.take], 0, args, kwargs), expected)


def test_choose_keeps_zeros_where_the_cotangent_is_infinite() -> None:
    chosen = np.array([0, 1])
    y_bar = np.array([np.inf, 1.0])
    parts = index.choose_vjp(y_bar, None, chosen, [Spec((2,), y_bar.dtype)] * 2)
    assert [part.tolist() for part in parts] == [[np.inf, 0], [0, 1]]


@pytest.mark.parametrize("function", [np.put, np.place, np.putmask, np.copyto, np.put_along_axis])
def test_functions_that_write_say_what_to_do(function: Any) -> None:
    assert "pb.Variable" in TABLE[function].refusals[EACH]


@pytest.mark.parametrize("function", [np.shape, np.nonzero, np.allclose, np.array_equal, np.result_type])
def test_functions_without_derivative_are_constant(function: Any) -> None:
    assert TABLE[function].constant
