"""The whole table: every row is tested by being a row, by finite differences, in every dtype it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback.rules.scipy_fft
import pullback.rules.scipy_linalg
import pullback.rules.scipy_sparse
import pullback.rules.special  # fills the table
from pullback.rules.table import Rule, rows
from pullback.testing.rows import check_row

assert pullback.rules.special.__doc__
assert pullback.rules.scipy_fft.__doc__
assert pullback.rules.scipy_linalg.__doc__
assert pullback.rules.scipy_sparse.__doc__
ROWS = [
    rule
    for rule in rows()
    if (rule.partials is not None or rule.vjps or rule.jvps or rule.linear)
    and not rule.name.startswith("tests.")  # rows that other tests make for themselves
]


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")  # in single precision, says SciPy
@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
@pytest.mark.parametrize("dtype", ["d", "f", "D", "F"])
def test_row(rule: Rule, dtype: Any) -> None:
    if dtype in "DF" and not rule.complex:
        return
    with np.errstate(all="ignore"):
        assert check_row(rule, np.dtype(dtype)) > 0
