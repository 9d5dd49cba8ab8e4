"""Checks of Python's integers, which compiled code keeps in 64 bits and divides without looking.

Python raises where a divisor is zero, and its integers grow as they must. A *divisor* is checked at the
division; a result is checked for its size where it could get out of hand in a loop of any sensible length:
powers, shifts, and products and sums that a variable of the loop has a part in (``fact *= k``;
``a, b = b, a + b``). An index is a sum of products of what the loops count, and needs no check. So is what
``int`` takes of a float.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.emit import native
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Statement, Var
from pullback.ir.types import Scalar
from pullback.ir.walk import assigns, walk, with_blocks, with_body

_DIVISIONS = frozenset([np.floor_divide, np.remainder])


def with_whole_numbers(program: Program) -> Program:
    """The same program, which raises where Python's integers are not those of 64 bits."""
    count = Counter(t.name for s in walk(program.body) if not isinstance(s, For) for t in assigns(s))
    count.update(param.name for param in program.params)
    cells = {name for name, times in count.items() if times > 1}
    # What a variable held at the start of a trip may have a name of its own.
    for statement in walk(program.body):
        match statement:
            case Assign(targets=(target,), function=primitives.bind, args=(Var(name=name),)) if name in cells:
                cells.add(target.name)
    builder = Builder(names_of(program))

    def checked(block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            with builder.block() as check:
                builder.location, builder.comment = statement.location, statement.comment
                _check(statement, cells, builder)
            made += [*check.statements(), with_blocks(statement, checked)]
        return tuple(made)

    return with_body(program, checked(program.body))


def _check(statement: Statement, cells: set[str], builder: Builder) -> None:
    if (
        not isinstance(statement, Assign)
        or len(statement.targets) != 1
        or not _is_whole(statement.targets[0])
    ):
        return
    function, args = statement.function, statement.args
    if function is primitives.truncate and isinstance(args[0], Var) and not _is_whole(args[0]):
        builder.add(Assign((), native.check_fits, (args[0], Const("int(...)"))))
        return
    if len(args) != 2 or not all(isinstance(x, Var | Const) and _is_whole(x) for x in args):
        return
    a, b = args
    assert isinstance(a, Var | Const)
    assert isinstance(b, Var | Const)
    if function in _DIVISIONS and isinstance(b, Var):
        builder.add(Assign((), native.check_divisor, (b, Const("the divisor"))))
    size = _size(function, a, b, cells, builder)
    if size is not None:
        builder.add(Assign((), native.check_fits, (size, Const("the result"))))


def _size(
    function: Callable[..., Any], a: Operand, b: Operand, cells: set[str], builder: Builder
) -> Operand | None:
    """A float about as large as the result; None for one that needs no check."""
    of_cells = [isinstance(x, Var) and x.name in cells for x in (a, b)]
    if function is np.power and isinstance(b, Var):
        return builder.call(np.power, _float(a, builder), _float(b, builder), name="size")
    if function is np.left_shift and isinstance(b, Var):
        factor = builder.call(np.power, np.float64(2), _float(b, builder), name="factor")
        return builder.call(np.multiply, _float(a, builder), factor, name="size")
    if (function is np.multiply and any(of_cells)) or (function is np.add and all(of_cells)):
        return builder.call(function, _float(a, builder), _float(b, builder), name="size")
    return None


def _float(x: Operand, builder: Builder) -> Operand:
    if isinstance(x, Const):
        return Const(np.float64(x.value))
    return builder.call(primitives.cast, x, np.dtype(float), name=f"{x.name}_size")


def _is_whole(x: Arg) -> bool:
    kind = operand_type(x) if isinstance(x, Var | Const) else None
    return isinstance(kind, Scalar) and kind.weak and kind.dtype.kind == "i"


__all__ = ["with_whole_numbers"]
