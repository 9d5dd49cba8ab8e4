"""Rows of `rules.join`: every call in four dtypes, overlapping parts, insertion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.spec import Spec, spec_of, spec_tree
from pullback.rules import join
from pullback.rules.read import cotangent, fit
from pullback.rules.table import TABLE
from pullback.testing.dense import columns, transposed_columns
from pullback.testing.rows import check_row

FUNCTIONS = [
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.block, np.split,
    np.array_split, np.hsplit, np.vsplit, np.dsplit, np.append, np.insert, np.delete,
    *([np.unstack] if hasattr(np, "unstack") else []),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


def test_parts_are_views_of_the_cotangent() -> None:
    y_bar = np.arange(5.0)
    arrays = [np.ones(2), np.ones(3)]
    parts = cotangent(TABLE[np.concatenate], 0, y_bar, spec_of(y_bar), (spec_tree(arrays),), {}, False)
    assert [part.tolist() for part in parts] == [[0, 1], [2, 3, 4]]
    assert all(np.shares_memory(part, y_bar) for part in parts)


def test_real_and_complex_parts() -> None:
    y_bar = np.array([1 + 2j, 3 - 1j])
    specs = [Spec((1,), np.dtype(float)), Spec((1,), np.dtype(complex))]
    parts = fit(cotangent(TABLE[np.concatenate], 0, y_bar, spec_of(y_bar), (specs,), {}, True), specs)
    assert parts[0].tolist() == [1.0]
    assert parts[1].tolist() == [3 - 1j]


def test_overlapping_parts_add_up() -> None:
    parts = np.split(np.arange(5.0), [3, 1])
    parts_bar = [np.ones_like(part) for part in parts]
    x_bar = cotangent(TABLE[np.split], 0, parts_bar, parts, (Spec((5,), np.dtype(float)), [3, 1]), {}, False)
    assert x_bar.tolist() == [1, 2, 2, 1, 1]


def test_empty_parts() -> None:
    a = np.arange(4.0).reshape(2, 2)
    parts = np.array_split(a, 3, axis=1)
    assert parts[2].shape == (2, 0)
    x_bar = cotangent(TABLE[np.array_split], 0, parts, parts, (spec_of(a), 3), {"axis": 1}, False)
    assert x_bar.tolist() == a.tolist()


@pytest.mark.parametrize("obj", [1, -1, [1], [2, 0], [1, 1], slice(0, 2), slice(None, None, -1), [-1, 0]])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_insert_agrees_with_unit_vectors(obj: Any, axis: int) -> None:
    count = np.size(np.arange(3)[obj])
    values = np.arange(float(count))
    if axis == 0:
        values = np.arange(float(3 * count)).reshape(count, 3)
    elif isinstance(obj, int):
        values = np.arange(3.0)
    args = (np.arange(9.0).reshape(3, 3), obj, values)
    for position in (0, 2):
        expected = columns(TABLE[np.insert], position, args, {"axis": axis})
        ours = transposed_columns(TABLE[np.insert], position, args, {"axis": axis})
        assert np.array_equal(ours, expected)


@pytest.mark.filterwarnings("ignore:in the future insert will treat boolean:FutureWarning")
def test_insert_at_a_boolean_index_means_what_it_means_to_numpy() -> None:
    obj = np.array([True, False, True])  # a mask; NumPy 2.0 takes it for the places 1, 0, 1
    count = np.insert(np.zeros(3), obj, 0.0).size - 3
    args = (np.arange(6.0).reshape(2, 3), obj, np.arange(2.0 * count).reshape(2, count))
    for position in (0, 2):
        expected = columns(TABLE[np.insert], position, args, {"axis": 1})
        ours = transposed_columns(TABLE[np.insert], position, args, {"axis": 1})
        assert np.array_equal(ours, expected)


def test_the_extent_of_a_block_follows_its_list() -> None:
    arrays = [[np.ones((2, 2)), np.ones((2, 1))], [np.ones(3)]]
    y_bar = np.arange(9.0).reshape(3, 3)
    (corner, side), (bottom,) = join.block_vjp(y_bar, None, arrays)
    assert corner.tolist() == [[0, 1], [3, 4]]
    assert side.tolist() == [[2], [5]]
    assert bottom.tolist() == [6, 7, 8]
