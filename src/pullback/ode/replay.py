"""Taking the steps of a mesh with what is tracked: recorded, between checkpoints, or by sensitivities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback.api.jacobian import jacobian
from pullback.api.operators import checkpoint
from pullback.api.unknowns import Unknowns
from pullback.base.dispatch import tracked_in
from pullback.base.errors import UnsupportedError
from pullback.ode.mesh import Step
from pullback.ode.state import State
from pullback.ode.steps import dopri5_between, dopri5_step, rk4_step
from pullback.rules.table import ALL, Direction, Rule

States = list[Any]


def through(
    method: str, state: State, steps: Sequence[Step], t: Any, y: Any, args: Any, *, final: bool
) -> tuple[Any, States]:
    """Take `steps`; the state after them and, unless only the `final` one is wanted, those at times."""
    f = state.field
    found: States = []
    slope: Any = None
    for step in steps:
        start, h, end = step.times(t)
        if method == "rk4":
            y = rk4_step(f, start, h, y, args)
        else:
            slope = f(start, y, *args) if slope is None else slope
            moved, slopes = dopri5_step(f, start, h, end, y, slope, args)
            if not final:
                found += [dopri5_between(y, h, (t[i] - start) / h, slopes) for i in step.within]
            y, slope = moved, slopes[6]
        y = state.cast(y)
        if step.at_end is not None and not final:
            found.append(y)
    return y, found


def between_checkpoints(
    method: str,
    state: State,
    steps: Sequence[Step],
    t: Any,
    y: Any,
    args: Any,
    *,
    final: bool,
    checkpoints: int | None,
) -> tuple[Any, States]:
    """As `through`, with a tape that keeps the states at checkpoints and computes the rest again.

    Going back, the states of one stretch between checkpoints are in memory, and what is recorded of one step.
    """
    count = max(1, math.isqrt(len(steps)) if checkpoints is None else min(checkpoints, len(steps)))
    length = -(-len(steps) // count)
    found: States = []
    for first in range(0, len(steps), length):
        part = steps[first : first + length]

        def stretch(t: Any, y: Any, args: Any, part: Any = part) -> Any:
            inner: States = []
            for step in part:

                def one(t: Any, y: Any, args: Any, step: Any = step) -> Any:
                    return through(method, state, [step], t, y, args, final=final)

                y, more = checkpoint(one)(t, y, args)
                inner += more
            return y, inner

        y, more = checkpoint(stretch)(t, y, args)
        found += more
    return y, found


def by_sensitivities(run: Callable[..., Any], *values: Any) -> Any:
    """``run(*values)`` with a reverse rule that carries the tangents by all `values` along.

    ``x_bar = Jᴴ y_bar`` with the Jacobian by forward mode: memory for it and for one step, and time in
    proportion to the number of the values' entries.
    """
    found = tracked_in(values)
    if found:
        owner: Any = max(found, key=lambda value: value.level)
        if owner.carries_tangent:
            return run(*values)
        return owner.__array_function__(by_sensitivities, (type(owner),), (run, *values), {})
    result = run(*values)
    if tracked_in((result,)):
        raise closes_over()
    return result


def closes_over() -> UnsupportedError:
    """The error for a function that is run again, and would lose a derivative."""
    return UnsupportedError(
        "pullback.ode.solve: the function closes over a tracked value",
        why="the derivative by that value would be lost",
        remedy="pass the value in args, or use gradient='steps'.",
    )


def _vjp(y_bar: Any, _y: Any, run: Callable[..., Any], *values: Any) -> tuple[Any, ...]:
    inputs, output = Unknowns(list(values), "pullback.ode.solve"), Unknowns(y_bar, "pullback.ode.solve")

    def flat(vector: Any) -> Any:
        return output.vector(run(*inputs.tree(vector)), "the state")

    matrix = jacobian(flat, mode="forward")(inputs.vector(list(values), "an argument"))
    return (None, *inputs.tree(output.vector(y_bar, "the cotangent") @ matrix))


_rule = Rule(by_sensitivities)
_rule.holomorphic = False
_rule.vjps[ALL] = Direction(_vjp, 1, "run values")
by_sensitivities.__dict__["rule"] = _rule
