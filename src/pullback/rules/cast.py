"""The rule of `base.cast.astype`: a cast is linear over the reals, and its adjoint casts back."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.spec import dtype_of
from pullback.base.tracked import Tracked
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, vjp


@vjp(astype, 0, reads="", holomorphic=False)
def astype_vjp(y_bar: Any, y: Any, x: Any, dtype: Any) -> Any:
    return astype(y_bar, x.dtype)


@jvp(astype, 0, reads="")
def astype_jvp(x_dot: Any, y: Any, x: Any, dtype: Any) -> Any:
    return astype(x_dot, dtype)


def in_double(values: Any) -> Any:
    """Constants in double precision, where whole numbers do not wrap around; tracked values as they are."""
    if isinstance(values, list | tuple):
        values = np.stack(values)
    return values if isinstance(values, Tracked) else np.asarray(values, np.result_type(values, np.float64))


def in_dtype_of(y: Any, y_dot: Any) -> Any:
    """A tangent in the dtype of the output, where a keyword of another dtype has widened it."""
    dtype = dtype_of(y)
    return y_dot if dtype_of(y_dot) == dtype else astype(y_dot, dtype)


calls(astype, call(array(3), np.float64), call(array(2, 3), np.complex128))
