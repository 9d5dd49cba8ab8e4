"""Random programs through the whole engine (see `comparing_programs`); `fuzz.py` runs any number."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from comparing_programs import check
from programs import program, rich, wide

from pullback.base.errors import UnsupportedError

BATCH = 10


def compared(make: Any, seeds: range, **options: bool) -> Counter[str]:
    """How many programs reached each comparison; what is refused at compile time counts as such."""
    counts = Counter[str]()
    for seed in seeds:
        made = make(seed)
        try:
            # The derivatives of whole arrays are for reading, and take as long as all the rest.
            counts.update(check(made, **{"whole": seed % 4 == 0, "short": seed % 2 == 1} | options))
        except UnsupportedError:
            counts["refused"] += 1
        except Exception as error:
            error.add_note(f"in {made.name}:\n{made.text}")
            raise
    return counts


@pytest.mark.parametrize("batch", range(10))
def test_programs_of_few_forms(batch: int) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    counts = compared(program, seeds)
    assert counts["differences"] + counts["kink"] + counts["large"] + counts["no value"] == BATCH
    assert counts["differences"] >= 0.7 * BATCH


@pytest.mark.parametrize("batch", range(20))
def test_programs_of_many_forms(batch: int) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    counts = compared(wide, seeds)
    assert counts["differences"] >= 0.6 * BATCH
    assert counts["refused"] <= 0.2 * BATCH


@pytest.mark.parametrize("batch", range(8))
def test_programs_of_other_forms(batch: int) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    counts = compared(rich, seeds)
    assert counts["differences"] >= 0.5 * BATCH
    assert counts["refused"] <= 0.2 * BATCH


@pytest.mark.parametrize(("make", "least"), [(program, 9), (wide, 9), (rich, 7)])
def test_second_order(make: Any, least: int) -> None:
    counts = compared(make, range(1000, 1015), second=True)
    assert counts["second order"] >= least


@pytest.mark.parametrize(("make", "least"), [(program, 6), (wide, 6), (rich, 5)])
def test_compiled_by_numba(make: Any, least: int) -> None:
    counts = compared(make, range(2000, 2008), jit=True, tape=False)
    assert counts["native adjoint"] >= least
