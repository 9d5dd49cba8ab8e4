"""Arrays without axes that NumPy gives where a program has a number, as those of `numpy.where` of numbers.

All that tells one from a number is an update in place, ``p -= 1``, which is seen under its other names, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.values import is_scalar, variables_in
from pullback.ir.nodes import Var
from pullback.ir.primitives import bind

_GIVEN_BY = frozenset([
    np.array, np.asanyarray, np.asarray, np.ascontiguousarray, np.choose, np.copy, np.reshape, np.select,
    np.squeeze, np.where,
])  # fmt: skip


def noted(context: Context, function: Any, args: list[Any], result: Any) -> Any:
    """The result of a call, a number of its own if NumPy has an array without axes there."""
    if function not in _GIVEN_BY or not isinstance(result, Var) or not is_scalar(result):
        return result
    if any(v.name == result.name for arg in args for v in variables_in(arg)):
        result = context.call(bind, result)
    context.axisless.add(result.name)
    return result


def check_update(context: Context, target: str, current: Any) -> None:
    """Refuse an update in place that NumPy would show under another name."""
    if not isinstance(current, Var) or current.name not in context.axisless:
        return
    for frame in context.frames:
        for name, value in frame.env.items():
            same = any(v.name == current.name for v in variables_in(value))
            if same and frame.may_read(name) and not (frame is context.frame and name == target):
                context.fail(
                    f"{target} is updated in place, and {name} is the same array without axes",
                    "it is a number in a program, which no two names share",
                    f"write `{target} = {target} + ...`, which leaves {name} as it is",
                )
