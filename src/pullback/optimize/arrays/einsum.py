"""Einstein sums: `einsum` and `tensordot`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.optimize.arrays.contractions import contraction
from pullback.optimize.arrays.reduce import an_array, unless_given
from pullback.optimize.delayed import Delayed, Value, is_one
from pullback.optimize.emitter import Emitter
from pullback.optimize.rewrites import rewrites
from pullback.optimize.slices import static
from pullback.rules.networks.path import subscripts_of


@rewrites(np.tensordot)
def _tensordot(e: Emitter, a: Value, b: Value, axes: Any = 2) -> Value:
    first, second = an_array(a), an_array(b)
    given = static(axes)
    if isinstance(given, int):
        given = (range(first.ndim - given, first.ndim), range(given))
    ours, theirs = (tuple(x) if isinstance(x, tuple | list | range) else (x,) for x in given)
    left = [f"a{axis}" for axis in range(first.ndim)]
    right = [f"b{axis}" for axis in range(second.ndim)]
    for i, j in zip(ours, theirs, strict=True):
        right[j % second.ndim] = left[i % first.ndim]
    output = [label for label in left if label not in right] + [label for label in right if label not in left]
    return contraction(e, (first, second), (left, right), output)


@rewrites(np.einsum)
def _einsum(e: Emitter, *args: Value, **options: Any) -> Value:
    unless_given(*(value for key, value in options.items() if key != "optimize"))
    first, *rest = args
    if not isinstance(first, Delayed):
        arrays = [an_array(x) for x in rest]
        return contraction(e, arrays, *_read(static(first), arrays))
    count = len(args) // 2
    arrays = [an_array(x) for x in args[: 2 * count : 2]]
    terms = tuple(tuple(static(term)) for term in args[1 : 2 * count : 2])
    output = tuple(static(args[-1])) if len(args) % 2 else None
    return contraction(e, arrays, *_read((terms, output), arrays))


def _read(key: Any, arrays: list[Delayed]) -> tuple[list[Any], Any]:
    """The labels of the axes of each array and of the result."""
    text = key.replace(" ", "") if isinstance(key, str) else "."
    if "." in text:
        # Labels stand for lengths here: an axis of length 1 stretches.
        return subscripts_of(key, [tuple(1 if is_one(n) else 2 for n in x.shape) for x in arrays])
    given, arrow, output = text.partition("->")
    if not arrow:
        output = "".join(sorted(label for label in set(given) - {","} if given.count(label) == 1))
    return given.split(","), output
