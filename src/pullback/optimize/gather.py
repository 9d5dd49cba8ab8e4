"""Loops that add to neighbouring elements, turned round: each element is added to once.

An adjoint stencil scatters, so that no iteration can run beside the next. What goes to the neighbours is kept
in an array with a frame of zeros, as wide as the stencil reaches, and added up by a nest over the elements:

    for i: for j:                                     for i: for j:
        t = f(i, j)                                       t = f(i, j)
        u[i + 1, j + 1] -= 4 * t                          u[i + 1, j + 1] -= 4 * t
        u[i, j + 1] += t; u[i + 2, j + 1] += t            shares[i + 2, j + 2] = t
        u[i + 1, j] += t; u[i + 1, j + 2] += t        for k: for l:
                                                          u[k, l] += shares[k + 2, l + 1] + …

The frame makes edges no exception. Of the array that is added to, the nest may do nothing but add to it, at
places that are its indices plus numbers; all else it still does, in its order. Where arrays trade places, a
test at run time says whether the array is apart from the others. What is added to `u` at all places may be
multiples of one number: that is then the share, and all additions are done by the second nest. (Hückelheim
et al., *Source-to-source automatic differentiation of OpenMP parallel loops*, 2022, for stencils whose
adjoint gathers.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, For, If, Operand, Program, Statement, Store, Var
from pullback.ir.types import INT
from pullback.ir.walk import assigns, substitute, walk, with_blocks, with_body
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.multiples import Multiples, multiples
from pullback.optimize.stencil import Search, Stencil
from pullback.optimize.uses import Uses


def gather_additions(program: Program) -> Program:
    """The same function, sums aside, with its stencils' additions gathered."""
    builder = Builder(names_of(program))
    return with_body(program, _Gatherer(program, builder).outermost(program.body))


class _Gatherer:
    def __init__(self, program: Program, builder: Builder) -> None:
        self._uses = Uses(program)
        self._linear = Linear(program, self._uses)
        self._builder = builder
        self._search = Search(program, self._uses, self._linear)
        self._ahead: list[Statement] = []

    def outermost(self, block: Block) -> Block:
        """The block of the program, with arrays of shares ahead of the statements that need them."""
        made: list[Statement] = []
        for statement in block:
            self._ahead = []
            new = self._block((statement,))
            made += (*self._ahead, *new)
            if isinstance(statement, Assign):
                self._search.known.update(target.name for target in statement.targets)
        return tuple(made)

    def _block(self, block: Block) -> Block:
        return tuple(made for statement in block for made in self._statement(statement))

    def _statement(self, statement: Statement) -> Block:
        found = self._search.stencil(statement) if isinstance(statement, For) else None
        if found is None:
            index = {statement.index.name} if isinstance(statement, For) else set()
            self._search.open |= index
            statement = with_blocks(statement, self._block)
            self._search.open -= index
            return (statement,)
        values = [store.value for stores in found.places.values() for store in stores]
        one = multiples(values, found.nest, found.cells)
        if one is not None and one.factors and not found.others:
            # A test would be needed for the factors alone.
            one = None
        nest, gathering = self._turned(found, one)
        gathered = (*self._statement(nest), *gathering)
        if not found.others:
            return gathered
        with self._builder.block() as made:
            builder, scatters = self._builder, None
            for other in found.others:
                scatters = self._or(scatters, builder.call(np.may_share_memory, found.array, other))
            for factor in () if one is None else one.factors:
                finite = builder.call(np.less, builder.call(np.absolute, factor), np.inf, name="finite")
                scatters = self._or(scatters, builder.call(np.logical_not, finite))
            assert scatters is not None
            assert isinstance(statement, For)
            builder.add(If(scatters, (self._again(statement),), gathered))
        return made.statements()

    def _or(self, a: Operand | None, b: Operand) -> Operand:
        return b if a is None else self._builder.call(np.logical_or, a, b)

    def _again(self, loop: For) -> Statement:
        """The same loop, with names of its own."""
        names = {target.name: target for s in walk((loop,)) for target in assigns(s)}
        fresh = {name: self._builder.var(name, target.type) for name, target in names.items()}
        return substitute((loop,), fresh)[0]

    def _turned(self, stencil: Stencil, one: Multiples | None) -> tuple[For, Block]:
        """The nest that writes shares instead of adding, and the one that adds them up."""
        kept = stencil.kept() if one is None else None
        spans = [highest - lowest for lowest, highest in map(stencil.reach, range(len(stencil.nest)))]
        with self._builder.block() as ahead:
            trips = [self._trips(loop) for loop in stencil.nest]
            lows = [self._low(loop) for loop in stencil.nest]
            shape = tuple(
                self._plus(self._natural(n), 2 * span) for n, span in zip(trips, spans, strict=True)
            )
            dtype = stencil.array.type.dtype  # type: ignore[union-attr]
            shares = {
                value: self._builder.call(np.zeros, shape, dtype=dtype, name="shares")
                for value in (stencil.values(kept) if one is None else [one.root.name])
            }
            # The frame is ahead of the first element of the nest.
            shifts = [
                Const(span - low.value)
                if isinstance(low, Const)
                else self._builder.call(np.subtract, span, low, name="shift")
                for span, low in zip(spans, lows, strict=True)
            ]
            runs = self._runs(trips)
        self._ahead += ahead.statements()
        nest = self._sharing(stencil, kept, one, shares, shifts)
        with self._builder.block() as after:
            self._gathering(stencil, kept, one, shares, trips, lows)
        gathering = after.statements()
        # Where a loop has no iteration, there may be no such elements.
        return nest, gathering if runs is None else (*gathering[:-1], If(runs, gathering[-1:]))

    def _sharing(
        self,
        stencil: Stencil,
        kept: tuple[int, ...] | None,
        one: Multiples | None,
        shares: dict[object, Var],
        shifts: list[Operand],
    ) -> For:
        moved = {id(s) for place, stores in stencil.places.items() if place != kept for s in stores}
        written: set[object] = set()

        def body(block: Block) -> Block:
            with self._builder.block() as made:
                where = tuple(
                    self._sum(loop.index, shift) for loop, shift in zip(stencil.nest, shifts, strict=True)
                )
                for statement in block:
                    if id(statement) not in moved:
                        self._builder.extend((statement,))
                        continue
                    assert isinstance(statement, Store)
                    key = _share_of(stencil, one, statement)
                    value = statement.value if one is None else one.root
                    if key not in written:
                        written.add(key)
                        share = replace(
                            statement, array=shares[key], index=where, value=value, accumulate=False
                        )
                        self._builder.extend((share,))
            return made.statements()

        def within(loop: For, depth: int) -> For:
            if depth == len(stencil.nest) - 1:
                return replace(loop, body=body(loop.body))
            inner = stencil.nest[depth + 1]
            return replace(loop, body=tuple(within(inner, depth + 1) if s is inner else s for s in loop.body))

        return within(stencil.nest[0], 0)

    def _gathering(
        self,
        stencil: Stencil,
        kept: tuple[int, ...] | None,
        one: Multiples | None,
        shares: dict[object, Var],
        trips: list[Form],
        lows: list[Operand],
    ) -> None:
        builder = self._builder
        store = next(iter(stencil.places.values()))[0]
        builder.location, builder.comment = store.location, store.comment
        indices = [builder.var("k", INT) for _ in stencil.nest]
        bases = [
            self._linear.write(
                builder,
                rest if k is None else self._form(lows[k]).plus(rest).shifted(stencil.reach(k)[0]),
            )
            for k, rest in zip(stencil.axes, stencil.rest, strict=True)
        ]

        def nest(depth: int, entries: list[list[Operand]], own: dict[int, Operand]) -> None:
            if depth == len(stencil.nest):
                total = self._total(stencil, kept, one, shares, entries)
                where = tuple(
                    base if k is None else own[k] for k, base in zip(stencil.axes, bases, strict=True)
                )
                builder.store(stencil.array, where, total, accumulate=True)
                return
            lowest, highest = stencil.reach(depth)
            with builder.block() as body:
                index = indices[depth]
                entry = [self._sum(index, Const(by)) for by in range(highest - lowest + 1)]
                base = bases[stencil.axes.index(depth)]
                nest(depth + 1, [*entries, entry], own | {depth: self._sum(index, base)})
            stop = self._linear.write(builder, trips[depth].shifted(highest - lowest))
            builder.add(For(index, Const(0), stop, Const(1), body.statements()))

        nest(0, [], {})

    def _total(
        self,
        stencil: Stencil,
        kept: tuple[int, ...] | None,
        one: Multiples | None,
        shares: dict[object, Var],
        entries: list[list[Operand]],
    ) -> Operand:
        builder, total = self._builder, None
        for place, stores in stencil.places.items():
            if place == kept:
                continue
            highest = [stencil.reach(depth)[1] for depth in range(len(stencil.nest))]
            where = tuple(entry[high - by] for entry, high, by in zip(entries, highest, place, strict=True))
            for store in stores:
                share = shares[_share_of(stencil, one, store)]
                share = builder.call(primitives.item, share, where, name="share")
                if one is not None:
                    share = one.of(builder, store.value, share)  # type: ignore[arg-type]
                total = share if total is None else builder.call(np.add, total, share, name="total")
        assert total is not None
        return total

    # Integers

    def _trips(self, loop: For) -> Form:
        """How often a loop runs, if it does."""
        upward = loop.step.value > 0  # type: ignore[union-attr]
        first, last = (loop.start, loop.stop) if upward else (loop.stop, loop.start)
        return self._form(last).plus(self._form(first), -1)

    def _natural(self, form: Form) -> Operand:
        """The value, or 0 where it is negative."""
        if not form.terms or self._linear.is_natural(form):
            return self._linear.write(self._builder, form)
        value = self._linear.write(self._builder, form)
        negative = self._builder.call(np.less, value, Const(0))
        return self._builder.call(primitives.select, negative, Const(0), value, name="n")

    def _runs(self, trips: list[Form]) -> Operand | None:
        """Whether all loops run; None if that is certain."""
        runs: Operand | None = None
        for form in trips:
            if form.terms:
                length = self._linear.write(self._builder, form)
                test = self._builder.call(np.less, Const(0), length, name="runs")
                runs = test if runs is None else self._builder.call(np.logical_and, runs, test, name="runs")
        return runs

    def _low(self, loop: For) -> Operand:
        """The smallest index of a loop."""
        upward = loop.step.value > 0  # type: ignore[union-attr]
        return loop.start if upward else self._plus(loop.stop, 1)

    def _form(self, operand: Operand) -> Form:
        form = self._linear.form(operand)
        if form is None or any(atom in self._linear.indices for atom, _ in form.terms):
            return Form(0, ((operand.name, 1),))  # type: ignore[union-attr]
        return form

    def _plus(self, operand: Operand, by: int) -> Operand:
        return self._sum(operand, Const(by))

    def _sum(self, a: Operand, b: Operand) -> Operand:
        if isinstance(a, Const) and isinstance(b, Const):
            return Const(a.value + b.value)
        if isinstance(b, Const) and b.value <= 0:
            return a if b.value == 0 else self._builder.call(np.subtract, a, -b.value, name="p")
        return self._builder.call(np.add, a, b, name="p")


def _share_of(stencil: Stencil, one: Multiples | None, store: Store) -> object:
    """Which of the shares has what a store adds."""
    return stencil.key(store) if one is None else one.root.name
