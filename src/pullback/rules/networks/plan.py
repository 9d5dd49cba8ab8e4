"""A contraction as a list of products of matrices, made once for subscripts and shapes.

Comes in: the labels of each tensor's axes, those of the output, the lengths, and a path, which says which
tensors are contracted next (opt_einsum's: the result goes to the end of the list). Goes out: a `Plan`. In it
every tensor is first brought to distinct labels that are needed elsewhere (diagonals and lone sums are taken
at the leaves), so that each step is ``(batch, m, k) @ (batch, k, n)``. (Pfeifer, Evenbly, Singh & Vidal,
*NCON*, arXiv:1402.0939; Smith & Gray, *opt_einsum*, JOSS 3, 753, 2018.)
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pullback.base.errors import ShapeError, UnsupportedError

Labels = tuple[Hashable, ...]
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Layout(NamedTuple):
    """How a tensor is seen as a matrix, or a stack of them.

    Attributes:
        axes: the order of its axes in which it is one; None for the order that it has.
        back: the permutation that undoes `axes`.
        permuted: its shape in that order.
        shape: that of the matrix as it lies in memory.
        flipped: whether it is the transpose of the matrix that is meant.
    """

    axes: tuple[int, ...] | None
    back: tuple[int, ...] | None
    permuted: tuple[int, ...]
    shape: tuple[int, ...]
    flipped: bool

    def matrix(self, x: Any) -> Any:
        """The matrix of the tensor `x`."""
        if self.axes is not None:
            x = x.transpose(self.axes)
        x = x.reshape(self.shape)
        return x.mT if self.flipped else x

    def tensor(self, x: Any) -> Any:
        """The tensor whose matrix lies in memory as `x`."""
        x = x.reshape(self.permuted)
        return x if self.back is None else x.transpose(self.back)


class Pair(NamedTuple):
    """A product of two tensors: where they are, how they are matrices, and what the product is."""

    places: tuple[int, int]
    left: Layout
    right: Layout
    product: tuple[int, ...]
    shape: tuple[int, ...]


class Several(NamedTuple):
    """An Einstein sum of more tensors than two at once, as a path with a limit of memory may ask for."""

    places: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Plan:
    """A contraction.

    Attributes:
        leaves: for each tensor the subscripts that bring it to the labels it has in the steps; None as it is.
        steps: each of which adds a tensor to those there are.
        last: where the result is.
        final: the order of its axes, None for the one that it has.
    """

    leaves: tuple[str | None, ...]
    steps: tuple[Pair | Several, ...]
    last: int
    final: tuple[int, ...] | None
    _reached: dict[tuple[int, ...], frozenset[int]] = field(default_factory=dict, compare=False, repr=False)

    def reached(self, wanted: tuple[int, ...]) -> frozenset[int]:
        """The places whose cotangents are needed for those of the tensors `wanted`."""
        if wanted not in self._reached:
            found = set(wanted)
            for k, step in enumerate(self.steps):
                if found.intersection(step.places):
                    found.add(len(self.leaves) + k)
            self._reached[wanted] = frozenset(found)
        return self._reached[wanted]


def lengths_of(inputs: Sequence[Labels], shapes: Sequence[tuple[int, ...]]) -> dict[Hashable, int]:
    """The length that each label stands for; axes of length 1 go with any, as in NumPy.

    Raises:
        ShapeError: if a tensor has more or fewer axes than labels, or two lengths differ.
    """
    lengths: dict[Hashable, int] = {}
    seen: dict[Hashable, tuple[int, int]] = {}
    for place, (labels, shape) in enumerate(zip(inputs, shapes, strict=True)):
        if len(labels) != len(shape):
            raise ShapeError(
                f"tensor {place} has {len(shape)} axes and {len(labels)} indices",
                why=f"its shape is {shape}, and its indices are {_listed(labels)}",
                remedy="name each axis once.",
            )
        for axis, (label, length) in enumerate(zip(labels, shape, strict=True)):
            known = lengths.get(label, 1)
            if known != 1 and length not in (1, known):
                other, other_axis = seen[label]
                raise ShapeError(
                    f"index {label!r} is {length} long on axis {axis} of tensor {place}, "
                    f"and {known} on axis {other_axis} of tensor {other}",
                    why="an index runs over one range",
                )
            if known == 1:
                lengths[label] = length
                seen[label] = place, axis
    return lengths


def _listed(labels: Labels) -> str:
    return "".join(map(str, labels)) if all(isinstance(x, str) for x in labels) else str(list(labels))


class Steps(NamedTuple):
    """A path, in labels.

    Attributes:
        lengths: of each label.
        own: the labels of each tensor as the steps take it, then of the result of each step.
        places: the tensors, or results of steps, that each step takes.
        last: where the result is.
    """

    lengths: dict[Hashable, int]
    own: list[Labels]
    places: list[tuple[int, ...]]
    last: int


def steps_of(
    inputs: Sequence[Labels],
    output: Labels,
    shapes: Sequence[tuple[int, ...]],
    path: Sequence[Sequence[int]],
) -> Steps:
    """The steps of a contraction along `path`, and the labels between them."""
    lengths = lengths_of(inputs, shapes)
    own: list[Labels] = []
    for labels, shape in zip(inputs, shapes, strict=True):
        pairs = zip(labels, shape, strict=True)
        own.append(tuple(dict.fromkeys(x for x, n in pairs if n != 1 or lengths[x] == 1)))
    count: dict[Hashable, int] = {}
    for labels in (*own, dict.fromkeys(output)):
        for label in labels:
            count[label] = count.get(label, 0) + 1
    own = [tuple(label for label in labels if count[label] > 1) for labels in own]
    places = list(range(len(own)))
    taken: list[tuple[int, ...]] = []
    for chosen in path:
        parts = tuple(places[i] for i in sorted({i % len(places) for i in chosen}))
        places = [place for place in places if place not in parts]
        if len(parts) == 1:
            places += parts
            continue
        needed = {*output, *(label for place in places for label in own[place])}
        places.append(len(own))
        taken.append(parts)
        own.append(_left(parts, own, needed))
    if len(places) != 1:
        raise UnsupportedError(
            f"the path leaves {len(places)} tensors", why="it must contract them all to one", remedy=None
        )
    return Steps(lengths, own, taken, places[0])


def _left(parts: tuple[int, ...], own: list[Labels], needed: set[Hashable]) -> Labels:
    """The labels of a product; of two tensors in the order in which the product of stacks has them."""
    if len(parts) == 2:
        a, b = own[parts[0]], own[parts[1]]
        shared = set(a).intersection(b)
        batch = [label for label in a if label in shared and label in needed]
        return (*batch, *(x for x in a if x not in shared), *(x for x in b if x not in shared))
    return tuple(dict.fromkeys(x for place in parts for x in own[place] if x in needed))


def plan_of(
    inputs: Sequence[Labels],
    output: Labels,
    shapes: Sequence[tuple[int, ...]],
    path: Sequence[Sequence[int]],
) -> Plan:
    """The plan of a contraction along `path`."""
    found = steps_of(inputs, output, shapes, path)
    own, count = found.own, len(inputs)
    leaves = tuple(
        None if given == kept else written([given], kept)
        for given, kept in zip(map(tuple, inputs), own[:count], strict=True)
    )
    steps = tuple(
        _pair((parts[0], parts[1]), own, own[count + k], found.lengths)
        if len(parts) == 2
        else Several(parts, written([own[place] for place in parts], own[count + k]))
        for k, parts in enumerate(found.places)
    )
    order = tuple(own[found.last].index(label) for label in output)
    return Plan(leaves, steps, found.last, None if order == tuple(range(len(order))) else order)


def _pair(places: tuple[int, int], own: list[Labels], product: Labels, lengths: dict[Hashable, int]) -> Pair:
    a, b = own[places[0]], own[places[1]]
    shared = set(a).intersection(b)
    batch = [label for label in product if label in shared]
    # In the order of the larger tensor, which then need not be copied.
    larger = max(a, b, key=lambda labels: math.prod(lengths[label] for label in labels))
    summed = [label for label in larger if label in shared and label not in batch]
    rows = [label for label in a if label not in shared]
    columns = [label for label in b if label not in shared]
    sizes = [math.prod(lengths[label] for label in group) for group in (rows, columns)]
    stack = (math.prod(lengths[label] for label in batch),) if batch else ()
    left = _layout(a, batch, rows, summed, lengths, bool(batch))
    right = _layout(b, batch, summed, columns, lengths, bool(batch))
    shape = tuple(lengths[label] for label in product)
    return Pair(places, left, right, (*stack, *sizes), shape)


def _layout(
    labels: Labels,
    batch: list[Any],
    rows: list[Any],
    columns: list[Any],
    lengths: dict[Hashable, int],
    stacked: bool,
) -> Layout:
    straight, turned = (*batch, *rows, *columns), (*batch, *columns, *rows)
    flipped = labels == turned and labels != straight
    order = turned if flipped else straight
    axes = None if order == labels else tuple(labels.index(label) for label in order)
    back = None if axes is None else tuple(axes.index(axis) for axis in range(len(axes)))
    groups = [columns, rows] if flipped else [rows, columns]
    shape = tuple(
        math.prod(lengths[label] for label in group) for group in ([batch] if stacked else []) + groups
    )
    return Layout(axes, back, tuple(lengths[label] for label in order), shape, flipped)


def written(terms: Sequence[Labels], output: Labels) -> str:
    """Labels as subscripts of `numpy.einsum`."""
    names = dict.fromkeys(label for term in (*terms, output) for label in term)
    if len(names) > len(_LETTERS):
        raise UnsupportedError(
            f"one step of a contraction has {len(names)} different indices",
            why="numpy.einsum, which takes it, has letters for 52",
            remedy="let the path contract two tensors at a time: optimize='auto', no memory_limit.",
        )
    letters = dict(zip(names, _LETTERS, strict=False))
    words = ["".join(letters[label] for label in term) for term in (*terms, output)]
    return f"{','.join(words[:-1])}->{words[-1]}"
