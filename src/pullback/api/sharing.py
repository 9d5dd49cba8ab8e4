"""Arguments that share memory: a function may read them, but write into none of them.

An engine gives each argument a value of its own, where the function would not find what it has written into
the other. Compiled code is asked ahead (`compile.check_arguments`), a plain function is watched.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.base.errors import MutationError
from pullback.base.mutable import Mutable
from pullback.base.pytrees import flatten
from pullback.base.tracked import bare

_ALONE = frozenset([np.ndarray, float, complex, np.float64])
"""Types of what is a leaf by itself."""
_ARRAYS = (np.ndarray, Mutable)
_WORK: Any = 1000
"""How hard it may be to tell whether two arrays overlap; else they are taken to."""


class Shared(NamedTuple):
    """Two leaves of the arguments of a call that share memory, and what they held before it."""

    places: tuple[int, int]
    before: tuple[Any, Any]

    def check(self, name: str, leaves: list[Any], arguments: list[Any]) -> None:
        """Raise if one of the two has been written into.

        Raises:
            MutationError: that names both.
        """
        for k, other in (self.places, self.places[::-1]):
            known = self.before[k != self.places[0]]
            if not np.array_equal(_content(leaves[k]), known, equal_nan=known.dtype.kind in "fc"):
                raise MutationError(
                    f"{name} writes into {arguments[k]}, which shares memory with {arguments[other]}",
                    why="each is a value of its own in a derivative, and the other would not change with it",
                    remedy="pass a copy of one of them.",
                )


def sharing(args: Any, kwargs: dict[str, Any] | None = None) -> list[Shared]:
    """The leaves of a call's arguments that share memory."""
    leaves: Any = (*args, *kwargs.values()) if kwargs else args
    if not _ALONE.issuperset(map(type, leaves)):
        leaves = _leaves(args, kwargs or {})
    elif len(leaves) == 1:
        return []
    arrays = [k for k, leaf in enumerate(leaves) if isinstance(leaf, _ARRAYS)]
    owners = [_owner(leaves[k]) for k in arrays]
    if len(set(owners)) == len(owners):
        return []
    return [
        Shared((j, k), (np.array(_content(leaves[j])), np.array(_content(leaves[k]))))
        for (j, of_j), (k, of_k) in itertools.combinations(zip(arrays, owners, strict=True), 2)
        if of_j == of_k and _share(leaves[j], leaves[k])
    ]


def check_apart(shared: Sequence[Shared], name: str, args: Any, kwargs: dict[str, Any]) -> None:
    """Raise if a function that was called with these arguments wrote into memory that was shared.

    Raises:
        MutationError: that names both.
    """
    leaves = _leaves(args, kwargs)
    for pair in shared:
        pair.check(name, leaves, _names(args, kwargs))


@contextlib.contextmanager
def tied(shared: Sequence[Shared], args: Any, kwargs: dict[str, Any]) -> Iterator[None]:
    """Know, within a call with these arguments, what stands for leaves that share memory, and tell others so.

    A transform gives its function values of its own; one that is called with these has to tell as well.
    """
    leaves = _leaves(args, kwargs)
    made = []
    for pair in shared:
        one, other = (leaves[k] for k in pair.places)
        if _owner(other) != _owner(one):
            made.append(_memory(other))
            _TIED[made[-1]] = _owner(one)
    try:
        yield
    finally:
        for memory in made:
            _TIED.pop(memory, None)


_TIED: dict[int, int] = {}
"""By memory, whose it stands for, while the function runs that was given it."""


def _share(one: Any, other: Any) -> bool:
    """Whether two leaves of one owner have an element in common."""
    if isinstance(one, Mutable) or isinstance(other, Mutable):
        return True
    try:
        return np.shares_memory(one, other, max_work=_WORK)
    except np.exceptions.TooHardError:
        return True


def _owner(leaf: Any) -> int:
    """What tells apart the arrays that share no memory."""
    memory = _memory(leaf)
    return _TIED.get(memory, memory)


def _memory(leaf: Any) -> int:
    """What tells apart the arrays that share none, but for what is `tied`."""
    if isinstance(leaf, Mutable):
        return id(leaf.owner)
    while (base := getattr(leaf, "base", None)) is not None:
        leaf = base
    return id(leaf)


def _content(leaf: Any) -> Any:
    return bare(leaf.frozen() if isinstance(leaf, Mutable) else leaf)


def _leaves(args: Any, kwargs: dict[str, Any]) -> list[Any]:
    return [leaf for argument in (*args, *kwargs.values()) for leaf in flatten(argument)[0]]


def _names(args: Any, kwargs: dict[str, Any]) -> list[str]:
    """What a message calls the argument of each leaf."""
    named = (*enumerate(args), *kwargs.items())
    return [f"argument {key!r}" for key, argument in named for _ in flatten(argument)[0]]
