"""What a matrix is beside its entries: the places of a sparse one, the axes of a dense one, or an operator.

A rule takes the entries as one array and a `Structure` as a constant, so that one set of rules serves all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from pullback.base.errors import NotDifferentiableError, UnsupportedError

MAKERS: dict[str, Callable[..., Any]] = {
    "csr": scipy.sparse.csr_array, "csc": scipy.sparse.csc_array, "coo": scipy.sparse.coo_array,
}  # fmt: skip


_operator: Any = scipy.sparse.linalg.LinearOperator


class Structure:
    """How an array of entries is a matrix.

    Attributes:
        shape: of the matrix.
        T: the structure of the transpose, with the same entries.
    """

    shape: Any
    T: Any

    def matrix(self, data: Any) -> Any:
        """The matrix that has these entries, for SciPy."""
        raise NotImplementedError

    def sampled(self, y: Any, x: Any) -> Any:
        """The entries of ``y xᵀ`` (of vectors, or summed over columns) at the places of the entries."""
        raise NotImplementedError


class Places(Structure):
    """A sparse matrix: entry k lies at ``rows[k], columns[k]``.

    Attributes:
        format: "csr", "csc" or "coo".
        index: the arrays that SciPy has beside the entries in this format.
    """

    def __init__(self, format: str, index: tuple[Any, ...], shape: Any) -> None:
        self.format, self.index, self.shape = format, index, shape

    def matrix(self, data: Any) -> Any:
        content = (data, self.index) if self.format == "coo" else (data, *self.index)
        return MAKERS[self.format](content, shape=self.shape)

    @cached_property
    def T(self) -> Places:
        if self.format == "coo":
            return Places("coo", (self.index[1], self.index[0]), self.shape[::-1])
        return Places("csc" if self.format == "csr" else "csr", self.index, self.shape[::-1])

    @cached_property
    def places(self) -> tuple[Any, Any]:
        """The row and the column of each entry."""
        if self.format == "coo":
            return self.index[0], self.index[1]
        inner, starts = self.index
        outer = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        return (outer, inner) if self.format == "csr" else (inner, outer)

    def sampled(self, y: Any, x: Any) -> Any:
        rows, columns = self.places
        products = y[rows] * x[columns]
        return products if products.ndim == 1 else products.sum(axis=1)


class Dense(Structure):
    """A dense matrix, or the transpose of one: the entries are the matrix itself."""

    def __init__(self, shape: Any, turned: bool = False) -> None:
        self.shape, self.turned = shape, turned

    def matrix(self, data: Any) -> Any:
        return data.T if self.turned else data

    @property
    def T(self) -> Dense:
        return Dense(self.shape[::-1], not self.turned)

    def sampled(self, y: Any, x: Any) -> Any:
        if self.turned:
            y, x = x, y
        return np.outer(y, x) if y.ndim == 1 else y @ x.T


class Operator(Structure):
    """A `LinearOperator`, in which there is no derivative; perhaps one that is known to be Hermitian."""

    def __init__(self, operator: Any, hermitian: bool) -> None:
        self.operator, self.hermitian, self.shape = operator, hermitian, operator.shape

    def matrix(self, data: Any) -> Any:
        return self.operator

    @property
    def T(self) -> Operator:
        return Operator(transposed(self.operator, self.hermitian), self.hermitian)

    def sampled(self, y: Any, x: Any) -> Any:
        raise NotDifferentiableError("a LinearOperator has no derivative", why="its entries are not known")


def transposed(matrix: Any, hermitian: bool) -> Any:
    """The transpose of a matrix or a `LinearOperator`; a Hermitian one need not know its adjoint."""
    if not (hermitian and isinstance(matrix, _operator)):
        return matrix.T
    return _operator(matrix.shape, matvec=lambda x: np.conj(matrix.matvec(np.conj(x))), dtype=matrix.dtype)


def of_sparse(matrix: Any) -> tuple[Any, Places]:
    """The entries and places of one of SciPy's sparse matrices; one of one axis is a row."""
    if matrix.ndim > 2:
        raise UnsupportedError(
            f"a sparse array with {matrix.ndim} axes",
            why="there are rules for products with matrices and vectors",
            remedy="reshape it to a matrix, or use A.toarray().",
        )
    if matrix.ndim == 1:
        (columns,) = matrix.tocoo().coords
        return matrix.tocoo().data.copy(), Places(
            "coo", (np.zeros_like(columns), columns), (1, *matrix.shape)
        )
    if matrix.format not in MAKERS:
        matrix = matrix.tocsr()
    index = (
        (matrix.row, matrix.col) if matrix.format == "coo" else (matrix.indices.copy(), matrix.indptr.copy())
    )
    return matrix.data.copy(), Places(matrix.format, index, matrix.shape)
