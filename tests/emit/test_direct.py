"""The direct way from emitted source to machine code: what it takes, and that it frees what it allocates."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba.core.registry import cpu_target
from numba.core.runtime._nrt_python import memsys_disable_stats, memsys_enable_stats
from numba.core.runtime.nrt import rtsys

import pullback as pb
from pullback.emit.compile import compiled as compiled_source
from pullback.emit.direct import pipeline
from pullback.emit.direct.syntax import RefusedError
from pullback.emit.ready import Source
from pullback.ir.types import type_of

X = np.linspace(0.2, 1.7, 7)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> list[str]:
    """What each compilation within the test went by, with a cache of its own."""
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path))
    taken: list[str] = []
    inner = pipeline.directly

    def directly(state: Any) -> Any:
        try:
            result = inner(state)
        except RefusedError as refusal:
            taken.append(f"refused: {refusal}")
            raise
        taken.append("direct")
        return result

    monkeypatch.setattr(pipeline, "directly", directly)
    return taken


def grown(x: Any, n: Any) -> Any:
    total = 0.0
    i = 0
    while total < 1000.0 and i < n:
        total += x[i % 7] ** 2
        i += 1
    return total


def left_early(x: Any, n: Any) -> Any:
    total = 0.0
    for i in range(n):
        rows = np.empty(3)
        for k in range(3):
            rows[k] = x[(i + k) % 7] * i
        if rows[0] > 5.0:
            break
        if rows[1] < 0.5:
            continue
        total += rows[2] * np.sin(rows[1])
    return total


def handed_on(x: Any, n: Any) -> Any:
    y = x * 2.0
    for _ in range(n):
        z = np.empty_like(y)
        for k in range(7):
            z[k] = 0.9 * y[k] + 0.1 * y[-k]
        y = z
    return np.sum(y * y)


def of_many_forms(x: Any, n: Any) -> Any:
    a = np.zeros((n, 7))
    for i in range(n - 1, -1, -2):
        for j in range(0, 7, 3):
            a[i, j] += x[j] / (1.0 + i) if j != 3 or i > 2 else x[j] ** -2
    total = 0.0
    for i in range(n):
        if a[i, 0] > 0.107 and not a[i, 3] < 0.0:
            total += abs(a[i, 6]) + max(a[i, 0], 0.3) + np.tanh(a[i, 3])
        elif i // 2 * 2 == i:
            total -= float(i) ** 3 * x[i % 7]
    return total


@pytest.mark.parametrize("function", [grown, left_early, handed_on, of_many_forms])
def test_loops_go_the_direct_way_and_free_their_arrays(function: Callable[..., Any], ways: list[str]) -> None:
    compiled = pb.compile(function)
    gradient = pb.grad(compiled)
    assert compiled(X, 200) == pytest.approx(function(X, 200), rel=1e-12)
    steps = 1e-6 * np.eye(7)
    differences = [(function(X + h, 200) - function(X - h, 200)) / 2e-6 for h in steps]
    assert np.allclose(gradient(X, 200), differences, rtol=1e-6)
    assert ways == ["direct", "direct"]
    memsys_enable_stats()
    before = rtsys.get_allocation_stats()
    for n in (0, 1, 200):
        compiled(X, n)
        gradient(X, n)
    after = rtsys.get_allocation_stats()
    memsys_disable_stats()
    assert after.alloc - before.alloc == after.free - before.free
    assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


def test_what_is_refused_goes_by_numba(ways: list[str]) -> None:
    def sorted_product(x: Any) -> Any:
        return np.sum(np.sort(x)[:4] * x[3:])

    compiled = pb.compile(sorted_product)
    assert compiled(X) == pytest.approx(sorted_product(X), rel=1e-12)
    assert len(ways) == 1


def code_of(name: str) -> str:
    """The LLVM instructions of the one function that is named so."""
    (made,) = [module for key, module in sys.modules.items() if key.startswith(f"pullback_{name}_")]
    (code,) = made.compiled.inspect_llvm().values()
    return code


def test_loops_without_sums_are_not_unrolled(ways: list[str]) -> None:
    def laid_across(x: Any) -> Any:
        y = np.empty((x.shape[1], x.shape[0]))
        for i in range(x.shape[1]):
            for k in range(x.shape[0]):
                y[i, k] = x[k, i]
        return y

    x = np.arange(35.0).reshape(5, 7)
    assert np.array_equal(pb.compile(laid_across)(x), x.T)
    assert ways == ["direct"]
    code = code_of("laid_across")
    # At most one in a loop over vectors, and one in the loop over what is left.
    assert 1 <= len(re.findall(r"store (?:<\d+ x double>|double)", code)) <= 2


def test_a_function_without_inner_loops_has_whole_vectors_for_exponentials(ways: list[str]) -> None:
    def decayed(x: Any) -> Any:
        return np.exp(-x * x)

    x = np.linspace(-3, 3, 105)
    assert np.allclose(pb.compile(decayed)(x), decayed(x), rtol=1e-15)
    assert ways == ["direct"]
    assert '"prefer-vector-width"="512"' in code_of("decayed")
    context: Any = cpu_target.target_context
    is_wide = "+avx512f" in context.codegen().magic_tuple()[2]
    assert ("store <8 x double>" in code_of("decayed")) == is_wide


def blurred(x: Any, n: Any) -> Any:
    for _ in range(n):
        for i in range(1, x.shape[0] - 1):
            for k in range(1, x.shape[1] - 1):
                x[i - 1, k] = x[i, k - 1] + x[i, k + 1]
    return x


def thrice(x: Any, n: Any) -> Any:
    for _ in range(n):
        for i in range(x.shape[0]):
            x[i, 0] = x[i, 1] + x[i, 2]
            for k in range(x.shape[1]):
                x[i, k] *= 3.0
    return x


def once_blurred(x: Any, n: Any) -> Any:
    for k in range(1, n - 1):
        x[0, k] = x[1, k - 1] + x[1, k + 1]
    return x


@pytest.mark.parametrize(("function", "long"), [(blurred, True), (thrice, False), (once_blurred, False)])
def test_only_loops_over_stencils_are_on_the_longest_vectors(
    function: Callable[..., Any], long: bool, ways: list[str]
) -> None:
    x = np.cos(np.arange(200.0)).reshape(10, 20)
    assert np.array_equal(pb.compile(function)(x.copy(), 5), function(x.copy(), 5))
    assert ways == ["direct"]
    (made,) = [m for name, m in sys.modules.items() if name.startswith(f"pullback_{function.__name__}_")]
    (code,) = made.compiled.inspect_llvm().values()
    assert ('"prefer-vector-width"="512"' in code) is long


def kept_fields(x: Any, n: Any) -> Any:
    kept = np.empty((n, x.shape[0], x.shape[1]))
    for t in range(n):
        for i in range(1, x.shape[0] - 1):
            for k in range(1, x.shape[1] - 1):
                kept[t, i, k] = x[i, k]
                x[i - 1, k] = x[i, k - 1] + x[i, k + 1]
    return x + kept[n - 1, 1, 1]


@pytest.mark.parametrize(("function", "ahead"), [(kept_fields, True), (blurred, False), (thrice, False)])
def test_rows_that_are_written_once_are_fetched_ahead(
    function: Callable[..., Any], ahead: bool, ways: list[str]
) -> None:
    x = np.cos(np.arange(200.0)).reshape(10, 20)
    assert np.array_equal(pb.compile(function)(x.copy(), 5), function(x.copy(), 5))
    (made,) = [m for name, m in sys.modules.items() if name.startswith(f"pullback_{function.__name__}_")]
    (code,) = made.compiled.inspect_llvm().values()
    assert ("call void @llvm.prefetch" in code) is ahead


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_powers_by_numbers(dtype: Any, ways: list[str]) -> None:
    def powers(x: Any) -> Any:
        total = x[0] * 0
        for k in range(7):
            total += x[k] ** 3 + x[k] ** -2 + x[k] ** 0 + x[k] ** 1
        return total

    x = (X + (0.3j if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    value = pb.compile(powers)(x)
    assert np.allclose(value, powers(x), rtol=1e-5 if np.dtype(dtype).char in "fF" else 1e-13)
    assert value.dtype == dtype if hasattr(value, "dtype") else dtype in (np.float64, np.complex128)
    # Numba's power of a complex64 is a complex128.
    assert ways == ["refused: total_1 has two types" if dtype is np.complex64 else "direct"]


def test_an_error_names_its_class_and_message(ways: list[str]) -> None:
    def guarded(x: Any, n: Any) -> Any:
        if n > 5:
            raise ValueError("too many")
        total = 0.0
        for k in range(n):
            total += x[k]
        return total

    compiled = pb.compile(guarded)
    with pytest.raises(ValueError, match="too many"):
        compiled(X, 6)
    with pytest.raises(IndexError):
        pb.compile(lambda x, n: x[n])(X, 9)
    assert ways == ["direct", "direct"]


@pytest.mark.parametrize(
    ("length", "error"),
    [("x.shape[0] * 2305843009213693952", "too big"), ("1 - x.shape[0]", "negative dimensions")],
)
def test_an_array_that_cannot_be_is_refused(length: str, error: str, monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path))
    text = f"import numpy as np\n\nfrom pullback.emit import native\n\n\ndef run(x):\n    m = {length}\n"
    text += "    a = native.empty((m, 2), dtype=np.float64)\n    return (a,)\n"
    run = compiled_source(Source("run", text, (), ()), (type_of(X),))
    with pytest.raises(ValueError, match=error):
        run(X)
