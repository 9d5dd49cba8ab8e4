"""`solve`: an initial value problem, differentiated as it was discretised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.unknowns import Arguments
from pullback.base.dispatch import tracked_in
from pullback.base.errors import ConvergenceError, ShapeError, UnsupportedError
from pullback.base.tracked import bare
from pullback.ode.mesh import adaptive, even
from pullback.ode.replay import between_checkpoints, by_sensitivities, closes_over, through
from pullback.ode.state import State


def solve(
    f: Callable[..., Any],
    y0: Any,
    t: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str = "dopri5",
    rtol: float = 1e-6,
    atol: float = 1e-9,
    steps: int = 10,
    final: bool = False,
    gradient: str = "steps",
    checkpoints: int | None = None,
    max_steps: int = 100_000,
    events: Any = None,
) -> Any:
    """Integrate ``dy/dt = f(t, y, *args)`` from `y0`, differentiable in `y0`, `t` and `args`.

    The derivative is that of the discrete solution, to rounding; the sizes of the steps, as fractions of the
    interval, are constants of it. Steps of an adaptive method are chosen without regard to the derivative,
    whose own error is of the order of the tolerance.

    Args:
        f: a function of NumPy code that returns the structure of `y0`.
        y0: the state at ``t[0]``: an array, a number or a pytree, real or complex.
        t: increasing or decreasing times, at least two.
        args: further arguments of `f`: arrays, numbers or pytrees, in a tuple.
        method: "dopri5" (Dormand and Prince's order 5 with steps by `rtol` and `atol`, and their interpolant
            of order 4 between them) or "rk4" (the classical order 4 with `steps` steps from each time to the
            next).
        rtol, atol: of the error of a step of "dopri5".
        steps: of "rk4", between two times.
        final: return the state at ``t[-1]`` alone.
        gradient: how reverse mode goes: "steps" records them all; "adjoint" keeps the states at `checkpoints`
            and computes the rest again; "forward" carries the tangents by all arguments along, and needs
            memory for these alone. All give the same numbers. Forward mode takes the steps with tangents.
        checkpoints: how many states "adjoint" keeps, about the root of the number of steps by default.
        max_steps: after which "dopri5" gives up.
        events: not supported; see the error.

    Returns:
        The states at the times `t` along a first axis (in every leaf of a pytree), or the last.

    Raises:
        ConvergenceError: if the steps become too many or too small, or `f` is not finite.
        ShapeError: if the times are not in order, or `f` returns another form than that of `y0`.
        UnsupportedError: for events, or for a function that closes over a tracked value where `gradient` is
            not "steps".

    Example:
        >>> import numpy as np, pullback as pb
        >>> def end(rate):
        ...     return pb.ode.solve(lambda t, y, k: -k * y, 1.0, [0.0, 1.0], (rate,), rtol=1e-9, final=True)
        >>> print(pb.grad(end)(2.0).round(6), -np.exp(-2.0).round(6))
        -0.135335 -0.135335

    Source: Dormand & Prince, *A family of embedded Runge-Kutta formulae*, J. Comput. Appl. Math. 6, 1980;
    adjoints of the steps: Sandu, *On the properties of Runge-Kutta discrete adjoints*, 2006.
    """
    _check(method, gradient, events, steps, checkpoints, rtol, atol)
    state, arguments = State(y0, f), Arguments(args)
    times, plain_times = _times(t)
    every = Arguments((times, state.start, arguments.filled(arguments.values)))
    plain = Plain(state)
    if gradient != "steps":
        plain(plain_times[0], bare(state.start), *_bare_args(arguments))
        if plain.closes_over:
            raise closes_over()
    if method == "rk4":
        mesh = even(len(plain_times), steps)
    else:
        solved = adaptive(plain, bare(state.start), plain_times, _bare_args(arguments), rtol, atol, max_steps)
        if not every.moving and not plain.closes_over:
            return state.tree(solved.states[-1] if final else np.stack(solved.states))
        mesh = solved.steps

    def run(*values: Any) -> Any:
        t, y, args = every.filled(values)
        if gradient == "adjoint":
            y_end, states = between_checkpoints(
                method, state, mesh, t, y, args, final=final, checkpoints=checkpoints
            )
        else:
            y_end, states = through(method, state, mesh, t, y, args, final=final)
        return y_end if final else np.stack([y, *map(state.cast, states)])

    result = by_sensitivities(run, *every.values) if gradient == "forward" else run(*every.values)
    if not np.all(np.isfinite(bare(result))):
        raise ConvergenceError(
            "pullback.ode.solve: the solution is not finite",
            why="it grows beyond all bounds, or the steps are too long to be stable",
            remedy="end earlier, or take more steps.",
        )
    return state.tree(result)


class Plain:
    """The function of an equation on plain arrays, for the choice of the steps.

    Attributes:
        closes_over: whether it has turned out to close over a tracked value.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.closes_over = False

    def __call__(self, t: Any, y: Any, *args: Any) -> Any:
        slope = self.state.field(t, y, *args)
        if tracked_in((slope,)):
            self.closes_over = True
            slope = bare(slope)
        return slope


def _bare_args(arguments: Arguments) -> Any:
    return arguments.filled([bare(value) for value in arguments.values])


def _check(
    method: str, gradient: str, events: Any, steps: int, checkpoints: int | None, rtol: Any, atol: Any
) -> None:
    if method not in ("dopri5", "rk4"):
        raise UnsupportedError(f"method={method!r} is none", remedy="'dopri5' or 'rk4'.")
    if gradient not in ("steps", "adjoint", "forward"):
        raise UnsupportedError(f"gradient={gradient!r} is none", remedy="'steps', 'adjoint' or 'forward'.")
    if events is not None:
        raise UnsupportedError(
            "pullback.ode.solve with events=",
            why="the time of an event moves with the arguments, and so would the end of the integration",
            remedy="find the time with pb.implicit.root on g(solve(f, y0, [0, t], final=True)), or scale "
            "time so that the event is at a fixed one.",
        )
    if steps < 1 or (checkpoints is not None and checkpoints < 1):
        raise UnsupportedError("pullback.ode.solve takes at least one step, and one checkpoint")
    if tracked_in((rtol, atol)):
        raise UnsupportedError(
            "pullback.ode.solve has no derivative by rtol and atol",
            why="they choose the steps, which are constants of the solution that is differentiated",
            remedy="give plain numbers.",
        )
    if not (np.all(np.minimum(rtol, atol) >= 0) and np.all(np.maximum(rtol, atol) > 0)):
        raise UnsupportedError(
            f"pullback.ode.solve with rtol={rtol} and atol={atol}",
            why="an error of atol + rtol * abs(y) is what a step may have",
            remedy="give numbers that are not negative, one of them positive.",
        )


def _times(t: Any) -> tuple[Any, list[float]]:
    """The times, which may be tracked, and as plain numbers."""
    parts = list(t) if isinstance(t, list | tuple) else t
    values = np.array([float(bare(x)) for x in parts]) if isinstance(parts, list) else bare(parts)
    steps = np.diff(values) if np.ndim(values) == 1 else np.zeros(0)
    if not steps.size or not (np.all(steps > 0) or np.all(steps < 0)):
        raise ShapeError(
            f"pullback.ode.solve: t has the shape {np.shape(values)}"
            + (" and is not in order" if steps.size else ""),
            why="it holds the times at which the state is wanted, the first of them that of y0",
            remedy="give at least two times, each later (or each earlier) than the one before.",
        )
    plain = [float(x) for x in values]
    return (parts if tracked_in((parts,)) else plain), plain
