"""The demo's pictures, drawn without a display. Colours: Okabe & Ito's, for the colour-blind too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pullback.cli.digits import Digits, Training, logits
from pullback.cli.heat import Recovery
from pullback.cli.ising import GroundState, exact_energy
from pullback.cli.summary import MOST_ENERGY_ERROR
from pullback.cli.trace import HAND, Timing

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"


def new_figure(width: float, height: float) -> Figure:
    """A figure with the canvas that writes PNGs."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Any) -> None:
    """No box around the data, a light grid behind it."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)


def draw_digits(path: Path, digits: Digits, trainings: Sequence[Training]) -> None:
    """Validation loss of every choice of settings, the loss with the one taken, and what it misreads."""
    figure = new_figure(14, 4.4)
    parts: Any = figure.subfigures(1, 3, width_ratios=(1.05, 1.05, 0.9))
    left, middle, right = parts
    validation_axes, loss_axes = left.subplots(), middle.subplots()
    for training, color in zip(trainings, (BLUE, ORANGE), strict=False):
        label = f"{training.name}: {training.accuracy:.2%} of the held-out right"
        loss_axes.semilogy(np.arange(1, len(training.losses) + 1), training.losses, color=color, label=label)
        for trial in training.trials:
            taken = trial.settings == training.settings
            validation_axes.semilogy(
                np.arange(1, len(trial.losses) + 1), trial.losses, color=color,
                alpha=1 if taken else 0.3, linewidth=1.8 if taken else 1,
                label=f"{training.name}, {trial.settings}" if taken else None,
            )  # fmt: skip
    validation_axes.set(title="Choice on the validation part (faint: not taken)", ylabel="cross-entropy")
    loss_axes.set(title="Training on all but the held-out third", ylabel="cross-entropy + ridge")
    for axes in (validation_axes, loss_axes):
        axes.set_xlabel("pass (Adam) or iteration (L-BFGS)")
        axes.legend(loc="upper right", fontsize=9)
        plain(axes)
    draw_mistakes(right, digits, trainings[0])
    figure.savefig(path)


def draw_mistakes(figure: Any, digits: Digits, training: Training) -> None:
    """Up to twelve held-out digits that the network misreads."""
    held = digits.held
    found = np.argmax(logits(training.layers, held.pixels), axis=1)
    wrong = np.flatnonzero(found != held.labels)
    figure.suptitle(f"{len(wrong)} of {len(found)} held-out digits misread ({training.name})", fontsize=10)
    for axes, index in zip(
        figure.subplots(3, 4).flat, [*wrong[:12], *[-1] * max(0, 12 - len(wrong))], strict=True
    ):
        axes.axis("off")
        if index >= 0:
            axes.imshow(held.pixels[index].reshape(8, 8), cmap="gray_r")
            axes.set_title(f"{held.labels[index]} read as {found[index]}", fontsize=9)


def draw_ising(path: Path, sites: int, bond: int, states: Sequence[GroundState]) -> None:
    """Energies on the exact curve, and how the error falls with L-BFGS's iterations."""
    figure = new_figure(11, 4.4)
    left, right = figure.subplots(1, 2)
    strongest = 1.3 * max(state.field_strength for state in states)
    fields = np.linspace(0, strongest, 200)
    exact = [exact_energy(sites, field) for field in fields]
    left.plot(fields, exact, color=GREY, label="exact (free fermions)")
    for state, color in zip(states, (BLUE, ORANGE, GREEN), strict=False):
        label = f"MPS, g = {state.field_strength}: error {state.error:.0e}"
        left.plot(state.field_strength, state.energy, "o", color=color, markersize=8, label=label)
        for number, history in enumerate(state.histories):
            label = f"g = {state.field_strength}" if number == 0 else None
            right.semilogy(np.arange(1, len(history) + 1), history, color=color, label=label)
    left.set(title=f"Ising ring of {sites} sites", xlabel="transverse field g", ylabel="energy per site")
    left.legend(loc="lower left")
    right.axhline(MOST_ENERGY_ERROR, color=GREY, linestyle="--", label=f"target {MOST_ENERGY_ERROR:.0e}")
    right.set(
        title=f"Periodic matrix product state, bond dimension {bond}\n(every random start)",
        xlabel="L-BFGS iteration",
        ylabel="relative error of the energy",
    )
    right.legend(loc="upper right")
    plain(left)
    plain(right)
    figure.savefig(path)


def draw_trace(path: Path, timings: Sequence[Timing]) -> None:
    """Times as bars, the fastest on top."""
    figure = new_figure(8, 0.55 * len(timings) + 1.4)
    axes = figure.subplots()
    ordered = sorted(timings, key=lambda timing: -timing.seconds)
    by_hand = next(timing.seconds for timing in timings if timing.name == HAND)
    colors = [BLUE if t.name.startswith("pullback") else ORANGE if t.name == HAND else GREY for t in ordered]
    bars = axes.barh([t.name for t in ordered], [t.seconds * 1e6 for t in ordered], color=colors)
    labels = [f"{t.seconds * 1e6:.1f} µs  ({t.seconds / by_hand:.2f}×)" for t in ordered]
    axes.bar_label(bars, labels, padding=4)
    axes.axvline(by_hand * 1e6, color=ORANGE, linestyle="--", linewidth=1)
    axes.set(
        title="tr(x1 @ x2), 30×30, with both gradients (× NumPy by hand)",
        xlabel="µs a call, recording included",
    )
    axes.margins(x=0.35)
    plain(axes)
    axes.grid(visible=False, axis="y")
    figure.savefig(path)


def draw_heat(path: Path, recovery: Recovery) -> None:
    """The plate before, after, and recovered, on one scale of colours; and a line through two spots."""
    figure = new_figure(14, 4.0)
    *images, section = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.15))
    after = f"after {recovery.steps:,} steps, with noise"
    states = {
        "true initial temperature": recovery.truth,
        f"{after}\n({recovery.error(recovery.measured):.0%} off the initial one)": recovery.measured,
        f"recovered from it\n(error {recovery.error(recovery.found):.1%})": recovery.found,
    }
    top = float(np.max(recovery.truth))
    row = len(recovery.truth) * 3 // 10
    for axes, (title, temperatures) in zip(images, states.items(), strict=True):
        axes.imshow(temperatures, cmap="inferno", vmin=0, vmax=top)
        axes.axhline(row, color="white", linewidth=0.8, linestyle=":")
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    figure.colorbar(images[0].images[0], ax=images, shrink=0.75, pad=0.01)
    section.plot(recovery.truth[row], color=GREY, linewidth=4, alpha=0.6, label="true")
    section.plot(recovery.measured[row], color=ORANGE, linewidth=1, label="final, with noise")
    section.plot(recovery.found[row], color=BLUE, label="recovered")
    section.set_title("along the dotted line", fontsize=10)
    section.set_xlabel("cell")
    section.set_ylim(top=1.3 * top)
    section.legend(loc="upper right", fontsize=9)
    plain(section)
    by_numpy, _, gradient = recovery.seconds.values()
    figure.suptitle(
        f"Heat flow, backwards: loss and gradient through {recovery.steps:,} in-place steps take "
        f"{gradient * 1e3:.1f} ms, the steps alone {by_numpy * 1e3:.1f} ms in NumPy"
    )
    figure.savefig(path)
