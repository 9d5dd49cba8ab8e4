"""Statements that Numba does not compile, each as a small function of its own that runs in Python.

Under CPython that function is called like any other. From compiled code it is called through the C API,
with the types of its results declared (`callback`): slower by a microsecond, and right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.base.location import Location
from pullback.emit.constants import array_constant, constant
from pullback.emit.expressions import index_texts, plain_call
from pullback.emit.functions import has_array_index, result_kind
from pullback.emit.names import identifiers, spelled
from pullback.emit.text import Text, call, subscript, tuple_of
from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Const, Operand, Slice, Store, Var
from pullback.ir.types import Array, Scalar, Type
from pullback.ir.views import gives_view
from pullback.ir.walk import arguments, operands, reads

Reader = Callable[[Any], Text]


@dataclass(frozen=True, slots=True)
class Outlined:
    """A function of a few lines.

    Attributes:
        name, lines: its name and source.
        modules: what its body needs.
        location: where in the user's code it comes from.
    """

    name: str
    lines: tuple[str, ...]
    modules: frozenset[str]
    location: Location | None


class Outline:
    """The functions of a program that run in Python.

    Attributes:
        functions: what is outlined so far.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.functions: list[Outlined] = []
        self._taken = set(taken)

    def call(self, statement: Assign, read: Reader) -> Text:
        """A call of a function whose body is the call that `statement` is."""
        variables = _distinct(statement)
        inner = _reader(variables)
        modules: frozenset[str] = frozenset()
        where = statement.location
        if statement.function is primitives.pick:
            array, index = statement.args
            assert isinstance(index, tuple)
            body = subscript(inner(array), index_texts(index, inner))
        else:
            body = plain_call(statement, inner)
            called = [function_in(c) for arg in arguments(statement) for c in operands(arg)]
            modules = frozenset(spelled(f)[1] for f in (statement.function, *called) if f is not None) - {""}
        kinds = [target.type for target in statement.targets]
        make = "np.array" if gives_view(statement) else "np.asarray"
        if len(kinds) == 1:
            lines = (f"return {_contiguous(make, body.code, kinds[0])}",)
        else:
            parts = [f"part_{i}" for i in range(len(kinds))]
            whole = [_contiguous(make, part, kind) for part, kind in zip(parts, kinds, strict=True)]
            lines = (f"{', '.join(parts)} = {body.code}", f"return {', '.join(whole)}")
        wish = getattr(statement.function, "__name__", "call")
        return self._new(wish, [result_kind(kind) for kind in kinds], lines, variables, read, modules, where)

    def store(self, statement: Store, read: Reader) -> Text:
        """A call of a function whose body is the store."""
        variables = _distinct(statement)
        inner = _reader(variables)
        entries = index_texts(statement.index, inner)
        array, value = inner(statement.array), inner(statement.value)
        line = f"{subscript(array, entries).code} {'+=' if statement.accumulate else '='} {value.code}"
        if statement.accumulate and has_array_index(statement):
            places = [_as_value(entry) for entry in entries]
            index = places[0] if len(places) == 1 else f"({', '.join(places)})"
            line = f"np.add.at({array.code}, {index}, {value.code})"
        return self._new("store", [], (line,), variables, read, frozenset(), statement.location)

    def _new(
        self,
        wish: str,
        kinds: list[str],
        body: tuple[str, ...],
        variables: list[Var],
        read: Reader,
        modules: frozenset[str],
        where: Location | None,
    ) -> Text:
        arguments = [read(variable) for variable in variables]
        results = ", ".join(f'"{kind}"' for kind in kinds)
        parameters = ", ".join(_parameter(i) for i in range(len(variables)))
        rest = (f"({parameters}):", *(f"    {line}" for line in (*_typed(variables), *body)))
        mark = f"@native.interpreted({results})"
        for known in self.functions:
            same = known.lines == (mark, f"def {known.name}{rest[0]}", *rest[1:])
            # One for each place, which an error's traceback then tells.
            if same and known.location == where:
                return call(known.name, *arguments)
        name = identifiers([wish], taken=self._taken)[wish]
        self._taken.add(name)
        self.functions.append(Outlined(name, (mark, f"def {name}{rest[0]}", *rest[1:]), modules, where))
        return call(name, *arguments)


def _typed(variables: list[Var]) -> list[str]:
    """Lines that give numbers their dtypes again, where it could matter: Numba hands over Python's."""
    single = any(v.type.dtype.char in "fF" for v in variables if isinstance(v.type, Scalar | Array))
    return [
        f"{_parameter(i)} = np.{v.type.dtype.name}({_parameter(i)})"
        for i, v in enumerate(variables)
        if single and isinstance(v.type, Scalar) and not v.type.weak and v.type.dtype.kind in "iufc"
    ]


def _contiguous(make: str, code: str, kind: Type) -> str:
    """The code of an array as one in C order, which is the layout that is declared."""
    return f"{make}({code}, order='C')" if isinstance(kind, Array) else code


def _as_value(entry: Text) -> str:
    """An entry of an index as an expression: ``slice(a, b)`` for ``a:b``."""
    if ":" not in entry.code:
        return entry.code
    return f"slice({', '.join(part or 'None' for part in entry.code.split(':'))})"


def _distinct(statement: Assign | Store) -> list[Var]:
    return list({variable.name: variable for variable in reads(statement)}.values())


def function_in(operand: Operand) -> Callable[..., Any] | None:
    """The function that an operand is, which an eager engine is to run; None for any other."""
    value = operand.value if isinstance(operand, Const) else None
    return value if callable(value) and not isinstance(value, type) else None


def _parameter(position: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[position] if position < len(letters) else f"x{position}"


def _reader(variables: list[Var]) -> Reader:
    """Reads the variables as the parameters of an outlined function."""
    names = {variable.name: _parameter(i) for i, variable in enumerate(variables)}

    def read(arg: Arg) -> Text:
        if isinstance(arg, tuple):
            return tuple_of([read(part) for part in arg])
        if isinstance(arg, Slice):
            bounds = (None if x is None else read(x) for x in (arg.start, arg.stop, arg.step))
            return call("slice", *(Text("None") if x is None else x for x in bounds))
        if isinstance(arg, Const):
            function = function_in(arg)
            if function is not None:
                return Text(spelled(function)[0])
            value = arg.value
            return Text(array_constant(value)) if isinstance(value, np.ndarray) else constant(value)
        assert isinstance(arg, Var)
        return Text(names[arg.name])

    return read
