"""Functions of a matrix: sinm, cosm, tanm, sinhm, coshm, tanhm; the Fréchet derivative of any.

With ``f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]]`` (Mathias, SIAM J. Matrix Anal. Appl. 17, 1996) the
Fréchet derivative L is a call of `f`, so that derivatives of any order follow from the one rule. As
``f(Aᵀ) = f(A)ᵀ``, the adjoint of L(A, ·) is L(Aᵀ, ·) (Higham, *Functions of Matrices*, 2008, §3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.rules.domain import Call, array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_linalg.calling import BATCHES, followed
from pullback.rules.table import calls, jvp, vjp


def frechet(function: Callable[..., Any], a: Any, direction: Any) -> Any:
    """``L(A, E)``: the derivative of a function of a matrix along a direction."""
    n = np.shape(a)[-1]
    if 0 in np.shape(a):
        return direction + 0 * a
    # In proportion to `a`: the derivative is linear, and a large direction would cost digits.
    sizes, lengths = _size(a), _size(direction)
    factor = np.where((sizes == 0) | (lengths == 0), 1, sizes / np.where(lengths == 0, 1, lengths))
    factor = factor.astype(dtype_of(direction).char.lower())
    return function(block_triangle(a, direction * factor))[..., :n, n:] / factor


def block_triangle(a: Any, direction: Any) -> Any:
    """``[[A, E], [0, A]]``."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(direction))
    a, direction = np.broadcast_to(a, shape), np.broadcast_to(direction, shape)
    upper = np.concatenate((a, direction), axis=-1)
    lower = np.concatenate((np.zeros(shape, dtype_of(a)), a), axis=-1)
    return np.concatenate((upper, lower), axis=-2)


def _size(a: Any) -> Any:
    return np.linalg.norm(bare(a), axis=(-2, -1), keepdims=True)


def _add(function: Callable[..., Any], examples: list[Call]) -> Callable[..., Any]:
    own = followed(function)

    @vjp(own, 0, reads="A")
    def function_vjp(y_bar: Any, y: Any, A: Any) -> Any:
        return frechet(own, transposed(A), y_bar)

    @jvp(own, 0, reads="A")
    def function_jvp(A_dot: Any, y: Any, A: Any) -> Any:
        return frechet(own, A, A_dot)

    calls(own, *examples)
    return own


_ANY = [call(array(3, 3)), call(array(1, 1)), call(array(0, 0))]
if BATCHES:
    _ANY.append(call(array(2, 1, 3, 3)))

sinm = _add(scipy.linalg.sinm, _ANY)
cosm = _add(scipy.linalg.cosm, _ANY)
tanm = _add(scipy.linalg.tanm, _ANY)
sinhm = _add(scipy.linalg.sinhm, _ANY)
coshm = _add(scipy.linalg.coshm, _ANY)
tanhm = _add(scipy.linalg.tanhm, _ANY)
