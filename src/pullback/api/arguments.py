"""The arguments of a compiled function: their numbers and arrays, and the rest, which is part of its type.

The order is the one in which `capture` makes parameters: positional arguments before keyword ones, tuples and
lists by position, dicts by insertion, dataclasses by field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.base.foreign import is_sparse
from pullback.base.mutable import Mutable
from pullback.base.tracked import Tracked, bare
from pullback.ir.types import Array, Scalar, type_of


@dataclasses.dataclass(frozen=True, slots=True)
class Static:
    """An argument that is no number or array: a part of the specialisation itself."""

    value: Any
    kind: type


def parts_of(value: Any) -> tuple[Any, list[Any]] | None:
    """A key for the container and what it holds, or None if `value` is a leaf."""
    if isinstance(value, tuple | list):
        return (type(value), len(value)), list(value)
    if isinstance(value, dict):
        return (dict, tuple(value)), list(value.values())
    if is_sparse(value):
        from pullback.capture.sparse import arrays_of

        value = arrays_of(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return (type(value), tuple(names)), [getattr(value, name) for name in names]
    return None


def leaves_of(tree: Any) -> Iterator[Any]:
    """The leaves of an argument, static ones too."""
    parts = parts_of(tree)
    if parts is None:
        yield tree
        return
    for part in parts[1]:
        yield from leaves_of(part)


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` of each leaf in its place."""
    parts = parts_of(tree)
    if parts is None:
        return function(tree)
    new = [map_tree(function, part) for part in parts[1]]
    if isinstance(tree, dict):
        return dict(zip(tree, new, strict=True))
    if isinstance(tree, list):
        return new
    if isinstance(tree, tuple):
        return type(tree)(*new) if hasattr(tree, "_fields") else tuple(new)
    return parts[0][0](**dict(zip(parts[0][1], new, strict=True)))


def key_of(tree: Any, kinds: list[Any]) -> Any:
    """What two calls must share to run the same code; the kind of each leaf is appended to `kinds`."""
    parts = parts_of(tree)
    if parts is None:
        kind = kind_of(tree)
        kinds.append(kind)
        return kind
    return parts[0], tuple(key_of(part, kinds) for part in parts[1])


SHORT = 4
"""The longest axis that is known to compiled code by its length, if there is a longer one before it."""


def short_axes(leaf: Any) -> tuple[tuple[int, int], ...]:
    """The short axes of an array of many entries of a few numbers, as points are, with their lengths."""
    shape = getattr(_plain(leaf), "shape", ())
    long = next((axis for axis, n in enumerate(shape) if n > SHORT), len(shape))
    return tuple((axis, n) for axis, n in enumerate(shape) if axis > long and 1 < n <= SHORT)


def _plain(leaf: Any) -> Any:
    return bare(leaf.frozen() if isinstance(leaf, Mutable) else leaf) if isinstance(leaf, Tracked) else leaf


def kind_of(leaf: Any) -> Scalar | Array | Static:
    """The type of a leaf; whatever is neither number nor array is static."""
    value = _plain(leaf)
    try:
        kind = type_of(value)
        if kind.dtype.char not in "gGe":
            return kind
    except TypeError:
        pass
    if isinstance(value, np.generic):
        raise UnsupportedError(
            f"a number of dtype {value.dtype} in compiled code",
            remedy="convert it to float64, or to float32.",
        )
    if isinstance(value, np.ndarray):
        raise UnsupportedError(
            f"an array of dtype {value.dtype} in compiled code", remedy="convert it to a numeric dtype."
        )
    try:
        hash(value)
    except TypeError:
        raise UnsupportedError(
            f"an argument of type {type(value).__name__} in compiled code",
            why="it is neither a number, nor an array, nor a tree of them, nor hashable",
            remedy="pass its numbers and arrays, in a tuple, a dict or a dataclass.",
        ) from None
    return Static(value, type(value))
