"""How fast compiled gradients are: ratios to the hand-written adjoint and to the primal, on one thread.

    python -m benchmarks.native                        all workloads
    python -m benchmarks.native --data FOLDER gmm ba   those whose name starts so, on ADBench's data

Goes out: a Markdown table. JAX has rows where it is installed, and the engine where there is
``pullback.compile``. Times are the process's processor time, since JAX works in threads of its own;
candidates take turns, and a ratio is that of medians.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pullback as pb
from benchmarks.eager import line
from benchmarks.native import adbench, in_jax
from benchmarks.native.registry import WORKLOADS
from benchmarks.native.timing import medians
from benchmarks.native.workload import Workload

OF_HAND, OF_PRIMAL, OF_SPELLINGS = 1.5, 3.5, 1.3


def compiled_gradient(
    source: Callable[..., Any], workload: Workload, arguments: Any
) -> Callable[[], Any] | None:
    """The engine's candidate for one spelling, or None while there is no engine."""
    compile_ = getattr(pb, "compile", None)
    if compile_ is None:
        return None
    function = compile_(source)
    if workload.seeds is None:
        gradient = pb.value_and_grad(function, argnums=workload.argnums)
        return lambda: gradient(*arguments)

    def columns(*given: Any) -> Any:
        """Each row of the result has its own rows of the arguments, so sums of columns have all blocks."""
        value = function(*given)
        return np.sum(value, axis=0), value

    jacobian = pb.jacobian(compile_(columns), argnums=workload.argnums, has_aux=True)
    return lambda: jacobian(*arguments)


def candidates(workload: Workload, arguments: Any, jax: Any) -> dict[str, Callable[[], Any]]:
    """Everything that is timed for one workload, by name."""
    found: dict[str, Callable[[], Any]] = {
        "primal": lambda: workload.primal(*arguments),
        "by hand": lambda: workload.gradient(*arguments),
    }
    if jax is not None:
        found["JAX"] = in_jax.candidate(jax, workload, arguments)
    for spelling, source in workload.sources.items():
        run = compiled_gradient(source, workload, arguments)
        if run is not None:
            found[spelling] = run
    return found


def rows(workload: Workload, data: Path | None, jax: Any) -> Iterator[str]:
    """The lines of one workload."""
    seconds = medians(candidates(workload, workload.arguments(data), jax))

    def row(candidate: str, reference: str, target: float | None) -> str:
        own, other = seconds[candidate], seconds[reference]
        times = f"{own * 1e6:,.1f} / {other * 1e6:,.1f} µs"
        return line(workload.name, f"{candidate} / {reference}", times, own / other, target)

    yield row("by hand", "primal", None)
    if "JAX" in seconds:
        yield row("by hand", "JAX", None)
    spellings = [spelling for spelling in workload.sources if spelling in seconds]
    for spelling in spellings:
        yield row(spelling, "by hand", OF_HAND)
        yield row(spelling, "primal", OF_PRIMAL)
        if "JAX" in seconds:
            yield row(spelling, "JAX", workload.of_jax)
    if len(spellings) == 2:
        slower, faster = sorted(spellings, key=seconds.__getitem__, reverse=True)
        yield row(slower, faster, OF_SPELLINGS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of compiled gradients, as ratios in one run.")
    parser.add_argument("workload", nargs="*", help="only workloads whose name starts so")
    parser.add_argument("--data", type=Path, default=adbench.folder(), help="the folder of ADBench's data")
    options = parser.parse_args()
    chosen = tuple(name.lower() for name in options.workload)
    jax = in_jax.load()
    data = "drawn data" if options.data is None else "ADBench's data"
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, one thread, {data}\n")
    print("| workload | ratio | time | value | target | met |")
    print("| --- | --- | --- | --- | --- | --- |")
    for workload in WORKLOADS:
        if not chosen or workload.name.lower().startswith(chosen):
            for text in rows(workload, options.data, jax):
                print(text, flush=True)


if __name__ == "__main__":
    main()
