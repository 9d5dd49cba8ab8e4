"""The unknowns: a pytree as one real vector, real and imaginary parts of complex numbers one after the other.

In real numbers the implicit function theorem needs no holomorphic function, and cotangents in pullback's
convention are those of the two parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.dispatch import tracked_in
from pullback.base.errors import NotDifferentiableError, ShapeError, UnsupportedError
from pullback.base.pytrees import flatten, unflatten
from pullback.base.spec import dtype_of
from pullback.base.tracked import bare
from pullback.tape.keep import snapshot

_LARGE = 256
"""Up to so many unknowns the Jacobian is made, if nothing else is asked for."""


class Unknowns:
    """How a pytree like `x0` is a vector.

    Attributes:
        start: the vector of `x0`.
        precision: the rounding error of the least precise leaf.
    """

    def __init__(self, x0: Any, caller: str) -> None:
        leaves, self.structure = flatten(x0)
        values = [np.asarray(bare(leaf)) for leaf in leaves]
        for value in values:
            if value.dtype.kind not in "biufc":
                raise UnsupportedError(f"{caller}: x0 holds a value of dtype {value.dtype}")
        self.shapes = [value.shape for value in values]
        self.dtypes = [value.dtype if value.dtype.kind in "fc" else np.dtype(np.float64) for value in values]
        self.sizes = [
            math.prod(shape) * (2 if dtype.kind == "c" else 1)
            for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        ]
        self.caller = caller
        self.start = np.concatenate([np.zeros(0), *map(_parts, values)]).astype(np.float64)
        self.precision = max((float(np.finfo(dtype).eps) for dtype in self.dtypes), default=2.0**-52)

    def tree(self, vector: Any) -> Any:
        """The pytree of a vector, which may be tracked."""
        leaves, start = [], 0
        for shape, dtype, size in zip(self.shapes, self.dtypes, self.sizes, strict=True):
            part = vector[start : start + size]
            start += size
            if dtype.kind == "c":
                part = part[: size // 2] + 1j * part[size // 2 :]
            leaf = np.reshape(part, shape)
            leaf = leaf if dtype_of(bare(leaf)) == dtype else astype(leaf, dtype)
            leaves.append(leaf if tracked_in((leaf,)) else leaf[()])
        return unflatten(self.structure, leaves)

    def vector(self, tree: Any, what: str) -> Any:
        """The vector of a pytree in the form of `x0`; its leaves may be tracked."""
        leaves, structure = flatten(tree)
        if structure != self.structure or [np.shape(leaf) for leaf in leaves] != self.shapes:
            raise ShapeError(
                f"{self.caller}: {what} is not in the form of x0",
                why=f"its shapes are {[np.shape(leaf) for leaf in leaves]}, those of x0 {self.shapes}",
                remedy="return the structure and the shapes of x0.",
            )
        parts: list[Any] = []
        for leaf, dtype in zip(leaves, self.dtypes, strict=True):
            if dtype.kind == "c":
                parts += [np.ravel(np.real(leaf)), np.ravel(np.imag(leaf))]
            elif dtype_of(bare(leaf)).kind == "c":
                raise ShapeError(
                    f"{self.caller}: {what} is complex where x0 is real",
                    why="there would be more equations than unknowns",
                    remedy="start from a complex x0.",
                )
            else:
                parts.append(np.ravel(leaf))
        return astype(np.concatenate(parts), np.dtype(np.float64)) if parts else np.zeros(0)


def _parts(value: Any) -> Any:
    if value.dtype.kind == "c":
        return np.concatenate([value.real.ravel(), value.imag.ravel()])
    return value.ravel()


class Arguments:
    """The arguments of a call, of which the tracked leaves are values to differentiate by.

    Attributes:
        values: those leaves.

    The others are kept as they are now: the function is run again for the derivative.
    """

    def __init__(self, args: Any) -> None:
        self.leaves, self.structure = flatten(args if isinstance(args, tuple) else (args,))
        self.moving = [i for i, leaf in enumerate(self.leaves) if tracked_in((leaf,))]
        if self.moving:
            self.leaves = [snapshot(leaf) for leaf in self.leaves]
        self.values = [self.leaves[i] for i in self.moving]

    def filled(self, values: Any) -> Any:
        """The arguments with `values` in the place of the tracked leaves."""
        leaves = list(self.leaves)
        for i, value in zip(self.moving, values, strict=True):
            leaves[i] = value
        return unflatten(self.structure, leaves)


def untracked(function: Callable[..., Any], caller: str) -> Callable[..., Any]:
    """`function`, which may not depend on what is tracked but through its arguments."""

    def checked(*args: Any) -> Any:
        result = function(*args)
        if tracked_in((result,)):
            raise UnsupportedError(
                f"{caller}: the function closes over a tracked value",
                why="the derivative by that value would be lost",
                remedy="pass the value in args.",
            )
        if not np.all(np.isfinite(result)):
            raise NotDifferentiableError(
                f"{caller}: the function gives a NaN or an infinity",
                why="the solver has come to a point outside its domain",
                remedy="start closer to the solution, or write the function so that it is finite everywhere.",
            )
        return result

    return checked


def way_of(linear: str, size: int) -> str:
    """How linear systems are solved."""
    if linear not in ("auto", "dense", "gmres"):
        raise UnsupportedError(f"linear={linear!r} is none", remedy="'auto', 'dense' or 'gmres'.")
    return ("dense" if size <= _LARGE else "gmres") if linear == "auto" else linear
