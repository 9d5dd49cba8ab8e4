"""What a workload is: sources to differentiate, arguments, and the hand-written adjoint to be measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    Attributes:
        name: as in the table.
        sources: what a user would write, by spelling (``slices`` or ``loops``). All return the same number.
        argnums: the arguments to differentiate by.
        arguments: made anew at each call, from the folder of ADBench's data or, without it, drawn.
        gradient: by hand: the arguments in, ``(value, (cotangent of each of argnums, ...))`` out. It leaves
            its arguments as they are.
        primal: the same function in Numba loops. It leaves its arguments as they are.
        small: arguments of an instance so small that finite differences are quick.
        writes: the positions of the arguments that the *sources* write into.
        seeds: cotangents of an array result, all pulled back in one call, as a Jacobian of blocks needs them:
            one for each column. `gradient` then gives a tuple of cotangents for each seed. None for a number.
        of_jax: the most of JAX's time that a compiled gradient may take.
    """

    name: str
    sources: dict[str, Callable[..., Any]]
    argnums: tuple[int, ...]
    arguments: Callable[[Path | None], tuple[Any, ...]]
    gradient: Callable[..., tuple[Any, tuple[Any, ...]]]
    primal: Callable[..., Any]
    small: Callable[[], tuple[Any, ...]]
    writes: tuple[int, ...] = ()
    seeds: Callable[[Any], tuple[Any, ...]] | None = None
    of_jax: float = 1.0
