"""What every program obeys; checked after every pass in the tests.

Each name has one type; what is read has been assigned on every way to it; an assignment's types are those
NumPy gives; loops count with integers; `Return` ends the program and stands nowhere else. A statement stands
in one place, since passes tell statements apart by identity.
"""

from __future__ import annotations

from pullback.ir import primitives
from pullback.ir.build import operand_type, types_of_call
from pullback.ir.nodes import (
    Assign,
    Block,
    For,
    If,
    Operand,
    Pop,
    Program,
    Push,
    Return,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import Array, Scalar, Stack, Type
from pullback.ir.walk import assigns, reads, walk


class InvalidProgramError(Exception):
    """A pass has a defect: it made a program that breaks a rule."""


def verify(program: Program) -> None:
    """Raise `InvalidProgramError` with the statement and the rule it breaks."""
    if not program.body or not isinstance(program.body[-1], Return):
        raise InvalidProgramError(f"{program.name} does not end in a Return")
    seen: set[int] = set()
    for statement in walk(program.body):
        _require(id(statement) not in seen, "a statement stands in one place", statement)
        seen.add(id(statement))
    types: dict[str, Type] = {}
    for param in program.params:
        _declare(param, types, None)
    _block(program.body[:-1], {param.name for param in program.params}, types)
    known = {param.name for param in program.params} | _assigned(program.body)
    for value in program.results:
        if isinstance(value, Var) and value.name not in known:
            raise InvalidProgramError(f"{program.name} returns {value}, which nothing assigns")


def _declare(target: Var, types: dict[str, Type], statement: Statement | None) -> None:
    kind = types.setdefault(target.name, target.type)
    if kind != target.type:
        raise InvalidProgramError(f"{target} is {kind} and {target.type}: {statement}")


def _block(block: Block, known: set[str], types: dict[str, Type]) -> set[str]:
    """Check a block; `known` are the names assigned before it, and those after it are returned."""
    known = set(known)
    for statement in block:
        if isinstance(statement, Return):
            raise InvalidProgramError(f"a Return inside: {statement}")
        for variable in reads(statement):
            if variable.name not in known and not isinstance(statement, While):
                raise InvalidProgramError(f"{variable} is read before it is assigned: {statement}")
            _declare(variable, types, statement)
        for target in assigns(statement):
            _declare(target, types, statement)
        known = _inner(statement, known, types)
        _check(statement)
        known |= {target.name for target in assigns(statement) if not isinstance(statement, For)}
    return known


def _inner(statement: Statement, known: set[str], types: dict[str, Type]) -> set[str]:
    match statement:
        case For():
            inside = _block(statement.body, known | {statement.index.name}, types)
            # A loop may run zero times: what it is the first to assign and is read after it is, in Python,
            # an UnboundLocalError then, which capture guards.
            return known | inside
        case While():
            before = _block(statement.before, known, types)
            if isinstance(statement.test, Var) and statement.test.name not in before:
                raise InvalidProgramError(f"{statement.test} is read before it is assigned: {statement}")
            _block(statement.body, before, types)
            return before
        case If():
            # The reverse sweep reads in a branch what the same branch of the forward sweep has assigned.
            return _block(statement.then, known, types) | _block(statement.orelse, known, types)
    return known


def _check(statement: Statement) -> None:
    match statement:
        case Assign():
            _check_assign(statement)
        case Store():
            _check_store(statement)
        case For():
            for bound in (statement.start, statement.stop, statement.step):
                _require(operand_type(bound).dtype.kind in "iu", "a loop counts with integers", statement)
        case While() | If():
            _require(isinstance(operand_type(statement.test), Scalar), "a test is a number", statement)
        case Push():
            _check_stack(statement.stack, statement.value, statement)
        case Pop():
            _check_stack(statement.stack, statement.target, statement)


def _check_assign(statement: Assign) -> None:
    if statement.function is primitives.stack or not statement.targets:
        return
    kinds = types_of_call(statement.function, statement.args, dict(statement.kwargs))
    _require(len(kinds) == len(statement.targets), "as many targets as results", statement)
    for target, kind in zip(statement.targets, kinds, strict=True):
        _require(fits(kind, target.type), f"{target} is {target.type} and is given {kind}", statement)


def fits(kind: Type, target: Type) -> bool:
    """Whether a variable of type `target` may hold a value of type `kind`."""
    if isinstance(kind, Scalar) and isinstance(target, Scalar):
        return kind.dtype == target.dtype
    if isinstance(kind, Array) and isinstance(target, Array):
        return (
            (kind.dtype, kind.ndim) == (target.dtype, target.ndim)
            and kind.ones >= target.ones
            and target.layout in (kind.layout, "A")
        )
    return kind == target


def _check_store(statement: Store) -> None:
    kind = statement.array.type
    _require(isinstance(kind, Array), "a store is into an array", statement)


def _check_stack(stack: Var, value: Operand, statement: Statement) -> None:
    kind = stack.type
    _require(
        isinstance(kind, Stack) and fits(operand_type(value), kind.item), "a stack of its type", statement
    )


def _require(holds: bool, rule: str, statement: Statement) -> None:
    if not holds:
        raise InvalidProgramError(f"{rule}: {statement}")


def _assigned(block: Block) -> set[str]:
    return {target.name for statement in walk(block) for target in assigns(statement)}
