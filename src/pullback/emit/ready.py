"""What is made of a program for the compiler, and kept on disk: plain data."""

from __future__ import annotations

from dataclasses import dataclass

from pullback.base.location import Location
from pullback.ir.types import Type


@dataclass(frozen=True, slots=True)
class Source:
    """Emitted source.

    Attributes:
        name: of the function.
        text: the module.
        locations: for each line, where in the user's code it comes from.
        outlined: the names of the functions that run in Python.
    """

    name: str
    text: str
    locations: tuple[Location | None, ...]
    outlined: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """What is compiled of a program, and what has to be known of it for that.

    Attributes:
        source: the function.
        params, results: the types of its parameters and results.
        tells: the last result says whether the others are right (`optimistic`).
    """

    source: Source
    params: tuple[Type, ...]
    results: tuple[Type, ...]
    tells: bool
