"""``while`` loops made ready to be walked backwards: the test at the end, and the trips counted.

    while True:                    before
        before                     going = test
        if not test: break         trips = 0
        body                       while going:
                                       body
                                       before
                                       going = test
                                       trips = trips + 1
                                   counted = trips

The binding of `counted` follows its loop directly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import Assign, Block, Const, Program, Statement, While
from pullback.ir.types import INT, Scalar
from pullback.ir.walk import copied, with_blocks, with_body


def counted(program: Program) -> Program:
    """The same program with its ``while`` loops in the form above."""
    builder = Builder(names_of(program))

    def block(statements: Block) -> Block:
        made: list[Statement] = []
        for statement in statements:
            statement = with_blocks(statement, block)
            made += rotated(statement, builder) if isinstance(statement, While) else [statement]
        return tuple(made)

    return with_body(program, block(program.body))


def rotated(statement: While, builder: Builder) -> Block:
    """One loop in the form above."""
    kind = operand_type(statement.test)
    assert isinstance(kind, Scalar)
    going = builder.var("going", kind)
    trips, final = builder.var("trips", INT), builder.var("counted", INT)
    more = builder.var("trips", INT)

    def bind(target, value) -> Assign:  # noqa: ANN001
        return Assign((target,), primitives.bind, (value,), location=statement.location)

    count = (Assign((more,), np.add, (trips, Const(1))), bind(trips, more))
    body = (*statement.body, *copied(statement.before), bind(going, statement.test), *count)
    loop = replace(statement, before=(), test=going, body=body)
    return (*statement.before, bind(going, statement.test), bind(trips, Const(0)), loop, bind(final, trips))
