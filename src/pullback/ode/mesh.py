"""Where the steps are: found once, on plain numbers, and constants from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.base.errors import ConvergenceError
from pullback.ode.steps import (
    GRID,
    LEAST,
    SAFETY,
    dopri5_between,
    dopri5_error,
    dopri5_step,
    factor_of,
    first_fraction,
    rounded,
)


@dataclass(frozen=True, slots=True)
class Step:
    """From ``t[a] + start * (t[b] - t[a])`` to the same with `end`.

    Attributes:
        within: the numbers of the times inside the step.
        at_end: the number of the time at its end, None if there is none.
    """

    a: int
    b: int
    start: float
    end: float
    within: tuple[int, ...] = ()
    at_end: int | None = None

    def times(self, t: Any) -> tuple[Any, Any, Any]:
        """Where the step starts, how long it is and where it ends, for times that may be tracked."""
        width = t[self.b] - t[self.a]
        return t[self.a] + self.start * width, (self.end - self.start) * width, t[self.a] + self.end * width


@dataclass
class Solved:
    """A plain integration: its steps and the states at the times asked for."""

    steps: list[Step] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)


def even(count: int, between: int) -> list[Step]:
    """`between` steps of one length from each time to the next."""
    return [
        Step(i, i + 1, j / between, (j + 1) / between, (), i + 1 if j == between - 1 else None)
        for i in range(count - 1)
        for j in range(between)
    ]


def adaptive(
    f: Callable[..., Any], y: Any, t: list[float], args: Any, rtol: float, atol: float, max_steps: int
) -> Solved:
    """Steps of Dormand and Prince that keep to the tolerances."""
    solved = Solved([], [y])
    first, span, count = t[0], t[-1] - t[0], len(t)
    k1 = f(first, y, *args)
    _finite(k1, first)
    fraction = float(first_fraction(f, first, span, y, k1, args, rtol, atol))
    done, last, place, rejected = 0.0, 1e-4, 1, False
    for _ in range(max_steps):
        if done + 1.01 * fraction >= 1.0:
            fraction = 1.0 - done
        h = fraction * span
        moved, slopes = dopri5_step(f, first + done * span, h, first + (done + fraction) * span, y, k1, args)
        error = float(dopri5_error(h, y, moved, slopes, rtol, atol))
        if error <= 1.0:
            within = []
            while place < count - 1 and (t[place] - first) / span <= done + fraction:
                within.append(place)
                theta = (t[place] - (first + done * span)) / h
                solved.states.append(dopri5_between(y, h, theta, slopes))
                place += 1
            ends = done + fraction >= 1.0
            solved.steps.append(
                Step(0, -1, done, done + fraction, tuple(within), count - 1 if ends else None)
            )
            y, k1 = moved, slopes[6]
            if ends:
                solved.states.append(y)
                return solved
            factor = factor_of(error, last)
            done = done + fraction
            fraction = float(rounded(fraction * (min(factor, 1.0) if rejected else factor)))
            last, rejected = error, False
        else:
            if fraction <= 4 / GRID:
                raise ConvergenceError(
                    f"pullback.ode.solve: the steps have become too small at t = {first + done * span:g}",
                    why="the solution is singular there, or f is not finite",
                    remedy="end before the singularity, or write f so that it is finite everywhere.",
                )
            shrunk = LEAST if not np.isfinite(error) else max(LEAST, SAFETY * error ** (-0.2))
            fraction = float(rounded(fraction * shrunk))
            rejected = True
    raise ConvergenceError(
        f"pullback.ode.solve needs more than max_steps={max_steps} steps; "
        f"it has come to t = {first + done * span:g}",
        why="the tolerances are tight, or the equation is stiff, and the method is explicit",
        remedy="allow more max_steps, loosen rtol and atol, or write implicit steps with pb.implicit.root.",
    )


def _finite(slope: Any, t: float) -> None:
    if not np.all(np.isfinite(slope)):
        raise ConvergenceError(
            f"pullback.ode.solve: f is not finite at the start, t = {t:g}",
            remedy="start where it is.",
        )
