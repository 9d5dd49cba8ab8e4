"""The square root of a matrix: ``X dX + dX X = dA`` (Higham, *Functions of Matrices*, 2008, §6).

SciPy gives a real root of a real matrix where there is one, and a complex one where not. The dtype then
depends on values, so in compiled code the root of a real matrix has to be real.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import BATCHES, followed
from pullback.rules.scipy_linalg.equations import solve_sylvester
from pullback.rules.scipy_linalg.functions import logm, no_flags
from pullback.rules.table import PARTS, alias, calls, jvp, name_of, stand_in, vjp

sqrtm = followed(scipy.linalg.sqrtm)


def _moved(root: Any, direction: Any) -> Any:
    """The X with ``root X + X root = direction``."""
    if 0 in np.shape(direction):
        return direction + 0 * root
    found = solve_sylvester(root, root, direction)
    size = np.linalg.norm(bare(found), axis=(-2, -1)) * np.linalg.norm(bare(root), axis=(-2, -1))
    precision = np.finfo(np.result_type(bare(root))).eps
    if not np.all(size * precision <= 1e-2 * np.linalg.norm(bare(direction), axis=(-2, -1))):
        raise NotDifferentiableError(
            "scipy.linalg.sqrtm has no derivative at this matrix",
            why="it is singular, or two eigenvalues of the root add up to zero",
        )
    return found


@vjp(sqrtm, 0, reads="y")
def sqrtm_vjp(y_bar: Any, y: Any, A: Any, **flags: Any) -> Any:
    no_flags(sqrtm, flags)
    return _moved(transposed(y), y_bar)


@jvp(sqrtm, 0, reads="y")
def sqrtm_jvp(A_dot: Any, y: Any, A: Any, **flags: Any) -> Any:
    no_flags(sqrtm, flags)
    return _moved(y, A_dot)


calls(
    sqrtm,
    call(array(3, 3, kind="invertible")),
    call(array(3, 3, kind="definite")),
    call(array(1, 1, kind="definite")),
    call(array(0, 0)),
)
if BATCHES:
    calls(sqrtm, call(array(2, 1, 3, 3, kind="invertible")), call(array(0, 2, 2)))


def _typed(function: Any, of_real: bool) -> Any:
    """`function` of matrices of one kind, and with values of that kind."""

    def typed(A: Any) -> Any:
        value = function(A)
        if of_real and np.iscomplexobj(value):
            raise UnsupportedError(
                f"{name_of(function)} of this real matrix is complex",
                why="compiled code has to know the dtype of a result before it runs",
                remedy="pass a complex matrix: A + 0j.",
            )
        return value

    typed.__name__ = typed.__qualname__ = f"{'real' if of_real else 'complex'}_{function.__name__}"
    typed = dispatched(typed)
    alias(typed, function)
    return typed


real_sqrtm, complex_sqrtm = (_typed(scipy.linalg.sqrtm, of_real) for of_real in (True, False))
real_logm, complex_logm = (_typed(scipy.linalg.logm, of_real) for of_real in (True, False))


stand_in(sqrtm)(lambda A: A * 1.0)
stand_in(logm)(lambda A: A * np.float64(1.0))


def sqrtm_by_type(A: Any) -> Any:
    """`scipy.linalg.sqrtm` as compiled code has it."""
    return complex_sqrtm(A) if np.iscomplexobj(A) else real_sqrtm(A)


def logm_by_type(A: Any) -> Any:
    """`scipy.linalg.logm` as compiled code has it."""
    return complex_logm(A) if np.iscomplexobj(A) else real_logm(A)


for _function in (scipy.linalg.sqrtm, sqrtm):
    PARTS[_function] = sqrtm_by_type
for _function in (scipy.linalg.logm, logm):
    PARTS[_function] = logm_by_type
