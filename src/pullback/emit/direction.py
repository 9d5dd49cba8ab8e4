"""Loops that go down, as reverse sweeps do, in the form in which LLVM vectorises them.

An inner loop whose iterations may run in any order goes up instead: neighbours in memory are then loaded as
they lie. A loop around others hides its index. A vectorised loop checks first that what it writes is apart
from what it reads; LLVM moves that check out of the loop around it, for the memory of all its iterations at
once, and there takes any negative stride for a conflict, so that the scalar version would always run. So it
would where rows of one array are written and read that are apart in each iteration, but not from those of
another one. An index that LLVM knows nothing of leaves the check where it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pullback.emit import native
from pullback.ir import primitives
from pullback.ir.build import Names, names_of
from pullback.ir.memory import Memory, memory_of
from pullback.ir.nodes import Arg, Assign, Block, Const, For, Operand, Program, Statement, Store, Var
from pullback.ir.types import INT, Array
from pullback.ir.walk import assigns, reads, variables, walk, with_blocks, with_body

_PURE = frozenset(
    [primitives.item, primitives.dim, primitives.bind, primitives.cast, primitives.select, primitives.scale]
)
_SUMS = {np.add: "sum", np.subtract: "sum", np.multiply: "product", np.maximum: "max", np.minimum: "min"}
"""Functions whose repetition gives the same in any order, but for rounding, and what they give."""


def with_hidden_directions(program: Program) -> Program:
    """The program with `native.opaque` of the index of loops of which LLVM had better not know it."""
    names, memory = names_of(program), memory_of(program)

    def block(statements: Block) -> Block:
        return tuple(one(statement) for statement in statements)

    def one(statement: Statement) -> Statement:
        statement = with_blocks(statement, block)
        if not isinstance(statement, For) or not (_goes_down(statement) or _mixes_rows(statement, memory)):
            return statement
        index = Var(names.fresh(statement.index.name), statement.index.type)
        hidden = Assign((statement.index,), native.opaque, (index,), location=statement.location)
        return replace(statement, index=index, body=(hidden, *statement.body))

    return with_body(program, block(program.body))


def _goes_down(loop: For) -> bool:
    """Whether a loop around another one may go down."""
    upward = isinstance(loop.step, Const) and loop.step.value > 0
    return not upward and any(isinstance(inner, For) for inner in walk(loop.body))


def _mixes_rows(loop: For, memory: Memory) -> bool:
    """Whether a loop in this one stores into an array of which it touches rows, others in each trip."""
    changing = {loop.index.name} | {target.name for inner in walk(loop.body) for target in assigns(inner)}
    for inner in loop.body:
        if not isinstance(inner, For):
            continue
        own = {inner.index.name} | {target.name for s in walk(inner.body) for target in assigns(s)}
        rows: dict[str, set[Arg]] = {}
        stored: set[str] = set()
        for statement in inner.body:
            match statement:
                case Store(array=array, index=index):
                    if any(v.name in own for v in variables(index[-1:])):
                        stored.add(memory.group(array.name))
                case Assign(function=primitives.item, args=(Var() as array, tuple(index))):
                    pass
                case _:
                    continue
            rows.setdefault(memory.group(array.name), set()).add(index[:-1])
        for group in stored:
            moving = any(v.name in changing for row in rows[group] for v in variables(row))
            if len(rows[group]) > 1 and moving:
                return True
    return False


def with_upward_loops(program: Program) -> Program:
    """The program with those inner loops turned whose iterations may run in any order."""
    mentions = mentions_in(program.body, (param.name for param in program.params))
    names, memory = names_of(program), memory_of(program)

    def block(statements: Block) -> Block:
        return tuple(part for statement in statements for part in one(statement))

    def one(statement: Statement) -> Block:
        if isinstance(statement, For) and _may_turn(statement, mentions, memory):
            return _turned(statement, names)
        return (with_blocks(statement, block),)

    return with_body(program, block(program.body))


def mentions_in(block: Block, more: Iterable[str] = ()) -> Counter[str]:
    """How often each variable is read or assigned."""
    found = Counter(more)
    for statement in walk(block):
        found.update(variable.name for variable in (*assigns(statement), *reads(statement)))
    return found


def _turned(loop: For, names: Names) -> Block:
    """The same iterations, from the last to the first."""
    assert isinstance(loop.stop, Const)
    before: Block = ()
    end: Operand
    if isinstance(loop.start, Const):
        end = Const(loop.start.value + 1)
    else:
        end = Var(names.fresh("end"), INT)
        before = (Assign((end,), np.add, (loop.start, Const(1)), location=loop.location),)
    return (*before, replace(loop, start=Const(loop.stop.value + 1), stop=end, step=Const(1)))


def _may_turn(loop: For, mentions: Counter[str], memory: Memory) -> bool:
    """Whether a downward loop, step by step over indices that are not negative, gives the same upwards."""
    step, stop = loop.step, loop.stop
    if not (isinstance(step, Const) and step.value == -1 and isinstance(stop, Const) and stop.value >= -1):
        return False
    return may_run_in_any_order(loop, mentions, memory)


def may_run_in_any_order(loop: For, mentions: Counter[str], memory: Memory) -> bool:
    """Whether the iterations of a loop over indices that are not negative give the same in any order."""
    inside = mentions_in((loop,))
    assigned = {target.name for statement in loop.body for target in assigns(statement)}
    running = _exposed(loop.body) & assigned
    leaves_nothing = all(inside[name] == mentions[name] for name in (*(assigned - running), loop.index.name))
    merged = _merged(loop.body)
    return (
        leaves_nothing
        and all(isinstance(statement, Store) or _is_pure(statement) for statement in loop.body)
        and all(_is_sum(merged, name) or _is_handed_on(merged, name) for name in running)
        and _stores_apart(loop, memory)
    )


def _is_pure(statement: Statement) -> bool:
    """Whether a statement computes a number of numbers and of elements of arrays."""
    if not isinstance(statement, Assign) or any(isinstance(t.type, Array) for t in statement.targets):
        return False
    if any(isinstance(x.type, Array) for x in reads(statement)):
        return statement.function in (primitives.item, primitives.dim)
    return isinstance(statement.function, np.ufunc) or statement.function in _PURE


def _exposed(body: Block) -> set[str]:
    """The variables that are read before they are assigned, if they are."""
    found: set[str] = set()
    assigned: set[str] = set()
    for statement in body:
        found |= {variable.name for variable in reads(statement)} - assigned
        assigned |= {target.name for target in assigns(statement)}
    return found


def _merged(body: Block) -> Block:
    """``t = x + term; x = t`` as ``x = x + term``, where nothing else knows `t`: for the questions."""
    places = {id(statement): statement for statement in body}
    for update in body:
        match update:
            case Assign(targets=(target,), function=primitives.bind, args=(Var() as made,)):
                match _touching(body, made.name):
                    case [Assign(targets=(first,), function=function) as sum_, _] if (
                        first == made and function in _SUMS
                    ):
                        places[id(sum_)] = replace(sum_, targets=(target,))
                        del places[id(update)]
    return tuple(places.values())


def _touching(body: Block, name: str) -> list[Statement]:
    return [s for s in body if any(x.name == name for x in (*assigns(s), *reads(s)))]


def _is_sum(body: Block, name: str) -> bool:
    """Whether each statement that knows a variable is ``x = x + term``, all of one kind."""
    kinds = set()
    for statement in _touching(body, name):
        if not isinstance(statement, Assign) or [t.name for t in statement.targets] != [name]:
            return False
        terms = [isinstance(x, Var) and x.name == name for x in statement.args]
        allowed = [[True, False]] if statement.function is np.subtract else [[True, False], [False, True]]
        if statement.kwargs or terms not in allowed:
            return False
        kinds.add(_SUMS.get(statement.function))
    return len(kinds) == 1 and None not in kinds


def _is_handed_on(body: Block, name: str) -> bool:
    """Whether a variable is as it was after ``t = x; x = 0; x += t``, and not touched otherwise."""
    match _touching(body, name):
        case [
            Assign(targets=(kept,), function=primitives.bind),
            Assign(targets=(_,), function=primitives.bind, args=(Const(value=zero),)),
            Assign(targets=(last,), function=np.add, args=(Var(name=first), Var(name=second))),
        ]:
            known = (last.name, {first, second}) == (name, {name, kept.name}) and kept.name != name
            return known and zero == 0 and sum(kept in assigns(statement) for statement in body) == 1
    return False


def _stores_apart(loop: For, memory: Memory) -> bool:
    """Whether each element that is stored into is of one iteration alone, or only ever added to."""
    touched: dict[str, list[set[str]]] = {}
    plain: set[str] = set()
    for statement in loop.body:
        if isinstance(statement, Store):
            array, index = statement.array, statement.index
            if any(isinstance(x.type, Array) for x in variables((index, statement.value))):
                return False
            if not statement.accumulate:
                plain.add(memory.group(array.name))
        elif isinstance(statement, Assign) and statement.function is primitives.item:
            array, index = statement.args[0], statement.args[1]
            assert isinstance(array, Var)
            plain.add(memory.group(array.name))
        else:
            continue
        assert isinstance(index, tuple)
        own = {f"{array.name} {axis}" for axis, entry in enumerate(index) if entry == loop.index}
        shifted = any(isinstance(entry, Const) and entry.value is None for entry in index)
        touched.setdefault(memory.group(array.name), []).append(set() if shifted else own)
    stored = {memory.group(s.array.name) for s in loop.body if isinstance(s, Store)}
    return all(set.intersection(*touched[group]) or group not in plain for group in stored)
