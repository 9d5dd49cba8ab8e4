"""Every function on the list "shapes and joins, indexing" has a row, and views are marked as such."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from pullback.rules.domain import Call, draw
from pullback.rules.table import TABLE, rows

NAMES = """
    reshape ravel transpose swapaxes moveaxis squeeze expand_dims broadcast_to flip roll rot90 tile repeat
    concatenate stack hstack vstack dstack split pad block diag diagonal tril triu meshgrid atleast_1d
    atleast_2d atleast_3d take take_along_axis choose compress extract concat permute_dims matrix_transpose
    rollaxis flipud fliplr array_split hsplit vsplit dsplit append insert delete column_stack diagflat
    broadcast_arrays copy resize
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_has_a_row(name: str) -> None:
    rule = TABLE[getattr(np, name)]
    assert rule.vjps
    assert rule.linear or rule.jvps
    assert rule.calls


def test_indexing_has_a_row() -> None:
    assert TABLE[operator.getitem].vjps


@pytest.mark.parametrize("rule", [r for r in rows() if not r.constant], ids=lambda rule: rule.name)
def test_a_result_that_shares_memory_is_marked(rule: Any) -> None:
    def shares(example: Call) -> bool:
        rng = np.random.default_rng(0)
        args = draw(example.args, rng, float)
        kwargs = {key: draw(value, rng, float) for key, value in example.kwargs.items()}
        y = rule.function(*args, **kwargs)
        outputs = y if isinstance(y, list | tuple) else [y]
        arrays = [value for value in args if isinstance(value, np.ndarray)]
        return any(np.may_share_memory(value, part) for value in arrays for part in outputs)

    if any(shares(example) for example in rule.calls):
        assert rule.view
