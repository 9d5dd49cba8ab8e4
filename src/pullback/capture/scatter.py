"""``ufunc.at``: additions at the places that an index lists, each of them counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.indexing import full_index
from pullback.capture.operators import binary
from pullback.capture.values import ListValue, is_array, is_scalar


def at(context: Context, ufunc: np.ufunc, args: list[Any]) -> None:
    """``np.add.at(a, index, value)``."""
    if len(args) != 3 or not is_array(args[0]):
        context.fail(f"{ufunc.__name__}.at with these arguments", "it takes an array, an index and values")
    array, index, value = args
    if isinstance(index, ListValue):
        index = as_array(context, index)
    full = full_index(context, array, index)
    value = as_array(context, value)
    if ufunc is np.subtract:
        value = (
            binary(context, np.multiply, value, -1) if is_scalar(value) else context.call(np.negative, value)
        )
    elif ufunc is not np.add:
        context.fail(
            f"numpy.{ufunc.__name__}.at",
            "only np.add.at and np.subtract.at are in the language",
            "write the loop",
        )
    context.check_store(array)
    context.builder.location = context.location()
    context.builder.store(array, full, value, accumulate=True)
