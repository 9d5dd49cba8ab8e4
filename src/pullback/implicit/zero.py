"""`root`: the zero of a function, around `scipy.optimize.root`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.jacobian import jacobian
from pullback.api.unknowns import Arguments, Unknowns, untracked, way_of
from pullback.base.errors import ConvergenceError
from pullback.implicit.solution import Problem, solution

_WITH_JACOBIAN = ("hybr", "lm")


def root(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str = "hybr",
    tol: float | None = None,
    options: dict[str, Any] | None = None,
    linear: str = "auto",
) -> Any:
    """The solution of ``f(x, *args) = 0``, differentiable in `args` by the implicit function theorem.

    Args:
        f: a function of NumPy code; what it returns has the structure and shapes of `x0`.
        x0: where the solver starts: an array, a number or a pytree, real or complex. There is no derivative
            by it: the solution does not move with it.
        args: arrays, numbers or pytrees, in a tuple. `f` may close over plain values, not over tracked ones.
        method, tol, options: of `scipy.optimize.root`; "hybr" and "lm" are given the Jacobian. The default
            tolerance is close to rounding, since the error of the solution is one of the derivative.
        linear: how the linear system of a derivative is solved: "dense" with the Jacobian, "gmres" from
            products with it, "auto" dense up to 256 unknowns.

    Returns:
        The solution, in the form of `x0`. In reverse and forward mode it is one operation, differentiable
        any number of times.

    Raises:
        ConvergenceError: if SciPy does not arrive at a solution, or GMRES at that of a linear system.
        NotDifferentiableError: if the Jacobian by `x` is singular at the solution, when a derivative is asked
            for.
        UnsupportedError: if `f` closes over a tracked value.

    Example:
        >>> import numpy as np, pullback as pb
        >>> print(pb.grad(lambda a: pb.implicit.root(lambda x, a: x**2 - a, 1.0, (a,)))(4.0).round(12))
        0.25

    Source: Blondel et al., *Efficient and Modular Implicit Differentiation*, NeurIPS 2022.
    """
    caller = "pullback.implicit.root"
    unknowns, arguments = Unknowns(x0, caller), Arguments(args)
    way = way_of(linear, unknowns.start.size)

    def residual(u: Any, *values: Any) -> Any:
        return unknowns.vector(f(unknowns.tree(u), *arguments.filled(values)), "what f returns")

    def solve(*values: Any) -> Any:
        from scipy import optimize

        def plain(u: Any) -> Any:
            return residual(u, *values)

        checked = untracked(plain, caller)
        start = checked(unknowns.start)
        if not start.size:
            return unknowns.start
        derivative = jacobian(plain) if method in _WITH_JACOBIAN else None
        tolerance = 16 * unknowns.precision if tol is None else tol
        found = optimize.root(
            checked, unknowns.start, method=method, jac=derivative, tol=tolerance, options=options
        )
        left = float(np.max(np.abs(checked(found.x))))
        accept(caller, left, float(np.max(np.abs(start))), max(tolerance, unknowns.precision), found)
        return np.asarray(found.x, np.float64)

    return unknowns.tree(solution(Problem(caller, residual, solve, way), *arguments.values))


def accept(caller: str, left: float, first: float, tolerance: float, found: Any) -> None:
    """Raise unless the residual is down to the tolerance, or to rounding where SciPy wanted less."""
    if not left <= (1 + first) * max(100 * tolerance, tolerance**0.75):
        raise ConvergenceError(
            f"{caller} has not converged",
            why=f"a residual of {left:.1e} is left after {getattr(found, 'nfev', '?')} evaluations; "
            f"SciPy says: {' '.join(str(found.message).split())}",
            remedy="start closer to the solution, or choose another method=, tol= or options=.",
        )
