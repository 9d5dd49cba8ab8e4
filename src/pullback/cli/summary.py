"""What the demo promises and what came out: the targets, a table for the terminal, and two files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from pullback.cli.digits import Training
from pullback.cli.heat import Recovery
from pullback.cli.ising import GroundState
from pullback.cli.trace import HAND, Timing

LEAST_ACCURACY = 0.97
MOST_ENERGY_ERROR = 1e-4
MOST_GRADIENT_DIFFERENCE = 1e-12
PEER_GRADIENT_DIFFERENCE = 1e-10
MOST_HEAT_ERROR = 0.1


@dataclass(frozen=True)
class Check:
    """One figure beside its target."""

    what: str
    found: str
    target: str
    passed: bool


def check_digits(trainings: Sequence[Training]) -> list[Check]:
    """Held-out accuracy of every optimiser, with the settings chosen on the validation part."""
    return [
        Check(
            f"Digits, {training.name} ({training.settings}): held-out accuracy",
            f"{training.accuracy:.2%}",
            f"≥ {LEAST_ACCURACY:.0%}",
            training.accuracy >= LEAST_ACCURACY,
        )
        for training in trainings
    ]


def check_ising(states: Sequence[GroundState]) -> list[Check]:
    """Energy per site at every field, against free fermions."""
    return [
        Check(
            f"Ising ring, g = {state.field_strength}: energy {state.energy:.8f}, exact {state.exact:.8f}",
            f"relative error {state.error:.1e}",
            f"≤ {MOST_ENERGY_ERROR:.0e}",
            state.error <= MOST_ENERGY_ERROR,
        )
        for state in states
    ]


def check_trace(timings: Sequence[Timing]) -> list[Check]:
    """Gradients of pullback equal to the hand-written one; times are reported, since no machine is alike."""
    return [
        Check(
            f"tr(x1 @ x2), {timing.name}: gradient against the hand-written one",
            f"difference {timing.difference:.1e}",
            f"≤ {MOST_GRADIENT_DIFFERENCE:.0e}",
            timing.difference <= MOST_GRADIENT_DIFFERENCE,
        )
        for timing in timings
        if timing.name.startswith("pullback")
    ]


def check_heat(recovery: Recovery) -> Check:
    """The recovered temperatures against the true ones; the final state, taken for them, is far off."""
    return Check(
        f"Heat, {recovery.steps:,} steps back: relative error of the initial temperature "
        f"(of the final state: {recovery.error(recovery.measured):.0%})",
        f"{recovery.error(recovery.found):.1%}",
        f"≤ {MOST_HEAT_ERROR:.0%}",
        recovery.error(recovery.found) <= MOST_HEAT_ERROR,
    )


def terminal_table(checks: Sequence[Check]) -> Table:
    """The checks, one a row."""
    table = Table("What", "Found", "Target", "", title="pullback demo")
    for check in checks:
        verdict = "[green]pass[/]" if check.passed else "[bold red]MISS[/]"
        table.add_row(check.what, check.found, check.target, verdict)
    return table


def terminal_times(timings: Sequence[Timing], absent: Sequence[str]) -> Table:
    """The contenders, the fastest first."""
    caption = f"not installed: {', '.join(absent)}" if absent else None
    table = Table("tr(x1 @ x2) and both gradients, 30×30", title="Times (no target here)", caption=caption)
    table.add_column("µs a call", justify="right")
    table.add_column("× by hand", justify="right")
    for name, micros, ratio in time_rows(timings):
        table.add_row(name, micros, ratio)
    return table


def terminal_heat(recovery: Recovery) -> Table:
    """What a gradient through all time steps costs beside the steps in NumPy."""
    table = Table(heat_title(recovery))
    table.add_column("ms a call", justify="right")
    table.add_column("× NumPy", justify="right")
    for row in heat_rows(recovery):
        table.add_row(*row)
    return table


def heat_title(recovery: Recovery) -> str:
    """What is timed."""
    rows, columns = recovery.truth.shape
    return f"Heat in a plate of {rows}×{columns}, {recovery.steps:,} time steps in place"


def heat_rows(recovery: Recovery) -> list[tuple[str, str, str]]:
    """What is timed, milliseconds, and the ratio to the first, which is NumPy."""
    by_numpy = next(iter(recovery.seconds.values()))
    return [(name, f"{s * 1e3:.2f}", f"{s / by_numpy:.2f}") for name, s in recovery.seconds.items()]


def time_rows(timings: Sequence[Timing]) -> list[tuple[str, str, str]]:
    """Name, microseconds and ratio to the hand-written gradient, the fastest first."""
    by_hand = next(timing.seconds for timing in timings if timing.name == HAND)
    ordered = sorted(timings, key=lambda timing: timing.seconds)
    return [(t.name, f"{t.seconds * 1e6:.1f}", f"{t.seconds / by_hand:.2f}") for t in ordered]


def markdown(
    checks: Sequence[Check],
    timings: Sequence[Timing],
    absent: Sequence[str],
    recovery: Recovery,
    pictures: Sequence[str],
) -> str:
    """The summary as a page, with the pictures that lie beside it."""
    lines = ["# pullback demo", "", "| what | found | target | |", "| --- | --- | --- | --- |"]
    lines += [f"| {c.what} | {c.found} | {c.target} | {'pass' if c.passed else '**MISS**'} |" for c in checks]
    lines += ["", "## tr(x1 @ x2) with both gradients, 30×30 float64", ""]
    lines += ["| | µs a call | × by hand |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {micros} | {ratio} |" for name, micros, ratio in time_rows(timings)]
    lines += ["", "Least time of a call over rounds in which all take turns; recording included."]
    if absent:
        lines += [f"Not installed here: {', '.join(absent)}."]
    lines += ["", f"## {heat_title(recovery)}", "", "| | ms a call | × NumPy |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {millis} | {ratio} |" for name, millis, ratio in heat_rows(recovery)]
    for picture in pictures:
        lines += ["", f"![{Path(picture).stem}]({picture})"]
    return "\n".join(lines) + "\n"


def write(
    folder: Path,
    checks: Sequence[Check],
    timings: Sequence[Timing],
    absent: Sequence[str],
    recovery: Recovery,
    pictures: Sequence[str],
) -> list[Path]:
    """`summary.md` to read and `summary.json` to compute with."""
    page, data = folder / "summary.md", folder / "summary.json"
    page.write_text(markdown(checks, timings, absent, recovery, pictures), encoding="utf-8")
    content = {
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
        "times": [asdict(timing) for timing in timings],
        "peers_not_installed": list(absent),
        "heat": {"steps": recovery.steps, "weight": recovery.weight, "seconds": recovery.seconds},
    }
    data.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [page, data]
