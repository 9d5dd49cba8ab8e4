"""`Direction`: one derivative function of a rule, and which values it reads.

What comes in is a plain function such as ``sum_vjp(y_bar, y, a, axis=None)``; what goes out is that function
together with the names it reads, so that a tape keeps those values and only the `Spec` (shape and dtype) of
the others.
"""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable
from typing import Any


class Direction:
    """One named derivative function.

    Attributes:
        function: called as ``function(y_bar, y, *args, **kwargs)`` for a vjp,
            ``function(x_dot, y, *args, **kwargs)`` for a jvp and ``function(y, *args)`` for a partial.
        reads: the names of the parameters whose values are read; the others may arrive as a `Spec`.
        structured: whether a vjp takes a structured cotangent (`rules.structured`) as it is.
    """

    __slots__ = ("__dict__", "_leading", "_reads", "function", "structured")

    def __init__(
        self, function: Callable[..., Any], leading: int, reads: str | None = None, structured: bool = False
    ) -> None:
        self.function = function
        self._reads = reads
        self.structured = structured
        self._leading = leading

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @functools.cached_property
    def reads(self) -> frozenset[str]:
        """The names of the parameters whose values are read (found when asked: importing stays cheap)."""
        return frozenset(names_loaded(self.function) if self._reads is None else self._reads.split())

    @functools.cached_property
    def parameters(self) -> tuple[list[str], str | None]:
        """The positional parameters' names from ``y`` on, and the star parameter's if there is one."""
        parameters = inspect.signature(self.function).parameters.values()
        named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        star = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        return named[self._leading :], star[0] if star else None

    def keeps(self, count: int) -> tuple[bool, ...]:
        """Whether the values of ``y`` and of each of `count` positional arguments are read."""
        named, star = self.parameters
        names = [*named, *([star] * (count + 1 - len(named)))]
        return tuple(name in self.reads for name in names[: count + 1])

    def __repr__(self) -> str:
        return f"Direction({getattr(self.function, '__qualname__', self.function)})"


def names_loaded(function: Callable[..., Any]) -> set[str]:
    """The parameter names that the bytecode of `function` loads; all of them where it cannot tell."""
    code = getattr(function, "__code__", None)
    if code is None:
        return set(inspect.signature(function).parameters)
    names: set[str] = set(code.co_cellvars)
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith(("LOAD_FAST", "STORE_FAST_LOAD")):
            value = instruction.argval
            names.update(value if isinstance(value, tuple) else (value,))
    return names & set(inspect.signature(function).parameters)
