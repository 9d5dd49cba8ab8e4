"""The arguments of a call: without tracking, and with tracked keywords moved to their positions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pullback.base.dispatch import tracked_in
from pullback.base.errors import UnsupportedError
from pullback.base.tracked import Tracked, bare


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` of every tracked value in it, in lists and tuples too."""
    if isinstance(value, Tracked):
        return change(value)
    if isinstance(value, (list, tuple)):
        items = [rebuilt(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def plain(value: Any) -> Any:
    """`value` without any tracking, in lists and tuples too."""
    return rebuilt(value, bare)


def unfollowed(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`function` of bare values, as under `no_grad`; the result shares no memory with a tracked value."""
    y = function(*(rebuilt(value, _guarded) for value in args), **kwargs)
    if isinstance(y, tuple | list):
        parts = [_apart(part) for part in y]
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    return _apart(y)


def _guarded(x: Tracked) -> Any:
    value = bare(x)
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def _apart(part: Any) -> Any:
    # A view of what must not be written into is not writable either.
    return part.copy("K") if isinstance(part, np.ndarray) and not part.flags.writeable else part


def elementwise(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments as a rule of partial derivatives reads them: arrays or numbers, each in its position."""
    if kwargs and not isinstance(function, np.ufunc):
        args, kwargs = _moved(function, args, kwargs, kwargs)
    return tuple(_array(value) if isinstance(value, list | tuple) else value for value in args), kwargs


def _array(values: Any) -> Any:
    if not tracked_in((values,)):
        return np.array(values)
    return np.stack([_array(item) if isinstance(item, list | tuple) else item for item in values])


def positional(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`args` and `kwargs` with every tracked keyword argument moved to its position.

    Raises:
        UnsupportedError: for a tracked argument that has no position, such as ``std(mean=...)``.
    """
    if function is np.clip and ("min" in kwargs or "max" in kwargs):
        # NumPy's other names for the bounds have no position; the ones that have want to be given together.
        others = {key: value for key, value in kwargs.items() if key not in ("min", "max")}
        kwargs = {**others, "a_min": kwargs.get("min"), "a_max": kwargs.get("max")}
    return _moved(function, args, kwargs, [key for key, value in kwargs.items() if tracked_in((value,))])


def _moved(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], keys: Iterable[str]
) -> Any:
    """`args` and `kwargs` with those of `keys`, and whatever stands before them, moved to their positions."""
    signature = _signature(function)
    last = max(map(signature.index, keys))
    moved = list(args)
    rest = dict(kwargs)
    for name, default in signature.items[len(args) : last + 1]:
        moved.append(rest.pop(name, default))
    return tuple(moved), rest


def position_of(function: Callable[..., Any], key: str) -> int:
    """The position of a keyword argument.

    Raises:
        UnsupportedError: if it has none.
    """
    if function is np.clip and key in ("min", "max"):
        return 1 if key == "min" else 2
    return _signature(function).index(key)


class _Signature:
    def __init__(self, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters.values()
        ordered = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.items = [(p.name, None if p.default is p.empty else p.default) for p in ordered]
        self.others = {p.name for p in parameters} - {p.name for p in ordered}
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.name = getattr(function, "__name__", str(function))

    def index(self, key: str) -> int:
        for position, (name, _) in enumerate(self.items):
            if name == key:
                return position
        if key in self.others:
            raise UnsupportedError(
                f"the argument {key!r} of {self.name} is tracked",
                why="it is given by keyword only, and no rule has a derivative in it",
                remedy="write what it does with other functions, or pass pb.stop_gradient of it.",
            )
        if self.open:
            raise UnsupportedError(
                f"{self.name} has no derivative in its keyword argument {key!r}",
                why="its rules are for its named arguments",
                remedy=f"pass a plain value, pb.stop_gradient({key}), or build the result from parts.",
            )
        raise TypeError(f"{self.name}() got an unexpected keyword argument {key!r}")


@functools.cache
def _signature(function: Callable[..., Any]) -> _Signature:
    return _Signature(function)
