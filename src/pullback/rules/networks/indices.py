"""The indices of `pullback.ncon`: what they must satisfy, and the path that an order of them means."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from pullback.base.errors import ShapeError
from pullback.rules.networks.path import path_of
from pullback.rules.networks.plan import Plan, plan_of

Numbers = tuple[int, ...]


def network_of(indices: Sequence[Sequence[int]]) -> tuple[tuple[Numbers, ...], Numbers]:
    """The numbers of each tensor's axes and of the result's, checked."""
    terms = tuple(tuple(_whole(number) for number in term) for term in indices)
    places: dict[int, list[str]] = {}
    for place, term in enumerate(terms):
        for axis, number in enumerate(term):
            places.setdefault(number, []).append(f"axis {axis} of tensor {place}")
    for number, found in places.items():
        if number == 0:
            raise ShapeError(
                f"pb.ncon: index 0 on {found[0]}",
                why="positive numbers are contracted and negative ones open; 0 is neither",
            )
        if number > 0 and len(found) != 2:
            raise ShapeError(
                f"pb.ncon: index {number} appears {_times(len(found))}, on {', '.join(found)}",
                why="a positive number joins two axes",
                remedy="give open axes negative numbers; contract what more tensors share with pb.contract.",
            )
        if number < 0 and len(found) != 1:
            raise ShapeError(
                f"pb.ncon: index {number} appears {_times(len(found))}, on {', '.join(found)}",
                why="a negative number is one axis of the result",
                remedy="give axes that are contracted a positive number.",
            )
    output = tuple(sorted((number for number in places if number < 0), reverse=True))
    if output != tuple(range(-1, -len(output) - 1, -1)):
        raise ShapeError(
            f"pb.ncon: the open indices are {list(output)}",
            why="they number the axes of the result: -1, -2, …",
        )
    return terms, output


def _whole(number: Any) -> int:
    try:
        return operator.index(number)
    except TypeError:
        raise ShapeError(
            f"pb.ncon: {number!r} is no index", why="indices are whole numbers, positive or negative"
        ) from None


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


@functools.lru_cache(maxsize=4096)
def plan_of_indices(
    terms: tuple[Numbers, ...],
    output: Numbers,
    shapes: tuple[tuple[int, ...], ...],
    order: Numbers | None,
) -> Plan:
    """The plan of a network."""
    _same_lengths(terms, shapes)
    if order is not None:
        path = path_by_order(terms, order)
    else:
        path = path_of(terms, output, shapes)
    return plan_of(terms, output, shapes, path)


def _same_lengths(terms: tuple[Numbers, ...], shapes: tuple[tuple[int, ...], ...]) -> None:
    """Axes of length 1 are no exception here, as they are in an Einstein sum."""
    seen: dict[int, tuple[int, str]] = {}
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        if len(term) != len(shape):
            raise ShapeError(
                f"pb.ncon: tensor {place} has {len(shape)} axes and {len(term)} indices",
                why=f"its shape is {shape}, and its indices are {list(term)}",
            )
        for axis, (number, length) in enumerate(zip(term, shape, strict=True)):
            here = f"axis {axis} of tensor {place}"
            known, there = seen.setdefault(number, (length, here))
            if known != length:
                raise ShapeError(
                    f"pb.ncon: index {number} joins {there}, which is {known} long, "
                    f"and {here}, which is {length}",
                    why="an index runs over one range",
                )


def path_by_order(terms: Sequence[Numbers], order: Numbers) -> list[tuple[int, ...]]:
    """Contract the two tensors that share the next index of `order`, over all that they share."""
    contracted = {number for term in terms for number in term if number > 0}
    if set(order) != contracted or len(order) != len(contracted):
        raise ShapeError(
            f"pb.ncon: order={list(order)} is not an order of the contracted indices",
            why=f"those are {sorted(contracted)}",
        )
    left = [set(term) for term in terms]
    path: list[tuple[int, ...]] = []
    for number in order:
        pair = [i for i, term in enumerate(left) if number in term]
        if len(pair) == 2:
            _join(left, path, pair[0], pair[1])
    while len(left) > 1:
        _join(left, path, 0, 1)
    return path or [(0,)]


def _join(left: list[set[int]], path: list[tuple[int, ...]], i: int, j: int) -> None:
    path.append((i, j))
    second, first = left.pop(j), left.pop(i)
    left.append(first ^ second)
