"""NumPy's own loops in compiled code: the very bits of NumPy, in this process and in the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from three_engines import agree, record

import pullback as pb
from pullback.emit import inner_loops, lanes, load, native
from pullback.emit.inner_loops import LOOPED, addresses, has_loop
from pullback.emit.lanes import with_lanes
from pullback.emit.levels import WIDE
from pullback.emit.source import source
from pullback.ir.run import run
from pullback.ir.verify import verify

WRITTEN_OUT = {np.exp, np.log, np.log1p, np.tanh, np.sin, np.cos}
LENGTHS = [0, 1, WIDE - 1, WIDE, 2 * WIDE + 5]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e300, -1e300, 0.5, 700.0, -745.0]


def numbers(n: int, dtype: Any) -> Any:
    x = np.random.default_rng(n).uniform(-2, 2, n)
    x[: min(n, len(SPECIAL))] = SPECIAL[:n]
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def mapped(function: Any, dtype: Any) -> Any:
    def f(r: Any, x: Any, y: Any) -> Any:
        found = r.call(np.empty, (x.shape[0],), dtype=dtype)
        with r.range(x.shape[0]) as i:
            found[i] = function(x[i], y[i]) if function.nin == 2 else function(x[i])
        return found

    return f


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", LOOPED)
def test_the_bits_of_numpy(function: Any, dtype: Any) -> None:
    x = numbers(2, dtype)
    program = record(mapped(function, x.dtype), x, x)
    written_out = function in WRITTEN_OUT - {np.sin, np.cos} or (
        function in WRITTEN_OUT and dtype is np.float64
    )
    assert (f"native.row_{function.__name__}(" in source(program, checked=True)) is not written_out
    compiled = load(program)
    for n in LENGTHS:
        x, y = numbers(n, dtype), numbers(n, dtype)[::-1].copy()
        with np.errstate(all="ignore"):
            expected = function(x, y) if function.nin == 2 else function(x)
        (found,) = compiled(x, y)
        if written_out:
            np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
        else:
            np.testing.assert_array_equal(found.view(f"i{x.itemsize}"), expected.view(f"i{x.itemsize}"))


def of_each_other(r: Any, a: Any) -> Any:
    """Calls of what calls give, with numbers from outside the loop, and arithmetic between them."""
    found, outside = r.call(np.empty, (a.shape[0], 2), dtype=np.dtype(float)), r.cell(np.float64(1.5))
    with r.range(a.shape[0]) as i:
        angle = np.arctan2(np.arctan(a[i, 0]), 2.0)
        found[i, 1] = np.power(np.cosh(angle) + a[i, 1], outside) - np.power(2.5, np.cbrt(angle))
        found[i, 0] = np.sin(angle) * np.log2(1.0 + a[i, 2] * a[i, 2])
    return found


def summed(r: Any, a: Any) -> Any:
    total = r.cell(np.float64(0))
    with r.range(a.shape[0]) as i:
        r.set(total, total + np.power(a[i, 0] * a[i, 0] + 1.0, 0.3))
    return total


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("function", [of_each_other, summed])
def test_the_same_numbers_apart(function: Any, n: int) -> None:
    a = np.random.default_rng(n).uniform(-2, 2, (n, 3))
    program = record(function, np.ones((2, 3)))
    apart = with_lanes(program)
    assert "native.row_" in source(apart)
    verify(apart)
    for found, expected in zip(run(apart, (a,)), run(program, (a,)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    agree(program, a, ulps=1e3)


def carried(r: Any, a: Any) -> Any:
    """Each call is of the one before."""
    total = r.cell(np.float64(0.5))
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        r.set(total, np.arctan(total) + a[i, 0])
        found[i] = total
    return found


def roots_and_products(r: Any, a: Any) -> Any:
    found = r.call(np.empty, (a.shape[0],), dtype=np.dtype(float))
    with r.range(a.shape[0]) as i:
        found[i] = np.power(a[i, 0], 0.5) + np.power(a[i, 1], 3.0) + np.power(a[i, 2], -2)
    return found


@pytest.mark.parametrize("function", [carried, roots_and_products])
def test_what_is_computed_a_number_at_a_time(function: Any) -> None:
    a = np.random.default_rng(0).uniform(0.5, 2, (WIDE + 3, 3))
    program = record(function, a)
    assert "native.row_" not in source(program, checked=True)
    agree(program, a, ulps=1e3)


def chain(x: Any, p: Any) -> Any:
    y = np.arctan(x) ** 2 + (1.0 + x * x) ** p
    return np.sum(np.expm1(-y) * np.cbrt(x) + np.arcsinh(x) / np.cosh(y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients(dtype: Any) -> None:
    x = np.random.default_rng(1).uniform(0.5, 2, 700).astype(dtype)
    compiled = pb.compile(chain)
    found = pb.grad(compiled, argnums=(0, 1))(x, 1.7)
    expected = pb.grad(chain, argnums=(0, 1), engine="tape")(x, 1.7)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2000 * np.finfo(dtype).eps)
    one, other = (pb.hvp(f, (x, 1.7), (x, 0.0))[0] for f in (compiled, chain))
    np.testing.assert_allclose(one, other, rtol=1e5 * np.finfo(dtype).eps)


PROGRAM = """
import numpy as np
import pullback as pb

def f(x):
    return np.sum(np.arctan(x) ** 1.7)

print(repr(pb.value_and_grad(pb.compile(f))(np.linspace(0.5, 2, 300))[0]))
"""


def test_the_next_process_finds_the_loops(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    environment = os.environ | {"PULLBACK_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-W", "error", str(script)]
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == second != ""


def test_a_struct_of_another_form_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(addresses()) == 4 * len(LOOPED)
    assert has_loop(np.power, np.dtype(float))
    assert not has_loop(np.power, np.dtype(complex))
    assert not has_loop(np.add, np.dtype(float))
    fields: Any = dict(inner_loops._UfuncObject._fields_)  # type: ignore[call-overload]
    reordered = ["head", "nout", "nin", *list(fields)[3:]]
    other = type("Other", (inner_loops.ctypes.Structure,), {"_fields_": [(k, fields[k]) for k in reordered]})
    monkeypatch.setattr(inner_loops, "_UfuncObject", other)
    assert inner_loops._loop(np.power, "d") is None


def test_without_the_loops_numbers_go_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "has_loop", lambda function, dtype: False)
    x = numbers(300, np.float64)
    program = record(mapped(np.arctan, x.dtype), x, x)
    assert "native.row_" not in source(program, checked=True)


def test_what_source_says_runs_under_python() -> None:
    given, made = np.arange(12.0).reshape(3, 4), np.zeros((2, 4))
    native.ROWS[np.power](made, 1, 3, given, 0, given, 2)
    np.testing.assert_array_equal(made[1], [*np.power(given[0, :3], given[2, :3]), 0])
