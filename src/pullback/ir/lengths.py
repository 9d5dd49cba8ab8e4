"""Short axes of parameters, of a length that a check at the start of a program says.

    def f(points):                                    def f(points):
        …                             becomes             if points.shape[1] != 3: raise …
                                                          …

Lowering takes such a length for the number that it is, so that what is done along the axis is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Const, If, Program, Raise, Var
from pullback.ir.walk import assigns, walk

_MESSAGE = "this was compiled for an array with an axis of length"


def with_lengths(program: Program, lengths: Mapping[tuple[int, int], int]) -> Program:
    """The same function of arguments that have these lengths, by parameter and axis; for others it raises."""
    builder = Builder(names_of(program))
    for (position, axis), length in lengths.items():
        check_length(builder, program.params[position], axis, length)
    return replace(program, body=(*builder.statements(), *program.body))


def check_length(builder: Builder, array: Var, axis: int, length: int) -> None:
    """Write a check that `known_lengths` finds."""
    differs = builder.call(np.not_equal, builder.dim(array, axis), length, name="differs")
    builder.add(If(differs, (Raise(ValueError, f"{_MESSAGE} {length}"),)))


@dataclass(frozen=True, slots=True)
class Known:
    """A length that `check`, a statement, says."""

    length: int
    check: If


def known_lengths(program: Program) -> dict[tuple[str, int], Known]:
    """The lengths that checks at the start of the program say, by parameter and axis."""
    params = {param.name for param in program.params}
    params -= {target.name for statement in walk(program.body) for target in assigns(statement)}
    dims: dict[str, tuple[str, int]] = {}
    tests: dict[str, tuple[tuple[str, int], int]] = {}
    known: dict[tuple[str, int], Known] = {}
    for statement in program.body:
        match statement:
            case Assign(
                targets=(target,), function=primitives.dim, args=(Var(name=name), Const(value=int() as axis))
            ) if name in params:
                dims[target.name] = name, axis
            case Assign(
                targets=(target,), function=np.not_equal, args=(Var(name=name), Const(value=int() as length))
            ) if name in dims:
                tests[target.name] = dims[name], length
            case Assign():
                pass
            case If(test=Var(name=name), then=(Raise(message=message),), orelse=()) if name in tests:
                place, length = tests[name]
                if message.startswith(_MESSAGE):
                    known.setdefault(place, Known(length, statement))
            case If() if all(isinstance(inner, Raise) for inner in (*statement.then, *statement.orelse)):
                pass
            case _:
                break
    return known
