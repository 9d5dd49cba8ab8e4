"""`Operation`: a program as one differentiable operation on flat arguments, compiled when first run.

Every engine can record it: its rule is its own adjoint and tangent, by the arguments that the engine follows,
which are operations again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.api.fitting import coerced
from pullback.api.recipe import Interface, Recipe, Step
from pullback.base.dispatch import tracked_in
from pullback.ir.nodes import Program
from pullback.ir.types import is_inexact
from pullback.rules.table import several
from pullback.tape.variable import Variable

if TYPE_CHECKING:
    from pullback.api.bounded import Bounded


class Operation:
    """A program without effects, as a function of its parameters that returns the tuple of its results.

    Attributes:
        recipe: makes the program, lowered.
        jit: compiled by Numba, or run by CPython.
        memory: what reverse mode may allocate, in bytes; None for as much as it likes.
    """

    def __init__(self, recipe: Recipe, *, jit: bool = True, memory: int | None = None) -> None:
        self.recipe = recipe
        self.jit = jit
        self.memory = memory
        self.__name__ = recipe.interface.name
        self._derived: dict[Any, Operation] = {}
        self._bounded: dict[Any, Bounded] = {}
        self._followed: dict[Any, Followed] = {}

    @functools.cached_property
    def run(self) -> Callable[..., tuple[Any, ...]]:
        """The callable on arguments of just the program's types."""
        return self.recipe.load(jit=self.jit)

    @property
    def program(self) -> Program:
        """The program, lowered."""
        return self.recipe.program

    @property
    def interface(self) -> Interface:
        """The program's parameters and results."""
        return self.recipe.interface

    def __call__(self, *leaves: Any) -> tuple[Any, ...]:
        found = tracked_in(leaves)
        if found:
            owner: Any = max(found, key=lambda tracked: tracked.level)
            recorded = isinstance(owner, Variable)
            results = owner.__array_function__(self._following(leaves, recorded), (type(owner),), leaves, {})
            return results[: len(self.interface.results)]
        types = [param.type for param in self.interface.params]
        return self.run(*(coerced(leaf, kind) for leaf, kind in zip(leaves, types, strict=True)))

    @property
    def inexact_results(self) -> tuple[int, ...]:
        """The positions of the results that can be differentiated."""
        return tuple(k for k, kind in enumerate(self.interface.results) if is_inexact(kind))

    def adjoint(
        self, wrt: Sequence[int], of: Sequence[int], *, steep: Sequence[int] = ()
    ) -> Operation | Bounded:
        """Reverse mode: takes cotangents of the results `of` too, and returns those of `wrt`.

        Args:
            steep: the results whose cotangents may be infinite.
        """
        key = (tuple(wrt), tuple(of), tuple(steep))
        if self.memory is None:
            return self._derive("adjoint", *key)
        if key not in self._bounded:
            from pullback.api.bounded import Bounded

            self._bounded[key] = Bounded(
                self.program, wrt, of, self.memory, jit=self.jit, steep=steep, operation=self
            )
        return self._bounded[key]

    def halved(self, wrt: Sequence[int], of: Sequence[int]) -> tuple[Operation, Operation]:
        """Reverse mode in two (`transform.halves`): the results and what is kept, then the cotangents."""
        keys = [("halved", tuple(wrt), (*of, k)) for k in range(2)]
        if keys[0] not in self._derived:
            recipes = self.recipe.halved(tuple(wrt), tuple(of))
            self._derived |= {
                key: Operation(recipe, jit=self.jit) for key, recipe in zip(keys, recipes, strict=True)
            }
        return self._derived[keys[0]], self._derived[keys[1]]

    def several(self, wrt: Sequence[int], of: Sequence[int], copies: int) -> Operation:
        """As `adjoint`, for so many cotangents of each of the results, whose own lie along a first axis.

        Raises:
            UnsupportedError: where that cannot be written in one program.
        """
        key = ("several", tuple(wrt), (*of, copies))
        if key not in self._derived:
            recipe = self.recipe.then("several", tuple(wrt), tuple(of), copies)
            self._derived[key] = Operation(recipe, jit=self.jit)
        return self._derived[key]

    def tangent(self, wrt: Sequence[int], of: Sequence[int]) -> Operation:
        """Forward mode: takes tangents of the parameters `wrt` too, returns those of the results `of` too."""
        return self._derive("tangent", tuple(wrt), tuple(of))

    def _derive(self, step: Step, *asked: Any) -> Operation:
        key = (step, *asked)
        if key not in self._derived:
            self._derived[key] = Operation(self.recipe.then(step, *asked), jit=self.jit, memory=self.memory)
        return self._derived[key]

    def _following(self, leaves: tuple[Any, ...], recorded: bool) -> Followed:
        """The operation as an engine follows it by some of the arguments; `recorded` for the way back."""
        wrt = tuple(
            k
            for k, (leaf, param) in enumerate(zip(leaves, self.interface.params, strict=True))
            if is_inexact(param.type) and tracked_in((leaf,))
        )
        key = recorded, wrt
        if key not in self._followed:
            self._followed[key] = (Recorded if recorded and self._has_halves(wrt) else Followed)(self, wrt)
        return self._followed[key]

    def _has_halves(self, wrt: tuple[int, ...]) -> bool:
        of = self.inexact_results
        if self.memory is not None or not wrt or not all(self.interface.computed[k] for k in of) or not of:
            return False
        return not any(half.interface.written for half in self.halved(wrt, of))


class Followed:
    """An operation with a row in the table: both directions run derived programs.

    Attributes:
        wrt: the arguments that have a derivative; there may be none in the others.
    """

    def __init__(self, operation: Operation, wrt: tuple[int, ...]) -> None:
        self.operation = operation
        self.wrt = wrt
        self.__name__ = operation.__name__
        several(self, self._vjp, self._jvp)

    def __call__(self, *leaves: Any) -> tuple[Any, ...]:
        return self.operation(*leaves)

    def _vjp(self, y_bar: Any, y: Any, *values: Any) -> tuple[Any, ...]:  # noqa: ARG002
        operation, bars = self.operation, list(y_bar)
        of = operation.inexact_results
        found = operation.adjoint(self.wrt, of, steep=of)(*values, *(bars[k] for k in of))
        cotangents: list[Any] = [None] * len(values)
        for position, x_bar in zip(self.wrt, found[len(operation.interface.results) :], strict=True):
            cotangents[position] = x_bar
        return tuple(cotangents)

    def _jvp(self, position: int, x_dot: Any, y: Any, *values: Any) -> Any:
        operation = self.operation
        of = operation.inexact_results
        found = operation.tangent((position,), of)(*values, x_dot)
        moved: list[Any] = [np.zeros(np.shape(part)) for part in y]
        for k, y_dot in zip(of, found[len(operation.interface.results) :], strict=True):
            moved[k] = y_dot
        return tuple(moved)


class Recorded(Followed):
    """An operation that runs once for the value, and then back from what that has kept.

    What is kept is one more result, which the engine hands to the way back and looks at no closer. Where the
    values are followed themselves, by another level, the whole adjoint runs.
    """

    def __init__(self, operation: Operation, wrt: tuple[int, ...]) -> None:
        super().__init__(operation, wrt)
        several(self, self._vjp, self._jvp, reads="y values")
        self.ahead, self.back = operation.halved(wrt, operation.inexact_results)
        names = [param.name for param in operation.interface.params]
        self.taken = [names.index(p.name) for p in self.back.interface.params if p.name in names]

    def __call__(self, *leaves: Any) -> tuple[Any, ...]:
        if tracked_in(leaves):
            return (*self.operation(*leaves), _Kept(None))
        found, count = self.ahead(*leaves), len(self.operation.interface.results)
        return (*found[:count], _Kept(found[count:]))

    def _vjp(self, y_bar: Any, y: Any, *values: Any) -> tuple[Any, ...]:
        kept = y[-1].values
        if kept is None:
            return super()._vjp(y_bar, y, *values)
        seeds = [y_bar[k] for k in self.operation.inexact_results]
        cotangents: list[Any] = [None] * len(values)
        found = self.back(*(values[k] for k in self.taken), *kept, *seeds)
        for position, x_bar in zip(self.wrt, found, strict=True):
            cotangents[position] = x_bar
        return tuple(cotangents)


class _Kept:
    """Values that are no result: to an engine, one truth."""

    shape, dtype = (), np.dtype(bool)

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return np.array(True)
