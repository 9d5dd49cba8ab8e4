"""Every row of the table whose function JAX has, next to it: value and gradient, real and complex."""

from __future__ import annotations

import jax
import pytest
from comparison import Known, comparable, confirm
from jax_peer import Jax

from pullback.rules.table import Rule

PEER = Jax()
ROWS = comparable(PEER)
LEAST_ROWS = 220

KNOWN: dict[str, list[Known]] = {}


@pytest.fixture(autouse=True)
def _compiled_programs_are_forgotten() -> None:
    jax.clear_caches()


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_row(rule: Rule) -> None:
    confirm(PEER, rule, KNOWN.get(rule.name, []))


def test_most_rows_are_compared() -> None:
    names = {rule.name for rule in ROWS}
    assert set(KNOWN) <= names
    assert len(names) >= LEAST_ROWS
