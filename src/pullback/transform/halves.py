"""An adjoint in two programs, for a caller that has the value before there is a cotangent.

    adjoint(x, y_bar)            ahead(x)            -> y, what is kept
        forward sweep            back(x, kept, y_bar) -> x_bar
        reverse sweep

The first half is what stands before the first look at a cotangent. Of that the second half computes again
what is cheap (views, lengths, memory that is still empty) and checks of lengths, since they say something
about the loops; the rest is kept. What the second half writes into is a copy, so that it can run several
times. A loop that runs forward and backward at once (`transform.joint`) belongs to the second half, and its
forward part to the first as well. (`jax.vjp`; Griewank & Walther, *Evaluating Derivatives*, 2008, ch. 4.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.live import live_before, surely_assigned
from pullback.ir.memory import is_alias, memory_of
from pullback.ir.nodes import Assign, Block, If, Operand, Program, Raise, Return, Statement, Store, Var
from pullback.ir.types import Array, Scalar, Stack
from pullback.ir.walk import assigns, reads, reads_any, walk
from pullback.transform.cut import nothing

_MEMORY = frozenset([np.empty, np.zeros, np.empty_like, np.zeros_like, primitives.stack])


@dataclass(frozen=True, slots=True)
class Halves:
    """The two programs (see the module's docstring).

    Attributes:
        ahead: takes the original's parameters, and returns its results and then what is kept. It has the
            cotangents as parameters, too, and reads them only where the halves are of no use.
        back: takes those of the original's parameters that it reads, what is kept, and the cotangents.
    """

    ahead: Program
    back: Program


def without_results(adjoint: Program, results: int) -> Program:
    """An adjoint for the cotangents alone, which come after so many results."""
    return replace(adjoint, body=(*adjoint.body[:-1], Return(adjoint.results[results:])))


def halves(adjoint: Program, bars: Program, params: int) -> Halves | None:
    """The halves of the adjoint of a program with so many parameters; None if nothing is kept.

    Args:
        bars: the adjoint `without_results`, without what is dead then.
    """
    return _Divided(adjoint, bars, params).halves()


def _read(params: tuple[Var, ...], count: int, body: Block) -> tuple[Var, ...]:
    """The parameters without those of the first that a body has no use for."""
    used = {v.name for s in walk(body) for v in (*reads(s), *assigns(s))}
    return tuple(param for k, param in enumerate(params) if k >= count or param.name in used)


class _Divided:
    """What both halves are made of.

    Attributes:
    ahead, first: what precedes the first look at a cotangent, in the adjoint and where results are dead.
    behind, second: what follows it.
    """

    def __init__(self, adjoint: Program, bars: Program, params: int) -> None:
        self.params, self.seeds = adjoint.params[:params], adjoint.params[params:]
        self.results, self.bars = adjoint.results[: -len(bars.results)], bars.results
        self.program = adjoint
        seeds = {seed.name for seed in self.seeds}
        self.ahead, self.behind = _parted(adjoint.body[:-1], seeds)
        self.first, self.second = _parted(bars.body[:-1], seeds)
        self.memory = memory_of(adjoint)
        self.written = [self._groups(part) for part in (self.ahead, self.behind)]
        every = [t for s in walk(adjoint.body) for t in assigns(s)]
        once = {name for name, times in Counter(t.name for t in every).items() if times == 1}
        self.known = {v.name: v for v in (*self.params, *every)}
        self.made = {
            t.name: s
            for s in self.first
            if isinstance(s, Assign)
            for t in s.targets
            if t.name in once and t not in adjoint.params
        }
        self.given = {param.name for param in adjoint.params} - {t.name for t in every}

    def halves(self) -> Halves | None:
        wanted = [v.name for v in self.bars if isinstance(v, Var)]
        again, kept = self._divided(live_before(self.second, frozenset(wanted)))
        if not kept or any(isinstance(variable.type, Stack) for variable in kept):
            return None
        groups = Counter(self._group(v) for v in kept if isinstance(v.type, Array))
        if any(times > 1 and group in self.written[1] for group, times in groups.items()):
            return None
        return Halves(self._ahead(kept), self._back(kept, again))

    def _groups(self, block: Block) -> set[str]:
        """The memory that a block writes into, and the stacks that it pushes on or takes from."""
        found = {self.memory.group(s.array.name) for s in walk(block) if isinstance(s, Store)}
        stacks = (v for s in walk(block) for v in reads(s) if isinstance(v.type, Stack))
        return found | {self.memory.group(stack.name) for stack in stacks}

    def _group(self, variable: Var) -> str:
        return self.memory.group(variable.name)

    # -- what is kept ----------------------------------------------------------------------------------------

    def _divided(self, needed: Iterable[str]) -> tuple[set[str], list[Var]]:
        """What the second half computes again of what it needs, and what is kept for it."""
        again: set[str] = set()
        kept: dict[str, Var] = {}

        def is_cheap(name: str) -> bool:
            if name in self.given or name in again:
                return True
            statement = None if name in kept else self.made.get(name)
            return (
                statement is not None
                and self._is_cheap(statement)
                and all(is_cheap(v.name) for v in reads(statement))
            )

        def get(name: str) -> None:
            if name in self.given or name in again or name in kept:
                return
            statement = self.made.get(name)
            if statement is not None and (is_cheap(name) or self._is_memory(statement)):
                again.update(target.name for target in statement.targets)
                for variable in reads(statement):
                    get(variable.name)
            else:
                kept[name] = self.known[name]

        for name in sorted(needed):
            get(name)
        for statement in self.first:
            if _is_check(statement) and all(is_cheap(v.name) for v in reads(statement)):
                for variable in reads(statement):
                    get(variable.name)
        return again, [v for name, v in self.known.items() if name in kept]

    def _is_memory(self, statement: Assign) -> bool:
        """Whether a statement makes memory that is still empty at the second half, or is a view of some."""
        if is_alias(statement):
            return reads(statement)[0].name in self.made.keys() | self.given
        return statement.function in _MEMORY and all(
            self._group(target) not in self.written[0] for target in statement.targets
        )

    def _is_cheap(self, statement: Assign) -> bool:
        if self._is_memory(statement):
            return True
        if not all(isinstance(t.type, Scalar) and t.type.dtype.kind in "ib" for t in statement.targets):
            return False
        return statement.function is primitives.dim or not any(
            isinstance(v.type, Array) for v in reads(statement)
        )

    # -- the programs ----------------------------------------------------------------------------------------

    def _ahead(self, kept: list[Var]) -> Program:
        builder = Builder(names_of(self.program))
        unsure = {v.name for v in kept} - surely_assigned(self.ahead) - {p.name for p in self.params}
        builder.extend(tuple(nothing(v) for v in kept if v.name in unsure))
        builder.extend(self.ahead)
        late = {t.name for s in walk(self.behind) for t in assigns(s)}
        results = [r for r in self.results if isinstance(r, Var)]
        behind = any(
            r.name in late or (isinstance(r.type, Array) and self._group(r) in self.written[1])
            for r in results
        )
        # What the caller gets, and the arguments, may be written into before the second half runs.
        seen = {self._group(v) for v in (*self.params, *results)}
        seen |= self.written[1] if behind else set()
        held: list[Operand] = []
        for variable in kept:
            copied = isinstance(variable.type, Array) and self._group(variable) in seen
            if copied or (behind and variable.name in late):
                function = np.copy if copied else primitives.bind
                held.append(builder.call(function, variable, name=variable.name))
            else:
                held.append(variable)
        builder.extend(self.behind if behind else ())
        builder.add(Return((*self.results, *held)))
        return replace(self.program, name=f"{self.program.name}_ahead", body=builder.statements())

    def _back(self, kept: list[Var], again: set[str]) -> Program:
        builder = Builder(names_of(self.program))
        late = {t.name for s in walk(self.second) for t in assigns(s)}
        params: list[Var] = []
        for variable in kept:
            given = builder.var(variable.name, variable.type)
            written = isinstance(variable.type, Array) and self._group(variable) in self.written[1]
            if written or variable.name in late or variable in self.params:
                params.append(given)
                function = np.copy if written else primitives.bind
                builder.add(Assign((variable,), function, (given,)))
            else:
                params.append(variable)
        for statement in self.first:
            if isinstance(statement, Assign):
                known = not again.isdisjoint(t.name for t in statement.targets)
            else:
                known = _is_check(statement) and again | self.given >= {v.name for v in reads(statement)}
            if known:
                builder.add(statement)
        body = (*builder.statements(), *self.second, Return(self.bars))
        own = [param for param in self.params if param not in kept]
        given = (*own, *params, *self.seeds)
        name = f"{self.program.name}_back"
        return replace(self.program, name=name, params=_read(given, len(own), body), body=body)


def _parted(block: Block, seeds: set[str]) -> tuple[Block, Block]:
    at = next((k for k, s in enumerate(block) if reads_any((s,), seeds)), len(block))
    return block[:at], block[at:]


def _is_check(statement: Statement) -> bool:
    return (
        isinstance(statement, If)
        and not statement.orelse
        and bool(statement.then)
        and all(isinstance(inner, Raise) for inner in statement.then)
    )


__all__ = ["Halves", "halves", "without_results"]
