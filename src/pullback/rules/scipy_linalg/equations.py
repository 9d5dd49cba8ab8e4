"""Linear equations for a matrix: solve_sylvester, solve_continuous_lyapunov, solve_discrete_lyapunov.

Each is linear in its right side, and its adjoint solves the equation with the conjugate transposes. (Kao &
Hennequin, arXiv:2011.11430, 2020.)

SciPy (1.17 still does) takes a real matrix beside a complex one to a real Schur form, whose 2 x 2 blocks the
complex solver then takes for triangular: the result solves no equation. So what is called here makes the real
ones complex before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint, transposed
from pullback.rules.scipy_linalg.calling import BATCHES, followed, widened
from pullback.rules.table import PARTS, calls, jvp, linear, vjp

_sylvester = followed(scipy.linalg.solve_sylvester)
_continuous = followed(scipy.linalg.solve_continuous_lyapunov)
_discrete = followed(scipy.linalg.solve_discrete_lyapunov)


def _beside(a: Any, *others: Any) -> Any:
    """`a` as a complex matrix if one of the others is."""
    a = widened(a)
    return np.add(a, 0j) if not np.iscomplexobj(a) and any(np.iscomplexobj(x) for x in others) else a


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """As `scipy.linalg.solve_sylvester`."""
    return _sylvester(_beside(a, b, q), _beside(b, a, q), _beside(q, a, b))


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """As `scipy.linalg.solve_continuous_lyapunov`."""
    return _continuous(_beside(a, q), _beside(q, a))


def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """As `scipy.linalg.solve_discrete_lyapunov`."""
    return _discrete(_beside(a, q), _beside(q, a), method)


PARTS[_beside] = _beside  # compiled code looks into functions of the package that are parts
PARTS[scipy.linalg.solve_sylvester] = PARTS[solve_sylvester] = solve_sylvester
PARTS[scipy.linalg.solve_continuous_lyapunov] = PARTS[solve_continuous_lyapunov] = solve_continuous_lyapunov
PARTS[scipy.linalg.solve_discrete_lyapunov] = PARTS[solve_discrete_lyapunov] = solve_discrete_lyapunov


@vjp(_sylvester, 0, reads="y a b")
def sylvester_a_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -(solve_sylvester(transposed(a), transposed(b), y_bar) @ transposed(y))


@vjp(_sylvester, 1, reads="y a b")
def sylvester_b_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -(transposed(y) @ solve_sylvester(transposed(a), transposed(b), y_bar))


@vjp(_sylvester, 2, reads="a b")
def sylvester_q_vjp(y_bar: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return solve_sylvester(transposed(a), transposed(b), y_bar)


@jvp(_sylvester, 0)
def sylvester_a_jvp(a_dot: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -solve_sylvester(a, b, a_dot @ y)


@jvp(_sylvester, 1)
def sylvester_b_jvp(b_dot: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return -solve_sylvester(a, b, y @ b_dot)


@jvp(_sylvester, 2)
def sylvester_q_jvp(q_dot: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return solve_sylvester(a, b, q_dot)


_REGULAR = array(3, 3, kind="invertible")
_STACK = array(2, 3, 3, kind="invertible")
calls(
    _sylvester,
    call(_REGULAR, array(2, 2, kind="invertible"), array(3, 2)),
    call(array(1, 1, kind="invertible"), _REGULAR, array(1, 3)),
    *([call(_STACK, _REGULAR, array(4, 1, 3, 3))] if BATCHES else []),
)


@vjp(_continuous, 0, reads="y a", holomorphic=False)
def continuous_a_vjp(y_bar: Any, y: Any, a: Any, q: Any) -> Any:
    q_bar = solve_continuous_lyapunov(adjoint(a), y_bar)
    return -(q_bar @ adjoint(y) + adjoint(q_bar) @ y)


@vjp(_continuous, 1, reads="a")
def continuous_q_vjp(y_bar: Any, y: Any, a: Any, q: Any) -> Any:
    return solve_continuous_lyapunov(adjoint(a), y_bar)


@jvp(_continuous, 0)
def continuous_a_jvp(a_dot: Any, y: Any, a: Any, q: Any) -> Any:
    return -solve_continuous_lyapunov(a, a_dot @ y + y @ adjoint(a_dot))


@jvp(_continuous, 1)
def continuous_q_jvp(q_dot: Any, y: Any, a: Any, q: Any) -> Any:
    return solve_continuous_lyapunov(a, q_dot)


calls(
    _continuous,
    call(_REGULAR, array(3, 3)),
    call(array(1, 1, kind="invertible"), array(1, 1)),
    *([call(_STACK, array(3, 3)), call(_REGULAR, array(2, 3, 3))] if BATCHES else []),
)


@vjp(_discrete, 0, reads="y a method", holomorphic=False)
def discrete_a_vjp(y_bar: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    q_bar = solve_discrete_lyapunov(adjoint(a), y_bar, method)
    return q_bar @ a @ adjoint(y) + adjoint(q_bar) @ a @ y


@vjp(_discrete, 1, reads="a method")
def discrete_q_vjp(y_bar: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    return solve_discrete_lyapunov(adjoint(a), y_bar, method)


@jvp(_discrete, 0)
def discrete_a_jvp(a_dot: Any, y: Any, a: Any, q: Any, method: Any = None) -> Any:
    return solve_discrete_lyapunov(a, a_dot @ y @ adjoint(a) + a @ y @ adjoint(a_dot), method)


linear(_discrete, 1)
_SMALL = array(3, 3, low=-0.4, high=0.4)
calls(
    _discrete,
    call(_SMALL, array(3, 3)),
    call(_SMALL, array(3, 3), method="bilinear"),
    call(_SMALL, array(3, 3), "direct"),
    *([call(array(2, 3, 3, low=-0.4, high=0.4), array(3, 3))] if BATCHES else []),
)
