"""What a tape records: one `Node` an operation, and the `Recording` it belongs to."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from pullback.base.errors import MutationError, UnsupportedError
from pullback.base.levels import next_level
from pullback.base.location import Location
from pullback.base.spec import Spec

number: Callable[[], int] = itertools.count().__next__
"""The number of the next operation."""

Pull = Callable[[Any, Any], Any]


class Node:
    """One recorded operation.

    Attributes:
        pull: ``pull(saved, y_bar)`` returns the cotangent of the parent, or with several parents one for
            each, in order; None for a leaf.
        parents: the node of the one operand that is followed, or a tuple of several.
        saved: what `pull` needs of the forward computation.
        number: higher than its parents'.
    """

    __slots__ = ("number", "parents", "pull", "saved")

    def __init__(self, pull: Pull | None, parents: Any, saved: Any) -> None:
        self.pull = pull
        self.parents = parents
        self.saved = saved
        self.number = number()


class LocatedNode(Node):
    """A node that remembers where in the user's code its operation stands (under `debug_nans`)."""

    __slots__ = ("where",)

    def __init__(self, pull: Pull | None, parents: Any, saved: Any, where: Location | None) -> None:
        super().__init__(pull, parents, saved)
        self.where = where


class Leaf(Node):
    """A node without an operation: an input.

    Attributes:
        spec: its shape and dtype.
        gradient: a list of one, what `Variable.backward` has accumulated; leaves that follow each other as
            the value of an input is replaced share it.
    """

    __slots__ = ("gradient", "spec")

    def __init__(self, spec: Spec, gradient: list[Any] | None = None) -> None:
        self.pull = None
        self.parents = ()
        self.saved = None
        self.spec = spec
        self.gradient = [None] if gradient is None else gradient


def released(_saved: Any, _y_bar: Any) -> Any:
    raise MutationError(
        "backward() ran through this graph before",
        why="the values it kept were freed as the first backward() used them",
        remedy="call backward(retain=True) the first time, or compute the value anew.",
    )


class Recording:
    """The operations of one transform, in order.

    Attributes:
        level: its place among the transforms under way (see `Tracked.level`).
        nodes: the nodes in the order they were recorded; None where nobody needs the order.
        nested: whether a later transform has differentiated by a value recorded here, so that an output that
            does not depend on the arguments may be a derivative that is constant.
    """

    __slots__ = ("level", "name", "nested", "nodes")

    def __init__(self, name: str) -> None:
        self.level = next_level()
        self.name = name
        self.nodes: Any = []
        self.nested = False

    def finish(self) -> None:
        """Refuse whatever would still be recorded: its derivative could never be asked for."""
        self.nodes = Finished(self.name)

    def check(self) -> None:
        """Raise if it is finished."""
        if type(self.nodes) is Finished:
            self.nodes.refuse()


class Finished:
    """In place of the nodes of a finished transform."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def append(self, _node: Node) -> None:
        self.refuse()

    def refuse(self) -> None:
        raise UnsupportedError(
            f"a value that belongs to a finished {self.name} is used after it",
            why="the function kept it in a global, an attribute or a list, "
            "and its derivative can no longer be taken",
            remedy="return it from the function (has_aux=True gives back its plain value), "
            "or keep pb.stop_gradient(x).",
        )


ROOT = Recording("pb.Variable")
ROOT.nodes = None
