"""The calls that rows of the table give, as the functions that a user would write."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pullback as pb
from pullback.base.errors import DependenceWarning, PullbackError
from pullback.rules.domain import Array, Call
from pullback.rules.table import Rule
from pullback.testing.rows import cotangent_like, is_inexact, like

_NUMBERS = itertools.count()


def function_of(function: Callable[..., Any], call: Call) -> tuple[Callable[..., Any], list[Any]]:
    """``def f(x0, x1): return function(x0, 1, axis=x1)``, and descriptions of its arguments.

    The arrays of the call are arguments; what else it has stands in the source.
    """
    arrays: list[Any] = []
    constants: dict[str, Any] = {}

    def text(value: Any) -> str:
        if isinstance(value, Array | np.ndarray):
            arrays.append(value)
            return f"x{len(arrays) - 1}"
        if isinstance(value, list | tuple):
            inside = "".join(f"{text(part)}, " for part in value)
            return f"[{inside}]" if isinstance(value, list) else f"({inside})"
        if isinstance(value, dict):
            return "{" + "".join(f"{key!r}: {text(part)}, " for key, part in value.items()) + "}"
        if value is None or isinstance(value, bool | int | str | slice):
            return repr(value)
        constants[f"k{len(constants)}"] = value
        return f"k{len(constants) - 1}"

    given = [text(value) for value in call.args]
    given += [f"{key}={text(value)}" for key, value in call.kwargs.items()]
    names = ", ".join(f"x{k}" for k in range(len(arrays)))
    source = f"def f({names}):\n    return function({', '.join(given)})\n"
    file = f"<row {next(_NUMBERS)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace: dict[str, Any] = {"function": function, **constants}
    exec(compile(source, file, "exec"), namespace)
    return namespace["f"], arrays


def active(function: Callable[..., Any], values: Sequence[Any], rule: Rule) -> list[int]:
    """The arguments by which the tape and the dual engine differentiate the function, which has a row."""
    return [
        k
        for k, value in enumerate(values)
        if is_inexact(value) and _has_derivative(function, values, k, rule)
    ]


def _has_derivative(function: Callable[..., Any], values: Sequence[Any], k: int, rule: Rule) -> bool:
    def moved(x: Any) -> Any:
        return function(*values[:k], x, *values[k + 1 :])

    try:
        y, pull = pb.vjp(moved, values[k])
        pull(bar_of(y, rule))
        pb.jvp(moved, (values[k],), (like(values[k], np.random.default_rng(6)),))
    except (PullbackError, DependenceWarning):
        return False
    return True


def bar_of(y: Any, rule: Rule) -> Any:
    """A cotangent for a value of the function that has the row."""
    bar = cotangent_like(rule, y, np.random.default_rng(5))
    if not isinstance(y, tuple):
        return bar
    return type(y)(*bar) if hasattr(y, "_fields") else tuple(bar)
