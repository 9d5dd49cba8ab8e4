"""The functions that make an array like another: their result has no derivative, and can be written into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.dispatch import tracked_in
from pullback.base.operands import plain

CREATION = frozenset({np.zeros_like, np.ones_like, np.empty_like, np.full_like})


def created(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    constant: Callable[[Any], Any],
) -> Any:
    """The array that `function`, one of `CREATION`, makes; `constant` lets tracked values into it."""
    if function is np.full_like and tracked_in((*args[1:], kwargs.get("fill_value"))):
        rest = {key: value for key, value in kwargs.items() if key != "fill_value"}
        template, fill = args[0], args[1] if len(args) > 1 else kwargs["fill_value"]
        return np.broadcast_to(fill, np.shape(template)) + np.zeros_like(template, **rest)
    y = function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
    return constant(y) if y.dtype.kind in "fc" else y
