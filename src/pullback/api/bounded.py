"""`Bounded`: the derivative of a program whose loops are long, in bounded memory.

The program is cut at its first loop that would keep something of every trip (`transform.cut`). The pieces
are compiled; what follows here runs them in the order of the schedule (`api.schedule`). What comes after the
loop is bounded in the same way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pullback.api.bounded_second import Again
from pullback.api.fitting import coerced
from pullback.api.recipe import Interface, interface_of
from pullback.api.schedule import Plan, TooLittleError, bytes_of, shown, too_little
from pullback.api.walk import Walk
from pullback.base.dispatch import tracked_in
from pullback.base.location import Location
from pullback.emit import load
from pullback.ir.build import operand_type
from pullback.ir.nodes import For, Program, Return, While
from pullback.ir.types import Scalar
from pullback.ir.walk import walk
from pullback.optimize.meter import metered
from pullback.optimize.pipeline import optimize
from pullback.transform.adjoint import adjoint
from pullback.transform.cut import BOUNDS, Cut, cut, grows, loops_of
from pullback.transform.uncover import out_of_branches, out_of_loop

if TYPE_CHECKING:
    from pullback.api.operation import Operation

Run = Callable[..., tuple[Any, ...]]


@dataclass(slots=True)
class Spent:
    """What a run took.

    Attributes:
        plan: how the loop was walked back; None if everything could be kept.
        portions: the portions run for states alone.
        reversed: the portions walked back.
        peak: the most bytes that were allocated at a time, as far as the pieces count them.
    """

    bound: int
    plan: Plan | None = None
    portions: int = 0
    reversed: int = 0
    peak: int = 0


class Bounded:
    """The adjoint of a program in bounded memory: takes and returns what `Operation.adjoint` does.

    Attributes:
        memory: the bound, in bytes.
        operation: the program as an operation, by which this adjoint is derived again.
        spent: what the last run took.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[int],
        of: Sequence[int],
        memory: int | str,
        *,
        jit: bool = True,
        singular: Sequence[int] = (),
        steep: Sequence[int] = (),
        operation: Operation | None = None,
    ) -> None:
        self.operation = operation
        self.original = program
        self.wrt, self.of = tuple(wrt), tuple(of)
        self.memory = bytes_of(memory)
        self.jit = jit
        self.singular = [program.params[k].name for k in singular]
        self.steep = tuple(steep)
        self.spent = Spent(self.memory)
        self._again: dict[tuple[int, ...], Again] = {}

    def __call__(self, *leaves: Any) -> tuple[Any, ...]:
        found = tracked_in(leaves)
        if found:
            owner: Any = max(found, key=lambda tracked: tracked.level)
            return owner.__array_function__(self._following(leaves), (type(owner),), leaves, {})
        types = [param.type for param in self.original.params]
        types += [operand_type(self.original.results[k]) for k in self.of]
        return self.run(*(coerced(leaf, kind) for leaf, kind in zip(leaves, types, strict=True)))

    def _following(self, leaves: Sequence[Any]) -> Again:
        """This adjoint as differentiated by those of the leaves that are followed."""
        assert self.operation is not None
        wrt = tuple(k for k, leaf in enumerate(leaves) if tracked_in((leaf,)))
        if wrt not in self._again:
            self._again[wrt] = Again(self.operation, self, wrt)
        return self._again[wrt]

    def run(self, *arguments: Any) -> tuple[Any, ...]:
        """The results and the cotangents, for arguments of just the program's types."""
        count = len(self.original.params)
        results, cotangents = self.within(arguments[:count], arguments[count:], self.memory)
        return (*results, *cotangents)

    @functools.cached_property
    def program(self) -> Program:
        """The adjoint as it is without a bound."""
        return optimize(adjoint(self.original, self.wrt, self.of, singular=self.singular, steep=self.steep))

    @functools.cached_property
    def interface(self) -> Interface:
        """The parameters and results of the adjoint."""
        return interface_of(self.program)

    def within(self, values: Sequence[Any], seeds: Sequence[Any], bound: int) -> tuple[Any, Any]:
        """The results and the cotangents, with no more than `bound` bytes allocated at a time."""
        self.spent = Spent(bound)
        if self.loop is not None:
            try:
                return Walk(self, self.loop, values, seeds, bound).run()
            except TooLittleError:
                if self.finer is None:
                    raise
        elif self.finer is None:
            return self.whole(values, seeds, bound)
        found = self.finer.within(values, seeds, bound)
        self.spent = self.finer.spent
        return found

    @functools.cached_property
    def loop(self) -> Loop | None:
        """The pieces at the first loop that keeps something of every trip."""
        for position in loops_of(self.original):
            pieces = cut(self.original, position, self.wrt, self.of, self.singular, self.steep)
            if pieces is not None and pieces.active:
                loop = Loop(self, pieces, position)
                if grows(pieces.segment, loop.derived):
                    return loop
        return None

    @functools.cached_property
    def finer(self) -> Bounded | None:
        """The same with a loop to cut that was in a branch, or in the loop that is cut."""
        inner = out_of_branches(self.original)
        if inner is None and self.loop is not None:
            inner = out_of_loop(self.original, self.loop.position)
        if inner is None:
            return None
        singular = [k for k, param in enumerate(inner.params) if param.name in self.singular]
        finer = Bounded(
            inner, self.wrt, self.of, self.memory, jit=self.jit, singular=singular, steep=self.steep
        )
        return None if finer.loop is None and finer.finer is None else finer

    @property
    def where(self) -> Location | None:
        """The user's line that keeps the most, as far as that is known: the first loop."""
        loops = (s for s in walk(self.original.body) if isinstance(s, For | While) and s.location is not None)
        return next((s.location for s in loops), None)

    @functools.cached_property
    def loops(self) -> int:
        """How many loops are cut, one after the other."""
        if self.loop is None:
            return 0 if self.finer is None else self.finer.loops
        return 1 + self.loop.rest.loops

    @functools.cached_property
    def kept(self) -> Run:
        """The adjoint that keeps what it needs, metered."""
        return load(metered(self.program), jit=self.jit)

    def whole(self, values: Sequence[Any], seeds: Sequence[Any], bound: int) -> tuple[Any, Any]:
        *found, allocated = self.kept(*values, *seeds)
        self.spent.peak = allocated
        if allocated > bound:
            raise too_little(
                self.original.name,
                bound,
                allocated,
                f"no loop is left to cut, and what it keeps takes {shown(allocated)}",
                self.where,
            )
        count = len(self.original.results)
        return found[:count], found[count:]


class Loop:
    """The compiled pieces of a cut; each returns what it has allocated last."""

    def __init__(self, owner: Bounded, pieces: Cut, position: int) -> None:
        self.jit = owner.jit
        self.position = position
        self.where = owner.original.body[position].location
        self.pieces = pieces
        self.owner = owner
        inside = pieces.inside
        # The variables with a derivative, of those that a trip takes.
        self.active = tuple(k for k in inside if k in pieces.active)
        params, results = pieces.segment.params[2:], pieces.segment.results
        self.places = tuple(inside.index(k) for k in self.active)
        # Whose cotangents are returned; those of other arrays are written into.
        self.returned = tuple(
            i
            for i, k in zip(self.places, self.active, strict=True)
            if isinstance(params[i].type, Scalar) or params[i] != results[i]
        )
        active_after = [pieces.after.index(k) for k in pieces.after if k in pieces.active]
        self.rest = Bounded(
            pieces.end,
            active_after,
            owner.of,
            owner.memory,
            jit=owner.jit,
            singular=[i for i, k in enumerate(pieces.after) if k in pieces.singular],
            steep=owner.steep,
        )

    @functools.cached_property
    def derived(self) -> Program:
        """The adjoint of a portion: takes its range, the variables, their cotangents after it."""
        segment = self.pieces.segment
        inside = zip(segment.params[2:], self.pieces.inside, strict=True)
        singular = [param.name for param, k in inside if k in self.pieces.singular]
        wrt = [2 + i for i in self.places]
        steep = [i for i, k in zip(self.places, self.active, strict=True) if k in self.pieces.steep]
        derived = adjoint(segment, wrt, self.places, in_place=True, singular=singular, steep=steep)
        cotangents = derived.results[len(segment.results) :]
        chosen = [x for i, x in zip(self.places, cotangents, strict=True) if i in self.returned]
        return optimize(replace(derived, body=(*derived.body[:-1], Return(tuple(chosen)))))

    def _load(self, program: Program) -> Run:
        return load(metered(program), jit=self.jit)

    @functools.cached_property
    def start(self) -> Run:
        return self._load(self.pieces.start)

    @functools.cached_property
    def count(self) -> Run:
        assert self.pieces.count is not None
        return self._load(self.pieces.count)

    @functools.cached_property
    def advance(self) -> Run:
        return self._load(self.pieces.advance)

    @functools.cached_property
    def back(self) -> Run:
        return self._load(self.derived)

    @functools.cached_property
    def start_back(self) -> Run:
        start = self.pieces.start
        pieces = self.pieces
        of = [BOUNDS + k for k in pieces.active]
        steep = [BOUNDS + k for k in pieces.active if k in pieces.steep]
        derived = adjoint(start, self.owner.wrt, of, singular=self.owner.singular, steep=steep)
        cotangents = derived.results[len(start.results) :]
        return self._load(optimize(replace(derived, body=(*derived.body[:-1], Return(cotangents)))))


__all__ = ["Bounded", "Loop", "Spent"]
