"""Arguments as compiled code takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.base.tracked import Tracked
from pullback.ir.types import Array, Scalar, Type, layout_of


def coerced(value: Any, kind: Type) -> Any:
    """`value` as compiled code takes it: the dtype, the layout, writeable."""
    if isinstance(value, Tracked):
        return value
    if isinstance(kind, Scalar):
        return value if type(value) in (int, float, complex, bool) else np.asarray(value, kind.dtype)[()]
    assert isinstance(kind, Array)
    array = np.asarray(value, kind.dtype)
    if kind.layout != "A" and layout_of(array) != kind.layout:
        array = np.array(array, order="F" if kind.layout == "F" else "C")
    return array if array.flags.writeable else array.copy()
