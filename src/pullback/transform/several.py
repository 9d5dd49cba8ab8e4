"""An adjoint for several cotangents at once: one forward sweep, and a reverse sweep for all of them.

What depends on a cotangent gets a copy for each of them, where it stands: inside loops, too, so that the
copies share what was kept or is computed again. Where only elements of a cotangent are stored and read, its
copies lie in one array, along a first axis. (Griewank & Walther, *Evaluating Derivatives*, 2008, §3.2, on
vector mode.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.memory import memory_of
from pullback.ir.nodes import (
    Assign,
    Block,
    Const,
    For,
    If,
    Operand,
    Pop,
    Program,
    Push,
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import Array
from pullback.ir.walk import assigns, blocks, reads, substitute, walk, with_blocks

_SHAPES = frozenset([primitives.dim, np.shape])
_MADE = frozenset([np.zeros, np.empty])


def several(program: Program, seeds: int, values: int, copies: int) -> Program | None:
    """The adjoint `program` for some cotangents of each kind at once.

    Args:
        program: its last `seeds` parameters are the cotangents, its first `values` results no derivatives.
        copies: how many.

    Returns:
        A program that takes all cotangents of the first copy, then those of the second, and so on, and whose
        derivatives have the copies along a first axis; None where a cotangent meets memory of the caller's.
    """
    copied = _Copied(program, seeds, values, copies)
    return copied.program() if copied.is_apart() else None


class _Copied:
    def __init__(self, program: Program, seeds: int, values: int, copies: int) -> None:
        self._given = program
        self._seeds = program.params[len(program.params) - seeds :]
        self._others = program.params[: len(program.params) - seeds]
        self._values, self._bars = program.results[:values], program.results[values:]
        self._memory = memory_of(program)
        self._many = {self._memory.group(seed.name) for seed in self._seeds}
        self._spread()
        self._builder = Builder(names_of(program))
        self._together = self._in_one_array()
        self._maps = [self._renaming(copy) for copy in range(copies)]

    def _is_many(self, variable: object) -> bool:
        return isinstance(variable, Var) and self._memory.group(variable.name) in self._many

    def is_apart(self) -> bool:
        """Whether nothing is both the caller's, or a value, and different for each cotangent."""
        return not any(map(self._is_many, (*self._others, *self._values)))

    # -- what depends on a cotangent

    def _spread(self) -> None:
        before = -1
        while before != len(self._many):
            before = len(self._many)
            self._follow(self._given.body, within=False)

    def _follow(self, block: Block, *, within: bool) -> None:
        """Note what depends on what is noted; `within` a loop or branch that does, everything."""
        for statement in block:
            depends = within or any(map(self._is_many, _used(statement)))
            if depends:
                changed = [*assigns(statement)]
                changed += [statement.array] if isinstance(statement, Store) else []
                changed += [statement.stack] if isinstance(statement, Push | Pop) else []
                self._many.update(self._memory.group(variable.name) for variable in changed)
            for body in blocks(statement):
                self._follow(body, within=depends)

    # -- copies

    def _in_one_array(self) -> dict[str, Var]:
        """The arrays for those results whose elements alone are mentioned."""
        found: dict[str, Var] = {}
        for bar in self._bars:
            if isinstance(bar, Var) and isinstance(bar.type, Array) and self._is_many(bar):
                kind = replace(bar.type, ndim=bar.type.ndim + 1, ones=frozenset(k + 1 for k in bar.type.ones))
                found[bar.name] = self._builder.var(bar.name, kind)
        made: dict[str, int] = {}
        for statement in walk(self._given.body):
            for variable in (*reads(statement), *assigns(statement)):
                if variable.name in found and not _is_of_elements(statement, variable):
                    del found[variable.name]
            for target in assigns(statement):
                made[target.name] = made.get(target.name, 0) + 1
        alone = [bar.name for bar in self._bars if isinstance(bar, Var)]
        return {name: v for name, v in found.items() if made.get(name) == 1 and alone.count(name) == 1}

    def _renaming(self, copy: int) -> dict[str, Var]:
        if copy == 0:
            return {}
        names: dict[str, Var] = {}
        for statement in walk(self._given.body):
            for variable in (*reads(statement), *assigns(statement)):
                if self._is_many(variable) and variable.name not in names:
                    names[variable.name] = self._builder.var(variable.name, variable.type)
        for seed in self._seeds:
            names.setdefault(seed.name, self._builder.var(seed.name, seed.type))
        return names

    def program(self) -> Program:
        """The program of all copies."""
        body = self._block(self._given.body[:-1])
        results = (*self._values, *(self._stacked(bar) for bar in self._bars))
        seeds = [names.get(seed.name, seed) for names in self._maps for seed in self._seeds]
        body = (*body, *self._builder.statements(), Return(results))
        return replace(self._given, params=(*self._others, *seeds), body=body)

    def _block(self, block: Block) -> Block:
        return tuple(part for statement in block for part in self._copies(statement))

    def _copies(self, statement: Statement) -> Block:
        if isinstance(statement, For | While | If) and not any(map(self._is_many, _used(statement))):
            return (with_blocks(statement, self._block),)
        of_own = [*assigns(statement), *(v for v in _used(statement) if not isinstance(statement, Assign))]
        if not any(map(self._is_many, of_own)):
            # It may ask for the shape of a cotangent, of which all have the same.
            return self._placed(statement, 0)
        if isinstance(statement, Assign) and statement.targets[0].name in self._together:
            return self._placed(statement, 0)
        return tuple(
            part
            for copy, names in enumerate(self._maps)
            for part in substitute(self._placed(statement, copy), names)
        )

    def _placed(self, statement: Statement, copy: int) -> Block:
        """A statement with elements of the arrays that the copies have in common."""
        statement = with_blocks(
            statement, lambda block: tuple(part for inner in block for part in self._placed(inner, copy))
        )
        match statement:
            case Store(array=Var(name=name), index=index) if name in self._together:
                return (replace(statement, array=self._together[name], index=(Const(copy), *index)),)
            case Assign(function=primitives.item, args=(Var(name=name), tuple(index))) if (
                name in self._together
            ):
                return (replace(statement, args=(self._together[name], (Const(copy), *index))),)
            case Assign(function=primitives.dim, args=(Var(name=name), Const(value=axis))) if (
                name in self._together
            ):
                return (replace(statement, args=(self._together[name], Const(axis + 1))),)
            case Assign(targets=(Var(name=name),), args=(tuple(shape),)) if name in self._together:
                shape = (Const(len(self._maps)), *shape)
                return (replace(statement, targets=(self._together[name],), args=(shape,)),)
        return (statement,)

    def _stacked(self, bar: Operand) -> Var:
        """A result with the copies along its first axis."""
        if isinstance(bar, Var) and bar.name in self._together:
            return self._together[bar.name]
        builder, copies = self._builder, len(self._maps)
        kind = operand_type(bar)
        own = [names.get(bar.name, bar) if isinstance(bar, Var) else bar for names in self._maps]
        if isinstance(kind, Array):
            assert isinstance(bar, Var)
            lengths = [builder.dim(bar, axis) for axis in range(kind.ndim)]
        else:
            lengths = []
        stacked = builder.call(np.empty, (copies, *lengths), dtype=kind.dtype, name="stacked")
        for copy, part in enumerate(own):
            builder.store(stacked, (copy, *(Slice() for _ in lengths)), part)
        return stacked


def _used(statement: Statement) -> Sequence[Var]:
    """What a statement itself reads, but for shapes."""
    if isinstance(statement, Assign) and statement.function in _SHAPES:
        return ()
    return reads(statement)


def _is_of_elements(statement: Statement, variable: Var) -> bool:
    """Whether a statement has an element of an array, makes or returns it, or asks for its shape."""
    match statement:
        case Return():
            return True
        case Store(array=array, index=index, value=value):
            return array == variable and value != variable and not any(isinstance(x, Slice) for x in index)
        case Assign(function=primitives.item, args=(array, _)):
            return array == variable
        case Assign(function=primitives.dim):
            return True
        case Assign(targets=(target,), function=function, args=args):
            return target == variable and function in _MADE and isinstance(args[0], tuple)
    return False
