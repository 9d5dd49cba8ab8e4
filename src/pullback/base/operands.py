"""The arguments of a call: without tracking, and with tracked keywords moved to their positions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from pullback.base.dispatch import tracked_in
from pullback.base.tracked import Tracked, bare


def plain(value: Any) -> Any:
    """`value` without any tracking, in lists and tuples too."""
    if isinstance(value, Tracked):
        return bare(value)
    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def positional(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`args` and `kwargs` with every tracked keyword argument moved to its position."""
    signature = _signature(function)
    last = max(signature.index(key) for key, value in kwargs.items() if tracked_in((value,)))
    moved = list(args)
    rest = dict(kwargs)
    for name, default in signature.items[len(args) : last + 1]:
        moved.append(rest.pop(name, default))
    return tuple(moved), rest


class _Signature:
    def __init__(self, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters.values()
        self.items = [(p.name, None if p.default is p.empty else p.default) for p in parameters]
        self.name = getattr(function, "__name__", str(function))

    def index(self, key: str) -> int:
        for position, (name, _) in enumerate(self.items):
            if name == key:
                return position
        raise TypeError(f"{self.name}() got an unexpected keyword argument {key!r}")


@functools.cache
def _signature(function: Callable[..., Any]) -> _Signature:
    return _Signature(function)
