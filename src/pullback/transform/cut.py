"""A program cut at one of its loops, so that the loop's trips can be run in portions.

    program(x)                   start(x)                  -> range of the loop, variables
        before                   segment(a, b, variables)  -> variables after the trips a .. b
        for i in range(n):       end(variables)            -> results
            body
        after

Each piece is a program, so what derives programs derives the pieces, and the derivative of the whole is that
of the pieces one after the other. The *variables* are what is live at the loop. An array that is a view of
another is made again in each piece, so that a piece gets memory under one name.

A ``while`` loop is cut when its trips have been counted, by a piece of its own; it is a ``for`` loop then.
(Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 12: the evolution, its states and its steps.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import names_of
from pullback.ir.live import live_before, surely_assigned
from pullback.ir.memory import is_alias
from pullback.ir.nodes import (
    Assign,
    Block,
    Const,
    For,
    Operand,
    Program,
    Push,
    Return,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import INT, Array, Scalar
from pullback.ir.walk import assigns, reads, walk
from pullback.transform.activity import Activity, results_at
from pullback.transform.alias import AliasClass, alias_classes, is_final
from pullback.transform.canonical import cells_of
from pullback.transform.purify import purified

BOUNDS = 3
"""The first results of `start`: the loop's range."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The pieces (see the module's docstring), whose variables are positions in `variables`.

    Attributes:
        variables: what is live at the loop.
        inside: those that `segment` takes, after the range of its trips, and returns.
        changed: those of them that a trip may change.
        rebound: those of them that a trip gives another value or array; others are written in place.
        after: those that `end` takes.
        active: those that carry a derivative.
        shared: pairs of arrays that may not share memory, which only their values can tell.
        singular: those that come from where derivatives may be infinite (`Activity`).
        steep: those that go where they may be.
        count: returns the number of trips of a ``while`` loop for what `segment` takes, and writes into it.
    """

    variables: tuple[Var, ...]
    inside: tuple[int, ...]
    changed: tuple[int, ...]
    rebound: tuple[int, ...]
    after: tuple[int, ...]
    active: tuple[int, ...]
    shared: tuple[tuple[int, int], ...]
    singular: tuple[int, ...]
    steep: tuple[int, ...]
    start: Program
    segment: Program
    end: Program
    count: Program | None

    def names(self, positions: Iterable[int]) -> tuple[Var, ...]:
        """The variables at some positions."""
        return tuple(self.variables[k] for k in positions)

    @property
    def advance(self) -> Program:
        """`segment` for its effects: it returns what is rebound alone."""
        return replace(self.segment, body=(*self.segment.body[:-1], Return(self.names(self.rebound))))


def loops_of(program: Program) -> list[int]:
    """The positions of the loops that a program can be cut at."""
    return [k for k, s in enumerate(program.body) if isinstance(s, For | While)]


def cut(
    program: Program,
    position: int,
    wrt: Sequence[int],
    of: Sequence[int],
    singular: Iterable[str] = (),
    steep: Iterable[int] = (),
) -> Cut | None:
    """The pieces of a program at one of `loops_of`; None if a variable of the loop has no value before it."""
    return _Knife(program, position).cut(wrt, of, singular, steep)


class _Knife:
    def __init__(self, program: Program, position: int) -> None:
        self.original = program
        self.loop = program.body[position]
        self.names = names_of(program)
        self.before, self.after = program.body[:position], program.body[position + 1 :]
        if isinstance(self.loop, While):
            index = Var(self.names.fresh("trip"), INT)
            self.counted = For(index, Const(0), Const(0), Const(1), (*self.loop.before, *self.loop.body))
            self.after = (*self.loop.before, *self.after)
        else:
            assert isinstance(self.loop, For)
            self.counted = replace(self.loop, start=Const(0), stop=Const(0))
        self.whole = replace(program, body=(*self.before, self.counted, *self.after))
        self.cells = cells_of(self.whole)
        self.classes = alias_classes(self.whole, self.cells)
        self.views = [s for s in self.before if isinstance(s, Assign) and self._is_made_again(s)]

    def cut(
        self, wrt: Sequence[int], of: Sequence[int], singular: Iterable[str], steep: Iterable[int]
    ) -> Cut | None:
        program = self.original
        tested = frozenset(v.name for v in reads(self.loop)) if isinstance(self.loop, While) else frozenset()
        tested = live_before(self.loop.before, tested) if isinstance(self.loop, While) else tested
        live = self._rooted(tested | live_before((self.counted, *self.after), frozenset()))
        known = {param.name: param for param in program.params}
        known |= {t.name: t for s in walk(self.whole.body) for t in assigns(s)}
        variables = tuple(variable for name, variable in known.items() if name in live)
        activity = Activity(
            self.whole,
            self.classes,
            wrt=[program.params[k].name for k in wrt],
            of=results_at(program, of),
            singular=singular,
            steep=results_at(program, steep),
        )
        start = self._start(variables)
        if start is None:
            return None
        loop = self._with_views((self.counted,))
        used = {v.name for s in walk(loop) for v in (*reads(s), *assigns(s))} | tested
        assigned = {t.name for s in walk(self.counted.body) for t in assigns(s)}
        written = {
            member
            for s in walk(self.counted.body)
            if isinstance(s, Store) and not self._is_final(self.classes[s.array.name])
            for member in self.classes[s.array.name].members
        }
        places = range(len(variables))
        inside = tuple(k for k in places if variables[k].name in used)
        rebound = tuple(k for k in inside if variables[k].name in assigned)
        segment = self._segment(loop, [variables[k] for k in inside], assigned)
        after = self._with_views(self.after)
        wanted = live_before(after, frozenset())
        taken = tuple(k for k in places if variables[k].name in wanted)
        return Cut(
            variables,
            inside,
            tuple(k for k in inside if k in rebound or variables[k].name in written),
            rebound,
            taken,
            tuple(k for k in places if activity.is_active(variables[k])),
            tuple(self._shared(variables)),
            tuple(k for k in places if variables[k].name in activity.singular),
            tuple(k for k in places if variables[k].name in activity.steep),
            start,
            segment,
            purified(self._piece("end", [variables[k] for k in taken], after)),
            self._count(segment) if isinstance(self.loop, While) else None,
        )

    # -- the pieces ------------------------------------------------------------------------------------------

    def _start(self, variables: Sequence[Var]) -> Program | None:
        """What is before the loop; what only the loop assigns gets a value, which nothing reads."""
        sure = surely_assigned(self.before) | {param.name for param in self.original.params}
        unsure = [variable for variable in variables if variable.name not in sure]
        if any(isinstance(v.type, Array) and v.type.layout == "F" for v in unsure):
            return None
        bounds: tuple[Operand, ...] = (Const(0), Const(0), Const(1))
        if isinstance(self.loop, For):
            bounds = (self.loop.start, self.loop.stop, self.loop.step)
        body = (*(nothing(variable) for variable in unsure), *self.before, Return((*bounds, *variables)))
        return replace(self.original, name=f"{self.original.name}_start", body=body)

    def _segment(self, loop: Block, variables: Sequence[Var], assigned: set[str]) -> Program:
        first, last = (Var(self.names.fresh(wish), INT) for wish in ("first", "last"))
        portion = (*loop[:-1], replace(self.counted, start=first, stop=last))
        block = (*portion, Return(tuple(variables)))
        return self._piece("segment", [first, last, *variables], block, assigned)

    def _count(self, segment: Program) -> Program:
        assert isinstance(self.loop, While)
        trips, more = (Var(self.names.fresh("trips"), INT) for _ in range(2))
        count = (Assign((more,), np.add, (trips, Const(1))), Assign((trips,), primitives.bind, (more,)))
        loop = replace(self.loop, body=(*self.loop.body, *count))
        zero = Assign((trips,), primitives.bind, (Const(0),))
        body = (*segment.body[:-2], zero, loop, Return((trips,)))
        return Program(f"{self.original.name}_count", segment.params[2:], body)

    def _piece(
        self, name: str, params: Sequence[Var], block: Block, assigned: Iterable[str] | None = None
    ) -> Program:
        """A block as a program: a parameter that it assigns is one of another name, bound to it first."""
        if assigned is None:
            assigned = {t.name for s in walk(block) for t in assigns(s)}
        own = {p: Var(self.names.fresh(f"{p.name}_in"), p.type) for p in params if p.name in assigned}
        binds = [Assign((p,), primitives.bind, (new,)) for p, new in own.items()]
        new_params = tuple(own.get(p, p) for p in params)
        return Program(f"{self.original.name}_{name}", new_params, (*binds, *block))

    # -- memory ----------------------------------------------------------------------------------------------

    def _is_made_again(self, statement: Assign) -> bool:
        """Whether a piece can make this view again from what it is a view of."""
        return (
            is_alias(statement)
            and self.classes[statement.targets[0].name].plain
            and not any(v.name in self.cells for v in reads(statement))
        )

    def _rooted(self, live: frozenset[str]) -> frozenset[str]:
        """`live` with what a view is made of in the place of the view."""
        for statement in reversed(self.views):
            if statement.targets[0].name in live:
                live = live - {statement.targets[0].name} | {v.name for v in reads(statement)}
        return live

    def _with_views(self, block: Block) -> Block:
        needed = live_before(block, frozenset())
        made: list[Statement] = []
        for statement in reversed(self.views):
            if statement.targets[0].name in needed:
                made.insert(0, statement)
                needed |= {v.name for v in reads(statement)}
        return (*made, *block)

    def _shared(self, variables: Sequence[Var]) -> Iterable[tuple[int, int]]:
        """The pairs of arrays that may be one memory which is written into."""
        for (j, a), (k, b) in itertools.combinations(enumerate(variables), 2):
            if isinstance(a.type, Array) and isinstance(b.type, Array):
                memory = self.classes[a.name]
                if memory is self.classes[b.name] and memory.stores and not self._is_final(memory):
                    yield j, k

    def _is_final(self, memory: AliasClass) -> bool:
        return is_final(memory, self.whole.body, self.cells, self.counted)


def nothing(variable: Var) -> Assign:
    """A statement that gives a variable some value of its type."""
    kind = variable.type
    if isinstance(kind, Scalar):
        value = kind.dtype.type(0)
        return Assign((variable,), primitives.bind, (Const(value.item() if kind.weak else value),))
    assert isinstance(kind, Array)
    shape = tuple(Const(1 if axis in kind.ones else 0) for axis in range(kind.ndim))
    return Assign((variable,), np.empty, (shape, Const(kind.dtype)))


def grows(segment: Program, derived: Program) -> bool:
    """Whether the derivative of a segment allocates the more the more trips there are."""
    counts = {param.name for param in segment.params[:2]}
    for statement in walk(derived.body):
        if isinstance(statement, Push):
            return True
        if isinstance(statement, Assign) and any(v.name in counts for v in reads(statement)):
            if any(isinstance(target.type, Array) for target in statement.targets):
                return True
            counts |= {target.name for target in statement.targets}
    return False


__all__ = ["BOUNDS", "Cut", "cut", "grows", "loops_of"]
