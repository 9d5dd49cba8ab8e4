"""The main job: four jobs in turn, with progress bars, plots, a summary, and a verdict.

In: the folder to write to. Out: 0 if every target is met, 1 if not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from threadpoolctl import threadpool_limits

from pullback.cli import digits, heat, ising, plots, summary, trace


@dataclass(frozen=True)
class Size:
    """How much work the demo does; the tests do less."""

    minibatch_passes: int = 60
    lbfgs_iterations: int = 150
    sites: int = 16
    bond: int = 8
    fields: tuple[float, ...] = (0.5, 1.0, 1.5)
    ising_starts: int = 2
    ising_iterations: int = 400
    trace_rounds: int = 200
    plate: int = 64
    heat_steps: int = 1000
    heat_iterations: int = 250


FULL = Size()


def run(folder: Path, size: Size = FULL, console: Console | None = None) -> int:
    """Run everything and write `summary.md`, `summary.json` and four PNGs to `folder`."""
    console = console or Console()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    # The matrices are small: a second thread of BLAS costs more than it brings.
    with threadpool_limits(1):
        data, trainings = run_digits(size, console)
        states = run_ising(size, console)
        timings, absent = run_trace(size, console)
        recovery = run_heat(size, console)
    checks = [
        *summary.check_digits(trainings),
        *summary.check_ising(states),
        *summary.check_trace(timings),
        summary.check_heat(recovery),
    ]
    plots.draw_digits(folder / "digits.png", data, trainings)
    plots.draw_ising(folder / "ising.png", size.sites, size.bond, states)
    plots.draw_trace(folder / "trace.png", timings)
    plots.draw_heat(folder / "heat.png", recovery)
    pictures = ["digits.png", "ising.png", "trace.png", "heat.png"]
    written = summary.write(folder, checks, timings, absent, recovery, pictures)
    console.print(summary.terminal_times(timings, absent))
    console.print(summary.terminal_heat(recovery))
    console.print(summary.terminal_table(checks))
    names = ", ".join([*(path.name for path in written), *pictures])
    console.print(f"{time.perf_counter() - began:.0f} s; written to {folder}: {names}")
    missed = sum(not check.passed for check in checks)
    if missed:
        console.print(f"[bold red]{missed} of {len(checks)} targets missed[/]")
    return 1 if missed else 0


def run_digits(size: Size, console: Console) -> tuple[digits.Digits, list[digits.Training]]:
    """Both optimisers from the same first weights."""
    data = digits.load()
    plans = (
        ("minibatch Adam", digits.by_minibatches, digits.MINIBATCH_SETTINGS, size.minibatch_passes),
        ("L-BFGS", digits.by_lbfgs, digits.LBFGS_SETTINGS, size.lbfgs_iterations),
    )
    trainings = []
    for name, optimise, candidates, passes in plans:
        with steps(console, f"digits: {name}", passes * (len(candidates) + 1)) as step_done:
            training = digits.train(name, optimise, candidates, data, digits.initial(), passes, step_done)
        trainings.append(training)
    return data, trainings


def run_ising(size: Size, console: Console) -> list[ising.GroundState]:
    """The ground state at every field."""
    states = []
    for strength in size.fields:
        total = size.ising_starts * size.ising_iterations
        with steps(console, f"Ising ring: g = {strength}", total) as step_done:
            state = ising.ground_state(
                size.sites, size.bond, strength, step_done, size.ising_starts, size.ising_iterations
            )
            states.append(state)
    return states


def run_trace(size: Size, console: Console) -> tuple[list[trace.Timing], list[str]]:
    """Every contender's time."""
    with steps(console, "tr(x1 @ x2)", size.trace_rounds) as step_done:
        return trace.compare(step_done, rounds=size.trace_rounds)


def run_heat(size: Size, console: Console) -> heat.Recovery:
    """The plate's initial temperatures, for one weight of the regularisation after the other."""
    total = len(heat.WEIGHTS) * size.heat_iterations
    with steps(console, "heat flow, backwards", total) as step_done:
        return heat.recover(step_done, size.plate, size.heat_steps, size.heat_iterations)


@contextmanager
def steps(console: Console, name: str, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar of `total` steps; what it yields is called after each, with how things stand."""
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(12),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=total, state="")

        def step_done(state: str) -> None:
            progress.update(task, advance=1, state=state)

        yield step_done
        # An optimiser that converged early has done its work.
        done = progress.tasks[0].completed
        progress.update(task, total=done, completed=done)
