"""The engine that a gradient takes where none is asked for: native for a function that stores into arrays."""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.api.arguments import key_of, leaves_of
from pullback.base.errors import UnsupportedError
from pullback.tape.node import ROOT
from pullback.tape.variable import Variable

if TYPE_CHECKING:
    from pullback.api.compiled import Compiled


@functools.lru_cache(maxsize=1024)
def has_stores(code: types.CodeType) -> bool:
    """Whether code, or that of a function defined in it, says ``a[i] = x`` or ``a[i] += x``."""
    if any(
        instruction.opname in ("STORE_SUBSCR", "STORE_SLICE") for instruction in dis.get_instructions(code)
    ):
        return True
    return any(has_stores(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))


class Automatic:
    """A plain function whose source stores into something: compiled where that is an array, else as it is.

    What is not in the native language stays eager, and so does a call with arrays of `pb.zeros` or
    `pb.Variable`, into which the eager engines write.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._compiled: Compiled | None = None
        self._eager: set[Any] = set()

    def choose(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """The compiled function, or the plain one, for these arguments."""
        try:
            key = key_of((args, kwargs), [])
        except UnsupportedError:
            return self.function
        if key in self._eager or any(map(_is_own, leaves_of((args, kwargs)))):
            return self.function
        try:
            return self._captured(args, kwargs)
        except UnsupportedError:
            return self.leave(args, kwargs)

    def leave(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """The plain function, for such arguments from now on."""
        self._eager.add(key_of((args, kwargs), []))
        return self.function

    def _captured(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        # The native engine is imported when it is used.
        from pullback.api.compiled import Compiled
        from pullback.ir.nodes import Store
        from pullback.ir.walk import walk

        if self._compiled is None:
            self._compiled = Compiled(self.function, effects=False)
        _, specialised = self._compiled.specialise(args, kwargs)
        body = specialised.captured.program.body
        if any(isinstance(statement, Store) for statement in walk(body)):
            return self._compiled
        return self.leave(args, kwargs)


def automatic(function: Callable[..., Any]) -> Automatic | None:
    """What chooses the engine of a function at each call; None for one that stays as it is."""
    if not isinstance(function, types.FunctionType) or not has_stores(function.__code__):
        return None
    # A gradient may be made anew for each call; what its function is compiled to is not. (`functools.wraps`
    # hands attributes on to a wrapper, which is another function.)
    known = function.__dict__.get("__automatic__")
    if known is None or known.function is not function:
        known = function.__dict__["__automatic__"] = Automatic(function)
    return known


def _is_own(leaf: Any) -> bool:
    """Whether an argument is an array of ours that no transform under way follows."""
    return isinstance(leaf, Variable) and leaf._tape is ROOT
