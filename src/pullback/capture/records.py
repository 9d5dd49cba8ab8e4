"""Operators between dataclasses: the methods that they have for them, inlined."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from pullback.capture.context import Context
from pullback.capture.inline import inline_function
from pullback.capture.values import Record, describe, is_array, lacking


def of_record(context: Context, operator: Callable[..., Any], value: Record) -> Any:
    """``op value``, for an operator as Python's module of that name has it."""
    found = _method_of(value, f"__{operator.__name__.strip('_')}__")
    if found is None:
        raise _none(context, f"no such operation on {describe(value)}", value)
    return inline_function(context, found, [value], {})


def of_records(context: Context, operator: Callable[..., Any], left: Any, right: Any) -> Any:
    """``left op right`` of what NumPy and Python have no such operation for."""
    word = operator.__name__.strip("_")
    found = _method_of(left, f"__{word}__")
    if found is not None:
        return inline_function(context, found, [left, right], {})
    found = _method_of(right, f"__r{word}__")
    # NumPy's arrays leave an operation only to what says that it takes part in none of theirs.
    if found is not None and not (is_array(left) and getattr(right.kind, "__array_ufunc__", ()) is not None):
        return inline_function(context, found, [right, left], {})
    what = f"no such operation between {describe(left)} and {describe(right)}"
    for value in (left, right):
        if isinstance(value, Record):
            raise _none(context, what, value)
        if type(value).__module__.partition(".")[0] not in ("builtins", "numpy", "pullback"):
            why = f"a method of {type(value).__name__} does it, which has no translation"
            raise context.refusal(what, why, "call it outside the function")
    if isinstance(left, str) and word == "mod":
        what = f"{describe(right)} is put into text"
        raise context.refusal(what, "a program has no strings", "format the result outside the function")
    raise context.refusal(what, "Python has none for these types")


def _method_of(value: Any, name: str) -> Any:
    """The Python function that a dataclass has for an operator; None where it has none."""
    found = getattr(value.kind, name, None) if isinstance(value, Record) else None
    return found if isinstance(found, FunctionType) else None


def _none(context: Context, what: str, value: Record) -> Exception:
    return context.refusal(what, *lacking(value, "there is no method for it", "give the dataclass one"))
