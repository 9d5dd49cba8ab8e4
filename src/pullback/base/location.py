"""Where in the user's code something happened: the innermost stack frame outside pullback and NumPy."""

from __future__ import annotations

import linecache
import os
import sys
from dataclasses import dataclass
from types import FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = ("numpy", "scipy", "optree", "functools", "contextlib")


@dataclass(frozen=True, slots=True)
class Location:
    """A point in a source file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    end_column: int | None = None

    @property
    def text(self) -> str:
        """The source line, without its line break; empty where the source cannot be read."""
        return linecache.getline(self.file, self.line).rstrip("\n")

    @property
    def snippet(self) -> str:
        """The source of the expression itself; empty where it cannot be read or goes over several lines."""
        return "" if self.end_column is None else self.text[self.column - 1 : self.end_column - 1]

    def __str__(self) -> str:
        place = f"  at {self.file}:{self.line}:{self.column}"
        text = self.text
        if not text.strip():
            return place
        indent = len(text) - len(text.lstrip())
        width = max(1, min(self.end_column or self.column + 1, len(text) + 1) - self.column)
        caret = " " * max(0, self.column - 1 - indent) + "^" * width
        return f"{place}\n    {text.strip()}\n    {caret}"


def is_library_frame(frame: FrameType, libraries: tuple[str, ...]) -> bool:
    """Whether `frame` runs pullback's own code, or that of one of `libraries`."""
    if frame.f_code.co_filename.startswith(_PACKAGE):
        return True
    return frame.f_globals.get("__name__", "").partition(".")[0] in libraries


def user_frame(outside: tuple[str, ...] = _LIBRARIES) -> FrameType | None:
    """The innermost frame that runs neither pullback's code nor that of the libraries named, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library_frame(frame, outside):
        frame = frame.f_back
    return frame


def user_stacklevel() -> int:
    """The ``stacklevel`` with which the function that calls this one warns at the user's innermost frame."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and is_library_frame(frame, _LIBRARIES):
        level, frame = level + 1, frame.f_back
    return level


def user_location() -> Location | None:
    """The `Location` that the user's innermost frame is executing (columns as PEP 657 records them)."""
    frame = user_frame()
    return None if frame is None else frame_location(frame)


def frame_location(frame: FrameType) -> Location:
    """The `Location` that `frame` is executing."""
    code = frame.f_code
    positions = list(code.co_positions())
    start = end = column = end_column = None
    if frame.f_lasti >= 0:
        start, end, column, end_column = positions[frame.f_lasti // 2]
    line = start or frame.f_lineno
    return Location(
        code.co_filename,
        line,
        (column or 0) + 1,
        None if end_column is None or end != start else end_column + 1,
    )
