"""Loops brought to where a program can be cut at them (`transform.cut`): out of branches, out of loops.

    if test:                        if test: first            for j in range(m):     for t in range(m*(n+1)):
        first                       else: other                   first                  j, k = divmod(t, n+1)
        for i in range(n): body     for i in range(n              for k in range(n):     if k == 0: first
        last                                 if test else 0):         body               if k > 0: body
    else:                               body                      last                   if k == n: last
        other                       if test: last

A ``while`` loop in a branch tests first whether the branch was chosen. Where it is not known how often the
inner loop runs, as it depends on the outer one's index or its values, the two become one ``while`` loop.

The same statements run in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.nodes import (
    Assign,
    Block,
    Checkpoint,
    Const,
    For,
    If,
    Operand,
    Program,
    Statement,
    Var,
    While,
)
from pullback.ir.types import BOOL, INT, Scalar
from pullback.ir.walk import assigns, blocks, reads, walk, with_body


def out_of_branches(program: Program) -> Program | None:
    """The program with the deepest loops of its outermost branches at the top; None where there are none."""
    builder = Builder(names_of(program))
    body = tuple(s for statement in program.body for s in _opened(statement, builder))
    return replace(program, body=body) if len(body) > len(program.body) else None


def _opened(statement: Statement, builder: Builder) -> Iterator[Statement]:
    if not isinstance(statement, If) or isinstance(statement, Checkpoint):
        yield statement
        return
    depth = max(map(_depth, (*statement.then, *statement.orelse)), default=0)
    place, elsewhere = (_deepest(branch, depth) for branch in (statement.then, statement.orelse))
    if place is None and elsewhere is None:
        yield statement
        return
    if place is None:
        with builder.block() as made:
            other = builder.call(np.logical_not, statement.test, name="other")
        yield from made.statements()
        swapped = replace(statement, test=other, then=statement.orelse, orelse=statement.then)
        yield from _opened(swapped, builder)
        return
    test: Operand = statement.test
    if isinstance(test, Var):
        # A branch may change what the test was made of.
        test = builder.var("test", test.type)
        yield _bind(test, statement.test)
    found = statement.then[place]
    # What the other branch reads may not live longer than it has to.
    first, other = statement.then[:place], statement.orelse if elsewhere is None else ()
    if isinstance(found, For):
        start, stop = (builder.var(wish, INT) for wish in ("start", "stop"))
        bounds: Block = _bind(start, found.start), _bind(stop, found.stop)
        none: Block = _bind(start, Const(0)), _bind(stop, Const(0))
        brought: list[Statement] = [replace(found, start=start, stop=stop)]
    elif isinstance(found, While):
        chosen, going = builder.var("chosen", BOOL), builder.var("going", BOOL)
        bounds, none = (_bind(chosen, Const(True)),), (_bind(chosen, Const(False)),)
        tested = If(chosen, (*found.before, _going(found, going)), (_bind(going, Const(False)),))
        brought = [replace(found, before=(tested,), test=going)]
    else:
        assert isinstance(found, If)
        with builder.block() as made:
            tests = found.test, builder.call(np.logical_not, found.test, name="fails")
        cells = [builder.var("chosen", operand_type(x)) for x in tests]
        bounds = (*made.statements(), *map(_bind, cells, tests))
        none = tuple(_bind(cell, _false(cell)) for cell in cells)
        branches = zip(cells, (found.then, found.orelse), strict=True)
        brought = [replace(found, test=cell, then=branch, orelse=()) for cell, branch in branches if branch]
    yield replace(statement, test=test, then=(*first, *bounds), orelse=(*other, *none))
    for each in brought:
        yield from _opened(each, builder)
    rest = replace(
        statement, test=test, then=statement.then[place + 1 :], orelse=statement.orelse[len(other) :]
    )
    if rest.then or rest.orelse:
        yield from _opened(rest, builder)


def _deepest(block: Block, depth: int) -> int | None:
    """Where a loop is, or a branch with one, in which as many loops as `depth` stand in each other."""
    for k, statement in enumerate(block):
        plain = isinstance(statement, For | While | If) and not isinstance(statement, Checkpoint)
        if depth and plain and _depth(statement) == depth:
            return k
    return None


def _false(cell: Var) -> Const:
    assert isinstance(cell.type, Scalar)
    return Const(False if cell.type.weak else np.bool_(False))


def _bind(target: Var, value: Operand) -> Assign:
    return Assign((target,), primitives.bind, (value,))


def out_of_loop(program: Program, position: int) -> Program | None:
    """The program with the loop at `position` and the deepest one inside of it as one.

    None where there is none.
    """
    outer = program.body[position]
    assert isinstance(outer, For | While)
    # The trips of a loop over numbers take no more than a step of the schedule does.
    loops = [k for k, s in enumerate(outer.body) if isinstance(s, For | While) and _depth(s) > 1]
    if not loops:
        return None
    place = max(loops, key=lambda k: (_depth(outer.body[k]), len(list(walk((outer.body[k],))))))
    inner = outer.body[place]
    assert isinstance(inner, For | While)
    builder = Builder(names_of(program))
    builder.location = outer.location
    made = _counted(outer, inner, place, builder) or _going_on(outer, inner, place, builder)
    if made is None:
        return None
    before: Block = builder.statements()
    return with_body(program, (*program.body[:position], *before, made, *program.body[position + 1 :]))


def _counted(outer: For | While, inner: For | While, place: int, builder: Builder) -> Statement | None:
    """The two as one ``for`` loop; None unless it is known before how often they run."""
    if not isinstance(outer, For) or not isinstance(inner, For):
        return None
    changing = {t.name for s in walk((outer,)) for t in assigns(s)}
    if any(v.name in changing for v in reads(inner)) or not (_has_step(outer) and _has_step(inner)):
        return None
    trips, length = (_trips(loop, builder) for loop in (outer, inner))
    width = builder.call(np.add, length, 1, name="width")
    total = builder.call(np.multiply, trips, width, name="total")
    index = builder.var("trip", INT)
    with builder.block() as body:
        at = builder.call(np.floor_divide, index, width, name="at")
        within = builder.call(np.remainder, index, width, name="within")
        _index(outer, at, builder)
        builder.add(If(builder.call(np.equal, within, 0, name="is_first"), outer.body[:place]))
        with builder.block() as inside:
            _index(inner, builder.call(np.subtract, within, 1, name="before"), builder)
        builder.add(
            If(builder.call(np.greater, within, 0, name="is_inner"), (*inside.statements(), *inner.body))
        )
        builder.add(If(builder.call(np.equal, within, length, name="is_last"), outer.body[place + 1 :]))
    return For(index, Const(0), total, Const(1), body.statements(), location=inner.location)


def _going_on(outer: For | While, inner: For | While, place: int, builder: Builder) -> Statement | None:
    """The two as one ``while`` loop, of which a trip is one of the inner loop, or what follows that."""
    if not all(isinstance(loop, While) or _has_step(loop) for loop in (outer, inner)):
        return None
    is_first, going, inside = (builder.var(wish, BOOL) for wish in ("is_first", "going", "inside"))
    row, within, length = (builder.var(wish, INT) for wish in ("row", "within", "length"))
    builder.extend((_bind(is_first, Const(True)), _bind(going, Const(True)), _bind(row, Const(0))))
    builder.extend((_bind(within, Const(0)), _bind(length, Const(0))))
    trips = _trips(outer, builder) if isinstance(outer, For) else None
    with builder.block() as before:
        if trips is None:
            assert isinstance(outer, While)
            builder.add(If(is_first, (*outer.before, _going(outer, going))))
        else:
            builder.add(_bind(going, builder.call(np.less, row, trips, name="more")))
    with builder.block() as body:
        if isinstance(outer, For):
            _index(outer, row, builder)
        with builder.block() as first:
            builder.extend(outer.body[:place])
            if isinstance(inner, For):
                builder.extend((_bind(within, Const(0)),))
                builder.add(_bind(length, _trips(inner, builder)))
        builder.add(If(is_first, first.statements()))
        with builder.block() as trip:
            if isinstance(inner, For):
                _index(inner, within, builder)
                builder.assign(within, builder.call(np.add, within, 1, name="next"))
            builder.extend((*inner.body, _bind(is_first, Const(False))))
        if isinstance(inner, While):
            builder.extend((*inner.before, _going(inner, inside)))
        else:
            builder.add(_bind(inside, builder.call(np.less, within, length, name="more")))
        with builder.block() as last:
            builder.extend((*outer.body[place + 1 :], _bind(is_first, Const(True))))
            builder.assign(row, builder.call(np.add, row, 1, name="next"))
        builder.add(If(inside, trip.statements(), last.statements()))
    return While(before.statements(), going, body.statements(), location=inner.location)


def _going(loop: While, going: Var) -> Assign:
    """``going = test``, a Python bool."""
    assert isinstance(going.type, Scalar)
    return (
        _bind(going, loop.test)
        if operand_type(loop.test) == going.type
        else Assign((going,), primitives.weaken, (loop.test,))
    )


def _depth(statement: Statement) -> int:
    """How many loops stand in each other."""
    inner = max((_depth(s) for block in blocks(statement) for s in block), default=0)
    return inner + isinstance(statement, For | While)


def _has_step(loop: For) -> bool:
    """Whether the step is known before the program runs."""
    return isinstance(loop.step, Const) and loop.step.value != 0


def _trips(loop: For, builder: Builder) -> Operand:
    """How often a loop runs."""
    assert isinstance(loop.step, Const)
    step = loop.step.value
    span = builder.call(np.subtract, loop.stop, loop.start, name="span")
    if abs(step) > 1:
        span = builder.call(np.add, span, step - (1 if step > 0 else -1), name="span")
    count = span if step == 1 else builder.call(np.floor_divide, span, step, name="count")
    return builder.call(max, count, 0, name="trips")


def _index(loop: For, trip: Operand, builder: Builder) -> None:
    """What the index of a loop is in a trip."""
    along = builder.call(np.multiply, trip, loop.step, name="along")
    builder.assign(loop.index, builder.call(np.add, loop.start, along, name=loop.index.name))


__all__ = ["out_of_branches", "out_of_loop"]
