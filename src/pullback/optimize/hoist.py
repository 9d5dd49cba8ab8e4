"""What does not change in a loop moves ahead of it: arithmetic, lengths, factors, the memory of temporaries.

A scalar operation moves where its operands are not assigned in the loop and it cannot fail; reads of memory
stay, as in a loop that does not run they may be out of bounds. An array allocated in each iteration is
allocated once, where nothing outside the iteration can see it. (Muchnick, *Advanced Compiler Design and
Implementation*, 1997, §13.2.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import (
    Assign,
    Block,
    Const,
    For,
    Program,
    Push,
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, variables, walk, with_blocks, with_body
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import Uses
from pullback.rules.systems import factorised

Moves = Callable[[Assign, set[str], For | While], tuple[Assign, tuple[Statement, ...]] | None]
"""What of an assignment moves ahead of a loop, given the names assigned there, and what takes its place."""

_DIVISIONS = frozenset([np.floor_divide, np.remainder, np.divide, np.power])


def hoist_values(program: Program) -> Program:
    """The same function with loop-invariant arithmetic ahead of the loops."""
    uses = Uses(program)

    def moves(
        statement: Assign, _: set[str], loop: For | While
    ) -> tuple[Assign, tuple[Statement, ...]] | None:
        if statement.function is factorised:
            return (statement, ()) if _stays(statement, loop, uses) else None
        return (statement, ()) if _is_safe(statement, uses) else None

    return with_body(program, _block(program.body, moves))


def hoist_memory(program: Program) -> Program:
    """The same function with the memory of temporaries allocated once, ahead of the loops that use them."""
    uses = Uses(program)
    outside = _Escapes(program, uses)

    def moves(
        statement: Assign, inside: set[str], _: For | While
    ) -> tuple[Assign, tuple[Statement, ...]] | None:
        target = statement.targets[0] if len(statement.targets) == 1 else None
        if (
            target is None
            or statement.function not in (np.empty, np.zeros)
            or not isinstance(target.type, Array)
        ):
            return None
        if target.name in uses.cells or not outside.stays(target.name, inside):
            return None
        if statement.function is np.empty:
            return statement, ()
        zero = Store(target, (Slice(),) * target.type.ndim, Const(target.type.dtype.type(0)))
        return replace(statement, function=np.empty), (replace(zero, location=statement.location),)

    return with_body(program, _block(program.body, moves))


def _block(block: Block, moves: Moves) -> Block:
    """A block with what moves out of its loops ahead of each."""
    new: list[Statement] = []
    for statement in block:
        statement = with_blocks(statement, lambda inner: _block(inner, moves))
        if isinstance(statement, For | While):
            ahead, statement = _loop(statement, moves)
            new.extend(ahead)
        new.append(statement)
    return tuple(new)


def _loop(loop: For | While, moves: Moves) -> tuple[list[Statement], Statement]:
    """What moves ahead of a loop, and the loop without it."""
    changing = {target.name for inner in walk((loop,)) for target in assigns(inner)}
    inside = set(changing)
    ahead: list[Statement] = []

    def stays(block: Block) -> Block:
        kept: list[Statement] = []
        for statement in block:
            moved = None
            if isinstance(statement, Assign) and not any(v.name in changing for v in reads(statement)):
                moved = moves(statement, inside, loop)
            if moved is None:
                kept.append(statement)
                continue
            outer, rest = moved
            ahead.append(outer)
            kept.extend(rest)
            changing.difference_update(target.name for target in outer.targets)
        return tuple(kept)

    return ahead, with_blocks(loop, stays)


def _is_safe(statement: Assign, uses: Uses) -> bool:
    """Whether the assignment may run although the loop does not: a number, from numbers, without an error."""
    if any(target.name in uses.cells or not isinstance(target.type, Scalar) for target in statement.targets):
        return False
    function = statement.function
    if function in _DIVISIONS:
        first, second = (operand_type(x) for x in statement.args if isinstance(x, Var | Const))
        if first.dtype.kind in "iub":
            divisor = statement.args[1]
            return function is not np.power and isinstance(divisor, Const) and divisor.value > 0
        divisor = statement.args[1]
        return not (first.weak and second.weak) or (isinstance(divisor, Const) and divisor.value > 0)
    simple = (
        primitives.dim, primitives.cast, primitives.weaken, primitives.select, primitives.bind, max, min
    )  # fmt: skip
    return function in simple or is_elementwise(function)


def _stays(statement: Assign, loop: For | While, uses: Uses) -> bool:
    """Whether a matrix, of which these are the factors, is not written into in a loop."""
    (matrix,), (target,) = statement.args, statement.targets
    assert isinstance(matrix, Var)
    memory = uses.memory(matrix.name)
    stored = {uses.memory(s.array.name) for s in walk((loop,)) if isinstance(s, Store)}
    return target.name not in uses.cells and memory not in stored


class _Escapes:
    """Which arrays something outside an iteration can see."""

    def __init__(self, program: Program, uses: Uses) -> None:
        self._uses = uses
        self._seen: set[str] = {uses.memory(param.name) for param in program.params}
        self._names: dict[str, set[str]] = {}
        for statement in walk(program.body):
            for name in _names(statement):
                self._names.setdefault(uses.memory(name), set()).add(name)
            self._seen.update(uses.memory(v.name) for v in _escaping(statement))
        for name in uses.cells:
            self._seen.add(uses.memory(name))

    def stays(self, name: str, inside: set[str]) -> bool:
        """Whether all names of this memory are assigned inside the loop, and none is given away."""
        memory = self._uses.memory(name)
        return memory not in self._seen and all(other in inside for other in self._names[memory])


def _names(statement: Statement) -> Iterator[str]:
    for variable in (*reads(statement), *assigns(statement)):
        yield variable.name


def _escaping(statement: Statement) -> Iterator[Var]:
    """Variables whose memory outlives the iteration for sure."""
    match statement:
        case Return():
            yield from reads(statement)
        case Push(value=value):
            yield from variables(value)
