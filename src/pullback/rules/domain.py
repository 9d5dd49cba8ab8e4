"""How to draw arguments for a rule: the calls that a row of the table is tested on.

``call(array(3, 4), axis=0)`` describes the call ``f(a, axis=0)`` with a random 3×4 array; `draw` makes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["any", "distinct", "invertible", "definite", "separated", "real"]


@dataclass(frozen=True, slots=True)
class Array:
    """A random array: uniform in (`low`, `high`), and of a `kind`.

    ``distinct`` entries are at least ``(high - low) / (2 size)`` apart; ``invertible`` and ``definite``
    concern the last two axes, and so does ``separated``, with eigenvalues far apart; ``real`` entries stay
    real where the others are complex.
    """

    shape: tuple[int, ...]
    low: float = -1.0
    high: float = 1.0
    kind: Kind = "any"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function; its arguments are constants or `Array` descriptions, in lists too."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        words = [_word(a) for a in self.args] + [f"{k}={_word(v)}" for k, v in self.kwargs.items()]
        return ", ".join(words)


def array(*shape: int, low: float = -1.0, high: float = 1.0, kind: Kind = "any") -> Array:
    """Describe a random array of `shape`."""
    return Array(shape, low, high, kind)


def call(*args: Any, **kwargs: Any) -> Call:
    """Describe a call."""
    return Call(args, kwargs)


def draw(description: Any, rng: np.random.Generator, dtype: Any) -> Any:
    """A value for `description`: arrays drawn in `dtype`, in lists and tuples too, all else kept."""
    if isinstance(description, list | tuple):
        return type(description)(draw(item, rng, dtype) for item in description)
    if not isinstance(description, Array):
        return description
    values = _uniform(description, rng)
    if description.kind == "real":
        return values.astype(np.dtype(dtype).char.lower())
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.uniform(-0.5, 0.5, description.shape)
    if description.kind == "invertible":
        values = values + 2 * description.shape[-1] * np.eye(description.shape[-2], description.shape[-1])
    if description.kind == "separated":
        values = values + 4 * np.diag(np.arange(float(description.shape[-1])))
    if description.kind == "definite":
        values = values @ np.conj(np.swapaxes(values, -1, -2)) + np.eye(description.shape[-1])
    return np.asarray(values).astype(dtype)


def _uniform(description: Array, rng: np.random.Generator) -> Any:
    low, high = description.low, description.high
    if description.kind != "distinct":
        return rng.uniform(low, high, description.shape)
    size = int(np.prod(description.shape))
    steps = (rng.permutation(size) + 0.5 + rng.uniform(-0.25, 0.25, size)) / max(size, 1)
    return (low + (high - low) * steps).reshape(description.shape)


def _word(value: Any) -> str:
    if isinstance(value, Array):
        return "×".join(map(str, value.shape)) or "scalar"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_word, value))}]"
    return f"<{value.dtype}{value.shape}>" if isinstance(value, np.ndarray) else repr(value)
