"""Innermost loops that add to an array at several places, split into one loop for each.

A stencil's adjoint scatters: it adds to neighbouring elements, so that no iteration can run beside the next.
One increment in a loop of its own never meets itself, and the compiler makes it a vector loop. A loop is
split where its iterations meet in additions alone and what an addition needs is cheap to compute again.
What adds to one place in every iteration is summed in a variable. Loops whose iterations are independent run
upwards. (Hückelheim et al., *Source-to-source automatic differentiation of OpenMP parallel loops*, 2022, on
adjoint stencils; Allen & Kennedy, *Optimizing Compilers*, 2001, ch. 5, on distribution.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.nodes import Assign, Block, Const, For, If, Operand, Program, Statement, Store, Var
from pullback.ir.types import Scalar
from pullback.ir.walk import assigns, blocks, copied, reads, walk, with_body
from pullback.optimize.linear import Linear
from pullback.optimize.uses import Uses

_CHEAP = frozenset([
    np.add, np.subtract, np.multiply, np.negative, np.square, np.conjugate, np.real, np.imag, np.less,
    np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.logical_and, np.logical_or,
    np.logical_not, primitives.item, primitives.select, primitives.scale, primitives.cast, primitives.bind,
])  # fmt: skip
_MOST = 24  # statements computed again for one addition
_FEWEST = 8  # iterations of a loop that is worth splitting


def split_additions(program: Program) -> Program:
    """The same function, sums aside, with its innermost loops split."""
    uses = Uses(program)
    splitter = _Splitter(uses, Linear(program, uses), Builder(names_of(program)))
    return with_body(program, splitter.block(program.body))


class _Splitter:
    def __init__(self, uses: Uses, linear: Linear, builder: Builder) -> None:
        self._uses = uses
        self._linear = linear
        self._builder = builder

    def block(self, block: Block) -> Block:
        made: list[Statement] = []
        for statement in block:
            statement = self._uses.within(statement, self.block)
            if isinstance(statement, For) and not any(blocks(s) for s in statement.body):
                made += self._loop(statement)
            elif isinstance(statement, For) and is_independent_nest(statement, self._uses, self._linear):
                made += upwards(statement, statement.body, self._builder)
            else:
                made.append(statement)
        return tuple(made)

    def _loop(self, loop: For) -> Block:
        body = _Body(loop, self._uses, self._builder)
        if not body.is_simple or _is_short(loop) or not isinstance(loop.step, Const):
            return (loop,)
        parts = body.additions()
        if not parts:
            return body.upwards(loop.body) if body.is_independent(loop.body) else (loop,)
        made: list[Statement] = []
        for addition in parts:
            if body.moves(addition):
                made += body.upwards((*copied(body.slice_of(addition)), addition))
            else:
                made += self._summed(body, addition)
        rest = body.without(parts)
        if rest:
            made += body.upwards(rest) if body.is_independent(rest) else (replace(loop, body=rest),)
        return tuple(made)

    def _summed(self, body: _Body, addition: Store) -> Block:
        """An addition to one place, as the addition of a sum."""
        kind = addition.array.type
        total = self._builder.var("sum", Scalar(kind.dtype))  # type: ignore[union-attr]
        more = self._builder.var("sum", total.type)
        inner = (
            *copied(body.slice_of(addition)),
            Assign((more,), np.add, (total, addition.value), location=addition.location),
            Assign((total,), primitives.bind, (more,)),
        )
        start = Assign((total,), primitives.bind, (Const(kind.dtype.type(0)),))  # type: ignore[union-attr]
        return (start, *body.upwards(inner), *body.where_it_runs(replace(addition, value=total)))


class _Body:
    """What is known of one innermost loop."""

    def __init__(self, loop: For, uses: Uses, builder: Builder) -> None:
        self._builder = builder
        self._loop = loop
        self._uses = uses
        self._made: dict[str, Assign] = {}
        self.is_simple = True
        for statement in loop.body:
            match statement:
                case Assign(targets=(target,)) if isinstance(target.type, Scalar):
                    self.is_simple = self.is_simple and target.name not in self._made
                    self._made[target.name] = statement
                case Store():
                    pass
                case _:
                    self.is_simple = False
        self._stores = [s for s in loop.body if isinstance(s, Store)]
        inside = set(self._made)
        for name in inside:
            # Carried from one iteration to the next, or read after the loop.
            if name in uses.cells:
                self.is_simple = False

    def additions(self) -> list[Store]:
        """The additions that can have loops of their own; none where that would not be worth it."""
        groups: dict[str, list[Store]] = {}
        for store in self._stores:
            groups.setdefault(self._uses.memory(store.array.name), []).append(store)
        found: list[Store] = []
        for memory, stores in groups.items():
            alone = all(s.accumulate for s in stores) and memory not in self._read_memory(self._loop.body)
            if alone and (len(stores) > 1 or not self.moves(stores[0])):
                found += [s for s in stores if self._is_separable(s)]
        return found

    def _is_separable(self, addition: Store) -> bool:
        coefficients = self._coefficients(addition)
        # With steps larger than an element there is no vector to be had.
        if coefficients is None or any(coefficients[:-1]):
            return False
        slice_ = self.slice_of(addition)
        return len(slice_) <= _MOST and all(
            s.function in _CHEAP and self._reads_before_writes(s) for s in slice_
        )

    def _reads_before_writes(self, statement: Assign) -> bool:
        """Whether a read of memory comes before the stores there, to one place that is each trip's own."""
        if statement.function is not primitives.item:
            return True
        array, index = statement.args
        memory = self._uses.memory(array.name)  # type: ignore[union-attr]
        at = self._position(statement)
        return all(
            self._position(store) > at and _same(store.index, index) and any(self._coefficients(store) or ())
            for store in self._stores
            if self._uses.memory(store.array.name) == memory
        )

    def _position(self, statement: Statement) -> int:
        return next(k for k, s in enumerate(self._loop.body) if s is statement)

    def slice_of(self, store: Store) -> tuple[Assign, ...]:
        """The assignments in the loop that an addition depends on."""
        needed = {v.name for v in reads(store)}
        found: list[Assign] = []
        for statement in reversed(self._loop.body):
            if isinstance(statement, Assign) and statement.targets[0].name in needed:
                found.append(statement)
                needed |= {v.name for v in reads(statement)}
        return tuple(found[::-1])

    def without(self, parts: list[Store]) -> Block:
        """What is left of the body: the other stores and what they need."""
        stores = [s for s in self._stores if not any(s is p for p in parts)]
        kept = {id(s) for store in stores for s in (*self.slice_of(store), store)}
        return tuple(s for s in self._loop.body if id(s) in kept)

    def moves(self, store: Store) -> bool:
        """Whether the place of a store changes with the iteration."""
        coefficients = self._coefficients(store)
        return coefficients is None or any(coefficients)

    def is_independent(self, block: Block) -> bool:
        """Whether the iterations of a block can run in any order."""
        stores = [s for s in block if isinstance(s, Store)]
        read = self._read_memory(block)
        seen: set[str] = set()
        for store in stores:
            memory = self._uses.memory(store.array.name)
            coefficients = self._coefficients(store)
            if memory in seen or coefficients is None or not any(coefficients):
                return False
            seen.add(memory)
            for statement in block:
                if isinstance(statement, Assign) and statement.function is primitives.item:
                    array, index = statement.args
                    same = self._uses.memory(array.name) == memory  # type: ignore[union-attr]
                    if same and not _same(store.index, index):
                        return False
        return bool(stores) or not read

    def _read_memory(self, block: Block) -> set[str]:
        return {
            self._uses.memory(s.args[0].name)  # type: ignore[union-attr]
            for s in block
            if isinstance(s, Assign) and s.function is primitives.item
        }

    def upwards(self, block: Block) -> Block:
        """The loop over another body, from the lowest index to the highest."""
        return upwards(self._loop, block, self._builder)

    def where_it_runs(self, store: Store) -> Block:
        """A store after the loop, unless the loop has no iteration: its index may be out of range then."""
        loop = self._loop
        if isinstance(loop.start, Const) and isinstance(loop.stop, Const):
            return (store,)
        with self._builder.block() as made:
            upwards = isinstance(loop.step, Const) and loop.step.value > 0
            ends = (loop.start, loop.stop) if upwards else (loop.stop, loop.start)
            runs = self._builder.call(np.less, *ends, name="runs")
            self._builder.add(If(runs, (store,)))
        return made.statements()

    def _coefficients(self, store: Store) -> list[int] | None:
        """How each entry of a store's index grows from one iteration to the next; None if unknown."""
        found: list[int] = []
        for entry in store.index:
            if not isinstance(entry, Var | Const):
                return None
            c = self._coefficient(entry)
            if c is None:
                return None
            found.append(c)
        return found

    def _coefficient(self, operand: Operand) -> int | None:
        if isinstance(operand, Const):
            return 0
        if operand.name == self._loop.index.name:
            return 1
        statement = self._made.get(operand.name)
        if statement is None:
            return 0
        if statement.function not in (np.add, np.subtract, primitives.bind):
            return None
        parts = [self._coefficient(x) for x in statement.args]  # type: ignore[arg-type]
        if any(p is None for p in parts):
            return None
        if len(parts) == 1:
            return parts[0]
        a, b = parts
        assert a is not None
        assert b is not None
        return a + b if statement.function is np.add else a - b


def _is_short(loop: For) -> bool:
    """Whether a loop is known to have so few iterations that it is written out rather than vectorised."""
    bounds = (loop.start, loop.stop, loop.step)
    if not all(isinstance(bound, Const) for bound in bounds):
        return False
    return len(range(*(int(bound.value) for bound in bounds))) < _FEWEST  # type: ignore[union-attr]


def _same(a: object, b: object) -> bool:
    """Whether two indices are written with the same operands."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Const) and isinstance(b, Const):
        return type(a.value) is type(b.value) and a.value == b.value
    return isinstance(a, Var) and a == b


def upwards(loop: For, body: Block, builder: Builder) -> Block:
    """A loop over `body` through the indices of `loop`, from the lowest to the highest."""
    if not (isinstance(loop.step, Const) and loop.step.value == -1):
        return (replace(loop, body=body),)
    with builder.block() as made:
        lowest, end = (_next(operand, builder) for operand in (loop.stop, loop.start))
        builder.add(replace(loop, start=lowest, stop=end, step=Const(1), body=body))
    return made.statements()


def _next(operand: Operand, builder: Builder) -> Operand:
    if isinstance(operand, Const):
        return Const(operand.value + 1)
    return builder.call(np.add, operand, 1, name="end")


def is_independent_nest(loop: For, uses: Uses, linear: Linear) -> bool:
    """Whether the iterations of a loop with loops in it can run in any order.

    They can where each array is only added to, or where all reads and writes of it have the same entry in
    their index, which grows with the loop.
    """
    inside = list(walk(loop.body))
    if not all(isinstance(s, Assign | Store | For) for s in inside):
        return False
    if any(target.name in uses.cells for s in inside for target in assigns(s)):
        return False
    accesses: dict[str, list[tuple[tuple, bool]]] = {}
    for s in inside:
        if isinstance(s, Store):
            accesses.setdefault(uses.memory(s.array.name), []).append((s.index, not s.accumulate))
        elif isinstance(s, Assign) and s.function is primitives.item:
            array, index = s.args
            accesses.setdefault(uses.memory(array.name), []).append((index, False))  # type: ignore
        elif isinstance(s, Assign) and not isinstance(s.targets[0].type, Scalar):
            return False
    written = {uses.memory(s.array.name) for s in inside if isinstance(s, Store)}
    read = {
        uses.memory(s.args[0].name)  # type: ignore[union-attr]
        for s in inside
        if isinstance(s, Assign) and s.function is primitives.item
    }
    for memory in written:
        only_added = memory not in read and not any(plain for _, plain in accesses[memory])
        if not only_added and not _apart([index for index, _ in accesses[memory]], loop, linear):
            return False
    return True


def _apart(indices: list[tuple], loop: For, linear: Linear) -> bool:
    """Whether some entry is the same in all of these, and another in each iteration."""
    for axis in range(min(map(len, indices))):
        rests = [linear.grows(index[axis], loop) for index in indices]
        if None not in rests and all(rest == rests[0] for rest in rests):
            return True
    return False
