"""Sparse matrices in compiled source: their arrays, and products as loops over them.

A matrix of SciPy's, or one with tracked entries, that a function takes or closes over becomes a
`SparseMatrix` of its arrays; the methods below are inlined as a user's would be. The entries are summed up in
the order that SciPy has.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.rules.table import PARTS

FORMATS = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}


@dataclass(frozen=True)
class SparseMatrix:
    """A sparse matrix of constant shape.

    Attributes:
        data: the entries.
        first, second: the places: ``indices, indptr`` of SciPy's csr and csc, ``row, col`` of its coo.
    """

    format: str
    data: Any
    first: Any
    second: Any
    rows: int
    columns: int

    __array_ufunc__ = None
    ndim = 2
    without = (
        "of a sparse matrix compiled source has the products A @ x and x @ A, A * number, A.T and toarray",
        "work with its entries, A.data, or make the other matrix outside",
    )

    @property
    def shape(self) -> Any:
        return (self.rows, self.columns)

    @property
    def nnz(self) -> Any:
        if self.format == "coo":
            return np.shape(self.data)[0]
        return int(self.second[np.shape(self.second)[0] - 1])

    @property
    def dtype(self) -> Any:
        return self.data.dtype

    @property
    def indices(self) -> Any:
        if self.format == "coo":
            raise UnsupportedError(
                "a coo matrix has no indices", why="it has row and col", remedy="pass a.tocsr()"
            )
        return self.first

    @property
    def indptr(self) -> Any:
        if self.format == "coo":
            raise UnsupportedError(
                "a coo matrix has no indptr", why="it has row and col", remedy="pass a.tocsr()"
            )
        return self.second

    @property
    def row(self) -> Any:
        if self.format != "coo":
            raise UnsupportedError(
                "only a coo matrix has row",
                why="csr and csc have indices and indptr",
                remedy="pass a.tocoo()",
            )
        return self.first

    @property
    def col(self) -> Any:
        if self.format != "coo":
            raise UnsupportedError(
                "only a coo matrix has col",
                why="csr and csc have indices and indptr",
                remedy="pass a.tocoo()",
            )
        return self.second

    @property
    def T(self) -> Any:
        if self.format == "coo":
            return SparseMatrix("coo", self.data, self.second, self.first, self.columns, self.rows)
        other = "csc" if self.format == "csr" else "csr"
        return SparseMatrix(other, self.data, self.first, self.second, self.columns, self.rows)

    def transpose(self) -> Any:
        return self.T

    def conj(self) -> Any:
        return SparseMatrix(self.format, np.conj(self.data), self.first, self.second, self.rows, self.columns)

    def conjugate(self) -> Any:
        return self.conj()

    def dot(self, other: Any) -> Any:
        return self @ other

    def toarray(self) -> Any:
        if self.format == "csc":
            return self.T.toarray().T
        y = np.zeros((self.rows, self.columns), self.data.dtype)
        if self.format == "csr":
            for i in range(self.rows):
                for k in range(self.second[i], self.second[i + 1]):
                    y[i, self.first[k]] += self.data[k]
        else:
            for k in range(self.data.shape[0]):
                y[self.first[k], self.second[k]] += self.data[k]
        return y

    def __matmul__(self, x: Any) -> Any:
        check_factors(self, x)
        y = np.zeros((self.rows, *x.shape[1:]), np.result_type(self.data, x))
        if self.format == "csr":
            for i in range(self.rows):
                for k in range(self.second[i], self.second[i + 1]):
                    y[i] += self.data[k] * x[self.first[k]]
        elif self.format == "csc":
            for j in range(self.columns):
                for k in range(self.second[j], self.second[j + 1]):
                    y[self.first[k]] += self.data[k] * x[j]
        else:
            for k in range(self.data.shape[0]):
                y[self.first[k]] += self.data[k] * x[self.second[k]]
        return y

    def __rmatmul__(self, x: Any) -> Any:
        if np.ndim(x) == 1:
            return self.T @ x
        return np.transpose(self.T @ np.transpose(x))

    def __mul__(self, number: Any) -> Any:
        if np.ndim(number) != 0:
            raise UnsupportedError(
                "a sparse matrix times an array, entry by entry, in compiled source",
                why="the product of matrices is written @",
                remedy="multiply its entries, A.data * ..., or write A @ x",
            )
        data = self.data * number
        return SparseMatrix(self.format, data, self.first, self.second, self.rows, self.columns)

    def __rmul__(self, number: Any) -> Any:
        return self * number

    def __truediv__(self, number: Any) -> Any:
        return self * (1 / number)

    def __neg__(self) -> Any:
        return SparseMatrix(self.format, -self.data, self.first, self.second, self.rows, self.columns)


def check_factors(a: Any, x: Any) -> None:
    """Raise where there is no product ``a @ x``."""
    if isinstance(x, SparseMatrix):
        raise UnsupportedError(
            "the product of two sparse matrices in compiled source",
            why="how many entries it has depends on the places of theirs",
            remedy="multiply with one after the other, A @ (B @ x), or outside the function",
        )
    if np.ndim(x) == 0:
        raise UnsupportedError(
            "the product A @ x of a sparse matrix and a number",
            why="SciPy has none",
            remedy="write A * x",
        )
    if np.ndim(x) > 2:
        raise UnsupportedError(
            "the product of a sparse matrix and a stack of matrices in compiled source",
            remedy="multiply with one after the other",
        )
    if x.shape[0] != a.columns:
        raise ValueError("dimension mismatch in the product with a sparse matrix")
    if a.format == "coo" and a.rows == 1 and np.ndim(x) == 1:
        raise ValueError("SciPy gives no vector for a coo_array of one row: use A.tocsr()")


for _function in vars(SparseMatrix).values():
    if isinstance(_function, FunctionType):
        PARTS[_function] = _function


def arrays_of(matrix: Any) -> SparseMatrix:
    """The arrays of a sparse matrix.

    Raises:
        UnsupportedError: for a format that has others.
    """
    if matrix.ndim != 2 or matrix.format not in FORMATS:
        raise UnsupportedError(
            "a sparse array of one axis in compiled source"
            if matrix.ndim == 1
            else f"a sparse matrix of format {matrix.format!r} in compiled source",
            why="its products are compiled for matrices in the formats csr, csc and coo",
            remedy="pass A.reshape(1, -1).tocsr()" if matrix.ndim == 1 else "pass A.tocsr(), made outside",
        )
    structure = getattr(matrix, "structure", None)
    if structure is not None:
        first, second = structure.index
    else:
        first, second = (getattr(matrix, name) for name in FORMATS[matrix.format])
    return SparseMatrix(matrix.format, matrix.data, first, second, *matrix.shape)
