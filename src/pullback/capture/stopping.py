"""`pullback.stop_gradient`: the same numbers, through which no derivative passes."""

from __future__ import annotations

from typing import Any

from pullback.capture.context import Context
from pullback.capture.python_calls import PYTHON, handles
from pullback.capture.values import children, is_array, kind_of, with_children
from pullback.ir.nodes import Var
from pullback.ir.primitives import stopped

__all__ = ["PYTHON"]


@handles(stopped)
def _stopped(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    (x,) = (*args, *kwargs.values())
    return without_derivative(context, x)


def without_derivative(context: Context, x: Any) -> Any:
    """A number, an array or a structure of them, without its derivative."""
    if isinstance(x, Var):
        if kind_of(x).dtype.kind not in "fc":
            return x
        result = context.call(stopped, x)
        if is_array(x):
            # Untracked it is the array itself, and tracked a copy.
            context.copied(result, x, "pb.stop_gradient")
        return result
    parts = children(x)
    if parts is None:
        return x
    return with_children(x, [without_derivative(context, part) for part in parts], context.home)
