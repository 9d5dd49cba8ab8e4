"""The polar decomposition: ``A = U P``, or ``A = P U`` for ``side="left"``.

With ``H = (Aᴴ A)^½`` of a matrix of full column rank, ``H dH + dH H = dAᴴ A + Aᴴ dA`` and
``dU = (dA - U dH) H⁻¹``; the other factor is ``A Uᴴ``. A matrix of full row rank is treated as the adjoint of
such a one. (Higham, *Functions of Matrices*, 2008, §8.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.errors import NotDifferentiableError
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import adjoint
from pullback.rules.scipy_linalg.calling import followed
from pullback.rules.scipy_linalg.equations import solve_sylvester
from pullback.rules.table import calls, jvp, vjp

polar = followed(scipy.linalg.polar)


def _inner(u: Any, a: Any) -> Any:
    """``H = Uᴴ A``, which has an inverse."""
    h = adjoint(u) @ a
    values = bare(h)
    if 0 not in values.shape:
        sizes = np.linalg.svd(values, compute_uv=False)
        if np.any(sizes[..., -1] <= values.shape[-1] * np.finfo(values.dtype).eps * sizes[..., 0]):
            raise NotDifferentiableError(
                "scipy.linalg.polar has no derivative at this matrix",
                why="it is singular, or has not full rank: the unitary factor is not unique there",
            )
    return (h + adjoint(h)) / 2


def _over(x: Any, h: Any) -> Any:
    """``x H⁻¹``."""
    return adjoint(np.linalg.solve(h, adjoint(x)))


def _tall_vjp(u_bar: Any, p_bar: Any, u: Any, a: Any, side: str) -> Any:
    h = _inner(u, a)
    if side == "left":
        direct, u_bar, h_bar = p_bar @ u, u_bar + adjoint(p_bar) @ a, 0.0
    else:
        direct, h_bar = 0.0, p_bar
    scaled = _over(u_bar, h)
    h_bar = h_bar - adjoint(u) @ scaled
    s_bar = solve_sylvester(h, h, h_bar)
    return direct + scaled + a @ (s_bar + adjoint(s_bar))


def _tall_jvp(a_dot: Any, u: Any, a: Any, side: str) -> tuple[Any, Any]:
    h = _inner(u, a)
    half = adjoint(a) @ a_dot
    h_dot = solve_sylvester(h, h, half + adjoint(half))
    u_dot = _over(a_dot - u @ h_dot, h)
    return u_dot, h_dot if side == "right" else a_dot @ adjoint(u) + a @ adjoint(u_dot)


_OTHER = {"left": "right", "right": "left"}


@vjp(polar, 0, reads="y a side", holomorphic=False)
def polar_vjp(y_bar: Any, y: Any, a: Any, side: str = "right") -> Any:
    rows, columns = np.shape(a)[-2:]
    if rows >= columns:
        return _tall_vjp(y_bar[0], y_bar[1], y[0], a, side)
    return adjoint(_tall_vjp(adjoint(y_bar[0]), adjoint(y_bar[1]), adjoint(y[0]), adjoint(a), _OTHER[side]))


@jvp(polar, 0, reads="y a side")
def polar_jvp(a_dot: Any, y: Any, a: Any, side: str = "right") -> tuple[Any, Any]:
    rows, columns = np.shape(a)[-2:]
    if rows >= columns:
        return _tall_jvp(a_dot, y[0], a, side)
    u_dot, p_dot = _tall_jvp(adjoint(a_dot), adjoint(y[0]), adjoint(a), _OTHER[side])
    return adjoint(u_dot), adjoint(p_dot)


calls(
    polar,
    call(array(3, 3, kind="invertible")),
    call(array(3, 3, kind="invertible"), "left"),
    call(array(4, 2)),
    call(array(4, 2), side="left"),
    call(array(2, 4)),
    call(array(2, 4), side="left"),
    call(array(1, 1, kind="invertible")),
)
