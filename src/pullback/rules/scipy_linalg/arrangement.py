"""Matrices that arrange given entries: block_diag, toeplitz, circulant; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from pullback.base.errors import UnsupportedError
from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.scipy_linalg.calling import BATCHES, composed, followed
from pullback.rules.table import EACH, PARTS, calls, jvp, refuse, vjp

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


STACKS = {"toeplitz": np.lib.NumpyVersion(scipy.__version__) >= "1.17.0", "hankel": False}
"""Whether a stack of vectors is many of them, and not a long one; in hankel from SciPy 1.19 on."""


def _vectors(name: str, c: Any) -> Any:
    """A vector, or a stack of vectors."""
    if np.ndim(c) > 1 and not STACKS[name]:
        raise UnsupportedError(
            f"scipy.linalg.{name} of a stack of vectors has no derivative rule",
            why="this version of SciPy makes one long vector of it",
            remedy=f"take them one by one: np.stack([{name}(c) for c in ...]).",
        )
    return c if np.ndim(c) > 1 else np.ravel(c)


def _beside(first: Any, second: Any) -> Any:
    """Two vectors one behind the other, or the pairs of two stacks."""
    if np.ndim(first) > 1 or np.ndim(second) > 1:
        stack = np.shape(first[..., :0] + second[..., :0])[:-1]
        first = np.broadcast_to(first, (*stack, np.shape(first)[-1]))
        second = np.broadcast_to(second, (*stack, np.shape(second)[-1]))
    return np.concatenate((first, second), axis=-1)


PARTS[_vectors], PARTS[_beside] = _vectors, _beside  # compiled code looks into functions that are parts


@composed(scipy.linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.toeplitz`."""
    column = _vectors("toeplitz", c)
    row = np.conj(column) if r is None else _vectors("toeplitz", r)
    entries = _beside(np.flip(column, -1), row[..., 1:])
    rows, columns = np.shape(column)[-1], np.shape(row)[-1]
    return entries[..., np.arange(rows)[::-1, None] + np.arange(columns)]


@composed(scipy.linalg.circulant)
def circulant(c: Any) -> Any:
    """As `scipy.linalg.circulant`."""
    n = np.shape(c)[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


@composed(scipy.linalg.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.hankel`."""
    column = _vectors("hankel", c)
    row: Any = np.zeros(np.shape(column), dtype_of(column)) if r is None else _vectors("hankel", r)
    entries = _beside(column, row[..., 1:])
    return entries[..., np.arange(np.shape(column)[-1])[:, None] + np.arange(np.shape(row)[-1])]


@composed(scipy.linalg.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """As `scipy.linalg.khatri_rao`."""
    if np.shape(a)[-1] != np.shape(b)[-1]:
        raise ValueError("The number of columns for both arrays should be equal.")
    rows = np.shape(a)[-2] * np.shape(b)[-2]
    products = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(products, (*np.shape(products)[:-3], rows, np.shape(products)[-1]))


@composed(scipy.linalg.companion)
def companion(a: Any) -> Any:
    """As `scipy.linalg.companion`."""
    if np.shape(a)[-1] < 2:
        raise ValueError("The length of `a` along the last axis must be at least 2.")
    if np.any(a[..., 0] == 0):
        raise ValueError("The first coefficient(s) of `a` must not be zero.")
    row = -a[..., None, 1:] / a[..., None, :1]
    size = np.shape(row)[-1]
    below = np.broadcast_to(np.eye(size - 1, size, dtype=dtype_of(row)), (*np.shape(a)[:-1], size - 1, size))
    return np.concatenate((row, below), axis=-2)


@composed(scipy.linalg.leslie)
def leslie(f: Any, s: Any) -> Any:
    """As `scipy.linalg.leslie`."""
    if np.shape(f)[-1] != np.shape(s)[-1] + 1 or np.shape(s)[-1] == 0:
        raise ValueError("The length of s has to be that of f less 1, and not 0.")
    below = s[..., :, None] * np.eye(np.shape(s)[-1], np.shape(f)[-1], dtype=dtype_of(s))
    return np.concatenate((f[..., None, :], below), axis=-2)


@composed(scipy.linalg.convolution_matrix)
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """As `scipy.linalg.convolution_matrix`."""
    if n <= 0:
        raise ValueError("n must be a positive integer.")
    if mode not in ("full", "valid", "same"):
        raise ValueError("'mode' argument must be one of ('full', 'valid', 'same')")
    if np.size(a) == 0:
        raise ValueError("len(a) must be at least 1.")
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
