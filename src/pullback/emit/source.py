"""`source`: a program as one plain Python function, which CPython runs and Numba compiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.emit import native
from pullback.emit.bounds import with_checks
from pullback.emit.direction import with_hidden_directions, with_upward_loops
from pullback.emit.lanes import with_lanes
from pullback.emit.names import identifiers
from pullback.emit.products import with_products_in_place
from pullback.emit.ready import Source
from pullback.emit.vectorize import with_inlined_functions
from pullback.emit.whole import with_whole_numbers
from pullback.emit.windows import with_fixed_ends
from pullback.emit.writer import Line, Writer
from pullback.ir.nodes import Assign, Block, Program, Statement
from pullback.ir.walk import with_blocks


def source(program: Program, *, checked: bool = False) -> str:
    """The program as Python source: a module that imports NumPy and defines one function.

    Args:
        program: what to write.
        checked: write what `load` compiles: with checks of indices, and `native.exp` for ``np.exp`` in some
            loops.
    """
    return write(program, checked=checked).text


def write(program: Program, *, checked: bool = False) -> Source:
    """The source with what is known about its lines."""
    if checked:
        program = with_checks(with_inlined_functions(with_upward_loops(program)))
        program = with_fixed_ends(with_lanes(program))
        program = with_products_in_place(with_whole_numbers(with_hidden_directions(program)))
        program = replace(program, body=_allocating(program.body))
    writer = Writer(program, checked=checked)
    writer.block(program.body)
    # A function may be called `lambda`, `np` or `max`.
    (name,) = identifiers([program.name]).values()
    head = f"def {name}({', '.join(writer.names[param.name] for param in program.params)}):"
    body = [Line(head, None), *writer.lines]
    text = [*body]
    for outlined in reversed(writer.outline.functions):
        text = [
            *(Line(line, outlined.location) for line in outlined.lines),
            Line("", None),
            Line("", None),
            *text,
        ]
    if writer.arrays:
        constants = [Line(f"{key} = {value}", None) for key, value in writer.arrays.items()]
        text = [*constants, Line("", None), Line("", None), *text]
    text = [*_imports(writer, body), Line("", None), Line("", None), *text]
    return Source(
        name,
        "\n".join(line.text for line in text) + "\n",
        tuple(line.location for line in text),
        tuple(outlined.name for outlined in writer.outline.functions),
    )


_MEMORY = {np.empty: native.empty, np.zeros: native.zeros}


def _allocating(block: Block) -> Block:
    """`block` with the allocations that compile in less time."""

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Assign) and statement.function in _MEMORY:
            if len(statement.args) == 1 and [key for key, _ in statement.kwargs] == ["dtype"]:
                return replace(statement, function=_MEMORY[statement.function])
            return statement
        return with_blocks(statement, _allocating)

    return tuple(one(statement) for statement in block)


def _imports(writer: Writer, body: list[Line]) -> list[Line]:
    modules = sorted(frozenset().union(*(outlined.modules for outlined in writer.outline.functions)))
    lines = ["import numpy as np", *(f"import {module}" for module in modules)]
    lines += [f"from {module} import {name}" for name, module in sorted(writer.exceptions.items())]
    if writer.outline.functions or any("native." in line.text for line in body):
        lines += ["", "from pullback.emit import native"]
    return [Line(line, None) for line in lines]
