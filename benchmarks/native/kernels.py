"""The kernels of the tests at their large sizes: gradients over the faster of NumPy's forward and Numba's.

    python -m benchmarks.native.kernels             all kernels, and the geometric mean
    python -m benchmarks.native.kernels gemm atax   those whose name starts so

Each forward run gets copies of the arguments it may write into, as a gradient makes them, too. A kernel that
Numba does not compile as it stands has NumPy's forward alone. Without ``pullback.compile`` the gradients have
no column.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

import pullback as pb
from benchmarks.native.adjoints.compiled import compiled
from benchmarks.native.timing import medians

SOURCES = Path(__file__).parent.parent.parent / "tests" / "native"


def all_kernels() -> list[Any]:
    """The registry of the tests."""
    sys.path.insert(0, str(SOURCES))
    return importlib.import_module("kernels.registry").KERNELS


def in_numba(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any] | None:
    """`function` and the functions of its module that it calls, by Numba; None where Numba cannot."""
    names = dict(function.__globals__)
    called = [name for name in function.__code__.co_names if isinstance(names.get(name), FunctionType)]
    for name in called:
        names[name] = compiled(names[name])
    run = compiled(FunctionType(function.__code__, names, function.__name__, function.__defaults__))
    try:
        run(*arguments)
    except (NumbaError, AssertionError, TypeError, ValueError):
        return None
    return run


def scalar_gradient(kernel: Any, arguments: tuple[Any, ...]) -> Callable[[], Any] | None:
    """The engine's gradient of the sum of all that the kernel computes; None while there is no engine."""
    compile_ = getattr(pb, "compile", None)
    if compile_ is None:
        return None

    def loss(*given: Any) -> Any:
        value = kernel.function(*given)
        parts = value if isinstance(value, tuple) else (value,)
        total = 0.0
        for part in parts:
            total = total + np.sum(np.real(part))
        return total

    gradient = pb.value_and_grad(compile_(loss), argnums=kernel.argnums)
    return lambda: gradient(*arguments)


def times(kernel: Any) -> dict[str, float]:
    """Seconds of every candidate."""
    arguments = kernel.arguments(kernel.large)

    def with_copies(function: Callable[..., Any]) -> Callable[[], Any]:
        return lambda: function(*[x.copy() if isinstance(x, np.ndarray) else x for x in arguments])

    found = {"NumPy": with_copies(kernel.function)}
    fast = in_numba(kernel.function, kernel.arguments(kernel.large))
    if fast is not None:
        found["Numba"] = with_copies(fast)
    gradient = scalar_gradient(kernel, arguments)
    if gradient is not None:
        found["gradient"] = gradient
    return medians(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="Compiled gradients of many kernels over their forward runs."
    )
    parser.add_argument("kernel", nargs="*", help="only kernels whose name starts so")
    chosen = tuple(parser.parse_args().kernel)
    print("| kernel | NumPy, µs | Numba, µs | gradient, µs | over the faster |")
    print("| --- | --- | --- | --- | --- |")
    ratios = []
    for kernel in all_kernels():
        if chosen and not kernel.name.startswith(chosen):
            continue
        seconds = times(kernel)
        gradient = seconds.pop("gradient", math.nan)
        ratios.append(gradient / min(seconds.values()))
        cells = [seconds["NumPy"], seconds.get("Numba", math.nan), gradient]
        texts = ["" if math.isnan(cell) else f"{cell * 1e6:,.1f}" for cell in cells]
        ratio = "" if math.isnan(gradient) else f"{ratios[-1]:.2f}"
        print(f"| {kernel.name} | {' | '.join(texts)} | {ratio} |", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    if not math.isnan(mean):
        print(f"\ngeometric mean of {len(ratios)}: {mean:.2f} (target: at most 2)")


if __name__ == "__main__":
    main()
