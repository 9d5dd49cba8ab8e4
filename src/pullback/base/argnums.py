"""Which arguments a transform differentiates: positions, names, or several of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError

Argnums = int | str | tuple[int | str, ...] | list[int | str]


@dataclass(slots=True)
class Chosen:
    """The arguments of one call that are differentiated.

    Attributes:
        keys: for each, its position in `args` or its keyword.
        single: whether the user asked for one, not for a tuple.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    keys: tuple[int | str, ...]
    single: bool

    def values(self) -> tuple[Any, ...]:
        return tuple([self.args[key] if isinstance(key, int) else self.kwargs[key] for key in self.keys])

    def elsewhere(self, values: Sequence[Any]) -> Chosen:
        """The call with other values for the chosen arguments, chosen again."""
        args, kwargs = self.replaced(values)
        return Chosen(tuple(args), kwargs, self.keys, self.single)

    def replaced(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The call with other values for the chosen arguments."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for i, key in enumerate(self.keys):
            if isinstance(key, int):
                args[key] = values[i]
            else:
                kwargs[key] = values[i]
        return args, kwargs


def choose(
    function: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Chosen:
    """The arguments of this call that `argnums` names.

    Raises:
        UnsupportedError: if there is no such argument.
    """
    single = isinstance(argnums, (int, str))
    wanted = (argnums,) if isinstance(argnums, (int, str)) else argnums
    keys = tuple([_key(function, key, args, kwargs) for key in wanted])
    if not single and len(set(keys)) != len(keys):
        raise UnsupportedError(f"argnums={argnums!r} names an argument twice")
    return Chosen(args, kwargs, keys, single)


def _key(
    function: Callable[..., Any], key: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str:
    if type(key) is int and 0 <= key < len(args):
        return key
    name = getattr(function, "__name__", "the function")
    if isinstance(key, str):
        if key in kwargs:
            return key
        parameters = list(inspect.signature(function).parameters)
        if key in parameters and parameters.index(key) < len(args):
            return parameters.index(key)
        raise UnsupportedError(
            f"argnums names {key!r}, but {name} is called without it",
            remedy="pass it, by position or by keyword.",
        )
    position = key + len(args) if key < 0 else key
    if not 0 <= position < len(args):
        raise UnsupportedError(
            f"argnums names argument {key}, but {name} is called with {len(args)} positional arguments",
            remedy="name a keyword argument by its name: argnums='name'.",
        )
    return position


def positional_counts(function: Callable[..., Any], given: int) -> tuple[int, int]:
    """How many arguments a function takes by position, at least and at most.

    Args:
        given: the answer for a function that takes any number, or does not say.
    """
    if isinstance(function, np.ufunc):
        return function.nin, function.nin
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given, given
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return given, given
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty for p in places), len(places)
