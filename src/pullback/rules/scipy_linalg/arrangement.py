"""Matrices that arrange given entries: block_diag, toeplitz, circulant; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.scipy_linalg.calling import BATCHES, composed, followed
from pullback.rules.table import EACH, calls, jvp, refuse, vjp

block_diag = followed(scipy.linalg.block_diag)


def _block_shape(a: Any) -> tuple[int, ...]:
    shape = np.shape(a)
    return (1,) * (2 - len(shape)) + tuple(shape)


@vjp(block_diag, EACH, reads="position", holomorphic=False)
def block_diag_vjp(position: int, y_bar: Any, y: Any, *arrs: Any) -> Any:
    shapes = [_block_shape(a) for a in arrs]
    row, column = (sum(shape[axis] for shape in shapes[:position]) for axis in (-2, -1))
    rows, columns = shapes[position][-2:]
    block = y_bar[..., row : row + rows, column : column + columns]
    return np.reshape(block, np.shape(arrs[position])) if np.ndim(arrs[position]) < 2 else block


@jvp(block_diag, EACH, reads="arrs")
def block_diag_jvp(position: int, x_dot: Any, y: Any, *arrs: Any) -> Any:
    others = [np.zeros(np.shape(a), dtype_of(a)) for a in arrs]
    return block_diag(*others[:position], x_dot, *others[position + 1 :])


calls(
    block_diag,
    call(array(2, 2), array(1, 3), array(2, 1)),
    call(array(3), array(2, 2)),
    call(array(2, 3)),
    call(array(2, 0), array(2, 2)),
)
if BATCHES:
    calls(block_diag, call(array(4, 2, 2), array(3, 2)), call(array(3, 1, 2, 2), array(2, 1, 1)))


@composed(scipy.linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.toeplitz`, of vectors."""
    column = np.ravel(c)
    row = np.conj(column) if r is None else np.ravel(r)
    entries = np.concatenate((np.flip(column), row[1:]))
    rows, columns = np.shape(column)[0], np.shape(row)[0]
    return entries[np.arange(rows)[::-1, None] + np.arange(columns)]


@composed(scipy.linalg.circulant)
def circulant(c: Any) -> Any:
    """As `scipy.linalg.circulant`."""
    n = np.shape(c)[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


_NO_SCHUR = (
    "the Schur form is not unique: its vectors and the order of its eigenvalues are a choice that does not "
    "follow the matrix smoothly"
)
schur = followed(scipy.linalg.schur)
refuse(schur, _NO_SCHUR, 0)
