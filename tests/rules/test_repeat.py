"""Rows of `rules.repeat`: every call in four dtypes, each mode of pad entry by entry, what pad refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.base.errors import UnsupportedError
from pullback.base.spec import spec_of
from pullback.rules import repeat
from pullback.rules.read import cotangent, tangent
from pullback.rules.table import TABLE
from pullback.testing.dense import columns, transposed_columns
from pullback.testing.rows import check_row


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize("function", [np.tile, np.repeat, np.meshgrid, np.pad], ids=lambda f: f.__name__)
def test_row(function: Any, dtype: str) -> None:
    assert check_row(TABLE[function], np.dtype(dtype)) > 0


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp"])
@pytest.mark.parametrize("width", [0, 1, (2, 0), ((0, 3), (1, 0)), ((4, 5), (7, 1))])
@pytest.mark.parametrize("shape", [(3, 2), (1, 3), (2, 1)])
def test_pad_agrees_with_unit_vectors(mode: str, width: Any, shape: tuple[int, int]) -> None:
    args = (np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), width, mode)
    kwargs = {"constant": {"constant_values": 2.0}, "linear_ramp": {"end_values": (1.0, -1.0)}}.get(mode, {})
    expected = columns(TABLE[np.pad], 0, args, kwargs)
    ours = transposed_columns(TABLE[np.pad], 0, args, kwargs)
    assert np.max(np.abs(ours - expected)) < 1e-12


def test_pad_does_not_read_what_it_pads() -> None:
    a = np.ones(3)
    y_bar = np.arange(5.0)
    x_bar = cotangent(TABLE[np.pad], 0, y_bar, spec_of(y_bar), (spec_of(a), 1, "edge"), {}, False)
    assert x_bar.tolist() == [1, 2, 7]


@pytest.mark.parametrize(
    ("mode", "kwargs"),
    [("mean", {}), ("maximum", {}), ("median", {"stat_length": 2}), ("reflect", {"reflect_type": "odd"})],
)
def test_pad_refuses(mode: str, kwargs: dict[str, Any]) -> None:
    a = np.arange(4.0)
    y = np.pad(a, 2, mode, **kwargs)  # type: ignore[call-overload]
    with pytest.raises(UnsupportedError, match=r"np\.concatenate"):
        cotangent(TABLE[np.pad], 0, y, y, (a, 2, mode), kwargs, False)
    with pytest.raises(UnsupportedError, match=r"np\.concatenate"):
        tangent(TABLE[np.pad], 0, a, y, (a, 2, mode), kwargs)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, [(1, 1), (1, 1)]),
        ((1, 2), [(1, 2), (1, 2)]),
        ([[1], [2]], [(1, 1), (2, 2)]),
        ({-1: 3}, [(0, 0), (3, 3)]),
        ({0: (1, 2)}, [(1, 2), (0, 0)]),
    ],
)
def test_pad_widths(width: Any, expected: list[tuple[int, int]]) -> None:
    assert repeat.pad_widths(width, 2) == expected
