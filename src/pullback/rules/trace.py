"""The trace, the diagonal of stacks of matrices, and their transpose.

The adjoint of the trace is a multiple of the identity, which is never written out: a product that receives it only
scales its other factor (Giles, *Collected matrix derivative results*, 2008, §2.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import Spec, dtype_of
from pullback.rules.domain import array, call
from pullback.rules.structured import IdentityMultiple, Scattered
from pullback.rules.table import calls, linear, view, vjp


@vjp(np.trace, 0, reads="")
def trace_vjp(
    y_bar: Any,
    y: Any,
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    shape = np.shape(a)
    ndim = len(shape)
    if ndim != 2:
        axis1, axis2 = axis1 % ndim, axis2 % ndim
        if axis1 + axis2 == 2 * ndim - 3 and shape[-1] == shape[-2] and offset == 0:
            return IdentityMultiple(y_bar, shape[-1])
    elif offset == 0 and shape[0] == shape[1]:
        return IdentityMultiple(y_bar, shape[0])
    ones = np.eye(shape[axis1], shape[axis2], offset, dtype_of(y_bar))
    return np.moveaxis(np.expand_dims(y_bar, (-2, -1)) * ones, (-2, -1), (axis1, axis2))


linear(np.trace, 0)
calls(
    np.trace,
    call(array(3, 3)),
    call(array(3, 4)),
    call(array(4, 3), offset=-1),
    call(array(3, 4), 2),
    call(array(3, 4), 0, 1, 0),
    call(array(3, 4), 1, -1, -2),
    call(array(2, 3, 3), axis1=-2, axis2=-1),
    call(array(2, 5, 3, 3), axis1=3, axis2=2),
    call(array(3, 3, 2)),
    call(array(3, 2, 4), 1, 0, 2),
    call(array(3, 2, 4), 1, 2, 0),
    call(array(0, 3, 3), axis1=1, axis2=2),
    call(array(3, 3), 5),
)


@vjp(np.linalg.trace, 0, reads="")
def matrix_trace_vjp(y_bar: Any, y: Any, x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace_vjp(y_bar, y, x, offset, -2, -1)


linear(np.linalg.trace, 0)
calls(np.linalg.trace, call(array(3, 3)), call(array(2, 3, 4), offset=1), call(array(2, 3, 3)))


@vjp(np.linalg.diagonal, 0, reads="")
def matrix_diagonal_vjp(y_bar: Any, y: Any, x: Any, *, offset: int = 0) -> Any:
    places = np.arange(np.shape(y_bar)[-1])
    index = (..., places + max(-offset, 0), places + max(offset, 0))
    return Scattered(Spec(np.shape(x), dtype_of(y_bar)), index, y_bar)


linear(np.linalg.diagonal, 0)
calls(
    np.linalg.diagonal,
    call(array(3, 3)),
    call(array(2, 3, 4), offset=1),
    call(array(2, 4, 3), offset=-2),
    call(array(3, 3), offset=3),
)


for _function in (np.matrix_transpose, np.linalg.matrix_transpose):

    @vjp(_function, 0, reads="")
    def matrix_transpose_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        return np.swapaxes(y_bar, -1, -2)

    linear(_function, 0)
    calls(_function, call(array(2, 3)), call(array(4, 2, 3)))

view(np.linalg.diagonal, np.matrix_transpose, np.linalg.matrix_transpose)
