"""Random loops, some independent and some not: sparing memory changes no derivative."""

import random
from typing import Any

import numpy as np
import pytest

from pullback.ir import primitives as p
from pullback.ir.build import Builder
from pullback.ir.nodes import Block, Const, For, If, Operand, Program, Return, Var
from pullback.ir.run import run
from pullback.ir.types import INT, Scalar, type_of
from pullback.ir.verify import verify
from pullback.ir.walk import assigns, walk
from pullback.transform.adjoint import adjoint
from pullback.transform.independent import Independence
from pullback.transform.order import Order
from pullback.transform.undo import Undoing

VECTOR = type_of(np.ones(3))
DOUBLE = Scalar(np.dtype(float))


class Loops:
    """Loops over elements of arrays longer than any index, with sums, scratch memory and branches."""

    def __init__(self, chooser: random.Random) -> None:
        self.chooser, self.builder = chooser, Builder()
        b = self.builder
        self.x, self.v = b.var("x", VECTOR), b.var("v", VECTOR)
        self.n = b.dim(self.x, 0)
        room = b.call(np.add, self.n, 3, name="room")
        self.arrays = [b.call(np.zeros, (room,), name=name) for name in "yzq"]
        self.cells = [b.var(name, DOUBLE) for name in "st"]
        for cell in self.cells:
            b.assign(cell, 0.0)
        for array in self.arrays[:2]:
            self.loop([], 0, lambda i, array=array: b.store(array, (i,), b.call(p.item, self.x, (i,))))
        for _ in range(chooser.randint(1, 3)):
            self.loop([], 0, None)
        total = b.call(np.add, *self.cells)
        for array in self.arrays[: chooser.randint(0, 3)]:
            total = b.call(np.add, total, b.call(np.multiply, b.call(p.item, array, (Const(0),)), 0.3))
        b.add(Return((total, *chooser.choice([(), (self.arrays[0],)]))))
        self.program = Program("loops", (self.x, self.v), b.statements())

    def index(self, known: list[Var]) -> Operand:
        if not known or self.chooser.randint(0, 5) == 0:
            return Const(self.chooser.choice([0, 1]))
        return self.builder.call(np.add, known[-1], 1) if self.chooser.randint(0, 5) == 0 else known[-1]

    def value(self, known: list[Var], depth: int = 2) -> Operand:
        b, kind = self.builder, self.chooser.randint(0, 7)
        if kind < 3 or depth == 0:
            if known and self.chooser.randint(0, 2) == 0:
                return b.call(p.item, self.chooser.choice([self.x, self.v]), (known[-1],))
            return b.call(p.item, self.chooser.choice(self.arrays), (self.index(known),))
        if kind == 3:
            return b.call(p.bind, self.chooser.choice(self.cells), name="held")
        if kind == 4:
            return b.call(np.multiply, self.value(known, depth - 1), self.value(known, depth - 1))
        return b.call(np.sin, self.value(known, depth - 1))

    def statement(self, known: list[Var], depth: int) -> None:
        b, kind = self.builder, self.chooser.randint(0, 9)
        cell = self.chooser.choice(self.cells)
        if kind < 3:
            array, accumulates = self.chooser.choice(self.arrays), self.chooser.randint(0, 2) == 0
            b.store(array, (self.index(known),), self.value(known), accumulate=accumulates)
        elif kind < 5:
            sums = self.chooser.choice([np.add, np.subtract])
            b.assign(cell, b.call(sums, cell, self.value(known)))
        elif kind == 5:
            b.assign(cell, self.value(known))
        elif kind == 6 and depth < 3:
            test = b.call(np.greater, self.value(known, 0), 0.1)
            b.add(
                If(
                    test,
                    self.block(known, depth + 1),
                    self.chooser.choice([(), self.block(known, depth + 1)]),
                )
            )
        elif depth < 3:
            self.loop(known, depth, None)

    def block(self, known: list[Var], depth: int) -> Block:
        with self.builder.block() as body:
            for _ in range(self.chooser.randint(1, 4)):
                self.statement(known, depth)
        return body.statements()

    def loop(self, known: list[Var], depth: int, body: Any) -> None:
        b, index = self.builder, self.builder.var("ijkl"[depth], INT)
        bounds = self.chooser.choice([(Const(0), self.n), (Const(0), self.n), (Const(1), self.n)])
        if known and body is None and self.chooser.randint(0, 2) == 0:
            bounds = (Const(0), known[-1])
        if body is None:
            inside = self.block([*known, index], depth + 1)
        else:
            with b.block() as made:
                body(index)
            inside = made.statements()
        b.add(For(index, *bounds, Const(1), inside))


def undo_all(self: Undoing, order: Order) -> frozenset[str]:
    return frozenset(name for memories, _ in self.wishes for memory in memories for name in memory.members)


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_no_derivative_depends_on_what_is_kept(first, monkeypatch):
    joint, undone = 0, 0
    holds, chosen = Independence.holds, Undoing.chosen
    for seed in range(first, first + 50):
        chooser = random.Random(seed)
        program = Loops(chooser).program
        verify(program)
        sweeps = []
        for independent, choose in [
            (lambda self, loop: False, lambda self, order: frozenset()),
            (holds, chosen),
            (holds, undo_all),
        ]:
            monkeypatch.setattr(Independence, "holds", independent)
            monkeypatch.setattr(Undoing, "chosen", choose)
            sweeps.append(adjoint(program, (0, 1), (0,)))
            verify(sweeps[-1])
        counts = [sum(isinstance(s, For) for s in sweep.body) for sweep in sweeps]
        joint += counts[1] < counts[0]
        undone += any("_old" in t.name for s in walk(sweeps[2].body) for t in assigns(s))
        for n in (0, 1, 3):
            arguments = [np.sin(np.arange(n) + seed), np.cos(np.arange(n) * 2.0 + seed)]
            found = [run(sweep, [*map(np.copy, arguments), 1.0]) for sweep in sweeps]
            for other in found[1:]:
                for ours, theirs in zip(other, found[0], strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=str(seed))
    assert joint > 3
    assert undone > 5
