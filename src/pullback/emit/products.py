"""Products of matrices that a BLAS writes, or adds, right where they belong.

    product = a @ b
    y[i, :, :] += product          →          native.multiply(y[i], a, b, "add")

(`optimize.multiply` has put the two next to each other.)
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pullback.emit import functions, native
from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.memory import memory_of
from pullback.ir.nodes import Assign, Block, Const, Program, Slice, Statement, Store, Var
from pullback.ir.types import Array
from pullback.ir.walk import reads, walk, with_blocks, with_body
from pullback.rules.conjugating import PRODUCTS


def with_products_in_place(program: Program) -> Program:
    """The same function without memory for products that are stored elsewhere at once."""
    if not any(isinstance(s, Assign) and s.function in PRODUCTS for s in walk(program.body)):
        return program
    found = _Found(program)
    builder = Builder(names_of(program))

    def placed(block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, placed)
            before = made[-1] if made else None
            if (
                isinstance(before, Assign)
                and isinstance(statement, Store)
                and found.belong(before, statement)
            ):
                made[-1:] = _multiplied(before, statement, builder)
            else:
                made.append(statement)
        return tuple(made)

    return with_body(program, placed(program.body))


class _Found:
    """What a program says of its arrays."""

    def __init__(self, program: Program) -> None:
        self._uses = Counter(v.name for s in walk(program.body) for v in reads(s))
        self._memory = memory_of(program)

    def belong(self, product: Assign, store: Store) -> bool:
        """Whether a store of a product can be the product's own."""
        if product.function not in PRODUCTS or product.targets != (store.value,):
            return False
        y, *factors = (store.array.type, *functions.array_kinds(product)[:2])
        assert isinstance(y, Array)
        *batch, rows, columns = store.index
        if self._uses[product.targets[0].name] != 1 or rows != Slice() or columns != Slice():
            return False
        if y.layout != "C" and (y.layout != "F" or batch):
            return False
        if any(k is None or k.ndim != 2 or k.layout == "A" or k.dtype != y.dtype for k in factors):
            return False
        own = self._memory.group(store.array.name)
        if any(isinstance(x, Var) and self._memory.group(x.name) == own for x in product.args[:2]):
            return False
        if product.function is np.matmul:
            return functions.compiles(product)
        return functions.conjugates(product, "F" if y.layout == "C" else "C")


def _multiplied(product: Assign, store: Store, builder: Builder) -> Block:
    a, b, *factor = product.args
    y: Var = store.array
    builder.location, builder.comment = product.location, product.comment
    conjugate = factor[0].value if factor else -1  # type: ignore[union-attr]
    with builder.block() as made:
        if len(store.index) > 2:
            y = builder.call(primitives.view, y, store.index, name=y.name)
        if y.type.layout == "F":  # type: ignore[union-attr]
            y, a, b = (builder.call(np.transpose, x, name=x.name) for x in (y, b, a))  # type: ignore[union-attr]
            conjugate = 1 - conjugate if factor else -1
        builder.add(Assign((), native.multiply, (y, a, b, Const(conjugate), Const(store.accumulate))))
    return made.statements()
