"""Functions of `numpy.linalg` that the engines compose of those with rows: what composes them is inlined.

The eigenvectors a program computes are then those that its derivative knows of, where they are arbitrary.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.capture.context import Context
from pullback.capture.inline import inline_function
from pullback.capture.python_calls import handles


def _inlined(function: FunctionType) -> Any:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return inline_function(context, function, args, kwargs)

    return handler


for _function in (
    np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd, np.linalg.svdvals, np.linalg.cond, np.linalg.outer,
    np.linalg.cross,
):  # fmt: skip
    handles(_function)(_inlined(COMPOSED[_function]))
