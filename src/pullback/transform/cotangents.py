"""The cotangents of numbers during the reverse sweep.

The cotangent of a cell is a cell, zero at the start of the sweep. That of a local begins with its first
contribution; where blocks inside its own contribute, it is a cell that is set before they run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, operand_type
from pullback.ir.nodes import Const, Operand, Var
from pullback.ir.types import Scalar


class Cotangents:
    """What has flowed to each number so far, in the order the sweep is written."""

    def __init__(self, builder: Builder, cells: set[str]) -> None:
        self._builder = builder
        self._cells = cells
        self._bars: dict[str, Var] = {}  # of cells, and of locals that inner blocks contribute to
        self._current: dict[str, Operand] = {}  # of the other locals
        self._seeds: dict[str, Operand] = {}

    def seed(self, result: Var, seed: Operand) -> None:
        """Let the sweep begin with `seed` as the cotangent of a result."""
        if result.name in self._cells:
            self._bar(result)
            known = self._seeds.get(result.name)
            self._seeds[result.name] = seed if known is None else self._builder.call(np.add, known, seed)
        else:
            self.add(result, seed)

    def start(self) -> None:
        """Write the initial values of the cells' cotangents."""
        for name, bar in self._bars.items():
            if name in self._cells:
                self._builder.assign(bar, self._seeds.get(name, zero(bar.type)))

    def open(self, local: Var) -> None:
        """Make the cotangent of a local a cell, since blocks that come next contribute to it."""
        if local.name not in self._cells and local.name not in self._bars:
            bar = self._bar(local)
            self._builder.assign(bar, self._current.pop(local.name, zero(bar.type)))

    def close(self, local: Var) -> None:
        """Forget a local whose assignment has been reversed."""
        self._bars.pop(local.name, None)
        self._current.pop(local.name, None)

    def add(self, variable: Var, contribution: Operand) -> None:
        """``variable_bar += contribution``, real and of the variable's precision."""
        contribution = self._fit(contribution, variable)
        name = variable.name
        if name in self._cells or name in self._bars:
            bar = self._bar(variable)
            self._builder.assign(bar, self._builder.call(np.add, bar, contribution, name=bar.name))
        elif name in self._current:
            known = self._current[name]
            self._current[name] = self._builder.call(np.add, known, contribution, name=f"{name}_bar")
        else:
            self._current[name] = contribution

    def take(self, variable: Var) -> Operand | None:
        """The cotangent at the variable's assignment, None for zero; that of a cell begins anew."""
        name = variable.name
        if name not in self._cells:
            return self._bars.get(name) or self._current.get(name)
        bar = self._bar(variable)
        taken = self._builder.call(primitives.bind, bar, name=bar.name)
        self._builder.assign(bar, zero(bar.type))
        return taken

    def final(self, param: Var) -> Operand | None:
        """The cotangent of a parameter at the end of the sweep."""
        return self._bars.get(param.name) or self._current.get(param.name)

    def opened(self, variable: Var) -> Var:
        """The variable that holds the cotangent of a cell, or from now on that of a local."""
        self.open(variable)
        return self._bar(variable)

    def _bar(self, variable: Var) -> Var:
        bar = self._bars.get(variable.name)
        if bar is None:
            assert isinstance(variable.type, Scalar)
            bar = self._builder.var(f"{variable.name}_bar", Scalar(variable.type.dtype))
            self._bars[variable.name] = bar
        return bar

    def _fit(self, contribution: Operand, variable: Var) -> Operand:
        dtype = variable.type.dtype  # type: ignore[union-attr]
        kind: Any = operand_type(contribution)
        if kind == Scalar(dtype):
            return contribution
        if isinstance(contribution, Const) and np.imag(contribution.value) == 0:
            return Const(dtype.type(np.real(contribution.value)))
        return self._builder.call(primitives.cast, contribution, dtype, name=f"{variable.name}_bar")


def zero(kind: Any) -> Const:
    """The number 0 of a type."""
    return Const(kind.dtype.type(0))
