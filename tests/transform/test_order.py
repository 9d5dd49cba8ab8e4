"""What `Order` says of memory is held against what random programs do to it."""

import random
from typing import Any

import numpy as np
import pytest

from pullback.ir import primitives as p
from pullback.ir.affine import Affine
from pullback.ir.build import Builder
from pullback.ir.empty import is_empty
from pullback.ir.nodes import Assign, Block, Const, For, If, Program, Return, Store, Var, While
from pullback.ir.types import INT, type_of
from pullback.ir.verify import verify
from pullback.ir.walk import walk
from pullback.transform.alias import alias_classes
from pullback.transform.canonical import canonical, cells_of
from pullback.transform.order import Order

MATRIX = type_of(np.ones((2, 2)))


class Nest:
    """Loops, branches, reads and stores of one array at affine indices."""

    def __init__(self, chooser: random.Random) -> None:
        self.chooser, self.builder = chooser, Builder()
        b = self.builder
        n, m, x = b.var("n", INT), b.var("m", INT), b.var("x", MATRIX)
        self.array = b.call(np.copy, x, name="a")
        self.names = [self.array, self.array, self.array, b.call(p.bind, self.array, name="second")]
        self.row = b.call(p.view, self.array, (Const(0), slice(None)), name="row")
        self.cell = b.var("s", INT)
        b.assign(self.cell, 0)
        b.extend(self.block(0, [n, m, b.dim(x, 0)]))
        b.extend(self.block(0, [n, m]))
        b.add(Return((self.cell,)))
        self.program = Program("nest", (n, m, x), b.statements())

    def expression(self, known: list) -> Any:
        b, total, kind = self.builder, self.chooser.choice(known), self.chooser.randint(0, 5)
        made = {
            0: lambda: Const(self.chooser.choice([0, 1, -1])),
            1: lambda: b.call(np.add, total, self.chooser.choice([1, 2, -1]), name="e"),
            2: lambda: b.call(np.subtract, total, self.chooser.choice(known), name="e"),
            3: lambda: b.call(np.multiply, total, self.chooser.choice([2, -1]), name="e"),
        }
        return made.get(kind, lambda: total)()

    def access(self, known: list) -> None:
        b, index, kind = (
            self.builder,
            (self.expression(known), self.expression(known)),
            self.chooser.randint(0, 6),
        )
        if kind == 6:
            b.store(self.row, index[1:], 1.0)
        elif kind < 3:
            b.store(self.chooser.choice(self.names), index, 1.0, accumulate=kind == 0)
        else:
            b.call(p.item, self.chooser.choice(self.names), index, name="t")

    def block(self, depth: int, known: list) -> Block:
        b = self.builder
        with b.block() as body:
            for _ in range(self.chooser.randint(1, 3)):
                kind = self.chooser.randint(0, 7)
                if kind == 0:
                    b.assign(self.cell, self.expression(known))
                    known = [*known, b.call(p.bind, self.cell, name="held")]
                if kind > 4 or depth == 3:
                    self.access(known)
                elif kind == 4:
                    test = b.call(np.less, self.chooser.choice(known), self.chooser.choice(known))
                    b.add(If(test, self.block(depth + 1, known), self.block(depth + 1, known)))
                elif self.chooser.randint(0, 9):
                    self.loop(depth, known)
                else:
                    self.twice(depth, known)
        return body.statements()

    def bound(self, known: list) -> Any:
        b, kind = self.builder, self.chooser.randint(0, 3)
        one, other = self.chooser.choice(known), self.chooser.choice(known)
        if kind == 0:
            return b.call(max, one, 0, name="n")
        if kind == 1:
            return b.call(p.select, b.call(np.less, one, other), one, other, name="n")
        return self.chooser.choice([*known, Const(3)])

    def loop(self, depth: int, known: list) -> None:
        b, index = self.builder, self.builder.var("ijk"[depth], INT)
        start, stop = (
            self.chooser.choice([Const(0), Const(0), Const(1), self.bound(known)]),
            self.bound(known),
        )
        step = self.chooser.choice([1, 1, 1, -1, -1, 2, -2, 3])
        if step < 0 and self.chooser.randint(0, 3):
            start, stop = b.call(np.subtract, stop, 1), self.chooser.choice([Const(-1), start])
        b.add(For(index, start, stop, Const(step), self.block(depth + 1, [*known, index])))

    def twice(self, depth: int, known: list) -> None:
        b, count = self.builder, self.builder.var("count", INT)
        b.assign(count, 0)
        with b.block() as before:
            test = b.call(np.less, count, 2)
        with b.block() as body:
            b.assign(count, b.call(np.add, count, 1))
            b.extend(self.block(depth + 1, known))
        b.add(While(before.statements(), test, body.statements()))


class Trace:
    """Which reads, and which plain stores, an element was overwritten after."""

    def __init__(self, program: Program, n: int, m: int, size: int) -> None:
        self.overwritten: set[int] = set()
        self._since: dict[tuple[int, int], set[int]] = {}
        self._size = size
        self._values = {"n": n, "m": m, "x": np.zeros((size, size))}
        self._block(program.body)

    def _value(self, operand: object) -> int:
        return self._values[operand.name] if isinstance(operand, Var) else operand.value

    def _block(self, block: Block) -> None:
        for statement in block:
            self._statement(statement)

    def _statement(self, statement: object) -> None:
        match statement:
            case For():
                bounds = (self._value(x) for x in (statement.start, statement.stop, statement.step))
                for index in range(*bounds):
                    self._values[statement.index.name] = index
                    self._block(statement.body)
            case While():
                self._block(statement.before)
                while self._value(statement.test):
                    self._block(statement.body)
                    self._block(statement.before)
            case If():
                self._block(statement.then if self._value(statement.test) else statement.orelse)
            case Assign(function=p.item):
                self._since.setdefault(self._element(statement.args[1]), set()).add(id(statement))
            case Assign() if statement.function in (np.copy, p.view):
                self._values[statement.targets[0].name] = 0
            case Assign(function=p.dim):
                self._values[statement.targets[0].name] = self._size
            case Assign():
                found = statement.function(*(self._value(x) for x in statement.args))
                self._values[statement.targets[0].name] = found
            case Store():
                index = statement.index if len(statement.index) == 2 else (Const(0), *statement.index)
                element = self._element(index)
                self.overwritten |= self._since.pop(element, set())
                self._since[element] = {id(statement)}

    def _element(self, index: tuple) -> tuple[int, int]:
        i, j = (self._value(x) for x in index)
        if not (-self._size <= i < self._size and -self._size <= j < self._size):
            raise IndexError
        return i % self._size, j % self._size


def claims(program: Program) -> dict[int, bool]:
    """What is said to be overwritten, by the identity of the statement."""
    cells = cells_of(program)
    classes, order = alias_classes(program, cells), Order(program, cells)
    found = {}
    for statement in walk(program.body):
        match statement:
            case Assign(function=p.item, args=(array, _)) | Store(array=array):
                found[id(statement)] = order.overwritten(statement, classes[array.name])
    return found


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_what_is_said_to_stay_stays(first: int) -> None:
    stays = 0
    for seed in range(first, first + 100):
        chooser = random.Random(seed)
        program = canonical(Nest(chooser).program)
        verify(program)
        said = claims(program)
        stays += sum(not overwritten for overwritten in said.values())
        for _ in range(12):
            values = chooser.randint(-1, 4), chooser.randint(-1, 4), chooser.randint(1, 8)
            try:
                trace = Trace(program, *values)
            except IndexError:
                continue
            wrong = [s for s in walk(program.body) if id(s) in trace.overwritten and not said[id(s)]]
            assert not wrong, (seed, values, wrong)
    assert stays > 50


def triangle(b: Builder, read: int, written: int) -> Program:
    """``for i: for j in range(i): for k in range(j): … a[i, k + read]; a[i, j + written] = …``."""
    x = b.var("x", MATRIX)
    n = b.dim(x, 0)
    a = b.call(np.zeros, (n, n), name="a")
    i, j, k = (b.var(name, INT) for name in "ijk")
    with b.block() as outer:
        with b.block() as middle:
            with b.block() as inner:
                b.call(p.item, a, (i, b.call(np.add, k, read)), name="t")
            b.add(For(k, Const(0), j, Const(1), inner.statements()))
            b.store(a, (i, b.call(np.add, j, written)), 1.0)
        b.add(For(j, Const(0), i, Const(1), middle.statements()))
    b.add(For(i, Const(0), n, Const(1), outer.statements()))
    b.add(Return((a,)))
    return Program("triangle", (x,), b.statements())


@pytest.mark.parametrize(
    ("read", "written", "overwritten"), [(0, 0, False), (1, 0, True), (0, 1, False), (2, 1, True)]
)
def test_triangular_loops_are_told_apart_to_the_last_element(read, written, overwritten):
    program = canonical(triangle(Builder(), read, written))
    (reader,) = [s for s in walk(program.body) if isinstance(s, Assign) and s.function is p.item]
    assert claims(program)[id(reader)] is overwritten


def facts(*coefficients: tuple[int, ...]) -> list[Affine]:
    return [{k: c for k, c in enumerate(row) if c} for row in coefficients]


def test_empty_systems_are_found_and_others_are_left():
    # 0 <= i < n, i == n
    assert is_empty(facts((0, 1), (-1, -1, 1)), facts((0, 1, -1)))
    # 0 <= i < n, i == n - 1
    assert not is_empty(facts((0, 1), (-1, -1, 1)), facts((1, 1, -1)))
    # 2 i == 2 j + 1 holds for no integers
    assert is_empty([], facts((1, 2, -2)))
    # 1 <= 3 i <= 2
    assert is_empty(facts((-1, 3), (2, -3)))
    assert not is_empty(facts((-1, 3), (3, -3)))
