"""Every workload's sources on small arguments: value and gradient by the native engine are those by hand."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from benchmarks.native.adjoints.compiled import interpreted

import pullback as pb

with interpreted():
    WORKLOADS = importlib.import_module("benchmarks.native.registry").WORKLOADS

CASES = [(workload, spelling) for workload in WORKLOADS for spelling in workload.sources]
each = pytest.mark.parametrize(
    ("workload", "spelling"), CASES, ids=[f"{workload.name}, {spelling}" for workload, spelling in CASES]
)
COMPILED = {"tr(x1 @ x2) 30×30", "Thomas, 1,000 unknowns", "Gauss-Seidel in place, 64²×200"}


def gradient(workload: Any, spelling: str, arguments: tuple[Any, ...], *, jit: bool) -> Any:
    """The value, and the cotangents of each seed, as `workload.gradient` gives them."""
    function = pb.compile(workload.sources[spelling], jit=jit)
    if workload.seeds is None:
        return pb.value_and_grad(function, argnums=workload.argnums)(*arguments)

    def of_active(*values: Any) -> Any:
        full = list(arguments)
        for position, value in zip(workload.argnums, values, strict=True):
            full[position] = value
        return function(*full)

    value, pull = pb.vjp(of_active, *(arguments[i] for i in workload.argnums))
    return value, tuple(pull(seed) for seed in workload.seeds(value))


def checked(workload: Any, spelling: str, arguments: tuple[Any, ...], *, jit: bool) -> None:
    before = [np.copy(x) for x in arguments]
    value, found = gradient(workload, spelling, arguments, jit=jit)
    expected_value, expected = workload.gradient(*arguments)
    for argument, kept in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, kept)
    np.testing.assert_allclose(value, expected_value, rtol=1e-11, atol=1e-11)
    if workload.seeds is None:
        found, expected = (found,), (expected,)
    for row, expected_row in zip(found, expected, strict=True):
        for x_bar, by_hand in zip(row, expected_row, strict=True):
            scale = max(1.0, float(np.abs(by_hand).max()))
            np.testing.assert_allclose(x_bar, by_hand, rtol=0, atol=1e-10 * scale)


@each
def test_native_gradient_is_that_by_hand(workload: Any, spelling: str) -> None:
    checked(workload, spelling, workload.small(), jit=False)


@pytest.mark.parametrize("workload", [w for w in WORKLOADS if w.writes], ids=lambda workload: workload.name)
def test_native_writes_into_the_arguments_that_numpy_does(workload: Any) -> None:
    for source in workload.sources.values():
        plain, native = workload.small(), workload.small()
        value = source(*plain)
        np.testing.assert_allclose(pb.compile(source, jit=False)(*native), value, rtol=1e-12)
        for ours, theirs in zip(native, plain, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("workload", "spelling"),
    [case for case in CASES if any(isinstance(x, int) for x in case[0].small())],
    ids=[f"{w.name}, {s}" for w, s in CASES if any(isinstance(x, int) for x in w.small())],
)
def test_no_step_at_all(workload: Any, spelling: str) -> None:
    arguments = tuple(0 if isinstance(x, int) else x for x in workload.small())
    checked(workload, spelling, arguments, jit=False)


@pytest.mark.parametrize(
    ("workload", "spelling"),
    [case for case in CASES if case[0].name in COMPILED],
    ids=[f"{w.name}, {s}" for w, s in CASES if w.name in COMPILED],
)
def test_compiled_gradient_is_that_by_hand(workload: Any, spelling: str) -> None:
    checked(workload, spelling, workload.small(), jit=True)
