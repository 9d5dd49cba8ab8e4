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
from pullback.base.operands import plain

Step = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], int | None]
"""One derivation: ``function(x, *args, **kwargs)``, and which of several outputs to take."""

Path = tuple[Step, ...]


def derivation(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], pick: int | None
) -> tuple[int, Step]:
    """The position of the argument that a view is derived from, and the step.

    That is the first argument; of `numpy.einsum`, the one after the subscripts; of a function in `PAIRED`,
    the one at the output's own position.
    """
    if isinstance(args[0], str):
        return 1, (partial(function, args[0]), args[2:], kwargs, pick)
    if pick is not None and function in PAIRED:
        others = plain(args)
        return pick, (partial(_paired, function, others[:pick], others[pick + 1 :]), (), kwargs, pick)
    return 0, (function, args[1:], kwargs, pick)


PAIRED = frozenset({np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.meshgrid})
"""Functions of several arrays whose outputs are views of one argument each."""


def _paired(
    function: Callable[..., Any], before: tuple[Any, ...], after: tuple[Any, ...], x: Any, **kwargs: Any
) -> Any:
    return function(*before, x, *after, **kwargs)


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
    else:
        places = flat_places(buffer.shape, path, index)
        np.put(buffer, places, np.broadcast_to(value, places.shape))


def flat_places(shape: tuple[int, ...], path: Path, index: Any) -> Any:
    """Where the entries at `index` of the view at `path` lie in an array of `shape`, counted in C order."""
    return np.asarray(follow(np.arange(math.prod(shape)).reshape(shape), path)[index])
