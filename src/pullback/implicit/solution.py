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
_STARTS = 20
_BASIS = 2**22
"""How many numbers GMRES may keep before it starts anew, if that leaves it 64 vectors."""


@dataclass(frozen=True)
class Problem:
    """``residual(u, *values) = 0`` for a real vector `u`.

    Attributes:
        caller: the public function, for errors.
        residual: a differentiable function.
        solve: from plain values to the plain `u`.
        linear: "dense" or "gmres".
        regular: whether the Jacobian is known to be.
    """

    caller: str
    residual: Callable[..., Any]
    solve: Callable[..., Any]
    linear: str
    regular: bool = False


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
    step, least = -inverse @ problem.residual(u, *values), float(np.linalg.norm(matrix @ weakest))
    if _change(problem, u, values, weakest, step) > 0.1 * least:
        raise unsteady(problem.caller)


def _check_regular_by_products(problem: Problem, u: Any, values: Any) -> None:
    """As `_check_regular`, from products with the Jacobian.

    A generic vector has a part out of reach of a singular matrix, which no Krylov method leaves less of, even
    where the system of the derivative itself has solutions. What solves for it is longest along the weakest
    direction, and tells the least singular value but for a small factor: inverse iteration, once.
    """
    size, eps = u.size, np.finfo(np.float64).eps

    def product(x: Any) -> Any:
        return jvp(lambda u: problem.residual(u, *values), (u,), (x,))[1]

    def check(left: float) -> None:
        if not left <= 0.02 / np.sqrt(size):
            raise singular(
                problem.caller,
                "the Jacobian of the equations is singular at the solution, or so badly conditioned that "
                f"GMRES does not solve for a generic vector (a residual of {left:.1e} is left of 1)",
            )

    generic = np.random.default_rng(5).standard_normal(size)
    generic = generic / np.linalg.norm(generic)
    found, left = _krylov(product, generic, 0.01 / np.sqrt(size))
    check(left)
    length = np.linalg.norm(found)
    if not np.linalg.norm(product(generic)) * size * length < 0.1 / eps:
        raise singular(problem.caller, "the Jacobian of the equations is singular at the solution")
    weakest, least = found / length, 1 / (length * np.sqrt(size))
    error = np.linalg.norm(problem.residual(u, *values))
    if _change(problem, u, values, weakest, error / least * weakest) <= 1e-3 * least:
        return
    # Once more, from the other side.
    pull = vjp(lambda u: problem.residual(u, *values), u)[1]
    found, left = _krylov(lambda x: pull(x)[0], weakest, 0.01 / np.sqrt(size))
    check(left)
    length = np.linalg.norm(found)
    if _change(problem, u, values, weakest, error * length * weakest) > 0.1 / length:
        raise unsteady(problem.caller)


def _change(problem: Problem, u: Any, values: Any, weakest: Any, step: Any) -> float:
    """By how much the Jacobian changes in its weakest direction, a last `step` away."""

    def product(u: Any) -> Any:
        return jvp(lambda u: problem.residual(u, *values), (u,), (weakest,))[1]

    rounded = _ROUNDED * np.finfo(np.float64).eps * np.abs(u)
    step = step + rounded * np.sign(np.where(step == 0, weakest, step))
    return float(np.linalg.norm(product(u + step) - product(u)))


def unsteady(caller: str) -> NotDifferentiableError:
    """The error beside a point where the implicit function theorem does not hold."""
    return singular(
        caller,
        "the Jacobian of the equations is singular within the error of the solution, where it changes by as "
        "much as it is",
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
    if not problem.regular and np.size(u):
        _check_regular_by_products(problem, bare(u), [bare(value) for value in values])

    def residual(x: Any, right: Any, u: Any, *values: Any) -> Any:
        return product(x, u, *values) - right

    def solve(right: Any, u: Any, *values: Any) -> Any:
        return _gmres(problem.caller, lambda x: product(x, u, *values), right)

    return solution(Problem(problem.caller, residual, solve, "gmres", regular=True), right, u, *values)


def _gmres(caller: str, product: Callable[[Any], Any], right: Any) -> Any:
    scale = float(np.linalg.norm(right))
    if not scale:
        return np.zeros(right.size)
    found, left = _krylov(product, right / scale, _TIGHT)
    if not left <= _ACCEPTED:
        raise ConvergenceError(
            f"the linear system of a derivative of {caller} was not solved by GMRES",
            why=f"a residual of {left:.1e} is left: its matrix is singular or badly conditioned",
            remedy="linear='dense', which tells whether it is singular; or scale the unknowns.",
        )
    return found * scale


def _krylov(product: Callable[[Any], Any], right: Any, tolerance: float) -> tuple[Any, float]:
    """What GMRES finds for a vector of length 1, and the length of what is left of that."""
    from scipy.sparse.linalg import LinearOperator, gmres

    size = right.size
    operator = LinearOperator((size, size), matvec=lambda x: product(np.ravel(x)), dtype=np.float64)  # type: ignore[call-arg]
    restart = min(size, max(64, _BASIS // size))
    found, left, before = None, 1.0, np.inf
    for _ in range(_STARTS):
        if left <= tolerance or left > 0.7 * before:
            break
        found = gmres(operator, right, x0=found, rtol=tolerance, atol=0.0, restart=restart, maxiter=1)[0]
        left, before = float(np.linalg.norm(product(found) - right)), left
    return found, left
