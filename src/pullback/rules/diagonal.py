"""Diagonals and triangles: diag, diagonal, diagflat, tril, triu.

Taking a diagonal and writing one are each other's adjoint. A diagonal is a slice with step n + 1 of the
flattened matrix, so it is written without index arrays. The Jacobians are real (``holomorphic=False``, see
`rules.shape`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.rules.domain import array, call
from pullback.rules.scatter import on_diagonal
from pullback.rules.structured import Diagonal, is_large
from pullback.rules.table import calls, linear, refuse, view, vjp


def _placed(values: Any, rows: Any, columns: Any, offset: Any) -> Any:
    """`on_diagonal`, as a structure where that pays."""
    if is_large(rows, columns) and rows == columns and offset == 0:
        return Diagonal(values)
    return on_diagonal(values, rows, columns, offset)


@vjp(np.diagonal, 0, reads="offset axis1 axis2", holomorphic=False)
def diagonal_vjp(y_bar: Any, y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    rows, columns = a.shape[axis1], a.shape[axis2]
    last = {axis1 % a.ndim, axis2 % a.ndim} == {a.ndim - 2, a.ndim - 1}
    matrices = (_placed if last else on_diagonal)(y_bar, rows, columns, offset)
    if type(matrices) is Diagonal:
        return matrices
    return matrices if a.ndim == 2 and axis1 % 2 == 0 else np.moveaxis(matrices, (-2, -1), (axis1, axis2))


@vjp(np.linalg.diagonal, 0, reads="offset", holomorphic=False)
def linalg_diagonal_vjp(y_bar: Any, y: Any, x: Any, *, offset: int = 0) -> Any:
    return _placed(y_bar, x.shape[-2], x.shape[-1], offset)


@vjp(np.diag, 0, reads="k", holomorphic=False)
def diag_vjp(y_bar: Any, y: Any, v: Any, k: int = 0) -> Any:
    return np.diagonal(y_bar, k) if v.ndim == 1 else _placed(y_bar, v.shape[0], v.shape[1], k)


@vjp(np.diagflat, 0, reads="k", holomorphic=False)
def diagflat_vjp(y_bar: Any, y: Any, v: Any, k: int = 0) -> Any:
    return np.reshape(np.diagonal(y_bar, k), np.shape(v))


@vjp(np.tril, 0, reads="k", holomorphic=False)
def tril_vjp(y_bar: Any, y: Any, m: Any, k: int = 0) -> Any:
    return np.tril(y_bar, k)


@vjp(np.triu, 0, reads="k", holomorphic=False)
def triu_vjp(y_bar: Any, y: Any, m: Any, k: int = 0) -> Any:
    return np.triu(y_bar, k)


for _function in (np.diagonal, np.linalg.diagonal, np.diag, np.diagflat, np.tril, np.triu):
    linear(_function, 0)

view(np.diagonal, np.linalg.diagonal, np.diag)
refuse(
    np.fill_diagonal, "it writes into its argument; use x[np.diag_indices(n)] = v on a pb.Variable instead"
)

calls(
    np.diagonal,
    call(array(3, 3)),
    call(array(2, 4), 1),
    call(array(4, 2), -1),
    call(array(3, 2), offset=5),
    call(array(3, 2), -5),
    call(array(2, 3), 1, 1, 0),
    call(array(2, 3), 0, -1, -2),
    call(array(2, 3, 4), 1, axis1=-1, axis2=0),
    call(array(2, 3, 4)),
    call(array(2, 3, 4, 2), -1, 2, 1),
)
calls(np.linalg.diagonal, call(array(3, 2)), call(array(2, 2, 3), offset=1), call(array(2, 2, 3), offset=-1))
calls(
    np.diag,
    call(array(3)),
    call(array(3), -2),
    call(array(3, 3)),
    call(array(2, 4), k=2),
    call(array(4, 2), -3),
)
calls(np.diagflat, call(array(2, 2)), call(array(3), 1), call(array(), -1))
for _function in (np.tril, np.triu):
    calls(_function, call(array(3, 3)), call(array(2, 4), 1), call(array(2, 4, 2), k=-1), call(array(3)))
