"""The initial temperature of a plate, recovered from how it is 1,000 time steps later.

In: nothing; the plate is made here. Out: the recovered temperatures with their error, and the time of a
gradient.

The time steps are those of explicit Euler, written into the array as one would write them in NumPy. L-BFGS
minimises the distance between where they lead and the measured final state; its gradient is the compiled
adjoint of all the steps.

The problem is ill-posed (Hansen, *Discrete Inverse Problems*, 2010, §2): in n steps heat flow damps a wave
of length λ by exp(-4 π² α n / λ²), so noise in the final state comes back multiplied by the inverse. Three
things make recovery meaningful: the heat spreads over sqrt(2 α n) = 4.5 cells, less than the hot spots are
apart; differences between neighbours cost something (Tikhonov); and no place is colder than the edges. The
weight of the differences is not tuned to the truth: it is the largest with which the final state is met to
within the known noise (Morozov's discrepancy principle, ibid. §5.2).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize

import pullback as pb

ALPHA = 0.01
"""Diffusivity times the length of a step, over the width of a cell squared."""

NOISE = 0.005
"""Standard deviation of the measurement's noise, as a share of its maximum."""

WEIGHTS = tuple(0.1 / 10 ** (k / 2) for k in range(9))

SPOTS = ((0.30, 0.30, 0.07, 1.0), (0.30, 0.55, 0.06, 0.8), (0.62, 0.42, 0.09, 0.9), (0.70, 0.75, 0.05, 1.0))
"""Row, column, width and height of each hot spot; the plate has sides of length 1."""


@dataclass
class Recovery:
    """What came out.

    Attributes:
        steps: how many time steps lie between the initial and the final state.
        truth: the initial temperatures.
        measured: the final ones, with noise.
        found: the initial temperatures that L-BFGS found.
        weight: of the differences between neighbours.
        losses: by iteration, for each weight tried in turn.
        seconds: what is timed, and its time.
    """

    steps: int
    truth: np.ndarray
    measured: np.ndarray
    found: np.ndarray
    weight: float = 0.0
    losses: list[list[float]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def error(self, temperatures: np.ndarray) -> float:
        """The distance of these temperatures from the truth, relative to its size."""
        return float(np.linalg.norm(temperatures - self.truth) / np.linalg.norm(self.truth))


def plate(size: int) -> np.ndarray:
    """Four hot spots."""
    row, column = np.mgrid[0:size, 0:size] / (size - 1)
    spots = [h * np.exp(-((row - r) ** 2 + (column - c) ** 2) / (2 * w * w)) for r, c, w, h in SPOTS]
    return np.sum(spots, axis=0)


def cool(u: Any, steps: Any, alpha: Any) -> None:
    """Let the heat flow, in place; the edges keep their temperature."""
    for _ in range(steps):
        u[1:-1, 1:-1] += alpha * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])


def final(initial: Any, steps: Any, alpha: Any) -> Any:
    """The temperatures after so many steps, inside edges of temperature 0."""
    u = np.zeros((initial.shape[0] + 2, initial.shape[1] + 2))
    u[1:-1, 1:-1] = initial
    cool(u, steps, alpha)
    return u[1:-1, 1:-1]


def loss(initial: Any, measured: Any, steps: Any, alpha: Any, weight: Any) -> Any:
    """The squared distance from the final state, and that of neighbours from each other."""
    misfit = np.sum((final(initial, steps, alpha) - measured) ** 2)
    down, across = initial[1:] - initial[:-1], initial[:, 1:] - initial[:, :-1]
    return misfit + weight * (np.sum(down**2) + np.sum(across**2))


def recover(
    step_done: Callable[[str], None],
    size: int = 64,
    steps: int = 1000,
    iterations: int = 250,
    seed: int = 0,
) -> Recovery:
    """Find the plate's initial temperatures, and time a gradient beside NumPy's time steps."""
    truth = plate(size)
    last = final(truth, steps, ALPHA)
    noise = NOISE * float(np.max(last))
    measured = last + noise * np.random.default_rng(seed).normal(size=last.shape)
    recovery = Recovery(steps, truth, measured, np.maximum(measured, 0))
    gradient_of = pb.value_and_grad(pb.compile(loss))

    def iterated(intermediate_result: Any) -> None:
        recovery.losses[-1].append(float(intermediate_result.fun))
        step_done(f"weight {recovery.weight:.0e}: loss {recovery.losses[-1][-1]:.3e}")

    options = {"maxiter": iterations, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-9}
    for weight in WEIGHTS:

        def flat_loss(flat: Any, weight: float = weight) -> tuple[float, Any]:
            value, bar = gradient_of(flat.reshape(truth.shape), measured, steps, ALPHA, weight)
            return float(value), bar.ravel()

        recovery.weight = weight
        recovery.losses.append([])
        best = minimize(
            flat_loss, recovery.found.ravel(), jac=True, method="L-BFGS-B", callback=iterated,
            options=options, bounds=[(0, None)] * truth.size,
        )  # fmt: skip
        recovery.found = best.x.reshape(truth.shape)
        misfit = np.sum((final(recovery.found, steps, ALPHA) - measured) ** 2)
        if misfit <= noise**2 * truth.size:
            break
    recovery.seconds = times(recovery)
    return recovery


def times(recovery: Recovery, rounds: int = 5) -> dict[str, float]:
    """The least time of a call, over rounds in which all take turns; all are compiled by then."""
    native, gradient_of = pb.compile(loss), pb.value_and_grad(pb.compile(loss))
    arguments = (recovery.found, recovery.measured, recovery.steps, ALPHA, recovery.weight)
    calls = {
        "NumPy, the loss": lambda: loss(*arguments),
        "pullback native, the loss": lambda: native(*arguments),
        "pullback native, loss and gradient": lambda: gradient_of(*arguments),
    }
    seconds = dict.fromkeys(calls, np.inf)
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds
