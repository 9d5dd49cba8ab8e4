"""Walking a program: what statements read and write, and rewriting their operands and blocks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import fields, replace
from operator import is_
from typing import Any, TypeVar

from pullback.ir.nodes import (
    Arg,
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
from pullback.ir.once import once

S = TypeVar("S", bound=Statement)


def operands(arg: Arg | None) -> Iterator[Operand]:
    """The variables and constants in an argument, however nested."""
    if isinstance(arg, Var | Const):
        yield arg
    elif isinstance(arg, tuple):
        for part in arg:
            yield from operands(part)
    elif isinstance(arg, Slice):
        for part in (arg.start, arg.stop, arg.step):
            yield from operands(part)


def variables(arg: Arg | None) -> list[Var]:
    """The variables in an argument."""
    found: list[Var] = []
    _collect(arg, found)
    return found


def _collect(arg: Any, found: list[Var]) -> None:
    # Every pass asks what statements read, so no generators here.
    kind = type(arg)
    if kind is Var:
        found.append(arg)
    elif kind is tuple:
        for part in arg:
            _collect(part, found)
    elif kind is Slice:
        found += [part for part in (arg.start, arg.stop, arg.step) if isinstance(part, Var)]


def arguments(statement: Statement) -> tuple[Arg, ...]:
    """The arguments a statement itself reads, those of the blocks in it aside."""
    match statement:
        case Assign():
            return (*statement.args, *(value for _, value in statement.kwargs))
        case Store():
            return (statement.array, statement.index, statement.value)
        case For():
            return (statement.start, statement.stop, statement.step)
        case While() | If():
            return (statement.test,)
        case Push():
            return (statement.stack, statement.value)
        case Pop():
            return (statement.stack,)
        case Return():
            return statement.values
    return ()


@once(20_000)
def reads(statement: Statement) -> tuple[Var, ...]:
    """The variables a statement itself reads, those of the blocks in it aside."""
    return tuple(variables(arguments(statement)))


def assigns(statement: Statement) -> tuple[Var, ...]:
    """The variables a statement itself assigns (a `For` its index), those of the blocks in it aside."""
    if type(statement) is Assign:
        return statement.targets
    match statement:
        case For():
            return (statement.index,)
        case Pop():
            return (statement.target,)
    return ()


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The blocks in a statement, in the order they run."""
    kind = type(statement)
    if kind is Assign or kind is Store:
        return ()
    match statement:
        case For():
            return (statement.body,)
        case While():
            return (statement.before, statement.body)
        case If():
            return (statement.then, statement.orelse)
    return ()


def walk(block: Block) -> Block:
    """Every statement of a block and of the blocks in it, in textual order."""
    if len(block) != 1:
        return _walked(block)
    return block if type(block[0]) in _FLAT else _within(block[0])


_FLAT = frozenset([Assign, Store])


@once(400)
def _walked(block: Block) -> Block:
    found: list[Statement] = []
    for statement in block:
        if type(statement) in _FLAT:
            found.append(statement)
        else:
            found += _within(statement)
    return block if len(found) == len(block) else tuple(found)


@once(2_000)
def _within(statement: Statement) -> Block:
    return (statement, *(part for block in blocks(statement) for part in walk(block)))


def mentions(statement: Statement, name: str) -> bool:
    """Whether a statement, or one in it, reads or assigns a variable."""
    return any(v.name == name for part in walk((statement,)) for v in (*reads(part), *assigns(part)))


def reads_any(block: Block, names: Container[str]) -> bool:
    """Whether a statement of a block, or of the blocks in it, reads one of some variables."""
    return any(v.name in names for statement in walk(block) for v in reads(statement))


def changed(statement: S, **new: Any) -> S:
    """`statement` with other fields; itself where it has them, so that what is known of it stays."""
    for name, value in new.items():
        if getattr(statement, name) is not value:
            break
    else:
        return statement
    kind = type(statement)
    return kind(**{name: getattr(statement, name) for name in _fields(kind)} | new)


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def kept(old: tuple[Any, ...], new: Sequence[Any]) -> tuple[Any, ...]:
    """`new` as a tuple, and `old` where it has the same parts."""
    return old if len(old) == len(new) and all(map(is_, old, new)) else tuple(new)


def with_blocks(statement: Statement, new: Callable[[Block], Block]) -> Statement:
    """`statement` with `new` applied to each block in it; itself where that gives the same statements."""

    def block(old: Block) -> Block:
        return kept(old, new(old))

    match statement:
        case For():
            return changed(statement, body=block(statement.body))
        case While():
            return changed(statement, before=block(statement.before), body=block(statement.body))
        case If():
            return changed(statement, then=block(statement.then), orelse=block(statement.orelse))
    return statement


def with_body(program: Program, body: Block) -> Program:
    """`program` with another body; itself where that has the same statements."""
    body = kept(program.body, body)
    return program if body is program.body else replace(program, body=body)


def map_arg(arg: Any, new: Callable[[Operand], Any]) -> Any:
    """`arg` with `new` applied to each variable and constant in it."""
    kind = type(arg)
    if kind is Var or kind is Const:
        return new(arg)
    if kind is tuple:
        return kept(arg, [map_arg(part, new) for part in arg])
    if isinstance(arg, Slice):
        old = (arg.start, arg.stop, arg.step)
        parts = kept(old, [None if x is None else new(x) for x in old])
        return arg if parts is old else Slice(*parts)
    return arg


def map_reads(statement: Statement, new: Callable[[Operand], Any]) -> Statement:
    """`statement` with `new` applied to what it itself reads; its targets and blocks stay."""
    match statement:
        case Assign():
            return changed(
                statement,
                args=map_arg(statement.args, new),
                kwargs=kept(statement.kwargs, [map_arg(pair, new) for pair in statement.kwargs]),
            )
        case Store():
            return changed(
                statement,
                array=new(statement.array),
                index=map_arg(statement.index, new),
                value=new(statement.value),
            )
        case For():
            return changed(
                statement, start=new(statement.start), stop=new(statement.stop), step=new(statement.step)
            )
        case While() | If():
            return changed(statement, test=new(statement.test))
        case Push():
            return changed(statement, stack=new(statement.stack), value=new(statement.value))
        case Pop():
            return changed(statement, stack=new(statement.stack))
        case Return():
            return changed(statement, values=kept(statement.values, list(map(new, statement.values))))
    return statement


def map_targets(statement: Statement, new: Callable[[Var], Var]) -> Statement:
    """`statement` with `new` applied to the variables it itself assigns."""
    match statement:
        case Assign():
            return changed(statement, targets=kept(statement.targets, list(map(new, statement.targets))))
        case For():
            return changed(statement, index=new(statement.index))
        case Pop():
            return changed(statement, target=new(statement.target))
    return statement


def substitute(block: Block, mapping: dict[str, Any]) -> Block:
    """A block with variables renamed or replaced by operands; an assigned variable maps to a variable."""

    def new(x: Any) -> Any:
        return mapping.get(x.name, x) if isinstance(x, Var) else x

    def one(statement: Statement) -> Statement:
        renamed = map_targets(map_reads(statement, new), new)
        return with_blocks(renamed, lambda inner: substitute(inner, mapping))

    return tuple(one(statement) for statement in block)


def copied(block: Block) -> Block:
    """A block of the same statements, anew: one that may stand beside the first (`ir.verify`)."""
    return tuple(replace(with_blocks(statement, copied)) for statement in block)
