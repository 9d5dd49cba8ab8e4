"""Nested arguments and results: lists, tuples, dicts, named tuples and dataclasses of arrays (optree)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.numbers import NUMBERS

_NAMESPACE = "pullback"
_LEAVES = NUMBERS | {np.ndarray}
_registered: set[type] = set()


def _is_leaf(value: Any) -> bool:
    """Register a dataclass where it is first met; no value is made a leaf by this."""
    kind = type(value)
    if dataclasses.is_dataclass(kind) and kind not in _registered and not isinstance(value, type):
        _register(kind)
    return False


def _register(kind: type) -> None:
    import optree

    names = tuple(field.name for field in dataclasses.fields(kind) if field.init)

    def flatten(value: Any) -> tuple[tuple[Any, ...], None, tuple[str, ...]]:
        return tuple(getattr(value, name) for name in names), None, names

    def unflatten(_: None, children: Any) -> Any:
        return kind(**dict(zip(names, children, strict=True)))

    _registered.add(kind)
    optree.register_pytree_node(kind, flatten, unflatten, namespace=_NAMESPACE)  # type: ignore[arg-type]


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of `tree`, and its structure; None is an empty tree."""
    if type(tree) in _LEAVES or (
        not isinstance(tree, list | tuple | dict) and not dataclasses.is_dataclass(tree)
    ):
        return [tree], None
    import optree

    return optree.tree_flatten(tree, is_leaf=_is_leaf, namespace=_NAMESPACE)  # type: ignore[return-value]


def unflatten(structure: Any, leaves: list[Any]) -> Any:
    """The tree of `structure` with `leaves`."""
    if structure is None:
        return leaves[0]
    import optree

    return optree.tree_unflatten(structure, leaves)


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """`function` of every leaf, in the structure of `tree`."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(leaf) for leaf in leaves])


def paths(tree: Any) -> list[str]:
    """How each leaf is reached, such as ``['w'][0]``; an empty string for a lone leaf."""
    leaves, structure = flatten(tree)
    if structure is None:
        return [""]
    import optree

    found = optree.tree_paths(tree, is_leaf=_is_leaf, namespace=_NAMESPACE)
    assert len(found) == len(leaves)
    return ["".join(f"[{key!r}]" for key in path) for path in found]
