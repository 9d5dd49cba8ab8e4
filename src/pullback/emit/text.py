"""Pieces of Python text that know how tightly they bind and what they read when they are evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum


class Level(IntEnum):
    """How tightly an expression binds (*The Python Language Reference*, 6.17), loosest first."""

    TUPLE = 0
    CONDITIONAL = 1
    OR = 2
    AND = 3
    NOT = 4
    COMPARE = 5
    BIT_OR = 6
    BIT_XOR = 7
    BIT_AND = 8
    SHIFT = 9
    SUM = 10
    PRODUCT = 11
    UNARY = 12
    POWER = 13
    ATOM = 14


@dataclass(frozen=True, slots=True)
class Text:
    """An expression.

    Attributes:
        code: the Python text.
        level: of its outermost operator.
        cells: the variables it reads.
        memory: the names of the memory whose elements it reads.
        left, symbol, right: its operands where it is ``left symbol right``, for augmented assignments.
        negated: `x` where it is ``-x``.
    """

    code: str
    level: Level = Level.ATOM
    cells: frozenset[str] = frozenset()
    memory: frozenset[str] = frozenset()
    left: str = ""
    symbol: str = ""
    right: str = ""
    negated: Text | None = None

    def at(self, level: Level) -> str:
        """The code, in parentheses where it binds less tightly than `level`."""
        return self.code if self.level >= level else f"({self.code})"

    def reading(self, *parts: Text) -> Text:
        """The same text, which also reads what `parts` read."""
        cells = self.cells.union(*(part.cells for part in parts))
        memory = self.memory.union(*(part.memory for part in parts))
        return replace(self, cells=cells, memory=memory)


_LEVELS = {
    "+": Level.SUM, "-": Level.SUM, "*": Level.PRODUCT, "/": Level.PRODUCT, "//": Level.PRODUCT,
    "%": Level.PRODUCT, "@": Level.PRODUCT, "**": Level.POWER, "<": Level.COMPARE, "<=": Level.COMPARE,
    ">": Level.COMPARE, ">=": Level.COMPARE, "==": Level.COMPARE, "!=": Level.COMPARE,
    "&": Level.BIT_AND, "|": Level.BIT_OR, "^": Level.BIT_XOR, "<<": Level.SHIFT, ">>": Level.SHIFT,
    "and": Level.AND, "or": Level.OR,
}  # fmt: skip
_ASSOCIATIVE_TO_THE_LEFT = frozenset("+ - * / // % @ & | ^ << >> and or".split())


_OPPOSITE = {"+": "-", "-": "+"}


def binary(symbol: str, a: Text, b: Text) -> Text:
    """``a symbol b``."""
    if symbol in _OPPOSITE and b.negated:
        # `a + -b` is `a - b`, to the last bit.
        return binary(_OPPOSITE[symbol], a, b.negated.reading(b))
    level = _LEVELS[symbol]
    tighter = Level(level + 1)
    # `a < b < c` chains, `-a ** b` negates last, and `-b` may stand behind `**`.
    left = a.at(level if symbol in _ASSOCIATIVE_TO_THE_LEFT else tighter)
    right = b.at(Level.UNARY if symbol == "**" else tighter)
    augment = b.code if level >= Level.BIT_OR else ""
    return Text(
        f"{left} {symbol} {right}", level, left=a.code if augment else "", symbol=symbol, right=augment
    ).reading(a, b)


def unary(symbol: str, a: Text) -> Text:
    """``-a``, ``+a``, ``~a`` or ``not a``."""
    level = Level.NOT if symbol == "not" else Level.UNARY
    operand = a.at(level)
    space = " " if symbol == "not" else ""
    return Text(f"{symbol}{space}{operand}", level, negated=a if symbol == "-" else None).reading(a)


def call(function: str, *arguments: Text, **keywords: Text) -> Text:
    """``function(a, b, key=c)``."""
    parts = [a.at(Level.CONDITIONAL) for a in arguments]
    parts += [f"{key}={value.at(Level.CONDITIONAL)}" for key, value in keywords.items()]
    return Text(f"{function}({', '.join(parts)})").reading(*arguments, *keywords.values())


def conditional(test: Text, a: Text, b: Text) -> Text:
    """``a if test else b``."""
    code = f"{a.at(Level.OR)} if {test.at(Level.OR)} else {b.at(Level.CONDITIONAL)}"
    return Text(code, Level.CONDITIONAL).reading(test, a, b)


def subscript(array: Text, entries: list[Text]) -> Text:
    """``array[i, :, 1:n]``; ``array[()]`` with no entries."""
    inside = ", ".join(entry.at(Level.CONDITIONAL) for entry in entries) or "()"
    return Text(f"{array.at(Level.ATOM)}[{inside}]").reading(array, *entries)


def attribute(x: Text, name: str) -> Text:
    """``x.name``."""
    code = x.at(Level.ATOM)
    return Text(f"({code}).{name}" if code.isdigit() else f"{code}.{name}").reading(x)


def slice_of(start: Text | None, stop: Text | None, step: Text | None) -> Text:
    """``start:stop:step``, as it stands between brackets."""
    given = [part.at(Level.CONDITIONAL) if part else "" for part in (start, stop, step)]
    code = f"{given[0]}:{given[1]}" + (f":{given[2]}" if given[2] else "")
    return Text(code).reading(*(part for part in (start, stop, step) if part))


def tuple_of(parts: list[Text]) -> Text:
    """``(a, b)``."""
    inside = ", ".join(part.at(Level.CONDITIONAL) for part in parts)
    return Text(f"({inside},)" if len(parts) == 1 else f"({inside})").reading(*parts)
