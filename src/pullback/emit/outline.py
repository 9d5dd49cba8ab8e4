"""Statements that Numba does not compile, each as a small function of its own that runs in Python.

Under CPython that function is called like any other. Before Numba compiles the program, `interpreted` replaces it by a
compiled one that goes back to the interpreter for the call, with the type of the result declared: slower by a
microsecond, and right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pullback.emit.expressions import index_texts, plain_call
from pullback.emit.functions import has_array_index, result_kind
from pullback.emit.names import identifiers, spelled
from pullback.emit.text import Text, call, subscript
from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Assign, Const, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import reads

Reader = Callable[[Any], Text]


@dataclass(frozen=True, slots=True)
class Outlined:
    """A function of a few lines: its name, its source, the module its body needs."""

    name: str
    lines: tuple[str, ...]
    module: str = ""


def outline_call(statement: Assign, read: Reader, names: dict[str, str], outlined: list[Outlined]) -> Text:
    """A call of a new function whose body is the call that `statement` is."""
    variables = _distinct(statement)
    inner = _plain_reader(names)
    if statement.function is primitives.pick:
        array, index = statement.args
        assert isinstance(index, tuple)
        body, module = subscript(inner(array), index_texts(index, inner)), ""
    else:
        body, module = plain_call(statement, inner), spelled(statement.function)[1]
    kinds = [result_kind(target.type) for target in statement.targets]
    if len(statement.targets) == 1:
        one = isinstance(statement.targets[0].type, Array)
        result = f"return np.ascontiguousarray({body.code})" if one else f"return {body.code}"
        lines = (result,)
    else:
        parts = [f"part_{i}" for i in range(len(statement.targets))]
        whole = [
            f"np.ascontiguousarray({part})" if isinstance(target.type, Array) else part
            for part, target in zip(parts, statement.targets, strict=True)
        ]
        lines = (f"{', '.join(parts)} = {body.code}", f"return {', '.join(whole)}")
    wish = getattr(statement.function, "__name__", "call")
    return _new(wish, kinds, lines, variables, read, names, outlined, module)


def outline_store(statement: Store, read: Reader, names: dict[str, str], outlined: list[Outlined]) -> Text:
    """A call of a new function whose body is the store."""
    inner = _plain_reader(names)
    entries = index_texts(statement.index, inner)
    place, value = subscript(inner(statement.array), entries), inner(statement.value)
    line = f"{place.code} {'+=' if statement.accumulate else '='} {value.code}"
    if statement.accumulate and has_array_index(statement):
        index = entries[0].code if len(entries) == 1 else f"({', '.join(_as_value(e) for e in entries)})"
        line = f"np.add.at({inner(statement.array).code}, {index}, {value.code})"
    return _new("store", [], (line,), _distinct(statement), read, names, outlined, "")


def _as_value(entry: Text) -> str:
    """An entry of an index as an expression: ``slice(a, b)`` for ``a:b``."""
    if ":" not in entry.code:
        return entry.code
    return f"slice({', '.join(part or 'None' for part in entry.code.split(':'))})"


def _distinct(statement: Assign | Store) -> list[Var]:
    return list({variable.name: variable for variable in reads(statement)}.values())


def _plain_reader(names: dict[str, str]) -> Reader:
    from pullback.emit.constants import array_constant, constant
    from pullback.emit.text import tuple_of

    def read(arg: Arg) -> Text:
        if isinstance(arg, tuple):
            return tuple_of([read(part) for part in arg])
        if isinstance(arg, Const):
            value = arg.value
            return Text(array_constant(value)) if hasattr(value, "tolist") and value.ndim else constant(value)
        assert isinstance(arg, Var)
        return Text(names[arg.name])

    return read


def _new(
    wish: str,
    kinds: list[str],
    body: tuple[str, ...],
    variables: list[Var],
    read: Reader,
    names: dict[str, str],
    outlined: list[Outlined],
    module: str,
) -> Text:
    name = identifiers([wish], taken=[*names.values(), *(other.name for other in outlined)])[wish]
    results = ", ".join(f'"{kind}"' for kind in kinds)
    parameters = ", ".join(names[variable.name] for variable in variables)
    lines = (f"@native.interpreted({results})", f"def {name}({parameters}):", *(f"    {s}" for s in body))
    outlined.append(Outlined(name, lines, module))
    return call(name, *(read(variable) for variable in variables))


__all__ = ["Outlined", "operand_type", "outline_call", "outline_store"]
