"""Lowering: a program over arrays becomes one over scalars, with a loop nest where an array is written.

Each assigned array is *delayed* (`optimize.delayed`): used once, its elements are computed inside the loops
of what uses it; used more often, or where what it reads changes in between, it is written into memory at its
definition, in a loop nest of its own. What nothing here can write as loops stays a call on arrays in memory.
The meaning is that of the program before: NumPy's order of reads and writes is kept, lengths that have to
agree are checked ahead of the loops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pullback.ir import primitives
from pullback.ir.build import Names, operand_type
from pullback.ir.lengths import check_length, known_lengths
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
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.primitives import ALIASING
from pullback.ir.types import Array, Scalar, Stack
from pullback.ir.verify import fits
from pullback.ir.walk import assigns, walk
from pullback.optimize import arrays
from pullback.optimize.arrays.products import in_part
from pullback.optimize.delayed import Delayed, Index, Value, in_memory, mapped
from pullback.optimize.emitter import Emitter
from pullback.optimize.owned import owned_cells
from pullback.optimize.rewrites import rewrite
from pullback.optimize.slices import OpaqueError
from pullback.optimize.store import store, store_whole
from pullback.optimize.uses import Uses

TOPICS = arrays.__all__
"""What is written as loops, by topic."""


def lower(program: Program) -> Program:
    """The same function with its array statements as fused loop nests over scalars."""
    uses = Uses(program)
    unsteady: set[str] = set()
    while True:
        attempt = _Lowering(program, uses, unsteady)
        try:
            lowered = attempt.program()
        except Exception:
            # With a wrong shape anything may happen.
            if not attempt.wrong:
                raise
        else:
            if not attempt.wrong:
                return lowered
        unsteady |= attempt.wrong


class _Lowering:
    """One attempt.

    A variable that is assigned arrays in several places is taken to have the shape of the first of them, but
    for those in `unsteady`.
    """

    def __init__(self, program: Program, uses: Uses, unsteady: set[str]) -> None:
        self._source = program
        self._uses = uses
        self._unsteady = set(unsteady)
        self.wrong: set[str] = set()
        self._shapes: dict[str, Index] = {}
        self._known = known_lengths(program)
        params = {param.name for param in program.params}
        stacks = {
            t.name
            for s in walk(program.body)
            for t in assigns(s)
            if isinstance(t.type, Stack) or isinstance(s, Pop)
        }
        self._e = Emitter(Names(params | stacks | self._uses.cells), self._uses.cells)
        self._owned = owned_cells(program, uses) - unsteady
        self._values: dict[str, Any] = {}
        self._position = -1

    def program(self) -> Program:
        for param in self._source.params:
            value = self._located(param, param.name)
            if param.name not in self._uses.cells:
                self._values[param.name] = value
            elif isinstance(value, Delayed):
                self._shapes[param.name] = value.shape
        params = {param.name: param for param in self._source.params}
        for (name, axis), known in self._known.items():
            check_length(self._e, params[name], axis, known.length)
        self._block(self._source.body)
        return Program(self._source.name, self._source.params, self._e.statements())

    def _block(self, block: Block) -> None:
        for statement in block:
            self._position += 1
            self._e.location, self._e.comment = statement.location, statement.comment
            with self._e.statement():
                self._statement(statement)

    def _inner(self, block: Block) -> Block:
        with self._e.branch() as body:
            self._block(block)
        return tuple(body)

    def _statement(self, statement: Statement) -> None:
        match statement:
            case Assign():
                self._assign(statement)
            case Store():
                store(
                    self._e,
                    self._value(statement.array),
                    self._value(statement.index),
                    self._value(statement.value),
                    accumulate=statement.accumulate,
                )
            case For():
                self._for(statement)
            case While():
                self._while(statement)
            case If() if any(statement is known.check for known in self._known.values()):
                self._inner(statement.then)  # counted only: in here the length is a number
            case If():
                test = self._operand(statement.test)
                then = self._inner(statement.then)
                self._e.add(replace(statement, test=test, then=then, orelse=self._inner(statement.orelse)))
            case Push():
                stack = _relaxed(statement.stack)
                self._e.add(replace(statement, stack=stack, value=self._operand(statement.value)))
            case Pop():
                target = _relaxed(statement.target)
                self._e.add(replace(statement, target=target, stack=_relaxed(statement.stack)))
                self._popped(target)
            case Return():
                self._e.add(replace(statement, values=tuple(self._operand(x) for x in statement.values)))
            case _:
                self._e.add(statement)

    def _popped(self, target: Var) -> None:
        """A variable that got what it is from a stack, an array of any shape."""
        if target.name not in self._e.cells:
            self._values[target.name] = self._located(target, target.name)
        elif isinstance(target.type, Array) and target.name not in self._unsteady:
            self.wrong.add(target.name)

    # Loops

    def _for(self, statement: For) -> None:
        e, name = self._e, statement.index.name
        start, stop, step = (self._operand(x) for x in (statement.start, statement.stop, statement.step))
        index = e.var(name, statement.index.type)
        upward = isinstance(step, Const) and step.value > 0 and e.extents.is_natural(start)
        if upward or (
            isinstance(step, Const) and isinstance(stop, Const) and step.value < 0 <= stop.value + 1
        ):
            e.extents.natural(index.name)
        self._values[name] = index
        with e.branch() as body:
            if name in e.cells:
                e.add(Assign((statement.index,), primitives.bind, (index,)))
            self._block(statement.body)
        if name in e.cells:
            del self._values[name]
        e.add(replace(statement, index=index, start=start, stop=stop, step=step, body=tuple(body)))

    def _while(self, statement: While) -> None:
        with self._e.branch() as before:
            self._block(statement.before)
            test = self._operand(statement.test)
        self._e.add(replace(statement, before=tuple(before), test=test, body=self._inner(statement.body)))

    # Values

    def _value(self, arg: Arg) -> Any:
        """An argument with the variables of the new program and delayed arrays in it."""
        if isinstance(arg, Var):
            if arg.name in self._values:
                return self._values[arg.name]
            return self._located(_relaxed(arg), arg.name)
        if isinstance(arg, tuple):
            return tuple(self._value(part) for part in arg)
        if isinstance(arg, Slice):
            parts = (arg.start, arg.stop, arg.step)
            return Slice(*(None if x is None else self._value(x) for x in parts))
        return arg

    def _operand(self, arg: Arg, *, contiguous: bool = False) -> Any:
        """An argument with arrays in memory."""
        return self._in_memory(self._value(arg), contiguous)

    def _in_memory(self, value: Any, contiguous: bool) -> Any:
        if isinstance(value, tuple):
            return tuple(self._in_memory(part, contiguous) for part in value)
        if not isinstance(value, Delayed):
            return value
        return self._e.contiguous(value) if contiguous else self._e.variable(value)

    def _located(self, variable: Var, name: str) -> Any:
        """A variable of the new program that holds what `name` does in the old one."""
        kind = variable.type
        if not isinstance(kind, Array):
            return variable
        shape = self._shapes.get(name) or tuple(
            Const(self._known[name, axis].length)
            if (name, axis) in self._known
            else self._e.dim(variable, axis)
            for axis in range(kind.ndim)
        )
        for extent in shape:
            if isinstance(extent, Var):
                self._e.extents.natural(extent.name)
        memory = self._uses.memory(name)
        self._e.memory[variable.name] = memory
        return in_memory(variable, shape, frozenset((memory,)), frozenset((name,)) & self._e.cells)

    # Assignments

    def _assign(self, statement: Assign) -> None:
        args = tuple(self._value(arg) for arg in statement.args)
        kwargs = {key: self._value(arg) for key, arg in statement.kwargs}
        wish = statement.targets[0].name if statement.targets else "t"
        if wish not in self._e.cells:
            part = in_part(self._e, statement, args, self._uses.readers(wish))
            if part is not None and self._may_wait(wish, part):
                self._values[wish] = part
                return
        try:
            result = rewrite(self._e, statement.function, args, kwargs, wish)
        except OpaqueError:
            self._opaque(statement, args, kwargs)
            return
        results = result if len(statement.targets) > 1 else (result,)
        for target, part in zip(statement.targets, results, strict=True):
            self._define(target, part, statement.function)

    def _opaque(self, statement: Assign, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The call as it is, on arrays in memory."""
        e = self._e
        contiguous = statement.function not in ALIASING
        operands = tuple(self._in_memory(arg, contiguous) for arg in args)
        keywords = {key: self._in_memory(arg, contiguous) for key, arg in kwargs.items()}
        if statement.function is primitives.stack or not statement.targets:
            targets = tuple(_relaxed(target) for target in statement.targets)
            e.add(replace(statement, targets=targets, args=operands, kwargs=tuple(keywords.items())))
            for target in targets:
                self._values[target.name] = target
            return
        results = e.call(statement.function, *operands, name=statement.targets[0].name, **keywords)
        for target, result in zip(
            statement.targets, results if isinstance(results, tuple) else (results,), strict=True
        ):
            if target.name in self._owned:
                self._update(target.name, self._located(result, target.name))
            elif target.name in e.cells:
                value = self._located(result, target.name) if isinstance(result.type, Array) else None
                if value is not None:
                    self._keep_shape(target.name, value.shape)
                self._bind(target, result)
            else:
                self._values[target.name] = self._located(result, target.name)

    def _define(self, target: Var, value: Value, function: Callable[..., Any]) -> None:
        """``target = value``."""
        e, name = self._e, target.name
        if isinstance(value, Delayed) and not isinstance(target.type, Array):
            value = e.read(value, ())
        if not isinstance(value, Delayed) or not isinstance(target.type, Array):
            if name in e.cells:
                self._bind(target, value)
            else:
                mutable = isinstance(value, Var) and value.name in e.cells
                self._values[name] = e.call(primitives.bind, value, name=name) if mutable else value
            return
        assert (value.ndim, value.dtype) == (target.type.ndim, target.type.dtype), f"{target} = {function}"
        if value.place is not None and function not in ALIASING and value.memory:
            value = mapped(value, value.shape, lambda e, index: index)
        if name in self._owned:
            self._update(name, value)
        elif name in e.cells:
            self._keep_shape(name, value.shape)
            self._bind(target, e.variable(value, name))
        else:
            made_here = value.place is not None and not value.memory
            wait = not made_here and self._may_wait(name, value)
            self._values[name] = value if wait else self._settled(name, value)

    def _update(self, name: str, value: Delayed) -> None:
        """Assign a variable that owns its array: memory of its own at first, then in place."""
        e = self._e
        own = self._values.get(name)
        if own is None:
            fresh = e.copied(value, name)
            variable = e.variable(fresh)
            # Nothing else refers to it, whatever the variable was assigned in the original program.
            e.memory[variable.name] = variable.name
            memory = frozenset((self._uses.memory(name),))
            self._values[name] = in_memory(variable, fresh.shape, memory, frozenset((name,)))
        elif all(e.extents.equal(n, m) for n, m in zip(own.shape, value.shape, strict=True)):
            store_whole(e, own, value)
        else:
            self.wrong.add(name)

    def _keep_shape(self, name: str, shape: Index) -> None:
        """Note the shape of the first array that a variable refers to; hold the others to it."""
        if name in self._unsteady:
            return
        first = self._shapes.get(name)
        if first is None:
            if not self._uses.dominates(name, self._position):
                self._unsteady.add(name)
            else:
                self._shapes[name] = shape
        elif not all(self._e.extents.equal(n, m) for n, m in zip(first, shape, strict=True)):
            self.wrong.add(name)

    def _bind(self, target: Var, value: Any) -> None:
        """Assign a variable that is assigned elsewhere too."""
        e, cell = self._e, _relaxed(target)
        if isinstance(cell.type, Scalar):
            e.assign(cell, value)
            return
        if not fits(operand_type(value), cell.type):
            value = e.variable(e.copied(self._located(value, target.name), target.name))
        e.memory[cell.name] = self._uses.memory(target.name)
        e.add(Assign((cell,), primitives.bind, (value,)))

    def _may_wait(self, name: str, value: Delayed) -> bool:
        """Whether the elements of an array may be computed where they are used, and not here."""
        uses, at = self._uses, self._position
        if not uses.dominates(name, at):
            return False
        if value.place is not None:
            return not uses.changes(name, at, frozenset(), value.cells)
        if uses.is_stored(name) or uses.changes(name, at, value.memory, value.cells):
            return False
        if not value.work:
            return True
        # Its lengths are known ahead of its elements.
        readers = [s for s in uses.readers(name) if not _measures(s)]
        return len(readers) <= 1 and not uses.repeats(name, at)

    def _settled(self, name: str, value: Delayed) -> Delayed:
        """`value` in memory under the name it has in the program."""
        e, memory = self._e, self._uses.memory(name)
        variable = e.variable(value, name)
        if variable.name in e.cells:
            variable = e.call(primitives.bind, variable, name=name)
        e.memory[variable.name] = memory
        return in_memory(variable, value.shape, frozenset((memory,)), frozenset())


def _measures(statement: Statement) -> bool:
    return isinstance(statement, Assign) and statement.function is primitives.dim


def _relaxed(cell: Var) -> Var:
    """A variable assigned in several places, for arrays in the layouts that lowering gives them."""
    kind = cell.type
    if isinstance(kind, Array) and kind.layout == "F":
        return Var(cell.name, replace(kind, layout="A"))
    if isinstance(kind, Stack) and isinstance(kind.item, Array) and kind.item.layout == "F":
        return Var(cell.name, Stack(replace(kind.item, layout="A")))
    return cell
