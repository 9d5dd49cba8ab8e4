"""`astype` as a function, so that it has a row in the table (NumPy has one only from 2.1 on)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched
from pullback.rules.domain import array, call
from pullback.rules.table import calls, jvp, vjp


@dispatched
def astype(x: Any, dtype: Any) -> Any:
    """`x` as an array or scalar of `dtype`; a complex value loses its imaginary part without a warning."""
    value = np.asarray(x)
    if value.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        value = value.real
    return value.astype(dtype)[()]


@vjp(astype, 0, reads="", holomorphic=False)
def astype_vjp(y_bar: Any, y: Any, x: Any, dtype: Any) -> Any:
    return astype(y_bar, x.dtype)


@jvp(astype, 0, reads="")
def astype_jvp(x_dot: Any, y: Any, x: Any, dtype: Any) -> Any:
    return astype(x_dot, dtype)


calls(astype, call(array(3), np.float64), call(array(2, 3), np.complex128))
