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
from pullback.ir.build import Builder, names_of
from pullback.ir.memory import Memory
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
)  # fmt: skip
from pullback.ir.types import INT, Array, Scalar, is_inexact
from pullback.ir.walk import arguments, variables, walk, with_blocks

_ARITHMETIC = frozenset([
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.absolute, np.real,
    np.imag, np.conjugate, np.sum, np.matmul, np.dot, np.copy, primitives.scale, primitives.cast,
    primitives.stopped, primitives.weaken, primitives.item, primitives.pick, *primitives.ALIASING,
])  # fmt: skip
"""What gives NaN wherever an argument that it uses is NaN."""

_CHOICES = frozenset([np.where, primitives.select])
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
    suspect = builder.var("suspect", Scalar(np.dtype(float)))
    builder.assign(suspect, np.float64(0))
    for result in dict.fromkeys(r for r in program.results if isinstance(r, Var) and doubt.concerns(r)):
        _add_nan(builder, suspect, result)
    results = (*program.results, suspect)
    return replace(program, body=(*_plain(program.body[:-1]), *builder.statements(), Return(results)))


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
        self._memory = Memory(program)
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
