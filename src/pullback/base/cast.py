"""`astype` as a function that reaches the engines (NumPy has one only from 2.1 on).

Its rule is in `rules.cast`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched


@dispatched
def astype(x: Any, dtype: Any) -> Any:
    """`x` as an array or scalar of `dtype`; a complex value loses its imaginary part without a warning."""
    value: Any = np.asarray(x)
    if value.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        value = value.real
    return value.astype(dtype)[()]
