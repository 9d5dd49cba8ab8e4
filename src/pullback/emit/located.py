"""Errors of compiled code, with the place in the user's code they come from.

What is raised while emitted source runs, compiled or not, has the line of that source in its traceback, and
`Source.locations` says which of the user's that is. A function that Numba compiled for itself, or that runs
in Python, has no such line; then the lines are meant that call it. All this is done once something is raised.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

import numpy as np

from pullback.base.errors import OutOfRangeError, PullbackError, ShapeError, SingularError
from pullback.base.location import Location
from pullback.emit.ready import Source

NOTE = "  # "
"""Ahead of what emitted source says of a check in its line."""


def located(error: Exception, source: Source, file: str) -> Exception:
    """The error that emitted source raised, with the user's line: the user's own gets a note.

    Args:
        error: what was raised.
        source: what ran. Functions of one text in several places of the user's code share a file.
        file: where its text is.
    """
    found = {
        (place.file, place.line): (place, said)
        for place, said in _places(error, source, file)
        if place is not None
    }
    if not found or isinstance(error, PullbackError):
        return error
    (where, said), *others = found.values()
    made = None if others or _is_the_users(where) else _own(error, where, said)
    if made is not None:
        return made.with_traceback(error.__traceback__)
    if others:
        error.add_note("  in one of these places:")
    for place, _ in found.values():
        error.add_note(str(place))
    return error


def _own(error: Exception, where: Location, said: str) -> PullbackError | None:
    """An error of compiled code as one of the package's, of the same kind."""
    what, _, why = str(error).removesuffix(")").partition(" (")
    if isinstance(error, IndexError):
        named = what if ":" in what or not said else f"{what}: {said}"
        if named.startswith("a mask"):
            return OutOfRangeError(named, remedy="a mask of the array's own shape", where=where)
        why = "an axis of length n takes the indices from -n to n-1"
        remedy = "bounds of the loop, or an index, that the array has entries for"
        return OutOfRangeError(named, why=why, remedy=remedy, where=where)
    if isinstance(error, np.linalg.LinAlgError):
        remedy = next((remedy for word, remedy in _OF_MATRICES.items() if word in what), None)
        return SingularError(what, why=why or None, remedy=remedy, where=where)
    if isinstance(error, ValueError) and _OF_SHAPES.search(what):
        return ShapeError(what, why=why or None, remedy=_remedy(what), where=where)
    return None


_OF_MATRICES = {
    "Singular": "np.linalg.lstsq, or a matrix that is not, as a + eps * np.eye(n)",
    "definite": "a symmetric matrix whose eigenvalues are positive",
    "converge": "a matrix without NaN and infinity",
    "square": "a matrix of as many rows as columns; np.linalg.lstsq solves for another",
}
"""What to do instead, by a word of what LAPACK, or NumPy, complains of."""
_OF_SHAPES = re.compile("length|shape|size|dimension|axis|axes|rows|values|split|vectors|empty|larger")


def _remedy(what: str) -> str | None:
    return (
        "arrays of shapes that fit, made so with reshape or [:, None]" if "lengths differ" in what else None
    )


def _is_the_users(where: Location) -> bool:
    """Whether the user's own code raises there."""
    return where.text[where.column - 1 :].startswith(("raise", "assert"))


def _places(error: Exception, source: Source, file: str) -> Iterator[tuple[Location | None, str]]:
    """Where in the user's code an error may come from, with what emitted source says of it there."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return
    lines = source.text.splitlines()
    for frame, number in reversed(frames):
        if frame.f_code.co_filename == file and number <= len(lines):
            yield source.locations[number - 1], _said(lines[number - 1])
            return
    for frame, _ in reversed(frames):
        called = [k for k, line in enumerate(lines) if f"native.{frame.f_code.co_name}(" in line]
        if called:
            yield from ((source.locations[k], _said(lines[k])) for k in called)
            return


def _said(line: str) -> str:
    return line.partition(NOTE)[2]
