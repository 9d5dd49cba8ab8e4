"""Matrices that arrange given entries: block_diag, toeplitz, circulant; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.errors import UnsupportedError
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


def _only_vectors(name: str, c: Any, r: Any) -> None:
    """Raise for a stack."""
    if np.ndim(c) > 1 or (r is not None and np.ndim(r) > 1):
        raise UnsupportedError(
            f"scipy.linalg.{name} of a stack of vectors has no derivative rule",
            why="SciPy makes one long vector of it or many matrices, depending on its version",
            remedy=f"take them one by one: np.stack([{name}(c) for c in ...]).",
        )


@composed(scipy.linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.toeplitz`, of vectors."""
    _only_vectors("toeplitz", c, r)
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


@composed(scipy.linalg.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.hankel`, of vectors."""
    _only_vectors("hankel", c, r)
    column = np.ravel(c)
    row = column * 0 if r is None else np.ravel(r)
    entries = np.concatenate((column, row[1:]))
    return entries[np.arange(np.shape(column)[0])[:, None] + np.arange(np.shape(row)[0])]


@composed(scipy.linalg.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """As `scipy.linalg.khatri_rao`."""
    rows = np.shape(a)[-2] * np.shape(b)[-2]
    products = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(products, (*np.shape(products)[:-3], rows, np.shape(products)[-1]))


@composed(scipy.linalg.companion)
def companion(a: Any) -> Any:
    """As `scipy.linalg.companion`."""
    row = -a[..., None, 1:] / a[..., None, :1]
    size = np.shape(row)[-1]
    below = np.broadcast_to(np.eye(size - 1, size, dtype=dtype_of(row)), (*np.shape(a)[:-1], size - 1, size))
    return np.concatenate((row, below), axis=-2)


@composed(scipy.linalg.leslie)
def leslie(f: Any, s: Any) -> Any:
    """As `scipy.linalg.leslie`."""
    below = s[..., :, None] * np.eye(np.shape(s)[-1], np.shape(f)[-1], dtype=dtype_of(s))
    return np.concatenate((f[..., None, :], below), axis=-2)


@composed(scipy.linalg.convolution_matrix)
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """As `scipy.linalg.convolution_matrix`."""
    size = np.shape(a)[-1]
    beside = np.zeros((*np.shape(a)[:-1], n - 1), dtype_of(a))
    padded = np.concatenate((beside, a, beside), axis=-1)
    first, rows = 0, size + n - 1
    if mode == "same":
        first, rows = (min(size, n) - 1) // 2, max(size, n)
    elif mode == "valid":
        first, rows = min(size, n) - 1, max(size, n) - min(size, n) + 1
    return padded[..., np.arange(first, first + rows)[:, None] + np.arange(n)[::-1]]


_NO_SCHUR = (
    "the Schur form is not unique: its vectors and the order of its eigenvalues are a choice that does not "
    "follow the matrix smoothly"
)
schur = followed(scipy.linalg.schur)
refuse(schur, _NO_SCHUR, 0)
