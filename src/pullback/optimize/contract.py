"""Arrays whose every element lives within one iteration, without the axes of those loops: at last, numbers.

Fused loops leave such arrays behind. (Gao et al., *Collective loop fusion for array contraction*, 1992.)
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Program, Statement, Store, Var
from pullback.ir.types import Array, Scalar, Stack
from pullback.ir.walk import assigns, reads, walk, with_blocks, with_body
from pullback.optimize.uses import Uses, index_of

_ELEMENTS = 16
Axes = dict[int, str]
"""Axes that go, each with the index of the loop that has them."""


def contract(program: Program) -> Program:
    """The same function with smaller temporary arrays."""
    mentions, alone = apart(program)
    return with_body(program, _contracted(program.body, mentions, alone))


def contract_zeros(program: Program) -> Program:
    """The same function with numbers for arrays of zeros, where each iteration of a loop has its own part.

    Such is the cotangent of what the loop itself writes.
    """
    if not any(_is_zeros(statement) for statement in walk(program.body)):
        return program
    mentions, alone = apart(program)
    return with_body(program, _zeroed(program.body, mentions, alone))


def apart(program: Program) -> tuple[dict[str, int], set[str]]:
    """How many statements have each array; those that go by one name, and are stored into as they are."""
    uses = Uses(program)
    mentions: dict[str, int] = {}
    for statement in walk(program.body):
        for variable in (*reads(statement), *assigns(statement)):
            if isinstance(variable.type, Array):
                mentions[variable.name] = mentions.get(variable.name, 0) + 1
    classes: dict[str, int] = {}
    for name in mentions:
        classes[uses.memory(name)] = classes.get(uses.memory(name), 0) + 1
    alone = {name for name in mentions if classes[uses.memory(name)] == 1 and name not in uses.cells}
    alone -= {param.name for param in program.params}
    alone -= {s.array.name for s in walk(program.body) if isinstance(s, Store) and not _is_exact(s)}
    return mentions, alone


def _is_zeros(statement: Statement) -> bool:
    return isinstance(statement, Assign) and statement.function is np.zeros


def _zeroed(block: Block, mentions: dict[str, int], alone: set[str]) -> Block:
    new = [with_blocks(statement, lambda inner: _zeroed(inner, mentions, alone)) for statement in block]
    for statement in block:
        match statement:
            case Assign(targets=(Var(name=name) as array,), function=np.zeros, args=(tuple(shape),)) if (
                name in alone
            ):
                for at, loop in enumerate(new):
                    rest = _rest(loop, name, shape, mentions[name] - 1)
                    if isinstance(loop, For) and rest is not None:
                        new[at] = _with_own(loop, array, rest)
                        new.remove(statement)
            case _:
                pass
    return tuple(new)


def _rest(loop: Statement, name: str, shape: tuple[Arg, ...], count: int) -> tuple[int, ...] | None:
    """The lengths of the axes but the first, where this is the index of a loop that has all of the array."""
    if not isinstance(loop, For) or not (isinstance(loop.start, Const) and isinstance(loop.step, Const)):
        return None
    whole = loop.stop == shape[0] or (
        isinstance(loop.stop, Const) and isinstance(shape[0], Const) and loop.stop.value == shape[0].value
    )
    lengths = [n.value for n in shape[1:] if isinstance(n, Const)]
    if not whole or loop.start.value < 0 or loop.step.value < 1 or len(lengths) < len(shape) - 1:
        return None
    indices = _indices(loop, name)
    if len(indices) != count or math.prod(lengths) > _ELEMENTS:
        return None
    within = all(
        index[0] == loop.index
        and all(isinstance(i, Const) and 0 <= i.value < n for i, n in zip(index[1:], lengths, strict=True))
        for index in indices
    )
    return tuple(lengths) if within else None


def _with_own(loop: For, array: Var, rest: tuple[int, ...]) -> For:
    """The loop with a part of the array in each iteration."""
    changes: dict[str, Axes] = {array.name: {0: loop.index.name}}
    smaller = _smaller(array, changes)
    zero = Const(_zero(smaller))
    if rest:
        shape = tuple(Const(n) for n in rest)
        made: tuple[Statement, ...] = (
            Assign((smaller,), np.empty, (shape,), (("dtype", Const(smaller.type.dtype)),)),  # type: ignore[union-attr]
            *(Store(smaller, tuple(map(Const, place)), zero) for place in np.ndindex(*rest)),
        )
    else:
        made = (Assign((smaller,), primitives.bind, (zero,)),)
    return replace(loop, body=(*made, *(_without_axes(statement, changes) for statement in loop.body)))


def _is_exact(store: Store) -> bool:
    """Whether the value is of the array's own type."""
    kind = store.array.type
    return isinstance(kind, Array) and operand_type(store.value) == Scalar(kind.dtype)


def _contracted(block: Block, mentions: dict[str, int], alone: set[str]) -> Block:
    block = tuple(
        with_blocks(statement, lambda inner: _contracted(inner, mentions, alone)) for statement in block
    )
    changes: dict[str, Axes] = {}
    loops = [(statement, _arrays(statement)) for statement in block if isinstance(statement, For)]
    for statement in block:
        match statement:
            case Assign(targets=(Var(name=name),), function=np.empty) if name in alone:
                for loop in [loop for loop, arrays in loops if name in arrays]:
                    axes = _private_axes(loop, name, mentions[name] - 1)
                    if axes:
                        changes[name] = axes
            case _:
                pass
    if not changes:
        return block
    new = tuple(_without_axes(statement, changes) for statement in block)
    numbers = {name for name, axes in changes.items() if _is_made_first(block, name, len(axes))}
    return tuple(
        statement
        for statement in new
        if not (isinstance(statement, Assign) and any(t.name in numbers for t in statement.targets))
    )


def _is_made_first(block: Block, name: str, axes: int) -> bool:
    """Whether the one store into an array is ahead of all reads, in every iteration of the loops there."""
    for statement in block:
        if isinstance(statement, Store) and statement.array.name == name:
            others = sum(isinstance(s, Store) and s.array.name == name for s in walk(block))
            return others == 1 and len(statement.index) == axes and not statement.accumulate
        if any(variable.name == name for part in walk((statement,)) for variable in reads(part)):
            return isinstance(statement, For) and _is_made_first(statement.body, name, axes)
    return False


def _private_axes(loop: For, name: str, count: int) -> Axes:
    """The axes of an array that are the indices of nested loops in all `count` mentions, all within them."""
    axes: Axes = {}
    inner: For | None = loop
    while inner is not None:
        indices = _indices(inner, name)
        if len(indices) != count or not indices:
            break
        own = [
            axis
            for axis in range(len(indices[0]))
            if axis not in axes and all(index[axis] == inner.index for index in indices)
        ]
        if not own:
            break
        axes[own[0]] = inner.index.name
        inner = next((s for s in inner.body if isinstance(s, For) and _indices(s, name)), None)
    return axes


def _arrays(loop: For) -> set[str]:
    """The names that a loop mentions arrays by."""
    return {v.name for part in walk(loop.body) for v in reads(part) if isinstance(v.type, Array)}


def _indices(loop: For, name: str) -> list[tuple[Arg, ...]]:
    """The indices that a loop uses an array with."""
    found = (index_of(part, name) for part in walk(loop.body))
    return [index for index in found if index is not None]


def _without_axes(statement: Statement, changes: dict[str, Axes]) -> Statement:
    """A statement with the arrays in `changes` of one axis less, or numbers."""
    statement = with_blocks(statement, lambda inner: tuple(_without_axes(part, changes) for part in inner))
    match statement:
        case Assign(targets=(Var(name=name) as target,), function=np.empty, args=(tuple(shape),)) if (
            name in changes
        ):
            lengths = _dropped(shape, changes[name])
            if lengths:
                return replace(statement, targets=(_smaller(target, changes),), args=(lengths,))
            number = _smaller(target, changes)
            return replace(
                statement,
                targets=(number,),
                function=primitives.bind,
                args=(Const(_zero(number)),),
                kwargs=(),
            )
        case Assign(function=primitives.item, args=(Var(name=name) as array, tuple(index))) if (
            name in changes
        ):
            left = _dropped(index, changes[name])
            if left:
                return replace(statement, args=(_smaller(array, changes), left))
            return replace(statement, function=primitives.bind, args=(_smaller(array, changes),))
        case Store(array=Var(name=name) as array, index=index) if name in changes:
            left = _dropped(index, changes[name])
            smaller = _smaller(array, changes)
            if left:
                return replace(statement, array=smaller, index=left)
            function, args = primitives.bind, (statement.value,)
            if statement.accumulate:
                function, args = np.add, (smaller, statement.value)
            where = statement.location
            return Assign((smaller,), function, args, location=where, comment=statement.comment)
    return statement


def _dropped(entries: tuple[Arg, ...], axes: Axes) -> tuple[Arg, ...]:
    return tuple(entry for axis, entry in enumerate(entries) if axis not in axes)


def _smaller(array: Var, changes: dict[str, Axes]) -> Var:
    """The variable in place of an array, of the same name."""
    kind, axes = array.type, changes[array.name]
    assert isinstance(kind, Array)
    left = [axis for axis in range(kind.ndim) if axis not in axes]
    if not left:
        return Var(array.name, Scalar(kind.dtype))
    return Var(
        array.name, Array(kind.dtype, len(left), frozenset(k for k, a in enumerate(left) if a in kind.ones))
    )


def _zero(number: Var) -> object:
    assert not isinstance(number.type, Stack)
    return number.type.dtype.type(0)
