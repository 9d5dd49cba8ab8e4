"""`dispatched`: let a function of our own reach the engines as NumPy's functions do (NEP 18)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeVar

import numpy as np

from pullback.base.tracked import Tracked

_PLAIN = frozenset({np.ndarray, np.float64, np.float32, float, int, bool, type(None)})

F = TypeVar("F", bound=Callable[..., Any])


def tracked_in(values: Iterable[Any]) -> list[Tracked]:
    """The tracked values among `values`, and one list or tuple down."""
    found: list[Tracked] = []
    for value in values:
        if isinstance(value, Tracked):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(tracked_in(value))
    return found


def dispatched(function: F) -> F:
    """Decorate a function on arrays so that a tracked argument hands the call to its engine.

    The engine looks the decorated function up in the table of rules, as it does for NumPy's functions. The
    original is kept as ``__wrapped__``.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and _PLAIN.issuperset(map(type, args)):
            return function(*args)
        found = tracked_in(args) or tracked_in(kwargs.values())
        if not found:
            return function(*args, **kwargs)
        owner = found[0] if len(found) == 1 else max(found, key=lambda tracked: tracked.level)
        return owner.__array_function__(call, (type(owner),), args, kwargs)  # type: ignore[attr-defined]

    call.__dict__["dispatched"] = call
    return call  # type: ignore[return-value]


def reaches_engines(function: Callable[..., Any]) -> bool:
    """Whether a call of `function` can reach the engines: not that of a plain Python or built-in function."""
    if isinstance(function, FunctionType | BuiltinFunctionType):
        own = getattr(function, "__self__", None)
        return getattr(function, "dispatched", None) is function or isinstance(own, np.ufunc)
    return callable(function)
