"""Loops of a few iterations written out, and small arrays with only constant indices as numbers.

Code over points, velocities and rotations in arrays of two to four elements so becomes scalar code.
(Muchnick, *Advanced Compiler Design and Implementation*, 1997, §17.4 for unrolling, §20.3 for scalar
replacement.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Names, names_of, operand_type
from pullback.ir.nodes import Assign, Block, Const, For, Program, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, blocks, copied, reads, substitute, walk, with_blocks, with_body
from pullback.optimize.uses import Uses
from pullback.rules.conjugating import PRODUCTS

_TRIPS = 4
_STATEMENTS = 96
_ELEMENTS = 16


def unroll(program: Program) -> Program:
    """The same function without loops of at most `_TRIPS` iterations."""
    uses = Uses(program)
    if not any(_trips(statement, uses) is not None for statement in walk(program.body)):
        return program
    return with_body(program, _unrolled(program.body, uses, names_of(program)))


def _unrolled(block: Block, uses: Uses, names: Names) -> Block:
    new: list[Statement] = []
    for statement in block:
        statement = with_blocks(statement, lambda inner: _unrolled(inner, uses, names))
        trips = _trips(statement, uses)
        if isinstance(statement, For) and trips is not None:
            for turn in trips:
                new.extend(_turn(statement, turn, uses, names))
        else:
            new.append(statement)
    return tuple(new)


def _trips(statement: Statement, uses: Uses) -> range | None:
    """The values of the index of a loop that is to be written out."""
    if not isinstance(statement, For):
        return None
    bounds = (statement.start, statement.stop, statement.step)
    if not all(isinstance(bound, Const) for bound in bounds):
        return None
    trips = range(*(int(bound.value) for bound in bounds))  # type: ignore[union-attr]
    if _is_of_products(statement, uses):
        return None
    size = sum(1 for _ in walk(statement.body))
    return trips if len(trips) <= _TRIPS and size * len(trips) <= _STATEMENTS else None


def _is_of_products(loop: For, uses: Uses) -> bool:
    """Whether a loop multiplies matrices, and assigns no array variable that goes from trip to trip."""
    inside = [s for s in walk(loop.body) if isinstance(s, Assign)]
    carried = (t for s in inside for t in s.targets if isinstance(t.type, Array) and t.name in uses.cells)
    return any(s.function in PRODUCTS for s in inside) and not any(carried)


def _turn(loop: For, index: int, uses: Uses, names: Names) -> Block:
    """One iteration, its own variables with names of their own."""
    mapping: dict[str, Var | Const] = {}
    for statement in walk(loop.body):
        for target in assigns(statement):
            if target.name not in uses.cells:
                mapping[target.name] = Var(names.fresh(target.name), target.type)
    mapping[loop.index.name] = Const(index)
    return copied(substitute(loop.body, mapping))


def scalars_for_arrays(program: Program) -> Program:
    """The same function with numbers in place of small arrays whose every index is constant."""
    uses = Uses(program)
    names = names_of(program)
    found = _Candidates(program, uses)
    elements = {
        name: {
            place: Var(names.fresh("_".join((name, *map(str, place)))), Scalar(kind.dtype))
            for place in np.ndindex(*shape)
        }
        for name, (shape, kind) in found.shapes.items()
    }
    return with_body(program, _replaced(program.body, elements, found))


class _Candidates:
    """The arrays to replace: their shape and type, and the places that are stored into just once, at once."""

    def __init__(self, program: Program, uses: Uses) -> None:
        self.shapes: dict[str, tuple[tuple[int, ...], Array]] = {}
        self.single: set[tuple[str, tuple[int, ...]]] = set()
        refused = {param.name for param in program.params} | set(uses.cells)
        aliased: dict[str, set[str]] = {}
        for statement in walk(program.body):
            for variable in (*reads(statement), *assigns(statement)):
                if isinstance(variable.type, Array):
                    aliased.setdefault(uses.memory(variable.name), set()).add(variable.name)
            allocated = _allocated(statement)
            if allocated is not None:
                self.shapes[allocated[0].name] = allocated[1:]
            refused.update(_refused(statement))
        for names in aliased.values():
            if len(names) > 1:
                refused |= names
        for statement in walk(program.body):
            place = _access(statement)
            if place is not None and place[0] in self.shapes:
                lengths = self.shapes[place[0]][0]
                if not all(i < n for i, n in zip(place[1], lengths, strict=True)):
                    refused.add(place[0])
        self.shapes = {name: shape for name, shape in self.shapes.items() if name not in refused}
        self._find_single(program.body)

    def _find_single(self, block: Block) -> None:
        """Places that one statement stores into, in the block of the allocation, ahead of every read."""
        everywhere = [s for s in walk(block) if isinstance(s, Store) and s.array.name in self.shapes]
        counts: dict[tuple[str, tuple[int, ...]], int] = {}
        for store in everywhere:
            key = (store.array.name, _place(store.index))
            counts[key] = counts.get(key, 0) + (2 if store.accumulate else 1)
        for inner in (block, *_inner(block)):
            fresh: set[str] = set()
            read: set[tuple[str, tuple[int, ...]]] = set()
            for statement in inner:
                allocated = _allocated(statement)
                if allocated is not None and allocated[0].name in self.shapes:
                    fresh.add(allocated[0].name)
                for part in walk((statement,)):
                    if isinstance(part, Assign) and part.function is primitives.item:
                        array, index = part.args
                        if isinstance(array, Var) and array.name in fresh:
                            read.add((array.name, _place(index)))
                if isinstance(statement, Store) and statement.array.name in fresh:
                    key = (statement.array.name, _place(statement.index))
                    if counts[key] == 1 and key not in read:
                        self.single.add(key)


def _inner(block: Block) -> Iterator[Block]:
    for statement in walk(block):
        yield from blocks(statement)


def _allocated(statement: Statement) -> tuple[Var, tuple[int, ...], Array] | None:
    """The array that a statement allocates, if it is small and of constant shape."""
    match statement:
        case Assign(targets=(Var(type=Array() as kind) as target,), function=np.empty, args=(tuple(shape),)):
            if all(isinstance(n, Const) for n in shape):
                lengths = tuple(int(n.value) for n in shape)  # type: ignore[union-attr]
                if math.prod(lengths) <= _ELEMENTS:
                    return target, lengths, kind
    return None


def _place(index: object) -> tuple[int, ...]:
    assert isinstance(index, tuple)
    return tuple(int(entry.value) for entry in index)


def _is_place(index: object) -> bool:
    return isinstance(index, tuple) and all(
        isinstance(entry, Const) and isinstance(entry.value, int | np.integer) and entry.value >= 0
        for entry in index
    )


def _access(statement: Statement) -> tuple[str, tuple[int, ...]] | None:
    """The array and the place that a statement reads or writes, where that is constant."""
    match statement:
        case Assign(function=primitives.item, args=(Var(name=name), index)) if _is_place(index):
            return name, _place(index)
        case Store(array=Var(name=name), index=index) if _is_place(index):
            return name, _place(index)
    return None


def _refused(statement: Statement) -> Iterator[str]:
    """The arrays that a statement uses in a way that needs memory."""
    match statement:
        case Assign(function=primitives.item, args=(Var(), index)) if _is_place(index):
            return
        case Store(index=index, value=value) if _is_place(index) and isinstance(operand_type(value), Scalar):
            return
    for variable in reads(statement):
        if isinstance(variable.type, Array):
            yield variable.name


Elements = dict[str, dict[tuple[int, ...], Var]]


def _replaced(block: Block, elements: Elements, found: _Candidates) -> Block:
    new: list[Statement] = []
    for statement in block:
        statement = with_blocks(statement, lambda inner: _replaced(inner, elements, found))
        match statement:
            case Assign(targets=(Var(name=name),), function=np.empty) if name in elements:
                for place, element in elements[name].items():
                    if (name, place) not in found.single:
                        new.append(_bound(statement, element, Const(_zero(element))))
            case Assign(function=primitives.item, args=(Var(name=name), index)) if name in elements:
                new.append(
                    replace(statement, function=primitives.bind, args=(_element(elements, name, index),))
                )
            case Store(array=Var(name=name), index=index, value=value) if name in elements:
                element = _element(elements, name, index)
                if statement.accumulate:
                    new.append(
                        replace(_bound(statement, element, value), function=np.add, args=(element, value))
                    )
                else:
                    new.append(_bound(statement, element, value))
            case _:
                new.append(statement)
    return tuple(new)


def _element(elements: Elements, name: str, index: object) -> Var:
    return elements[name][_place(index)]


def _zero(element: Var) -> object:
    assert isinstance(element.type, Scalar)
    return element.type.dtype.type(0)


def _bound(statement: Statement, element: Var, value: Var | Const) -> Assign:
    """``element = value``, converted where it is of another type."""
    kind = operand_type(value)
    same = kind.dtype == operand_type(element).dtype
    function, args = primitives.bind, (value,)
    if not same:
        function, args = primitives.cast, (value, Const(operand_type(element).dtype))
    return Assign((element,), function, args, location=statement.location, comment=statement.comment)
