"""Random programs that read and write elements at affine indices, in range or not."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.nodes import Const, For, If, Program, Raise, Return, Slice, While
from pullback.ir.types import INT, type_of

MAX_DEPTH = 3


def accesses(chooser: random.Random) -> Program:
    """A function of two vectors, a matrix and a step."""
    return _Writer(chooser).program()


class _Writer:
    def __init__(self, chooser: random.Random) -> None:
        self.choose = chooser
        self.b = Builder()
        self.x, self.y = (self.b.var(name, type_of(np.zeros(3))) for name in "xy")
        self.m = self.b.var("m", type_of(np.zeros((3, 3))))
        self.k = self.b.var("k", INT)
        self.cell = self.b.var("cell", INT)

    def program(self) -> Program:
        b = self.b
        b.assign(self.cell, 0)
        self.dims = [b.dim(self.x, 0), b.dim(self.y, 0), b.dim(self.m, 0), b.dim(self.m, 1), self.k]
        made = b.call(np.zeros, (self.choose.choice(self.dims[:4]),), name="z")
        self.arrays = [self.x, self.y, self.m, made]
        if self.choose.random() < 0.4:
            b.add(If(b.call(np.not_equal, *self.dims[:2]), (Raise(ValueError, "lengths"),)))
        self.statements(0, [*self.dims, self.cell])
        b.add(Return((self.x,)))
        return Program("accesses", (self.x, self.y, self.m, self.k), b.statements())

    def index(self, known: list[Any]) -> Any:
        e = self.choose.choice([*known, Const(self.choose.choice([0, 0, 1, -1, 2, -2]))])
        for _ in range(self.choose.choice([0, 0, 1, 1, 2])):
            operation = self.choose.choice([np.add, np.subtract, np.multiply])
            other = Const(self.choose.choice([1, 2, -1]))
            if operation is not np.multiply and self.choose.random() < 0.5:
                other = self.choose.choice(known)
            e = self.b.call(operation, e, other)
        return e

    def access(self, known: list[Any]) -> None:
        array = self.choose.choice(self.arrays)
        if array is self.m and self.choose.random() < 0.3:
            self.b.call(primitives.view, array, (self.index(known), Slice()), name="row")
            return
        index = tuple(self.index(known) for _ in range(array.type.ndim))
        if self.choose.random() < 0.5:
            self.b.call(primitives.item, array, index, name="v")
        else:
            self.b.store(array, index, 1.0, accumulate=self.choose.random() < 0.5)

    def statements(self, depth: int, known: list[Any]) -> None:
        for _ in range(self.choose.randint(1, 3)):
            kind = self.choose.random()
            if kind < 0.45 or depth > MAX_DEPTH:
                self.access(known)
            elif kind < 0.75:
                self.loop(depth, known)
            elif kind < 0.85:
                self.branch(depth, known)
            elif kind < 0.9:
                self.repeat(depth, known)
            else:
                self.b.assign(self.cell, self.index(known))

    def loop(self, depth: int, known: list[Any]) -> None:
        b, choose = self.b, self.choose.choice
        i = b.var(choose("ij"), INT)
        start = choose([Const(0), Const(0), Const(1), choose(known)])
        stop = choose([choose(known), b.call(np.subtract, choose(self.dims), choose([0, 1, 2]))])
        if self.choose.random() < 0.4:
            stop = self.clamped(stop)
        step: Any = choose([Const(1)] * 6 + [Const(2), Const(-2), self.k])
        if self.choose.random() < 0.3:
            start, stop, step = b.call(np.subtract, stop, 1), b.call(np.subtract, start, 1), Const(-1)
        with b.block() as body:
            self.statements(depth + 1, [*known, i])
        b.add(For(i, start, stop, step, body.statements()))

    def clamped(self, value: Any) -> Any:
        """The value, or 0 if it is negative, as a program says it in several ways."""
        form = self.choose.randint(0, 2)
        if form == 0:
            return self.b.call(max, value, 0)
        if form == 1:
            return self.b.call(np.minimum, self.b.call(np.maximum, 0, value), self.choose.choice(self.dims))
        negative = self.b.call(np.less, value, 0)
        return self.b.call(primitives.select, negative, 0, value)

    def branch(self, depth: int, known: list[Any]) -> None:
        b, choose = self.b, self.choose.choice
        comparison = choose([np.less, np.greater_equal, np.equal, np.less_equal, np.not_equal, np.greater])
        test = b.call(comparison, self.index(known), choose(known))
        with b.block() as then:
            self.statements(depth + 1, known)
        with b.block() as orelse:
            self.statements(depth + 1, known)
        b.add(If(test, then.statements(), choose([orelse.statements(), ()])))

    def repeat(self, depth: int, known: list[Any]) -> None:
        b = self.b
        count = b.var("w", INT)
        b.assign(count, 0)
        with b.block() as before:
            test = b.call(np.less, count, self.choose.choice(known))
        with b.block() as body:
            self.statements(depth + 1, [*known, count])
            b.assign(count, b.call(np.add, count, 1))
        b.add(While(before.statements(), test, body.statements()))
