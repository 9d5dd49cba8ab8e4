"""A function being inlined, what its capture depends on, and the error for what has to be static."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pullback.base.errors import UnsupportedError
from pullback.capture.liveness import Liveness, reads
from pullback.capture.source import Source
from pullback.capture.values import is_lent, is_number
from pullback.ir.nodes import Var


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold at a later call for a capture to be right: ``getter()`` still gives `value`."""

    description: str
    getter: Callable[[], Any]
    value: Any

    def holds(self) -> bool:
        try:
            now = self.getter()
        except (AttributeError, KeyError, ValueError, IndexError):
            return False
        if now is self.value:
            return True
        return is_number(now) and type(now) is type(self.value) and repr(now) == repr(self.value)


class StaticNeededError(UnsupportedError):
    """A value known only at run time stands where the program's form depends on it: an axis, a tuple's index.

    Attributes:
        operand: the variable that holds it.
        position: of that variable among the parameters, if it is one: capture again with its value static.
    """

    operand: Var | None = None
    position: int | None = None


@dataclass(eq=False)
class Frame:
    """A function being inlined: its names and what they stand for.

    Attributes:
        parent: the frame a nested function was defined in.
        function: the Python function, for its globals and closure; None for a nested one.
        env: names to values; a name that is absent is unbound. Flags have names that start with ``$``.
        statement: what is being captured.
        storing: whether all that is left of it is one store, so that nothing else of it is read any more.
        inner: whether it is the scope of a comprehension.
        called_at: the call that it is the body of.
        path: the calls and unrolled iterations that lead here, which tell captures of one loop apart.
    """

    source: Source
    liveness: Liveness
    local_names: frozenset[str]
    parent: Frame | None
    function: Any
    env: dict[str, Any] = field(default_factory=dict)
    path: tuple[Any, ...] = ()
    statement: ast.AST | None = None
    storing: bool = False
    inner: bool = False
    called_at: ast.AST | None = None
    declared_global: set[str] = field(default_factory=set)

    def may_read(self, name: str) -> bool:
        """Whether a name may still be read after or in the statement being captured."""
        after = self.liveness.after.get(id(self.statement))
        if after is None or name.startswith("$") or is_lent(name) or not isinstance(self.statement, ast.stmt):
            return True
        return name in after or (not self.storing and name in reads(self.statement, self.liveness.always))

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def globals(self) -> dict[str, Any]:
        """The globals of the function, or of the one that a nested function is defined in."""
        frame: Frame | None = self
        while frame is not None and frame.function is None:
            frame = frame.parent
        return getattr(frame.function, "__globals__", {}) if frame is not None else {}
