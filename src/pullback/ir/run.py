"""The reference interpreter: runs a program statement by statement on NumPy values.

It is slow and has no cleverness in it, so that what it computes is what the program means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Const,
    For,
    If,
    Pop,
    Program,
    Push,
    Raise,
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.primitives import ALIASING
from pullback.ir.types import MAKES_ARRAYS, as_operator, number
from pullback.ir.views import shares


def run(program: Program, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """The values the program returns for these arguments, which it may write into.

    Raises:
        what the program's own `Raise` statements, and NumPy, raise.
    """
    values = {param.name: value for param, value in zip(program.params, arguments, strict=True)}
    with np.errstate(all="ignore"):
        _block(program.body[:-1], values)
    return tuple(_value(result, values) for result in program.results)


def _block(block: Block, values: dict[str, Any]) -> None:
    for statement in block:
        _statement(statement, values)


def _statement(statement: Statement, values: dict[str, Any]) -> None:
    match statement:
        case Assign():
            _assign(statement, values)
        case Store():
            _store(statement, values)
        case For():
            start, stop, step = (_value(x, values) for x in (statement.start, statement.stop, statement.step))
            for index in range(start, stop, step):
                values[statement.index.name] = index
                _block(statement.body, values)
        case While():
            _block(statement.before, values)
            while _value(statement.test, values):
                _block(statement.body, values)
                _block(statement.before, values)
        case If():
            _block(statement.then if _value(statement.test, values) else statement.orelse, values)
        case Raise():
            raise statement.exception(statement.message)
        case Push():
            values[statement.stack.name].append(_value(statement.value, values))
        case Pop():
            values[statement.target.name] = values[statement.stack.name].pop()
        case Return():
            raise AssertionError("a Return that is not the last statement")


def _assign(statement: Assign, values: dict[str, Any]) -> None:
    args = tuple(_value(arg, values) for arg in statement.args)
    kwargs = {name: _value(arg, values) for name, arg in statement.kwargs}
    result = as_operator(statement.function, args)(*args, **kwargs)
    if len(statement.targets) == 1:
        if statement.function in ALIASING:
            values[statement.targets[0].name] = result
            return
        result = _own(result, args)
        values[statement.targets[0].name] = result if statement.function in MAKES_ARRAYS else number(result)
        return
    for target, part in zip(statement.targets, result, strict=True):
        values[target.name] = number(_own(part, args))


def _own(result: Any, args: tuple[Any, ...]) -> Any:
    """What a call gives in memory of its own."""
    return result.copy() if shares(result, args) else result


def _store(statement: Store, values: dict[str, Any]) -> None:
    array = values[statement.array.name]
    index = tuple(_value(entry, values) for entry in statement.index)
    value = _value(statement.value, values)
    if not statement.accumulate:
        array[index] = value
    elif any(isinstance(entry, np.ndarray) for entry in index):
        np.add.at(array, index, value)
    else:
        array[index] += value


def _value(arg: Arg, values: dict[str, Any]) -> Any:
    if isinstance(arg, Var):
        return values[arg.name]
    if isinstance(arg, Const):
        return arg.value
    if isinstance(arg, Slice):
        return slice(*(None if x is None else _value(x, values) for x in (arg.start, arg.stop, arg.step)))
    return tuple(_value(part, values) for part in arg)
