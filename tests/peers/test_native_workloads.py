"""The hand-written adjoints of the native workloads, against JAX."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
compiled = importlib.import_module("benchmarks.native.adjoints.compiled")
in_jax = importlib.import_module("benchmarks.native.in_jax")
with compiled.interpreted():
    WORKLOADS = importlib.import_module("benchmarks.native.registry").WORKLOADS


# The two mixtures are one program, and compiling it is what takes time.
@pytest.mark.parametrize("workload", WORKLOADS[1:], ids=lambda workload: workload.name)
def test_adjoint_by_hand_agrees_with_jax(workload: Any) -> None:
    jax = in_jax.load()
    arguments = workload.small()
    value, cotangents = workload.gradient(*arguments)
    expected_value, expected = in_jax.candidate(jax, workload, arguments)()
    np.testing.assert_allclose(value, expected_value, rtol=1e-10, atol=1e-10)
    for x_bar, other in zip(jax.tree.leaves(cotangents), jax.tree.leaves(expected), strict=True):
        if workload.name.startswith("Cholesky") and x_bar.ndim == 2:
            # Either triangle may be read: JAX gives each entry and its mirror half of what is due.
            x_bar, other = x_bar + x_bar.T, other + other.T
        np.testing.assert_allclose(x_bar, other, rtol=0, atol=1e-10 * max(1.0, np.abs(other).max()))
