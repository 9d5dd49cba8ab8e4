"""The square root and the logarithm of a matrix, which end at singular matrices.

A root X moves by ``X dX + dX X = dA`` (Higham, *Functions of Matrices*, 2008, §6). The logarithm has a cut
along the negative real axis; where an eigenvalue lies on it the derivative is that of
``log(A e^{-iθ}) + iθ``, whose cut has none.

SciPy gives a real root or logarithm of a real matrix where there is one, and a complex one where not. The
dtype then depends on values, so in compiled code that of a real matrix has to be real.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.cast import astype
from pullback.base.dispatch import dispatched
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import BATCHES, followed
from pullback.rules.scipy_linalg.equations import solve_sylvester
from pullback.rules.scipy_linalg.functions import frechet
from pullback.rules.table import PARTS, alias, calls, jvp, name_of, stand_in, vjp

sqrtm = followed(scipy.linalg.sqrtm)


def _singular(function: Any, why: str) -> NotDifferentiableError:
    return NotDifferentiableError(f"{name_of(function)} has no derivative at this matrix", why=why)


def _moved(root: Any, direction: Any) -> Any:
    """The X with ``root X + X root = direction``."""
    if 0 in np.shape(direction):
        return direction + 0 * root
    if not np.all(np.isfinite(bare(root))):
        raise _singular(sqrtm, "the matrix has no square root")
    found = solve_sylvester(root, root, direction)
    sizes = [np.linalg.norm(bare(x), axis=(-2, -1)) for x in (found, root, direction)]
    precision = np.finfo(np.result_type(bare(root))).eps
    if not np.all((sizes[0] * sizes[1] * precision <= 1e-2 * sizes[2]) & ((sizes[1] > 0) | (sizes[2] == 0))):
        raise _singular(sqrtm, "it is singular, or two eigenvalues of the root add up to zero")
    return found


def no_flags(function: Any, flags: dict[str, Any]) -> None:
    """Raise for the arguments that SciPy is about to drop, which change what is returned."""
    if flags:
        raise UnsupportedError(
            f"{name_of(function)} with {', '.join(flags)}= on tracked values", why="SciPy is about to drop it"
        )


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


logm = followed(scipy.linalg.logm)
_NEAR = 0.1
"""Closer to the cut than this angle, it is turned away."""
_APART = 1e-7
"""Eigenvalues on both sides of the cut and closer than this angle are on it."""


def _turned(a: Any, y: Any) -> tuple[Any, complex]:
    """`a` in double precision, turned until its eigenvalues are away from the cut, and the turn."""
    # SciPy's logm loses half of the digits in single precision, and says so.
    a = astype(a, np.result_type(dtype_of(a), np.float64))
    values = np.linalg.eigvals(bare(a))
    sizes = np.abs(values)
    if np.any(sizes <= values.shape[-1] * np.finfo(values.dtype).eps * np.max(sizes, axis=-1, keepdims=True)):
        raise _singular(logm, "it is singular")
    angles = np.angle(values)
    angles = np.where((values.imag == 0) & (values.real < 0), np.pi, angles)
    if np.all(np.abs(angles) < np.pi - _NEAR):
        return a, 1.0
    gap = np.min(angles) + 2 * np.pi - np.max(angles)
    theta = (np.max(angles) + np.min(angles)) / 2
    turn = np.exp(-1j * theta)
    ours = scipy.linalg.logm(bare(a) * turn) + 1j * theta * np.eye(values.shape[-1])
    if gap < _APART or not np.allclose(ours, bare(y), rtol=1e-5, atol=1e-5):
        raise _singular(logm, "eigenvalues are on both sides of the cut along the negative real axis")
    return a * turn, turn


def _slope(a: Any, y: Any, direction: Any) -> Any:
    if 0 in np.shape(a):
        return direction + 0 * a
    turned, turn = _turned(a, y)
    return frechet(logm, turned, direction) * turn


@vjp(logm, 0)
def logm_vjp(y_bar: Any, y: Any, A: Any, **flags: Any) -> Any:
    no_flags(logm, flags)
    return _slope(transposed(A), transposed(y), y_bar)


@jvp(logm, 0)
def logm_jvp(A_dot: Any, y: Any, A: Any, **flags: Any) -> Any:
    no_flags(logm, flags)
    return _slope(A, y, A_dot)


calls(logm, call(array(3, 3, kind="invertible")), call(array(1, 1, kind="invertible")))
if BATCHES:
    calls(logm, call(array(2, 1, 3, 3, kind="invertible")))


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
