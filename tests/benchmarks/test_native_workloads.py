"""The workloads of the native engine: spellings agree, and hand-written adjoints are derivatives.

The adjoints run under CPython here, milliseconds on small instances; Numba compiles the same lines.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from benchmarks.native.adjoints.compiled import interpreted

with interpreted():
    WORKLOADS = importlib.import_module("benchmarks.native.registry").WORKLOADS

by_name = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)


def copied(arguments: tuple[Any, ...]) -> list[Any]:
    return [x.copy() if isinstance(x, np.ndarray) else x for x in arguments]


def differences(function: Any, arguments: tuple[Any, ...], position: int, step: float = 1e-3) -> np.ndarray:
    """Central differences of fourth order by one argument: shape of the argument, then of the result."""

    def moved(index: Any, by: float) -> Any:
        changed = copied(arguments)
        changed[position][index] += by
        return np.asarray(function(*changed))

    slopes = []
    for index in np.ndindex(arguments[position].shape):
        inner = moved(index, step) - moved(index, -step)
        outer = moved(index, 2 * step) - moved(index, -2 * step)
        slopes.append((8 * inner - outer) / (12 * step))
    return np.array(slopes).reshape(arguments[position].shape + slopes[0].shape)


@by_name
def test_spellings_and_primal_agree(workload: Any) -> None:
    arguments = workload.small()
    expected = workload.primal(*arguments)
    for source in workload.sources.values():
        np.testing.assert_allclose(source(*copied(arguments)), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(workload.gradient(*arguments)[0], expected, rtol=1e-12, atol=1e-12)


def checked(workload: Any, arguments: tuple[Any, ...]) -> None:
    """Compare the adjoint with differences of the primal, and see that its arguments stay as they are."""
    before = copied(arguments)
    value, cotangents = workload.gradient(*arguments)
    for argument, kept in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, kept)
    seeds = [np.array(1.0)] if workload.seeds is None else workload.seeds(value)
    rows = [cotangents] if workload.seeds is None else cotangents
    for seed, row in zip(seeds, rows, strict=True):
        for position, x_bar in zip(workload.argnums, row, strict=True):
            slopes = differences(workload.primal, arguments, position)
            numeric = np.tensordot(slopes, seed, axes=seed.ndim)
            scale = max(1.0, np.abs(numeric).max())
            np.testing.assert_allclose(x_bar, numeric, rtol=0, atol=1e-7 * scale)


@by_name
def test_adjoint_by_hand_is_the_derivative(workload: Any) -> None:
    checked(workload, workload.small())


@pytest.mark.parametrize(
    "workload",
    [w for w in WORKLOADS if any(isinstance(x, int) for x in w.small())],
    ids=lambda workload: workload.name,
)
def test_no_step_at_all(workload: Any) -> None:
    checked(workload, tuple(0 if isinstance(x, int) else x for x in workload.small()))


@by_name
def test_sources_write_into_the_arguments_they_declare(workload: Any) -> None:
    arguments = workload.small()
    for source in workload.sources.values():
        used = copied(arguments)
        source(*used)
        written = {i for i, x in enumerate(used) if not np.array_equal(x, arguments[i])}
        assert written <= set(workload.writes)
