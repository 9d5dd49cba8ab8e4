"""Rows of `rules.difference`: every call in four dtypes, and the stencils of ``np.gradient``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import NotDifferentiableError
from pullback.rules import difference
from pullback.rules.read import vjp_direction
from pullback.rules.table import TABLE, name_of
from pullback.testing.rows import check_row


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", [np.diff, np.ediff1d, np.gradient], ids=name_of)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("spacing", [0.5, np.array([0.0, 0.5, 0.7, 1.5, 1.6])], ids=["even", "uneven"])
def test_stencil_is_that_of_numpy(spacing: Any, edge_order: Any) -> None:
    matrix = np.zeros((5, 5))
    for k, weights in difference.gradient_stencil(spacing, 5, edge_order).items():
        for i in range(5):
            if 0 <= i + k < 5:
                matrix[i, i + k] += weights[i]
    assert np.allclose(matrix, np.gradient(np.eye(5), spacing, axis=0, edge_order=edge_order), rtol=1e-13)


def test_spacing_is_refused() -> None:
    with pytest.raises(NotDifferentiableError, match=r"numpy\.gradient.*argument 1"):
        vjp_direction(TABLE[np.gradient], 1)
