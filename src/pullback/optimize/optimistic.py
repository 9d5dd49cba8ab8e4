"""Derivatives as plain products, with a last result that tells whether that was right.

`scale` gives 0 where a factor is 0, whatever the other is, which costs comparisons in every product of an
adjoint. A plain product differs from it only where it is NaN, and a NaN survives all arithmetic: so where
what comes of such products goes through nothing but arithmetic, results without a NaN are right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.memory import memory_of
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    Operand,
    Pop,
    Program,
    Push,
    Return,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import INT, Array, Scalar, is_inexact
from pullback.ir.walk import arguments, blocks, variables, walk, with_blocks, with_body
from pullback.optimize.reciprocals import share_reciprocals
from pullback.rules.conjugating import PRODUCTS

_ARITHMETIC = frozenset([
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.absolute, np.real,
    np.imag, np.conjugate, np.sum, *PRODUCTS, np.dot, np.copy, primitives.scale, primitives.cast,
    primitives.stopped, primitives.weaken, primitives.item, primitives.pick, *primitives.ALIASING,
])  # fmt: skip
"""What gives NaN wherever an argument that it uses is NaN."""

_CHOICES = frozenset([np.where, primitives.select])
_MAKING = frozenset([np.empty, np.zeros, *primitives.ALIASING])
_SHAPES = frozenset([primitives.dim, np.shape, np.empty_like, np.zeros_like, np.ones_like])


def optimistic(program: Program) -> Program | None:
    """The program with plain products, and one more result: 0.0 if all others are right, else NaN.

    Returns:
        None if there is nothing to win, or a NaN could get lost on the way.
    """
    if not any(_is_scale(statement) for statement in walk(program.body)):
        return None
    doubt = _Doubt(program)
    if not doubt.spreads(program):
        return None
    builder = Builder(names_of(program))
    if not doubt.divides(program):
        program = share_reciprocals(program, builder)
        doubt = _Doubt(program)
        doubt.spreads(program)
    suspect = builder.var("suspect", Scalar(np.dtype(float)))
    results = dict.fromkeys(r for r in program.results if isinstance(r, Var) and doubt.concerns(r))
    seen = _Seen(program, builder, suspect)
    groups = {seen.group(result) for result in results if seen.on_the_way(result)}
    unseen = [result for result in results if seen.group(result) not in groups]
    if any(isinstance(result.type, Array) for result in unseen) and not _repeats(program):
        # A look at the results would cost more.
        return None
    body = seen.block(_plain(program.body[:-1]), groups)
    with builder.block() as first:
        builder.assign(suspect, np.float64(0))
    for result in unseen:
        _add_nan(builder, suspect, result)
    body = (*first.statements(), *body, *builder.statements(), Return((*program.results, suspect)))
    return with_body(program, body)


def _repeats(program: Program) -> bool:
    """Whether a loop has a `scale` or a division."""
    loops = (s for s in walk(program.body) if isinstance(s, For | While))
    inside = (s for loop in loops for block in blocks(loop) for s in walk(block))
    return any(isinstance(s, Assign) and s.function in (primitives.scale, np.divide) for s in inside)


def _is_scale(statement: Statement) -> bool:
    return isinstance(statement, Assign) and statement.function is primitives.scale


def _plain(block: Block) -> Block:
    """`block` with a product for each `scale`."""

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Assign) and statement.function is primitives.scale:
            return replace(statement, function=np.multiply)
        return with_blocks(statement, _plain)

    return tuple(one(statement) for statement in block)


class _Doubt:
    """What a plain product may have made NaN: numbers, memory and stacks."""

    def __init__(self, program: Program) -> None:
        self._memory = memory_of(program)
        self._groups: set[str] = set()
        self._kept = {self._memory.group(param.name) for param in program.params}

    def concerns(self, operand: Arg) -> bool:
        return isinstance(operand, Var) and self._memory.group(operand.name) in self._groups

    def spreads(self, program: Program) -> bool:
        """Follow it to the results; False if it decides something, leaves arithmetic, or cannot be undone."""
        before = -1
        while before != len(self._groups):
            before = len(self._groups)
            if not all(self._passes(statement) for statement in walk(program.body)):
                return False
        return True

    def divides(self, program: Program) -> bool:
        """Whether anything is divided by what it concerns, where an infinite number could get lost."""
        return any(
            isinstance(statement, Assign)
            and statement.function is np.divide
            and self.concerns(statement.args[1])
            for statement in walk(program.body)
        )

    def _passes(self, statement: Statement) -> bool:
        match statement:
            case Assign(targets=targets):
                return self._computes(statement, targets)
            case Store(array=array, value=value):
                # Running the program again would write twice into an argument.
                return self._memory.group(array.name) not in self._kept and self._moves(value, array)
            case Push(stack=stack, value=value):
                return self._moves(value, stack)
            case Pop(target=target, stack=stack):
                return self._moves(stack, target)
            case Return():
                return True
        return not any(self.concerns(v) for arg in arguments(statement) for v in variables(arg))

    def _computes(self, statement: Assign, targets: tuple[Var, ...]) -> bool:
        doubtful = [arg for arg in arguments(statement) if any(map(self.concerns, variables(arg)))]
        if not _is_scale(statement) and (not doubtful or statement.function in _SHAPES):
            return True
        chosen = statement.function in _CHOICES and statement.args[0] not in doubtful
        arithmetic = statement.function in _ARITHMETIC and not statement.kwargs
        return (chosen or arithmetic) and all(self._mark(target) for target in targets)

    def _moves(self, value: Operand, place: Var) -> bool:
        return not self.concerns(value) or self._mark(place)

    def _mark(self, target: Var) -> bool:
        self._groups.add(self._memory.group(target.name))
        return is_inexact(target.type)


class _Seen:
    """Results that are looked at as they are stored, where there are no more stores than elements."""

    def __init__(self, program: Program, builder: Builder, suspect: Var) -> None:
        self._memory = memory_of(program)
        self._builder = builder
        self._suspect = suspect
        self._deepest: dict[str, float] = {}
        self._measure(program.body, 0)

    def group(self, result: Var) -> str:
        return self._memory.group(result.name)

    def on_the_way(self, result: Var) -> bool:
        kind = result.type
        return (
            isinstance(kind, Array)
            and kind.dtype == np.float64
            and self._deepest.get(self.group(result), 0) <= kind.ndim
        )

    def block(self, block: Block, groups: set[str]) -> Block:
        """`block` with what is stored into the `groups` added up, whose sum is NaN if any of it is."""
        made: list[Statement] = []
        total: Var | None = None
        for statement in block:
            made.append(with_blocks(statement, lambda inner: self.block(inner, groups)))
            if self._tells(statement, groups):
                value = statement.value  # type: ignore[union-attr]
                with self._builder.block() as more:
                    if total is not None:
                        total = self._builder.call(np.add, total, value, name="seen")
                    else:
                        total = self._builder.call(np.positive, value, name="seen")
                made += more.statements()
        if total is not None:
            with self._builder.block() as more:
                nothing = self._builder.call(np.multiply, total, 0)
                self._builder.assign(
                    self._suspect, self._builder.call(np.add, self._suspect, nothing, name="suspect")
                )
            made += more.statements()
        return tuple(made)

    def _tells(self, statement: Statement, groups: set[str]) -> bool:
        """Whether a statement stores what is not known to be a number."""
        return (
            isinstance(statement, Store)
            and isinstance(statement.value, Var)
            and self._memory.group(statement.array.name) in groups
        )

    def _measure(self, block: Block, depth: float) -> None:
        for statement in block:
            match statement:
                case Store(array=array, value=value):
                    number = operand_type(value) == Scalar(np.dtype(np.float64))
                    self._note(array, depth if number else np.inf)
                case Assign(targets=targets, function=function):
                    for target in targets:
                        if isinstance(target.type, Array) and function not in _MAKING:
                            self._note(target, np.inf)
            deeper = {For: depth + 1, While: np.inf}.get(type(statement), depth)
            for inner in blocks(statement):
                self._measure(inner, deeper)

    def _note(self, array: Var, depth: float) -> None:
        group = self._memory.group(array.name)
        self._deepest[group] = max(self._deepest.get(group, 0), depth)


def _add_nan(builder: Builder, suspect: Var, result: Var, index: tuple[Var, ...] = ()) -> None:
    """``suspect += 0 * x`` for every number of a result."""
    if isinstance(result.type, Array) and len(index) < result.type.ndim:
        length = builder.dim(result, len(index))
        i = builder.var("ijkl"[len(index) % 4], INT)
        with builder.block() as body:
            _add_nan(builder, suspect, result, (*index, i))
        builder.add(For(i, Const(0), length, Const(1), body.statements()))
        return
    number: Any = builder.call(primitives.item, result, index) if index else result
    for part in (np.real, np.imag) if number.type.dtype.kind == "c" else (np.positive,):
        nothing = builder.call(np.multiply, builder.call(part, number), 0)
        builder.assign(suspect, builder.call(np.add, suspect, nothing, name=suspect.name))
