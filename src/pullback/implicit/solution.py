"""`solution`: the zero of a residual as one operation, with a rule that is differentiable itself.

The rule solves a linear system with the Jacobian of the residual: made and factored, or by GMRES from
products with it. The latter is a zero of a residual again, and so an operation of the same kind: there are
derivatives of any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.api.jacobian import jacobian
from pullback.api.products import jvp, vjp
from pullback.base.dispatch import dispatched
from pullback.base.errors import ConvergenceError, NotDifferentiableError
from pullback.base.tracked import bare
from pullback.rules.table import ALL, EACH, Direction, Rule

_TIGHT = 1e-13
_ACCEPTED = 1e-9
_ROUNDED = 64


@dataclass(frozen=True)
class Problem:
    """``residual(u, *values) = 0`` for a real vector `u`.

    Attributes:
        caller: the public function, for errors.
        residual: a differentiable function.
        solve: from plain values to the plain `u`.
        linear: "dense" or "gmres".
    """

    caller: str
    residual: Callable[..., Any]
    solve: Callable[..., Any]
    linear: str


@dispatched
def solution(problem: Problem, *values: Any) -> Any:
    """The `u` that solves `problem`, differentiable in `values`."""
    return problem.solve(*values)


def _vjp(u_bar: Any, u: Any, problem: Problem, *values: Any) -> tuple[Any, ...]:
    multiplier = _transposed(problem, u, values, u_bar)
    return (None, *vjp(lambda *moved: problem.residual(u, *moved), *values)[1](-multiplier))


def _jvp(position: int, x_dot: Any, u: Any, problem: Problem, *values: Any) -> Any:
    place = position - 1

    def moved(value: Any) -> Any:
        return problem.residual(u, *values[:place], value, *values[place + 1 :])

    residual_dot = jvp(moved, (values[place],), (x_dot,))[1]
    return _straight(problem, u, values, -residual_dot)


_rule = Rule(solution)
_rule.holomorphic = False
_rule.vjps[ALL] = Direction(_vjp, 1, "u problem values")
_rule.jvps[EACH] = Direction(_jvp, 2, "u problem values")
solution.__dict__["rule"] = _rule


def _matrix(problem: Problem, u: Any, values: Any) -> Any:
    matrix = jacobian(lambda u: problem.residual(u, *values))(u)
    plain = bare(matrix)
    if not np.all(np.isfinite(plain)):
        raise singular(problem.caller, "the Jacobian of the equations holds a NaN or an infinity")
    if plain.size:
        _check_regular(problem, bare(u), [bare(value) for value in values], plain)
    return matrix


def _check_regular(problem: Problem, u: Any, values: Any, matrix: Any) -> None:
    """Raise where the Jacobian is singular, up to rounding or up to the error of the solution.

    At a double root rounding stops the solver beside the root, where the Jacobian is small and not zero: the
    next Newton step then changes what it does along its weakest direction by as much as that is.
    """
    eps = np.finfo(np.float64).eps
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        inverse = np.full_like(matrix, np.inf)
    if not np.linalg.norm(matrix, 1) * np.linalg.norm(inverse, 1) < 0.1 / eps:
        raise singular(problem.caller, "the Jacobian of the equations is singular at the solution")
    lengths = np.linalg.norm(inverse, axis=0)
    weakest = inverse[:, np.argmax(lengths)] / np.max(lengths)
    step = -inverse @ problem.residual(u, *values)
    step = step + _ROUNDED * eps * np.abs(u) * np.sign(np.where(step == 0, weakest, step))
    there = jvp(lambda u: problem.residual(u, *values), (u + step,), (weakest,))[1]
    here = matrix @ weakest
    if np.linalg.norm(there - here) > 0.1 * np.linalg.norm(here):
        raise singular(
            problem.caller,
            "the Jacobian of the equations is singular within the error of the solution, where it changes by "
            "as much as it is",
        )


def singular(caller: str, why: str) -> NotDifferentiableError:
    """The error where the implicit function theorem does not hold."""
    return NotDifferentiableError(
        f"{caller} has no derivative here",
        why=f"{why}, so that the solution is not unique or does not move smoothly",
        remedy="add an equation that fixes what is free (a gauge, a norm), or leave out one that is implied.",
    )


def _transposed(problem: Problem, u: Any, values: Any, u_bar: Any) -> Any:
    """The solution of ``Jᵀ multiplier = u_bar``, J being the Jacobian of the residual in `u`."""
    if problem.linear == "dense":
        return np.linalg.solve(_matrix(problem, u, values).T, u_bar)

    def product(multiplier: Any, u: Any, *values: Any) -> Any:
        return vjp(lambda u: problem.residual(u, *values), u)[1](multiplier)[0]

    return _by_products(problem, product, u, values, u_bar)


def _straight(problem: Problem, u: Any, values: Any, residual_dot: Any) -> Any:
    """The solution of ``J u_dot = residual_dot``."""
    if problem.linear == "dense":
        return np.linalg.solve(_matrix(problem, u, values), residual_dot)

    def product(u_dot: Any, u: Any, *values: Any) -> Any:
        return jvp(lambda u: problem.residual(u, *values), (u,), (u_dot,))[1]

    return _by_products(problem, product, u, values, residual_dot)


def _by_products(problem: Problem, product: Callable[..., Any], u: Any, values: Any, right: Any) -> Any:
    """The solution of ``product(x, u, *values) = right``, linear in `x`."""

    def residual(x: Any, right: Any, u: Any, *values: Any) -> Any:
        return product(x, u, *values) - right

    def solve(right: Any, u: Any, *values: Any) -> Any:
        return _gmres(problem.caller, lambda x: product(x, u, *values), right)

    return solution(Problem(problem.caller, residual, solve, "gmres"), right, u, *values)


def _gmres(caller: str, product: Callable[[Any], Any], right: Any) -> Any:
    from scipy.sparse.linalg import LinearOperator, gmres

    size = right.size
    scale = float(np.linalg.norm(right))
    if not scale:
        return np.zeros(size)
    operator = LinearOperator((size, size), matvec=lambda x: product(np.ravel(x)), dtype=np.float64)  # type: ignore[call-arg]
    found = gmres(operator, right / scale, rtol=_TIGHT, atol=0.0, restart=min(size, 64), maxiter=20)[0]
    error = float(np.linalg.norm(product(found) - right / scale))
    if not error <= _ACCEPTED:
        raise ConvergenceError(
            f"the linear system of a derivative of {caller} was not solved by GMRES",
            why=f"a residual of {error:.1e} is left: its matrix is singular or badly conditioned",
            remedy="linear='dense', which tells whether it is singular; or scale the unknowns.",
        )
    return found * scale
