"""Products with sparse matrices: bilinear, with ``A_bar = y_bar xᵀ`` at the places of the entries alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from pullback.base.dispatch import dispatched
from pullback.base.errors import UnsupportedError
from pullback.rules.domain import array, call
from pullback.rules.linalg import transposed
from pullback.rules.scipy_sparse.structure import Dense, Places, Structure, of_sparse
from pullback.rules.table import calls, linear, vjp


@dispatched
def product(data: Any, x: Any, structure: Structure) -> Any:
    """``A @ x`` for a vector or a matrix `x`."""
    return np.reshape(structure.matrix(data) @ x, (structure.shape[0], *np.shape(x)[1:]))


@dispatched
def sampled(y: Any, x: Any, structure: Structure) -> Any:
    """The entries of ``y xᵀ`` where the matrix has its own."""
    return structure.sampled(y, x)


@vjp(product, 0, reads="x structure")
def product_data_vjp(y_bar: Any, y: Any, data: Any, x: Any, structure: Structure) -> Any:
    return sampled(y_bar, x, structure)


@vjp(product, 1, reads="data structure")
def product_x_vjp(y_bar: Any, y: Any, data: Any, x: Any, structure: Structure) -> Any:
    return product(data, y_bar, structure.T)


@vjp(sampled, 0, reads="x structure")
def sampled_y_vjp(data_bar: Any, data: Any, y: Any, x: Any, structure: Structure) -> Any:
    return product(data_bar, x, structure)


@vjp(sampled, 1, reads="y structure")
def sampled_x_vjp(data_bar: Any, data: Any, y: Any, x: Any, structure: Structure) -> Any:
    return product(data_bar, y, structure.T)


linear(product, 0, 1)
linear(sampled, 0, 1)


@dispatched
def dense_of(data: Any, structure: Places) -> Any:
    """The dense matrix; entries at the same place add up."""
    return structure.matrix(data).toarray()


@vjp(dense_of, 0, reads="structure")
def dense_of_vjp(y_bar: Any, y: Any, data: Any, structure: Places) -> Any:
    return y_bar[structure.places]


linear(dense_of, 0)


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` where one of both is a sparse matrix and the other is tracked."""
    if np.ndim(b if scipy.sparse.issparse(a) else a) > 2:
        raise UnsupportedError(
            "the product of a sparse matrix and a stack of matrices",
            why="of SciPy's formats only coo has it",
            remedy="multiply with one after the other, or with A.toarray().",
        )
    if scipy.sparse.issparse(a):
        data, structure = of_sparse(a)
        found = product(data, b, structure)
        if a.shape[0] == 1 and np.ndim(b) == 1:
            # SciPy drops the axis of a coo_array of one row.
            return np.reshape(found, np.shape(a @ np.zeros(a.shape[-1])))
        return found if a.ndim == 2 else found[0]
    if scipy.sparse.issparse(b):
        data, structure = of_sparse(b)
        if b.ndim == 2 and b.shape[1] == 1 and np.ndim(a) == 1:
            return np.reshape(times(a, data, structure), np.shape(np.zeros(b.shape[0]) @ b))
        if b.ndim == 2:
            return times(a, data, structure)
        return product(data, a if np.ndim(a) == 1 else transposed(a), structure)[0]
    return b.__rmatmul__(a)


def times(x: Any, data: Any, structure: Structure) -> Any:
    """``x @ A``."""
    if np.ndim(x) == 1:
        return product(data, x, structure.T)
    return transposed(product(data, transposed(x), structure.T))


_CSR = Places("csr", (np.array([0, 2, 1, 0]), np.array([0, 2, 3, 4])), (3, 4))
_COO = Places("coo", (np.array([0, 2, 0, 0]), np.array([1, 1, 3, 1])), (3, 4))
for _structure in (_CSR, _COO, _CSR.T.T):
    calls(
        product,
        call(array(4), array(4), _structure),
        call(array(4), array(4, 2), _structure),
        call(array(4), array(3, 2), _structure.T),
    )
    calls(sampled, call(array(3), array(4), _structure), call(array(4, 2), array(3, 2), _structure.T))
    calls(dense_of, call(array(4), _structure), call(array(4), _structure.T))
calls(product, call(array(3, 2), array(2), Dense((3, 2))), call(array(3, 2), array(3, 1), Dense((3, 2)).T))
