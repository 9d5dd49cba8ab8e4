"""Constants as Python text that means the same value, of the same type, under CPython and Numba."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.emit.text import Level, Text


def dtype_name(dtype: np.dtype[Any]) -> str:
    """``np.float32``."""
    return "np.bool_" if dtype.kind == "b" else f"np.{dtype.name}"


_WORDS = ((None, "None"), (np._NoValue, "np._NoValue"), (Ellipsis, "..."))


def constant(value: Any) -> Text:
    """The text of a number, string, None, dtype, slice, or a tuple or dict of those.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return Text(f"{dtype_name(value.dtype)}({_number(value.item()).code})")
    if isinstance(value, bool | int | float | complex):
        return _number(value)
    word = next((text for known, text in _WORDS if value is known), None)
    if word is not None:
        return Text(word)
    if isinstance(value, str):
        return Text(quoted(value))
    if isinstance(value, np.dtype):
        return Text(dtype_name(value))
    if isinstance(value, type):
        return Text(dtype_name(np.dtype(value)))
    if isinstance(value, list):
        return Text(f"[{', '.join(constant(part).at(Level.CONDITIONAL) for part in value)}]")
    if isinstance(value, tuple):
        parts = ", ".join(constant(part).at(Level.CONDITIONAL) for part in value)
        return Text(f"({parts},)" if len(value) == 1 else f"({parts})")
    if isinstance(value, slice):
        bounds = (value.start, value.stop, value.step)
        return Text(f"slice({', '.join(constant(bound).at(Level.CONDITIONAL) for bound in bounds)})")
    if isinstance(value, dict):
        entries = [f"{constant(k).code}: {constant(v).at(Level.CONDITIONAL)}" for k, v in value.items()]
        return Text(f"{{{', '.join(entries)}}}")
    raise TypeError(f"{type(value).__name__} cannot be written as a constant")


def quoted(value: str) -> str:
    """A string in double quotes where that needs no escapes."""
    return f'"{value}"' if value.isprintable() and not {'"', "\\"} & set(value) else repr(value)


def array_constant(value: np.ndarray) -> str:
    """``np.array([0, 2], dtype=np.int64)``."""
    inside = _nested(value.tolist())
    text = f"np.array({inside}, dtype={dtype_name(value.dtype)})"
    return text if value.size else f"np.empty({value.shape}, dtype={dtype_name(value.dtype)})"


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(_nested(part) for part in values)}]"
    return _number(values).code


def _number(value: Any) -> Text:
    if isinstance(value, bool):
        return Text(repr(value))
    if isinstance(value, int):
        return Text(repr(value), Level.UNARY, negated=Text(repr(-value))) if value < 0 else Text(repr(value))
    if isinstance(value, complex):
        return Text(f"complex({_number(value.real).code}, {_number(value.imag).code})")
    if math.isnan(value):
        return Text("np.nan")
    if math.isinf(value):
        return Text("np.inf" if value > 0 else "-np.inf", Level.ATOM if value > 0 else Level.UNARY)
    if math.copysign(1, value) < 0:
        return Text(repr(float(value)), Level.UNARY, negated=Text(repr(-float(value))))
    return Text(repr(float(value)))
