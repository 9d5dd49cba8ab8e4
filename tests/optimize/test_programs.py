"""Random programs mean the same after every pass. ``PULLBACK_PROGRAMS=5000`` draws that many."""

from __future__ import annotations

import os

import numpy as np
import pytest
from comparing import compare
from random_functions import program
from recording import record

from pullback.ir.verify import verify
from pullback.optimize.lower import lower
from pullback.optimize.pipeline import finish, optimize, simplify

COUNT = int(os.environ.get("PULLBACK_PROGRAMS", "60"))


def arguments(n, m):
    rng = np.random.default_rng(7)
    return rng.normal(size=n), rng.normal(size=n), rng.normal(size=m), rng.normal(size=(n, m))


@pytest.mark.parametrize("seed", range(COUNT))
def test_same_meaning(seed):
    examples = arguments(6, 7)
    original = record(program(seed), *examples)
    verify(original)
    for run_pass in (lower, simplify, optimize, lambda p: finish(optimize(p))):
        changed = run_pass(original)
        verify(changed)
        compare(original, changed, examples)
