"""Rows of `rules.diagonal`: every call in four dtypes, every diagonal of a rectangle, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.rules import diagonal
from pullback.rules.table import EACH, TABLE
from pullback.testing.dense import columns, transposed_columns
from pullback.testing.rows import check_row

FUNCTIONS = [np.diagonal, np.linalg.diagonal, np.diag, np.diagflat, np.tril, np.triu]


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("function", [np.diag, np.diagonal, np.tril, np.triu], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (1, 3)])
def test_every_diagonal_of_a_rectangle(function: Any, shape: tuple[int, int]) -> None:
    for offset in range(-5, 6):
        args = (np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), offset)
        expected = columns(TABLE[function], 0, args, {})
        assert np.array_equal(transposed_columns(TABLE[function], 0, args, {}), expected)


def test_values_written_on_a_diagonal() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    for offset in (-1, 0, 1):
        for matrix, row in zip(diagonal.on_diagonal(values, 3, 3, offset), values, strict=True):
            count = 3 - abs(offset)
            if count == 2:
                assert np.array_equal(matrix, np.diag(row, offset))


def test_fill_diagonal_says_what_to_do() -> None:
    assert "np.diag_indices" in TABLE[np.fill_diagonal].refusals[EACH]
