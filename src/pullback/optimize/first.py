"""Zeros that a loop is the first to add to: it stores there, and only what it does not come to is made zero.

    x_bar = zeros(n)                    x_bar = empty(n)
    for i in range(m):                  for i in range(max(m, 0), n):
        x_bar[i] += t           →           x_bar[i] = 0
                                        for i in range(m):
                                            x_bar[i] = t

Cotangents begin as zeros, and most loops come to each element once. A large array is so written once, where
it was written twice and read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Store, Var
from pullback.ir.types import INT, Array, Scalar
from pullback.ir.walk import assigns, mentions, reads, walk, with_blocks, with_body
from pullback.optimize.uses import Uses, index_of


def store_first(program: Program) -> Program:
    """The same function with fewer zeros."""
    if not any(isinstance(s, Assign) and s.function is np.zeros for s in walk(program.body)):
        return program
    builder = Builder(names_of(program))
    return with_body(program, _First(program, builder).block(program.body))


@dataclass(slots=True)
class _Found:
    """What a loop comes to of an array.

    Attributes:
        ends: where the elements end that it comes to, by axis.
        stores: the additions that come to an element first, by `id`.
    """

    ends: dict[int, Operand]
    stores: set[int]


class _First:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._builder = builder
        names: dict[str, set[str]] = {}
        for statement in walk(program.body):
            for variable in (*reads(statement), *assigns(statement)):
                if isinstance(variable.type, Array):
                    names.setdefault(self._uses.memory(variable.name), set()).add(variable.name)
        self._shared = {name for group in names.values() if len(group) > 1 for name in group}

    def block(self, block: Block) -> Block:
        made = [with_blocks(statement, self.block) for statement in block]
        ahead: dict[int, Block] = {}
        for at, statement in enumerate(block):
            match statement:
                case Assign(targets=(Var() as array,), function=np.zeros, args=(tuple(shape),)) if (
                    array.name not in self._shared | self._uses.cells and self._stay(shape)
                ):
                    after = next((k for k in range(at + 1, len(block)) if mentions(block[k], array.name)), at)
                    loop = made[after]
                    found = self._found(loop, array) if isinstance(loop, For) else None
                    if found is not None:
                        made[at] = replace(statement, function=np.empty)
                        (made[after],) = with_stores((loop,), found.stores)
                        ahead[after] = (*ahead.get(after, ()), *self._others(array, shape, found.ends))
                case _:
                    pass
        return tuple(part for k, statement in enumerate(made) for part in (*ahead.get(k, ()), statement))

    def _found(self, loop: For, array: Var) -> _Found | None:
        """What a loop comes to of an array; None where it does not add there first, or it is not known."""
        nest = self._nest(loop, array.name)
        if not all(map(_is_upward, nest)) or not all(self._is_known(inner.stop, loop) for inner in nest[1:]):
            return None
        axes: dict[str, int] = {}
        seen: set[tuple[int, ...]] = set()
        first: set[int] = set()
        for statement in nest[-1].body:
            if not mentions(statement, array.name):
                continue
            index = index_of(statement, array.name)
            if index is None or not all(isinstance(entry, Var | Const) for entry in index):
                return None
            along = {entry.name: axis for axis, entry in enumerate(index) if isinstance(entry, Var)}
            place = tuple(int(entry.value) for entry in index if isinstance(entry, Const))
            if along.keys() != {inner.index.name for inner in nest} or len(along) + len(place) < len(index):
                return None
            # Turned round, an element would be come to in an iteration before that of its store.
            if axes and along != axes:
                return None
            axes = along
            if place not in seen:
                if not isinstance(statement, Store) or not _is_exact(statement):
                    return None
                first.add(id(statement))
                seen.add(place)
        ends = {axes[inner.index.name]: inner.stop for inner in nest}
        return _Found(ends, first) if _closed(ends, seen, array) else None

    def _stay(self, shape: tuple[Arg, ...]) -> bool:
        return all(
            isinstance(n, Const) or (isinstance(n, Var) and n.name not in self._uses.cells) for n in shape
        )

    def _is_known(self, stop: Operand, loop: For) -> bool:
        """Whether an inner loop's end is known ahead of `loop`."""
        if isinstance(stop, Const):
            return True
        inside = {target.name for statement in walk((loop,)) for target in assigns(statement)}
        return stop.name not in inside

    def _nest(self, loop: For, name: str) -> list[For]:
        """The loops from `loop` to the block that has all mentions of an array."""
        nest = [loop]
        while True:
            with_it = [statement for statement in nest[-1].body if mentions(statement, name)]
            if len(with_it) != 1 or not isinstance(with_it[0], For):
                return nest
            nest.append(with_it[0])

    def _others(self, array: Var, shape: tuple[Arg, ...], ends: dict[int, Operand]) -> Block:
        """Zeros where the loop does not come to."""
        builder = self._builder
        assert isinstance(array.type, Array)
        zero = Const(array.type.dtype.type(0))
        with builder.block() as made:
            reached = [
                Const(max(end.value, 0))
                if isinstance(end, Const)
                else builder.call(max, end, 0, name="reached")
                for _, end in sorted(ends.items())
            ]
            for axis, end in enumerate(reached):
                length = shape[axis]
                if length == ends[axis] or (
                    isinstance(length, Const) and isinstance(end, Const) and length.value <= end.value
                ):
                    continue
                # The axis in question outermost, as it mostly has no elements left.
                order = [axis, *(other for other in range(len(ends)) if other != axis)]
                index = [builder.var("ijkl"[k % 4], INT) for k in range(len(ends))]
                body: Block = (Store(array, tuple(index), zero),)
                for other in reversed(order):
                    start: Operand = end if other == axis else Const(0)
                    body = (For(index[other], start, shape[other], Const(1), body),)  # type: ignore[arg-type]
                builder.extend(body)
        return made.statements()


def _closed(ends: dict[int, Operand], seen: set[tuple[int, ...]], array: Var) -> bool:
    """Whether the places that stores come to are the first of their axes; adds where they end to `ends`."""
    assert isinstance(array.type, Array)
    left = [axis for axis in range(array.type.ndim) if axis not in ends]
    reached = [1 + max(place[k] for place in seen) for k in range(len(left))]
    if any(k < 0 for place in seen for k in place) or seen != set(np.ndindex(*reached)):
        return False
    ends |= {axis: Const(end) for axis, end in zip(left, reached, strict=True)}
    return True


def _is_upward(loop: For) -> bool:
    """Whether a loop goes up from 0 by ones."""
    ends = isinstance(loop.start, Const) and isinstance(loop.step, Const)
    return ends and loop.start.value == 0 and loop.step.value == 1  # type: ignore[union-attr]


def _is_exact(store: Store) -> bool:
    kind = store.array.type
    return isinstance(kind, Array) and operand_type(store.value) == Scalar(kind.dtype)


def with_stores(block: Block, stores: set[int]) -> Block:
    """A block with stores for the additions that have these `id`s."""
    return tuple(
        replace(s, accumulate=False)
        if id(s) in stores and isinstance(s, Store)
        else with_blocks(s, lambda inner: with_stores(inner, stores))
        for s in block
    )
