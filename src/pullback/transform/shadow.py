"""Shadow memory: the array that holds the cotangents (or tangents) of an array.

A view of an array has the same view of the array's shadow, so aliasing is right by construction. Where the
names of some memory are plain (`AliasClass.plain`) its shadow is made in the reverse sweep, where it is
needed, and views are taken again. Otherwise, where references move through cells and stacks, the shadows are
made in the forward sweep and move with them. (Moses & Churavy, *Enzyme*, NeurIPS 2020, for the idea.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.memory import is_alias
from pullback.ir.nodes import Assign, Const, Operand, Pop, Push, Statement, Var
from pullback.ir.types import Array, Stack
from pullback.transform.activity import Activity
from pullback.transform.alias import AliasClass

_SHAPED = (np.empty, np.zeros, np.ones, np.full)


class Shadows:
    """The shadow of each active array variable: ``shadows[x]`` is the variable ``x_bar``."""

    def __init__(
        self,
        builder: Builder,
        classes: dict[str, AliasClass],
        cells: set[str],
        activity: Activity,
        suffix: str = "bar",
    ) -> None:
        self._builder = builder
        self._classes = classes
        self._cells = cells
        self._activity = activity
        self._suffix = suffix
        self._made: dict[str, Var] = {}
        self._adopted: set[str] = set()

    def __getitem__(self, array: Var) -> Var:
        shadow = self._made.get(array.name)
        if shadow is None:
            shadow = self._builder.var(f"{array.name}_{self._suffix}", array.type)
            self._made[array.name] = shadow
            if array.name in self._cells:
                self._cells.add(shadow.name)
        return shadow

    def adopt(self, array: Var, shadow: Var) -> None:
        """Let a variable that has the array's cotangent be its shadow."""
        self._made[array.name] = shadow
        self._adopted.add(array.name)

    def is_plain(self, array: Var) -> bool:
        """Whether the shadow is made in the reverse sweep."""
        return self._classes[array.name].plain

    def alongside(self, statement: Statement) -> list[Statement]:
        """What the forward sweep does to shadows that move with their arrays."""
        match statement:
            case Push() if self._moves(statement.stack):
                assert isinstance(statement.value, Var)
                return [Push(self[statement.stack], self[statement.value], comment="")]
            case Pop() if self._moves(statement.target):
                return [Pop(self[statement.target], self[statement.stack])]
            case Assign() if any(self._moves(target) for target in statement.targets):
                return self.definition(statement)
        return []

    def _moves(self, variable: Var) -> bool:
        return (
            isinstance(variable.type, Array | Stack)
            and self._activity.is_active(variable)
            and not self.is_plain(variable)
        )

    def definition(self, statement: Assign) -> list[Statement]:
        """The statements that make the shadows of what `statement` assigns."""
        if statement.function is primitives.stack:
            return [replace(statement, targets=(self[statement.targets[0]],), comment="")]
        if is_alias(statement):
            source = statement.args[0]
            assert isinstance(source, Var)
            args = (self[source], *statement.args[1:])
            return [replace(statement, targets=(self[statement.targets[0]],), args=args, comment="")]
        made: list[Statement] = []
        for target in statement.targets:
            if isinstance(target.type, Array) and self._activity.is_active(target):
                made += self.zeros(target, statement)
        return made

    def zeros(self, array: Var, origin: Assign | None = None) -> list[Statement]:
        """``x_bar = zeros`` of the shape of an array."""
        kind = array.type
        assert isinstance(kind, Array)
        if kind.layout == "F":
            # In the same order as the array, so that what is a view of one is a view of the other.
            with self._builder.block() as made:
                lengths = tuple(self._builder.dim(array, axis) for axis in reversed(range(kind.ndim)))
                base = self._builder.call(np.zeros, lengths, Const(kind.dtype), name=self[array].name)
                self._builder.add(Assign((self[array],), np.transpose, (base,)))
            return list(made.statements())
        shape = None
        if origin is not None and origin.function in _SHAPED:
            shape = origin.args[0] if isinstance(origin.args[0], tuple) else (origin.args[0],)
        if shape is not None:
            return [Assign((self[array],), np.zeros, (shape, Const(kind.dtype)))]
        with self._builder.block() as made:
            dims: list[Operand] = [self._builder.dim(array, axis) for axis in range(kind.ndim)]
            self._builder.add(Assign((self[array],), np.zeros, (tuple(dims), Const(kind.dtype))))
        return list(made.statements())

    def known(self, name: str) -> bool:
        """Whether the sweep uses a shadow of a variable that it makes."""
        return name in self._made and name not in self._adopted
