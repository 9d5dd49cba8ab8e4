"""Finds the syntax tree of a Python function: in its file, a notebook cell or a doctest.

The whole file is parsed, so lines and columns are the user's own, and a lambda is told from its neighbours by
the column at which its code starts.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import linecache
import os
import types
from dataclasses import dataclass
from pathlib import Path

from pullback.base.errors import UnsupportedError
from pullback.base.location import Location

FunctionNode = ast.FunctionDef | ast.Lambda

_LIBRARIES = tuple(
    str(Path(place).parent) + os.sep
    for name in ("scipy", "pullback")
    if (spec := importlib.util.find_spec(name)) is not None and (place := spec.origin) is not None
)
"""Where the libraries are whose functions have rules, and are not looked into."""

_PACKAGE = Path(__file__).parent.parent
_WRITTEN_AS_USERS = (str(_PACKAGE / "cli") + os.sep, str(_PACKAGE / "ode" / "steps.py"))
"""The demo's functions, and the steps of a solver, are written as a user's."""


def is_library(file: str) -> bool:
    """Whether a file is a library's, whose functions a user knows by their names alone."""
    return file.startswith(_LIBRARIES) and not file.startswith(_WRITTEN_AS_USERS)


@dataclass(frozen=True, slots=True)
class Source:
    """A function's syntax tree, and the file it is in."""

    file: str
    name: str
    node: FunctionNode
    text: str


@functools.lru_cache(maxsize=64)
def _parse(text: str, file: str) -> ast.Module:
    return ast.parse(text, file)


@functools.lru_cache(maxsize=256)
def source_of(code: types.CodeType) -> Source:
    """The `Source` of a function's code.

    Raises:
        UnsupportedError: where there is no source, or it is no longer that of the function.
    """
    file = code.co_filename
    text = "".join(linecache.getlines(file))
    if not text:
        raise UnsupportedError(
            f"the source of {code.co_qualname} cannot be read",
            why=f"{file!r} is no file that Python can show lines of",
            remedy="define the function in a file or a notebook cell",
        )
    where = Location(file, code.co_firstlineno, 1)
    try:
        module = _parse(text, file)
    except SyntaxError as error:
        raise _stale(code, where) from error
    found = [node for node in ast.walk(module) if _matches(node, code)]
    if len(found) > 1:
        found = [node for node in found if _starts_like(node, code)]
    if not found:
        if any(isinstance(n, ast.AsyncFunctionDef) and n.name == code.co_name for n in ast.walk(module)):
            raise UnsupportedError(
                f"{code.co_name} is a coroutine",
                why="only plain functions are captured",
                remedy="write it with `def`",
                where=where,
            )
        raise _stale(code, where)
    node = found[0]
    assert isinstance(node, FunctionNode)
    return Source(file, code.co_qualname, node, ast.get_source_segment(text, node) or "")


def _stale(code: types.CodeType, where: Location) -> UnsupportedError:
    return UnsupportedError(
        f"the source of {code.co_qualname} is not where it was",
        why="the file has changed since the function was defined",
        remedy="import or run it again",
        where=where,
    )


def _matches(node: ast.AST, code: types.CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
        named = node.name == code.co_name
    elif isinstance(node, ast.Lambda):
        first, named = node.lineno, code.co_name == "<lambda>"
    else:
        return False
    parameters = [p.arg for p in (*node.args.posonlyargs, *node.args.args)]
    return (
        named
        and first == code.co_firstlineno
        and list(code.co_varnames[: len(parameters)]) == [_mangled(p, code) for p in parameters]
    )


def _mangled(name: str, code: types.CodeType) -> str:
    return name if name in code.co_varnames else next((v for v in code.co_varnames if v.endswith(name)), name)


def _starts_like(node: ast.AST, code: types.CodeType) -> bool:
    """Whether the instructions of `code` lie where the body of `node` does."""
    body = node.body if isinstance(node, ast.Lambda) else node
    assert isinstance(body, ast.expr | ast.FunctionDef)
    start = (body.lineno, body.col_offset)
    end = (body.end_lineno or body.lineno, body.end_col_offset or 0)
    places = [
        ((line, column or 0), (end_line or line, end_column or 0))
        for line, end_line, column, end_column in code.co_positions()
        if line is not None and column is not None and end_column not in (None, 0)
    ]
    inside = [place for place in places if start <= place[0] and place[1] <= end]
    return bool(inside) and (isinstance(node, ast.FunctionDef) or (start, end) in places)


def location_of(node: ast.AST, file: str) -> Location:
    """Where a node is; columns count characters, not bytes."""
    line = getattr(node, "lineno", 1)
    text = linecache.getline(file, line)
    start = _characters(text, getattr(node, "col_offset", 0))
    end = None
    if getattr(node, "end_lineno", None) == line:
        end = _characters(text, getattr(node, "end_col_offset", 0)) + 1
    return Location(file, line, start + 1, end)


def _characters(text: str, offset: int) -> int:
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


def first_line(node: ast.AST, file: str) -> str:
    """The line of the file a statement starts in, without indentation: the comment on what comes of it."""
    return linecache.getline(file, getattr(node, "lineno", 1)).strip()
