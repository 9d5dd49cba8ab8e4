"""`minimize`: where a function is least, around `scipy.optimize.minimize`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.follow import function_name
from pullback.api.gradient import grad, value_and_grad
from pullback.api.jacobian import jacobian
from pullback.api.unknowns import Arguments, Unknowns, untracked, way_of
from pullback.base.errors import ConvergenceError, UnsupportedError
from pullback.implicit.solution import Problem, solution

_METHODS = ("BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP")
_POLISH = 8


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str = "BFGS",
    tol: float | None = None,
    options: dict[str, Any] | None = None,
    linear: str = "auto",
) -> Any:
    """The `x` at which ``f(x, *args)`` is least, differentiable in `args` by the implicit function theorem.

    Args:
        f: returns a real number, and is twice differentiable at the minimum.
        x0: where the search starts; see `root`.
        args: see `root`.
        method: of `scipy.optimize.minimize`, one that uses gradients (which are pullback's) and no bounds:
            BFGS, L-BFGS-B, CG, TNC or SLSQP.
        tol, options: of `scipy.optimize.minimize`.
        linear: see `root`. With "dense", Newton steps bring the gradient down to rounding after SciPy has
            stopped, since what is left of it is an error of the derivative.

    Returns:
        The minimum's place, in the form of `x0`; ``f`` of it is its value, whose derivative needs no theorem.

    Raises:
        ConvergenceError: if the gradient does not vanish where SciPy stops, or, with "dense", if that is a
            maximum or a saddle.
        NotDifferentiableError: if the Hessian is singular there, when a derivative is asked for.

    Example:
        >>> import numpy as np, pullback as pb
        >>> def ridge(w, data):
        ...     return np.sum((data - w) ** 2) + w**2
        >>> best = lambda data: pb.implicit.minimize(ridge, 0.0, (data,))
        >>> pb.grad(best)(np.array([1.0, 2.0, 3.0])).round(10)
        array([0.25, 0.25, 0.25])

    Source: Blondel et al., *Efficient and Modular Implicit Differentiation*, NeurIPS 2022.
    """
    caller = "pullback.implicit.minimize"
    if method not in _METHODS:
        raise UnsupportedError(
            f"{caller}: method={method!r}",
            why="it takes methods that use gradients and neither bounds nor constraints, at whose edges a "
            "minimum has no vanishing gradient",
            remedy=f"one of {', '.join(_METHODS)}; a bounded variable as a function of a free one.",
        )
    unknowns, arguments = Unknowns(x0, caller), Arguments(args)
    way = way_of(linear, unknowns.start.size)

    def value(u: Any, *values: Any) -> Any:
        return f(unknowns.tree(u), *arguments.filled(values))

    value.__name__ = function_name(f)
    residual = grad(value)

    def solve(*values: Any) -> Any:
        from scipy import optimize

        def both(u: Any) -> tuple[float, Any]:
            number, slope = value_and_grad(lambda u: value(u, *values))(u)
            return float(untracked(lambda: number, caller)()), np.asarray(slope)

        start = untracked(lambda u: residual(u, *values), caller)(unknowns.start)
        if not start.size:
            return unknowns.start
        tolerance = max(1e-10, 64 * unknowns.precision) if tol is None else tol
        found = optimize.minimize(
            both, unknowns.start, jac=True, method=method, tol=tolerance, options=options
        )
        u, slope, bends = np.asarray(found.x, np.float64), residual(found.x, *values), None
        if way == "dense":
            u, slope, bends = _polished(lambda u: residual(u, *values), u, slope)
        left, first = float(np.max(np.abs(slope))), float(np.max(np.abs(start)))
        if not left <= (1 + first) * max(tolerance, unknowns.precision**0.5):
            raise ConvergenceError(
                f"{caller} has not converged",
                why=f"the gradient is {left:.1e} where SciPy stops; it says: {found.message}",
                remedy="start closer to the minimum, choose another method=, tol= or options=; a function "
                "without a minimum, or with a kink at it, has no derivative there.",
            )
        _check_least(caller, bends)
        return u

    return unknowns.tree(solution(Problem(caller, residual, solve, way), *arguments.values))


def _polished(slope_at: Callable[[Any], Any], u: Any, slope: Any) -> tuple[Any, Any, Any]:
    """Newton's steps as long as they make the gradient smaller; and the last Hessian."""
    curvature: Any = None
    for _ in range(_POLISH):
        curvature = jacobian(slope_at)(u)
        try:
            step = np.linalg.solve(curvature, slope)
        except np.linalg.LinAlgError:
            break
        closer = slope_at(u - step)
        if not np.max(np.abs(closer)) < np.max(np.abs(slope)):
            break
        u, slope = u - step, closer
    return u, slope, curvature


def _check_least(caller: str, curvature: Any) -> None:
    """Raise at a maximum or a saddle, where the gradient vanishes, too."""
    if curvature is None or not np.all(np.isfinite(curvature)):
        return
    bends = np.linalg.eigvalsh(curvature)
    if bends[0] < -(np.finfo(float).eps ** 0.5) * np.max(np.abs(bends)):
        raise ConvergenceError(
            f"{caller} has come to a point that is no minimum",
            why=f"the gradient vanishes there, but the Hessian has the eigenvalue {bends[0]:.1e}",
            remedy="start away from maxima and saddles; one for which you ask is a zero of the gradient: "
            "pb.implicit.root(pb.grad(f), x0, args).",
        )
