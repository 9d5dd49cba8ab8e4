"""Linear equations for a matrix: solve_sylvester, solve_continuous_lyapunov, solve_discrete_lyapunov.

Each is linear in its right side, and its adjoint solves the equation with the conjugate transposes. (Kao &
Hennequin, arXiv:2011.11430, 2020.)
"""

from __future__ import annotations

from typing import Any

import scipy.linalg

from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import BATCHES, adjoint, followed
from pullback.rules.table import calls, jvp, linear, vjp

solve_sylvester = followed(scipy.linalg.solve_sylvester)


@vjp(solve_sylvester, 0, reads="y a b")
def sylvester_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -(solve_sylvester(transposed(a), transposed(b), y_bar) @ transposed(y))


@vjp(solve_sylvester, 1, reads="y a b")
def sylvester_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -(transposed(y) @ solve_sylvester(transposed(a), transposed(b), y_bar))


@vjp(solve_sylvester, 2, reads="a b")
def sylvester_q_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return solve_sylvester(transposed(a), transposed(b), y_bar)


@jvp(solve_sylvester, 0)
def sylvester_a_jvp(a_dot: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -solve_sylvester(a, b, a_dot @ y)


@jvp(solve_sylvester, 1)
def sylvester_b_jvp(b_dot: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -solve_sylvester(a, b, y @ b_dot)


linear(solve_sylvester, 2)
_REGULAR = array(3, 3, kind="invertible")
_STACK = array(2, 3, 3, kind="invertible")
calls(
    solve_sylvester,
    call(_REGULAR, array(2, 2, kind="invertible"), array(3, 2)),
    call(array(1, 1, kind="invertible"), _REGULAR, array(1, 3)),
    *([call(_STACK, _REGULAR, array(4, 1, 3, 3))] if BATCHES else []),
)


solve_continuous_lyapunov = followed(scipy.linalg.solve_continuous_lyapunov)


@vjp(solve_continuous_lyapunov, 0, reads="y a", holomorphic=False)
def continuous_a_vjp(y_bar: Any, y: Any, a: Any, q: Any) -> Any:
    q_bar = solve_continuous_lyapunov(adjoint(a), y_bar)
    return -(q_bar @ adjoint(y) + adjoint(q_bar) @ y)


@vjp(solve_continuous_lyapunov, 1, reads="a")
def continuous_q_vjp(y_bar: Any, y: Any, a: Any, q: Any) -> Any:
    return solve_continuous_lyapunov(adjoint(a), y_bar)


@jvp(solve_continuous_lyapunov, 0)
def continuous_a_jvp(a_dot: Any, y: Any, a: Any, q: Any) -> Any:
    return -solve_continuous_lyapunov(a, a_dot @ y + y @ adjoint(a_dot))


linear(solve_continuous_lyapunov, 1)
calls(
    solve_continuous_lyapunov,
    call(_REGULAR, array(3, 3)),
    call(array(1, 1, kind="invertible"), array(1, 1)),
    *([call(_STACK, array(3, 3)), call(_REGULAR, array(2, 3, 3))] if BATCHES else []),
)


solve_discrete_lyapunov = followed(scipy.linalg.solve_discrete_lyapunov)


@vjp(solve_discrete_lyapunov, 0, reads="y a method", holomorphic=False)
def discrete_a_vjp(y_bar: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    q_bar = solve_discrete_lyapunov(adjoint(a), y_bar, method)
    return q_bar @ a @ adjoint(y) + adjoint(q_bar) @ a @ y


@vjp(solve_discrete_lyapunov, 1, reads="a method")
def discrete_q_vjp(y_bar: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    return solve_discrete_lyapunov(adjoint(a), y_bar, method)


@jvp(solve_discrete_lyapunov, 0)
def discrete_a_jvp(a_dot: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    return solve_discrete_lyapunov(a, a_dot @ y @ adjoint(a) + a @ y @ adjoint(a_dot), method)


linear(solve_discrete_lyapunov, 1)
_SMALL = array(3, 3, low=-0.4, high=0.4)
calls(
    solve_discrete_lyapunov,
    call(_SMALL, array(3, 3)),
    call(_SMALL, array(3, 3), method="bilinear"),
    call(_SMALL, array(3, 3), "direct"),
    *([call(array(2, 3, 3, low=-0.4, high=0.4), array(3, 3))] if BATCHES else []),
)
