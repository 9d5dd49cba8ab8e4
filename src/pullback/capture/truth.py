"""The truth of values, as tests ask for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.capture.context import Context
from pullback.capture.values import (
    Closure,
    DictValue,
    ListValue,
    Method,
    Partial,
    RangeValue,
    Record,
    describe,
    is_static,
    kind_of,
    lacking,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Var
from pullback.ir.primitives import item
from pullback.ir.types import Array


def truth(context: Context, value: Any) -> Any:
    """``bool(value)`` as a test: a static bool or a Var."""
    if isinstance(value, Var):
        if isinstance(value.type, Array):
            if value.type.ndim == 0 or value.type.ones == frozenset(range(value.type.ndim)):
                return truth(context, context.call(item, value, (0,) * value.type.ndim))
            context.fail(
                "the truth value of an array",
                "an array with more than one element has none",
                "use .any() or .all()",
            )
        if kind_of(value).dtype.kind == "b":
            return value
        return context.call(np.not_equal, value, 0, name="test")
    if isinstance(value, ListValue | DictValue):
        return bool(value.items)
    if isinstance(value, RangeValue):
        if is_static(value):
            return bool(to_python(value))
        context.static_needed("the truth value of a range", value)
    if isinstance(value, Record) and hasattr(value.kind, "without"):
        raise context.refusal(f"the truth value of {describe(value)}", *lacking(value, ""))
    if isinstance(value, Closure | Method | Partial | Record):
        return True
    return bool(value)
