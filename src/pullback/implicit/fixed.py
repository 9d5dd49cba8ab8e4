"""`fixed_point`: ``x = f(x)``, by iteration that Anderson's method accelerates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.api.unknowns import Arguments, Unknowns, untracked, way_of
from pullback.base.errors import ConvergenceError, UnsupportedError
from pullback.implicit.solution import Problem, solution

_WINDOW = 5


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str = "anderson",
    tol: float | None = None,
    max_iterations: int = 1000,
    linear: str = "auto",
) -> Any:
    """The solution of ``x = f(x, *args)``, differentiable in `args` by the implicit function theorem.

    Args:
        f: as for `root`.
        x0: where the iteration starts; see `root`.
        args: see `root`.
        method: "anderson" (Anderson's acceleration over five iterates) or "iteration" (``x = f(x)`` alone).
        tol: how far ``f(x)`` may be from `x` at the end, relative to the size of `x`, or to 1 where that is
            less. By default close to rounding.
        max_iterations: after which the iteration is given up.
        linear: see `root`.

    Returns:
        The fixed point, in the form of `x0`.

    Raises:
        ConvergenceError: if the iteration does not converge.
        NotDifferentiableError: if ``1 - ∂f/∂x`` is singular at the fixed point.

    Example:
        >>> import numpy as np, pullback as pb
        >>> x = pb.implicit.fixed_point(lambda x, a: np.cos(a * x), 0.5, (1.0,))
        >>> print(x.round(10))
        0.7390851332

    Source: Christianson, *Reverse accumulation and attractive fixed points*, Optim. Methods Softw. 3, 1994;
    Walker & Ni, *Anderson acceleration for fixed-point iterations*, SIAM J. Numer. Anal. 49, 2011.
    """
    caller = "pullback.implicit.fixed_point"
    if method not in ("anderson", "iteration"):
        raise UnsupportedError(f"{caller}: method={method!r} is none", remedy="'anderson' or 'iteration'.")
    unknowns, arguments = Unknowns(x0, caller), Arguments(args)

    def mapped(u: Any, *values: Any) -> Any:
        return unknowns.vector(f(unknowns.tree(u), *arguments.filled(values)), "what f returns")

    def residual(u: Any, *values: Any) -> Any:
        return mapped(u, *values) - u

    def solve(*values: Any) -> Any:
        checked = untracked(lambda u: mapped(u, *values), caller)
        tolerance = 16 * unknowns.precision if tol is None else tol
        window = _WINDOW if method == "anderson" else 0
        return _iterated(checked, unknowns.start, window, tolerance, max_iterations)

    way = way_of(linear, unknowns.start.size)
    return unknowns.tree(solution(Problem(caller, residual, solve, way), *arguments.values))


def _iterated(f: Callable[[Any], Any], u: Any, window: int, tolerance: float, limit: int) -> Any:
    """The fixed point of `f`, on plain vectors."""
    steps: list[Any] = []
    images: list[Any] = []
    distance = np.inf
    for _ in range(limit):
        image = f(u)
        step = image - u
        distance = float(np.max(np.abs(step), initial=0.0))
        if distance <= tolerance * max(1.0, float(np.max(np.abs(u), initial=0.0))):
            return image
        steps, images = [*steps[-window:], step][-window - 1 :], [*images[-window:], image][-window - 1 :]
        u = image
        if window and len(steps) > 1:
            # The combination of the latest iterates whose steps cancel best.
            differences = np.stack([steps[-1] - other for other in steps[:-1]], axis=1)
            weights = np.linalg.lstsq(differences, steps[-1], rcond=1e-14)[0]
            u = image - np.stack([images[-1] - other for other in images[:-1]], axis=1) @ weights
    raise ConvergenceError(
        "pullback.implicit.fixed_point has not converged",
        why=f"f(x) is still {distance:.1e} from x after {limit} iterations",
        remedy="start closer, damp the iteration (0.5 * x + 0.5 * f(x)), allow more max_iterations, or solve "
        "f(x) - x = 0 with pb.implicit.root.",
    )
