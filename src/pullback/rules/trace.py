"""The trace of matrices and of stacks of them.

The adjoint of the trace is a multiple of the identity, which is never written out: a product that receives it
only scales its other factor (Giles, *Collected matrix derivative results*, 2008, §2.3). The Jacobian is real,
so the cotangent needs no conjugation (``holomorphic=False``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.rules.domain import array, call
from pullback.rules.structured import IdentityMultiple
from pullback.rules.table import calls, linear, vjp


@vjp(np.trace, 0, reads="offset axis1 axis2", holomorphic=False)
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
    shape = a.shape
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


@vjp(np.linalg.trace, 0, reads="", holomorphic=False)
def matrix_trace_vjp(y_bar: Any, y: Any, x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace_vjp(y_bar, y, x, offset, -2, -1)


linear(np.linalg.trace, 0)
calls(np.linalg.trace, call(array(3, 3)), call(array(2, 3, 4), offset=1), call(array(2, 3, 3)))
