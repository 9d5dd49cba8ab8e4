"""A `Checkpoint` in reverse: the block runs again, from what it started from, and that run is walked back.

The block becomes a program of its own: what it reads is a parameter, what it changes a result. The derivative
of that program, by the same transform, stands in the reverse sweep. Of the forward sweep nothing is kept but
the parameters: numbers, references to arrays, and copies of those arrays that are overwritten later.
(Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 12; Hascoët & Pascual, *Tapenade*, 2013, §3.4.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pullback.base.errors import UnsupportedError
from pullback.ir.build import Builder
from pullback.ir.live import live_before
from pullback.ir.memory import is_alias
from pullback.ir.nodes import (
    Assign,
    Block,
    Checkpoint,
    Const,
    Operand,
    Program,
    Return,
    Statement,
    Store,
    Var,
)
from pullback.ir.primitives import dim
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, copied, reads, substitute, walk
from pullback.transform.activity import Activity
from pullback.transform.alias import AliasClass, is_final
from pullback.transform.cotangents import Cotangents, zero
from pullback.transform.order import Order
from pullback.transform.shadow import Shadows


class Rerun:
    """Writes the forward and the reverse sweep of one checkpoint."""

    def __init__(
        self,
        statement: Checkpoint,
        builder: Builder,
        cells: set[str],
        classes: dict[str, AliasClass],
        activity: Activity,
        order: Order,
    ) -> None:
        self.statement = statement
        self.builder = builder
        self.cells = cells
        self.classes = classes
        self.activity = activity
        self.order = order

    def write(
        self, program: Program, shadows: Shadows, bars: Cotangents, adjoint: Callable[..., Program]
    ) -> Block:
        """Add the reverse sweep to the builder, and return the forward sweep."""
        body = self._with_views(program)
        known = {v.name: v for s in walk(body) for v in reads(s)}
        params = [known[name] for name in sorted(live_before(body, frozenset())) if name in known]
        assert not any(param.name in self.cells for param in params), "a checkpoint starts from locals"
        active = [k for k, param in enumerate(params) if self.activity.is_active(param)]
        changed = [pair for pair in self.statement.after if self.activity.is_active(pair[0])]
        forward = self._forward(program, params, shadows)
        if not active and not changed:
            return forward[1]
        results = (*(params[k] for k in active), *(cell for cell, _ in changed))
        piece = Program(program.name, tuple(params), (*body, Return(results)))
        derived = adjoint(
            piece,
            active,
            range(len(results)),
            in_place=True,
            singular=[param.name for param in params if param.name in self.activity.singular],
            steep=[k for k, result in enumerate(results) if result.name in self.activity.steep],
        )
        seeds: list[Operand] = [self._bar(params[k], shadows, bars) for k in active]
        seeds += [self._after(cell, local, shadows, bars) for cell, local in changed]
        cotangents = self._inline(derived, [*forward[0], *seeds])[len(results) :]
        for k, found in zip(active, cotangents, strict=True):
            if isinstance(params[k].type, Scalar):
                self.builder.assign(bars.opened(params[k]), found)
        return forward[1]

    def _forward(self, program: Program, params: list[Var], shadows: Shadows) -> tuple[list[Operand], Block]:
        """What the second run takes in the place of `params`, and the forward sweep."""
        statement = self.statement
        stored = {id(self.classes[s.array.name]) for s in walk(statement.then) if isinstance(s, Store)}
        given: list[Operand] = []
        copies: list[Statement] = []
        for param in params:
            given.append(param)
            if not isinstance(param.type, Array):
                continue
            memory = self.classes[param.name]
            final = is_final(memory, program.body, self.cells, statement)
            changes = id(memory) in stored and not final
            if changes:
                self._require_one_name(param, params)
                if not self._is_read(memory):
                    # What is added to it the second time is of no use to anybody.
                    like = shadows[param] if self.activity.is_active(param) else param
                    given[-1] = self.builder.call(np.empty_like, like, name=f"{param.name}_unread")
                    continue
            settled = final and not any(param in origin.targets for origin in memory.origins)
            if changes or (not settled and self.order.overwritten(statement, memory)):
                with self.builder.block() as made:
                    given[-1] = self.builder.call(np.copy, param, name=f"{param.name}_before")
                copies += made.statements()
        moved: list[Statement] = []
        for cell, _ in statement.after:
            if isinstance(cell.type, Array) and self.activity.is_active(cell):
                memory = self.classes[cell.name]
                final = is_final(memory, program.body, self.cells, statement)
                if memory.stores and not final and not self._is_fresh(cell):
                    self._refuse(f"gives the name {cell.name!r} to an array that is written into")
                moved += shadows.zeros(cell)
        return given, (*copies, statement, *moved)

    def _is_read(self, memory: AliasClass) -> bool:
        """Whether the block reads elements of an array, and does not only store into it."""
        for statement in walk(self.statement.then):
            if is_alias(statement) or (isinstance(statement, Assign) and statement.function is dim):
                continue
            target = {statement.array.name} if isinstance(statement, Store) else set[str]()
            if any(v.name in memory.members - target for v in reads(statement)):
                return True
        return False

    def _is_fresh(self, cell: Var) -> bool:
        """Whether the block leaves in a cell an array that it has made, so that it has no other name."""
        inside = [s for s in walk(self.statement.then) if isinstance(s, Assign)]
        made = {t.name: s for s in inside for t in s.targets if t.name not in self.cells}

        def fresh(assigned: Assign) -> bool:
            if not is_alias(assigned):
                return True
            source = assigned.args[0]
            return isinstance(source, Var) and source.name in made and fresh(made[source.name])

        return all(fresh(s) for s in inside if cell in s.targets)

    def _require_one_name(self, param: Var, params: list[Var]) -> None:
        others = [p for p in params if p != param and isinstance(p.type, Array)]
        if any(self.classes[p.name] is self.classes[param.name] for p in others):
            self._refuse(f"writes into {param.name!r}, which has a second name in it")

    def _refuse(self, what: str) -> None:
        raise UnsupportedError(
            f"a function under pb.checkpoint {what}",
            why="it is run again from a copy of what it started from, and copies do not share memory",
            remedy="let it make a new array and return that, or take the array under one name.",
            where=self.statement.location,
        )

    def _with_views(self, program: Program) -> Block:
        """The block, ahead of it the views it uses of what it can be given as a whole."""
        views = {
            s.targets[0].name: s
            for s in walk(program.body)
            if isinstance(s, Assign) and is_alias(s) and self.classes[s.targets[0].name].plain
        }
        own = {t.name for s in walk(self.statement.then) for t in assigns(s)}
        made: list[Statement] = []
        block = self.statement.then
        while True:
            needed = live_before((*made, *block), frozenset())
            name = next((name for name in views if name in needed - own), None)
            if name is None:
                return (*made, *block)
            own = own | {name}
            made.insert(0, views[name])

    def _bar(self, param: Var, shadows: Shadows, bars: Cotangents) -> Var:
        """What holds the cotangent of something the block is given, before and after the walk back."""
        return shadows[param] if isinstance(param.type, Array) else bars.opened(param)

    def _after(self, cell: Var, local: Var, shadows: Shadows, bars: Cotangents) -> Operand:
        """The cotangent of a cell that the block changes, which begins anew."""
        if isinstance(cell.type, Array):
            return shadows[local]
        return bars.take(cell) or zero(cell.type)

    def _inline(self, derived: Program, arguments: list[Operand]) -> list[Operand]:
        """Add the statements of a program, and return its results."""
        mapping: dict[str, Operand] = {
            param.name: argument for param, argument in zip(derived.params, arguments, strict=True)
        }
        for statement in walk(derived.body):
            for target in assigns(statement):
                if target.name not in mapping:
                    mapping[target.name] = self.builder.var(target.name, target.type)
        *body, last = substitute(derived.body, mapping)
        self.builder.extend(copied(tuple(body)))
        assert isinstance(last, Return)
        return [x if isinstance(x, Var | Const) else Const(x) for x in last.values]
