"""Walking a program: what statements read and write, and rewriting their operands and blocks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from operator import is_
from typing import Any

from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    If,
    Operand,
    Pop,
    Push,
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip


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


def reads(statement: Statement) -> tuple[Var, ...]:
    """The variables a statement itself reads, those of the blocks in it aside."""
    known = _read.get(id(statement))
    if known is not None and known[0] is statement:
        return known[1]
    if len(_read) >= _MANY:
        _read.clear()
    found = tuple(variables(arguments(statement)))
    _read[id(statement)] = statement, found
    return found


_MANY = 20_000
_read: dict[int, tuple[Statement, tuple[Var, ...]]] = {}
"""What statements read, by their `id`: every pass asks it of every statement."""


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
    known = _walked.get(id(block))
    if known is not None and known[0] is block:
        return known[1]
    found: list[Statement] = []
    for statement in block:
        found.append(statement)
        kind = type(statement)
        if kind is not Assign and kind is not Store:
            for inner in blocks(statement):
                found += walk(inner)
    if len(found) == len(block):
        return block
    if len(_walked) >= _FEWER:
        _walked.clear()
    _walked[id(block)] = block, tuple(found)
    return _walked[id(block)][1]


_FEWER = 400
_walked: dict[int, tuple[Block, Block]] = {}
"""The statements of blocks with blocks in them, by their `id`, for the same reason."""


def mentions(statement: Statement, name: str) -> bool:
    """Whether a statement, or one in it, reads or assigns a variable."""
    return any(v.name == name for part in walk((statement,)) for v in (*reads(part), *assigns(part)))


def reads_any(block: Block, names: Container[str]) -> bool:
    """Whether a statement of a block, or of the blocks in it, reads one of some variables."""
    return any(v.name in names for statement in walk(block) for v in reads(statement))


def _changed(statement: Statement, **fields: Any) -> Statement:
    """`statement` with other fields; itself where it has them, so that what is known of it stays."""
    for name, value in fields.items():
        if getattr(statement, name) is not value:
            return replace(statement, **fields)
    return statement


def _kept(old: tuple[Any, ...], new: list[Any]) -> tuple[Any, ...]:
    """`new` as a tuple, and `old` where it has the same parts."""
    return old if all(map(is_, old, new)) else tuple(new)


def with_blocks(statement: Statement, new: Callable[[Block], Block]) -> Statement:
    """`statement` with `new` applied to each block in it."""
    match statement:
        case For():
            return _changed(statement, body=new(statement.body))
        case While():
            return _changed(statement, before=new(statement.before), body=new(statement.body))
        case If():
            return _changed(statement, then=new(statement.then), orelse=new(statement.orelse))
    return statement


def map_arg(arg: Any, new: Callable[[Operand], Any]) -> Any:
    """`arg` with `new` applied to each variable and constant in it."""
    kind = type(arg)
    if kind is Var or kind is Const:
        return new(arg)
    if kind is tuple:
        return _kept(arg, [map_arg(part, new) for part in arg])
    if isinstance(arg, Slice):
        return Slice(*(None if x is None else new(x) for x in (arg.start, arg.stop, arg.step)))
    return arg


def map_reads(statement: Statement, new: Callable[[Operand], Any]) -> Statement:
    """`statement` with `new` applied to what it itself reads; its targets and blocks stay."""
    match statement:
        case Assign():
            return _changed(
                statement,
                args=map_arg(statement.args, new),
                kwargs=statement.kwargs
                and tuple((name, map_arg(value, new)) for name, value in statement.kwargs),
            )
        case Store():
            return _changed(
                statement,
                array=new(statement.array),
                index=map_arg(statement.index, new),
                value=new(statement.value),
            )
        case For():
            return _changed(
                statement, start=new(statement.start), stop=new(statement.stop), step=new(statement.step)
            )
        case While() | If():
            return _changed(statement, test=new(statement.test))
        case Push():
            return _changed(statement, stack=new(statement.stack), value=new(statement.value))
        case Pop():
            return _changed(statement, stack=new(statement.stack))
        case Return():
            return _changed(statement, values=_kept(statement.values, list(map(new, statement.values))))
    return statement


def map_targets(statement: Statement, new: Callable[[Var], Var]) -> Statement:
    """`statement` with `new` applied to the variables it itself assigns."""
    match statement:
        case Assign():
            return _changed(statement, targets=_kept(statement.targets, list(map(new, statement.targets))))
        case For():
            return _changed(statement, index=new(statement.index))
        case Pop():
            return _changed(statement, target=new(statement.target))
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
