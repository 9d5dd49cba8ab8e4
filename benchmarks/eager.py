"""How fast the eager engines are: ratios to hand-written NumPy and to peers, in one run, on one thread.

    python -m benchmarks.eager            all rows
    python -m benchmarks.eager trace mlp  those whose name starts so

Goes out: a Markdown table with the target of each ratio and whether it is met. The candidates of a workload
take turns, and a ratio is that of the medians of their turns, in processor time of the thread. A peer that is
not installed has no row.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import memory, workloads

TURNS = 25
TURN_SECONDS = 0.01


@dataclass(frozen=True)
class Ratio:
    """One line of the table: how long `candidate` takes in terms of `reference`, and the most it may take."""

    candidate: str
    reference: str
    target: float | None = None


@dataclass(frozen=True)
class Workload:
    """Functions without arguments that all do the same, by name, and the ratios asked of them."""

    name: str
    candidates: dict[str, Callable[[], Any]]
    ratios: list[Ratio] = field(default_factory=list)


def medians(candidates: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds for one call of each candidate: the median of its turns; the candidates rotate."""
    loops = {}
    for name, run in candidates.items():
        run()
        start = time.thread_time()
        run()
        loops[name] = max(1, int(TURN_SECONDS / max(time.thread_time() - start, 1e-7)))
    turns: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(TURNS):
        for name, run in candidates.items():
            repeats = range(loops[name])
            start = time.thread_time()
            for _ in repeats:
                run()
            turns[name].append((time.thread_time() - start) / loops[name])
    return {name: statistics.median(seconds) for name, seconds in turns.items()}


def optional(name: str) -> Any:
    """The module of a peer, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def all_workloads(torch: Any, autograd: Any) -> Iterator[Workload]:
    """Each workload with every candidate that can run here."""
    yield Workload(
        "trace of a product, 30×30",
        workloads.trace(torch, autograd),
        [
            Ratio("Variable", "hand-written", 0.8),
            Ratio("Variable", "torch", 1 / 3),
            Ratio("pb.grad", "hand-written"),
            Ratio("pb.grad", "torch", 1 / 3),
            Ratio("Variable", "autograd"),
        ],
    )
    yield Workload(
        "chain of 300 × (sin, ×, +) on 10 numbers",
        workloads.chain(torch, autograd),
        [
            Ratio("Variable", "forward", 5.5),
            Ratio("Variable", "torch", 0.5),
            Ratio("pb.grad", "forward", 5.5),
            Ratio("pb.grad", "torch", 0.5),
            Ratio("Variable", "autograd"),
        ],
    )
    yield Workload(
        "loop of 1,000 × 4 operations on floats",
        workloads.scalars(torch, autograd),
        [
            Ratio("Variable", "torch", 0.5),
            Ratio("pb.grad", "torch", 0.5),
            Ratio("Variable", "autograd"),
        ],
    )
    for dtype in ("float64", "float32"):
        yield Workload(
            f"MLP 64-256-256-10, batch 32, {dtype}",
            workloads.mlp(torch, autograd, dtype),
            [
                Ratio("Variable", "torch", 1),
                Ratio("Variable, written out", "torch, written out", 1),
                Ratio("Variable, written out", "torch"),
                Ratio("pb.grad", "torch", 1),
                Ratio("pb.grad, written out", "torch, written out", 1),
                Ratio("Variable, written out", "autograd"),
            ],
        )
    yield Workload(
        "product of 10 matrices, 200×200",
        workloads.products(torch),
        [
            Ratio("Variable", "hand-written", 1.1),
            Ratio("pb.grad", "hand-written", 1.1),
            Ratio("Variable", "torch"),
        ],
    )


def line(workload: str, measure: str, seconds: str, value: float, target: float | None) -> str:
    """One row of the table."""
    met = "" if target is None else "yes" if value <= target else "**no**"
    limit = "" if target is None else f"≤ {target:.3g}"
    return f"| {workload} | {measure} | {seconds} | {value:.2f} | {limit} | {met} |"


def report(chosen: list[str]) -> Iterator[str]:
    """The lines of the table, as they are measured."""
    torch, autograd = optional("torch"), optional("autograd")
    if torch is not None:
        torch.set_num_threads(1)
    yield "| workload | ratio | time | value | target | met |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for workload in all_workloads(torch, autograd):
        if chosen and not workload.name.lower().startswith(tuple(chosen)):
            continue
        seconds = medians(workload.candidates)
        for ratio in workload.ratios:
            if ratio.reference in seconds:
                own, other = seconds[ratio.candidate], seconds[ratio.reference]
                times = f"{own * 1e6:,.1f} / {other * 1e6:,.1f} µs"
                measure = f"{ratio.candidate} / {ratio.reference}"
                yield line(workload.name, measure, times, own / other, ratio.target)
    if not chosen or "memory".startswith(tuple(chosen)):
        peak, kept = memory.peak_and_kept()
        sizes = f"{peak / 1e6:.1f} / {kept / 1e6:.1f} MB"
        yield line("memory: 10,000 steps on 1,000 numbers", "peak / must be kept", sizes, peak / kept, 1.3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Eager speed of pullback, as ratios in one run.")
    parser.add_argument("workload", nargs="*", help="only workloads whose name starts so")
    chosen = [name.lower() for name in parser.parse_args().workload]
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, one thread\n")
    for row in report(chosen):
        print(row, flush=True)


if __name__ == "__main__":
    main()
