"""Reads and writes of elements that `bounds` checks: what is indexed by what, and what the user calls it."""

from __future__ import annotations

import re

import numpy as np

from pullback.base.location import Location
from pullback.emit.expressions import runs_in_python
from pullback.emit.functions import stores_in_python
from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Const, Operand, Statement, Store, Var
from pullback.ir.types import Array

_END = re.compile(r"(_in)?(_\d+)?$")


def access_of(statement: Statement) -> tuple[Operand, tuple[Arg, ...]] | None:
    """The array and the index of what compiled code reads or writes without looking."""
    if isinstance(statement, Store):
        return None if stores_in_python(statement) else (statement.array, statement.index)
    indexing = (primitives.item, primitives.view, primitives.pick)
    if not isinstance(statement, Assign) or statement.function not in indexing:
        return None
    array, index = statement.args
    if runs_in_python(statement) or not isinstance(array, Var | Const) or not isinstance(index, tuple):
        return None
    return array, index


def is_index_array(entry: Arg) -> bool:
    """Whether an entry of an index is an array."""
    if isinstance(entry, Const):
        return isinstance(entry.value, np.ndarray)
    return isinstance(entry, Var) and isinstance(entry.type, Array)


def called(array: Operand, location: Location | None) -> str:
    """``" of 'x'"`` where the source calls an array so in its line, else nothing."""
    name = array.name if isinstance(array, Var) else ""
    words = set(re.findall(r"\w+", "" if location is None else location.text))
    return next((f" of {w!r}" for w in (name, _END.sub("", name)) if w in words), "")
