"""Statements as lines of Python: blocks, stores, loops, stacks, comments.

Temporaries that `inline` lets vanish wait as text until their reader takes them; a statement that would
change what such a text reads forces it out first, as an assignment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.base.location import Location
from pullback.emit import native
from pullback.emit.constants import array_constant, constant, dtype_name, quoted
from pullback.emit.elementwise import plain_number
from pullback.emit.expressions import expression, index_texts, is_reference, runs_in_python
from pullback.emit.functions import stores_in_python
from pullback.emit.inline import effects, nested
from pullback.emit.located import NOTE
from pullback.emit.names import identifiers
from pullback.emit.outline import Outline
from pullback.emit.text import Level, Text, call, subscript, tuple_of, unary
from pullback.ir import primitives
from pullback.ir.build import operand_type
from pullback.ir.memory import Memory
from pullback.ir.nodes import (
    Assign,
    Block,
    Checkpoint,
    Const,
    For,
    If,
    Pop,
    Program,
    Push,
    Raise,
    Return,
    Statement,
    Store,
    While,
)  # fmt: skip
from pullback.ir.types import Array, Scalar, Stack
from pullback.ir.views import gives_view
from pullback.ir.walk import assigns, reads, walk

_CHECKS = frozenset([native.check_divisor, native.check_fits, native.check_index, native.check_indices])
INDENT = "    "
MAX_WIDTH = 92
MAX_TUPLE = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source and the place in the user's code it comes from."""

    text: str
    location: Location | None


@dataclass(slots=True)
class _Waiting:
    statement: Assign
    text: Text


class Writer:
    """Writes a program's body.

    Attributes:
        lines: what is written so far.
        names: what the program's variables are called in the source.
        outline: the functions that run in Python, to be defined above.
        arrays: constant arrays, to be defined above, by the names they have.
        exceptions: the modules of the exceptions that are raised, by their names.
    """

    def __init__(self, program: Program, *, checked: bool = False) -> None:
        self._empty = "native.empty" if checked else "np.empty"
        self.lines: list[Line] = []
        self.arrays: dict[str, str] = {}
        self.exceptions: dict[str, str] = {}
        self.names = _names_of(program)
        self.outline = Outline([*self.names.values(), program.name])
        self._memory = Memory(program, apart=False)
        self._nested = nested(program)
        self._waiting: dict[str, _Waiting] = {}
        self._depth = 1
        self._comment = ""
        self._location: Location | None = None

    def block(self, block: Block) -> None:
        """Write an indented block."""
        outer, self._waiting = self._waiting, {}
        start = len(self.lines)
        for statement in block:
            self._statement(statement)
        self._flush()
        if len(self.lines) == start:
            self._line("pass")
        self._waiting = outer

    def _statement(self, statement: Statement) -> None:
        write = {
            Assign: self._assign, Store: self._store, For: self._for, While: self._while, If: self._if,
            Checkpoint: self._if, Raise: self._raise, Push: self._push, Pop: self._pop, Return: self._return,
        }[type(statement)]  # fmt: skip
        write(statement)

    # Lines -----------------------------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        self.lines.append(Line(INDENT * self._depth + text, self._location))

    def _begin(self, statement: Statement) -> None:
        """What precedes a statement's own lines: texts it would invalidate, then its comment."""
        cells, stored = effects(statement, self._memory)
        self._flush(cells, stored)
        self._location = statement.location
        if statement.comment and statement.comment != self._comment:
            for line in statement.comment.splitlines():
                self._line(f"# {line}")
        self._comment = statement.comment

    def _flush(self, cells: frozenset[str] | None = None, stored: frozenset[str] = frozenset()) -> None:
        """Write out the texts that wait: all, or those that read one of `cells` or of `stored` memory."""
        for name in list(self._waiting):
            waiting = self._waiting.get(name)
            if waiting is None:
                continue
            text = waiting.text
            if cells is None or text.cells & cells or text.memory & stored:
                del self._waiting[name]
                self._emit_assign(waiting.statement, text)

    # Operands --------------------------------------------------------------------------------------------

    def read(self, arg: Any) -> Text:
        """The text of an operand or tuple; a text that waits for this reader is taken."""
        if isinstance(arg, tuple):
            return tuple_of([self.read(part) for part in arg])
        if isinstance(arg, Const):
            if isinstance(arg.value, np.ndarray):
                return Text(self._array(arg.value))
            return constant(arg.value)
        waiting = self._waiting.pop(arg.name, None)
        if waiting is not None:
            return waiting.text
        name = self.names[arg.name]
        return Text(name, cells=frozenset([arg.name]))

    def _array(self, value: np.ndarray) -> str:
        code = array_constant(value)
        for name, known in self.arrays.items():
            if known == code:
                return name
        name = f"CONSTANT_{len(self.arrays)}"
        self.arrays[name] = code
        return name

    # Statements ------------------------------------------------------------------------------------------

    def _assign(self, statement: Assign) -> None:
        if statement.function is primitives.stack:
            self._new_stack(statement)
            return
        note = ""
        if statement.function in _CHECKS:
            # What is checked is for the reader, and for errors to say.
            *checked, name = statement.args
            assert isinstance(name, Const)
            statement, note = replace(statement, args=tuple(checked)), f"{NOTE}{name.value}"
        if runs_in_python(statement):
            text = self.outline.call(statement, self.read)
        else:
            text = expression(statement, self.read)
        if note:
            text = replace(text, code=text.code + note)
        if not is_reference(statement):
            text = self._with_memory(text, statement)
        if not statement.targets:
            self._emit_assign(statement, text)
            return
        target = statement.targets[0]
        if len(text.code) <= MAX_WIDTH and target.name in self._nested:
            self._waiting[target.name] = _Waiting(statement, text)
            return
        self._emit_assign(statement, text)

    def _with_memory(self, text: Text, statement: Statement) -> Text:
        """`text`, which reads the elements of every array the statement mentions."""
        groups = {self._memory.group(x.name) for x in reads(statement) if isinstance(x.type, Array)}
        return text.reading(Text("", memory=frozenset(groups)))

    def _emit_assign(self, statement: Assign, text: Text) -> None:
        self._begin(statement)
        targets = ", ".join(self.names[target.name] for target in statement.targets)
        if not runs_in_python(statement) and gives_view(statement):
            text = call(f"{text.at(Level.ATOM)}.copy")
        if not targets:
            self._line(text.code)
        elif isinstance(statement.targets[0].type, Scalar) and text.left == targets:
            self._line(f"{targets} {text.symbol}= {text.right}")
        else:
            self._line(f"{targets} = {text.code}")

    def _store(self, statement: Store) -> None:
        kind = statement.array.type
        assert isinstance(kind, Array)
        if stores_in_python(statement):
            text = self.outline.store(statement, self.read)
            self._begin(statement)
            self._line(text.code)
            return
        value = plain_number(statement.value, kind.dtype) or self.read(statement.value)
        place = subscript(Text(self.names[statement.array.name]), index_texts(statement.index, self.read))
        self._begin(statement)
        value_kind = operand_type(statement.value)
        if statement.accumulate:
            code, symbol = (value.negated.code, "-") if value.negated else (value.code, "+")
            if isinstance(value_kind, Scalar) and value_kind.weak and value_kind.dtype != kind.dtype:
                code = f"{dtype_name(kind.dtype)}({code})"
            self._line(f"{place.code} {symbol}= {code}")
        elif value.left == place.code and value_kind.dtype == kind.dtype:
            self._line(f"{place.code} {value.symbol}= {value.right}")
        else:
            self._line(f"{place.code} = {value.code}")

    def _for(self, statement: For) -> None:
        start, stop, step = (self.read(x) for x in (statement.start, statement.stop, statement.step))
        bounds = [start, stop, step]
        if step.code == "1":
            bounds = [stop] if start.code == "0" else [start, stop]
        self._begin(statement)
        self._line(f"for {self.names[statement.index.name]} in {call('range', *bounds).code}:")
        self._inner(statement.body)

    def _inner(self, block: Block) -> None:
        self._depth += 1
        self.block(block)
        self._depth -= 1

    def _while(self, statement: While) -> None:
        self._begin(statement)
        start = len(self.lines)
        self._line("while True:")
        self._depth += 1
        outer, self._waiting = self._waiting, {}
        for inner in statement.before:
            self._statement(inner)
        test = self.read(statement.test)
        self._flush()
        self._waiting = outer
        if len(self.lines) == start + 1:
            head = self.lines[start]
            self.lines[start] = Line(head.text.replace("while True:", f"while {test.code}:"), head.location)
        else:
            self._line(f"if {unary('not', test).code}:")
            self._line(INDENT + "break")
        self._depth -= 1
        self._inner(statement.body)

    def _if(self, statement: If, word: str = "if") -> None:
        test = self.read(statement.test)
        then, orelse = statement.then, statement.orelse
        if not then and orelse:
            test, then, orelse = unary("not", test), orelse, ()
        self._begin(statement)
        self._line(f"{word} {test.code}:")
        self._inner(then)
        if not orelse:
            return
        start = len(self.lines)
        self._line("else:")
        self._inner(orelse)
        self._chain(start)

    def _chain(self, start: int) -> None:
        """``else: if`` as ``elif`` where the block after `start` is one ``if`` and what belongs to it."""
        inner = self.lines[start + 1 :]
        margin = INDENT * (self._depth + 1)
        own = [line.text[len(margin) :] for line in inner if not line.text[len(margin) :].startswith(" ")]
        first, rest = own[0], own[1:]
        if first.startswith("if ") and all(text.startswith(("elif ", "else:")) for text in rest):
            head = Line(INDENT * self._depth + "el" + first, inner[0].location)
            self.lines[start:] = [
                head, *(Line(line.text[len(INDENT) :], line.location) for line in inner[1:])
            ]  # fmt: skip

    def _raise(self, statement: Raise) -> None:
        self._begin(statement)
        name, module = statement.exception.__qualname__, statement.exception.__module__
        if module != "builtins":
            self.exceptions[name] = module
        self._line(f"raise {name}({quoted(statement.message)})")

    # Stacks: arrays go to a list, numbers to a flat array that doubles, which costs a twelfth of a list ----

    def _new_stack(self, statement: Assign) -> None:
        target = statement.targets[0]
        assert isinstance(target.type, Stack)
        self._begin(statement)
        name, item = self.names[target.name], target.type.item
        if isinstance(item, Array):
            self._line(f"{name} = []")
            return
        self._line(f"{name} = {self._empty}(64, dtype={dtype_name(item.dtype)})")
        self._line(f"{self.names[target.name + '.top']} = 0")

    def _push(self, statement: Push) -> None:
        kind = statement.stack.type
        assert isinstance(kind, Stack)
        value = self.read(statement.value)
        self._begin(statement)
        name = self.names[statement.stack.name]
        if isinstance(kind.item, Array):
            self._line(f"{name}.append({value.code})")
            return
        top = self.names[statement.stack.name + ".top"]
        self._line(f"if {top} == {name}.size:")
        self._line(f"{INDENT}{name} = native.reserve({name}, {top} + 1)")
        self._line(f"{name}[{top}] = {value.code}")
        self._line(f"{top} += 1")

    def _pop(self, statement: Pop) -> None:
        kind = statement.stack.type
        assert isinstance(kind, Stack)
        self._begin(statement)
        name, target = self.names[statement.stack.name], self.names[statement.target.name]
        if isinstance(kind.item, Array):
            self._line(f"{target} = {name}.pop()")
            return
        top = self.names[statement.stack.name + ".top"]
        self._line(f"{top} -= 1")
        self._line(f"{target} = {name}[{top}]")

    def _return(self, statement: Return) -> None:
        values = [self.read(value) for value in statement.values]
        self._begin(statement)
        # Longer tuples CPython builds from a list, which Numba does not understand.
        parts = [tuple_of(values[i : i + MAX_TUPLE]).code for i in range(0, max(1, len(values)), MAX_TUPLE)]
        self._line(f"return {' + '.join(parts)}")


def _names_of(program: Program) -> dict[str, str]:
    """An identifier for each variable, and for each stack of numbers one for its height."""
    wishes = [param.name for param in program.params]
    stacks: list[str] = []
    for statement in walk(program.body):
        for variable in (*assigns(statement), *reads(statement)):
            wishes.append(variable.name)
            if isinstance(variable.type, Stack):
                stacks.append(f"{variable.name}.top")
    return identifiers([*wishes, *stacks], taken=[program.name])
