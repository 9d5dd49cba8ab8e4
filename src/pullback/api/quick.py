"""Calls like one before: the same types, shapes and strides, so that nothing needs to be looked at again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture import Captured

ENTRIES = 256
"""As many combinations of shapes are remembered for one function."""


def signature(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What decides how positional arguments are passed on; None for any but writeable arrays and numbers."""
    parts: list[Any] = []
    for value in args:
        kind = type(value)
        if kind is np.ndarray:
            if not value.flags.writeable:
                return None
            parts.append((value.dtype, value.shape, value.strides))
        elif kind is float or kind is int:
            parts.append(kind)
        else:
            return None
    return tuple(parts)


class Quick:
    """How to answer a call: which compiled code, and what to make of its results.

    Attributes:
        captured: says whether what the function refers to is what it was.
        rest: what comes after the arguments of the call.
        value: the position of the value among the results.
        gradients: the position of each gradient, and whether it is a Python number.
        single: whether the gradient is one and not a tuple.
    """

    __slots__ = ("captured", "gradients", "rest", "run", "single", "value")

    def __init__(
        self,
        captured: Captured,
        run: Callable[..., tuple[Any, ...]],
        rest: tuple[Any, ...],
        value: int,
        gradients: list[tuple[int, bool]],
        single: bool,
    ) -> None:
        self.captured = captured
        self.run = run
        self.rest = rest
        self.value = value
        self.gradients = gradients
        self.single = single

    def answer(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        """The value and the gradient."""
        found = self.run(*args, *self.rest)
        gradients = [found[k].item() if weak else found[k] for k, weak in self.gradients]
        return found[self.value], gradients[0] if self.single else tuple(gradients)
