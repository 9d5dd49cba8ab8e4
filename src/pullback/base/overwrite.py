"""`overwrite`: a write into (a view of) an array, as a function that returns a changed copy.

A view is described by its `Path`: the functions that derive it, one after the other, from the array that owns
the memory. The rule of `overwrite` is in `rules.overwrite`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pullback.base.dispatch import dispatched

Step = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], int | None]
"""One derivation: ``function(x, *args, **kwargs)``, and which of several outputs to take."""

Path = tuple[Step, ...]


def derivation(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], pick: int | None
) -> tuple[int, Step]:
    """The position of the argument that a view is derived from, and the step.

    That is the first argument, or, of `numpy.einsum`, the one after the subscripts.
    """
    if isinstance(args[0], str):
        return 1, (partial(function, args[0]), args[2:], kwargs, pick)
    return 0, (function, args[1:], kwargs, pick)


def follow(x: Any, path: Path) -> Any:
    """Derive the view at `path` from `x`, step by step."""
    for function, args, kwargs, pick in path:
        x = function(x, *args, **kwargs)
        if pick is not None:
            x = x[pick]
    return x


@dispatched
def overwrite(x: Any, path: Path, index: Any, value: Any) -> Any:
    """A copy of `x` in which the part at `index` of the view at `path` is `value`."""
    y = np.array(x)
    write_at(y, path, index, value)
    return y


def write_at(buffer: np.ndarray[Any, Any], path: Path, index: Any, value: Any) -> None:
    """Write `value` at `index` of the view at `path`, into `buffer`, whatever its memory layout."""
    view = follow(buffer, path)
    if view is buffer or np.may_share_memory(view, buffer):
        view[index] = value
        return
    parts = buffer.dtype.kind == "c" and through_parts(path)
    places = flat_places(buffer.shape, path, index, parts)
    value = np.broadcast_to(value, places.shape)
    if parts:
        numbers = np.array(buffer, order="C").reshape(-1).view(buffer.real.dtype)
        np.put(numbers, places, value)
        buffer[...] = numbers.view(buffer.dtype).reshape(buffer.shape)
    else:
        np.put(buffer, places, value)


def through_parts(path: Path) -> bool:
    """Whether the view at `path` is, or lies in, the real or the imaginary part of an array."""
    return any(function is np.real or function is np.imag for function, *_ in path)


def flat_places(shape: tuple[int, ...], path: Path, index: Any, parts: bool) -> Any:
    """Where the entries at `index` of the view at `path` lie in an array of `shape`, counted in C order.

    With `parts` the array is complex and its real numbers are counted: two for every entry.
    """
    places: Any = np.arange(math.prod(shape)).reshape(shape)
    if parts:
        places = 2 * places + 1j * (2 * places + 1)
    return np.asarray(follow(places, path)[index]).astype(np.intp)
