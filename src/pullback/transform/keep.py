"""What the reverse sweep reads of the past: kept, or computed again.

A local assigned outside all loops still has its value. One assigned in a loop is, for each trip,

- *computed again* where that takes only cheap arithmetic on what is known anyway, or a second look at memory
  that nothing overwrites in between;
- *read back* where the program itself has stored it in such memory;
- *kept* in an array with an entry per trip, where the number of trips of all its loops is known before them;
- *placed* in such an array, where it is an array itself whose lengths are known before the loops as well;
- *pushed* on a stack where they are not (triangles, ``while``): of an array its reference.

(Griewank & Walther, ch. 4.2; Naumann, *The Art of Differentiating Computer Programs*, 2012, ch. 4.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder
from pullback.ir.memory import is_alias
from pullback.ir.nodes import Assign, Block, Const, For, Operand, Pop, Push, Slice, Statement, Store, Var
from pullback.ir.types import Array, Scalar, Stack
from pullback.ir.walk import assigns, reads, substitute, variables, walk
from pullback.transform.alias import AliasClass
from pullback.transform.lengths import Lengths
from pullback.transform.loops import Loop
from pullback.transform.order import Order
from pullback.transform.shadow import Shadows
from pullback.transform.undo import Undoing, is_integer, is_undoable

CHEAP = frozenset([
    np.add, np.subtract, np.multiply, np.negative, np.positive, np.less, np.less_equal, np.greater,
    np.greater_equal, np.equal, np.not_equal, np.logical_and, np.logical_or, np.logical_not, np.bitwise_and,
    np.bitwise_or, np.maximum, np.minimum, np.absolute, np.square, np.conjugate, np.real, np.imag, np.isnan,
    primitives.cast, primitives.weaken, primitives.select, primitives.bind, primitives.dim, primitives.scale,
    primitives.stopped,
    np.sign, max, min, np.sqrt, np.divide, np.reciprocal,
])  # fmt: skip
"""What costs no more than a trip to memory. On integers division is cheap as well."""


@dataclass(slots=True)
class _Plan:
    """How the reverse sweep of one block gets the locals it needs, in the order they are defined."""

    kept: set[str] = field(default_factory=set)
    again: dict[str, Statement] = field(default_factory=dict)


class Keeper:
    """Decides for each block, and writes both the keeping and the getting back.

    Attributes:
        kept: the locals that are kept, each with the loops around its assignment.
    """

    def __init__(
        self,
        builder: Builder,
        classes: dict[str, AliasClass],
        cells: set[str],
        order: Order,
        shadows: Shadows,
        undoing: Undoing,
    ) -> None:
        self.kept: list[tuple[Var, tuple[Loop, ...]]] = []
        self._undoing = undoing
        self._builder = builder
        self._classes = classes
        self._cells = cells
        self._order = order
        self._shadows = shadows

    def keep(self, forward: Block, reverse: Block, loops: tuple[Loop, ...]) -> tuple[Block, Block, Block]:
        """The forward sweep of a block with the keeping in it, the beginning of its reverse sweep, and that.

        What the reverse sweep gets back has names of its own there.
        """
        remade = self._remade_shadows(forward, {v.name for s in walk(reverse) for v in reads(s)})
        if not loops:
            return forward, tuple(s for statement in forward for s in remade.get(id(statement), [])), reverse
        forward, remade, reverse = self._with_lengths(forward, remade, reverse)
        again = tuple(s for made in remade.values() for s in made)
        needed = {v.name for s in walk((*again, *reverse)) for v in reads(s)}
        locals_ = {t.name: s for s in forward if not isinstance(s, For) for t in assigns(s)}
        plan = self._plan(locals_, needed, self._stored(forward, locals_), len(loops))
        ahead, back = self._written(forward, loops, plan, remade)
        own = {
            target.name: self._builder.var(target.name, target.type)
            for statement in forward
            for target in assigns(statement)
            if target.name in plan.kept or target.name in plan.again
        }
        return ahead, substitute(back, own), substitute(reverse, own)

    def _remade_shadows(self, forward: Block, needed: set[str]) -> dict[int, list[Statement]]:
        """The shadows that the reverse sweep of this block makes, by the assignment of their arrays."""
        remade: dict[int, list[Statement]] = {}
        for statement in reversed(forward):
            if not isinstance(statement, Assign):
                continue
            for target in statement.targets:
                if not isinstance(target.type, Array) or not self._shadows.known(target.name):
                    continue
                if self._shadows[target].name in needed and self._shadows.is_plain(target):
                    made = self._shadows.definition(statement)
                    remade[id(statement)] = made
                    fresh = {t.name for s in made for t in assigns(s)}
                    needed |= {v.name for s in made for v in reads(s)} - fresh
        return remade

    def _with_lengths(
        self, forward: Block, remade: dict[int, list[Statement]], reverse: Block
    ) -> tuple[Block, dict[int, list[Statement]], Block]:
        """The same without the arrays of which the reverse sweep asks for lengths alone."""
        lengths = Lengths(forward, self._cells, self._builder)
        again = tuple(s for made in remade.values() for s in made)
        arrays = lengths.only_measured((*again, *reverse))
        if not arrays:
            return forward, remade, reverse
        new = lengths.instead(arrays)
        reverse = new(reverse)
        remade = {key: list(new(tuple(made))) for key, made in remade.items()}
        # What makes a shadow asks for lengths, so it stands behind those of its array.
        asked = lengths.asked
        remade = {id(asked[key][-1]) if key in asked else key: made for key, made in remade.items()}
        longer = tuple(s for statement in forward for s in (statement, *asked.get(id(statement), [])))
        return longer, remade, reverse

    # -- the decision ----------------------------------------------------------------------------------------

    def _plan(
        self, locals_: dict[str, Statement], needed: set[str], stored: dict[str, Assign], depth: int
    ) -> _Plan:
        plan = _Plan()
        for name in locals_:
            if name not in needed:
                continue
            if self._is_known(name, locals_, plan):
                self._compute_again(name, locals_, plan)
            elif name in stored and all(self._is_known(v.name, locals_, plan) for v in reads(stored[name])):
                plan.again[name] = stored[name]
                for variable in reads(stored[name]):
                    self._compute_again(variable.name, locals_, plan)
            else:
                in_the_way = self._in_the_way(name, locals_, plan)
                if in_the_way:
                    self._undoing.wishes.append((in_the_way, depth))
                self._keep(name, locals_, plan)
        return plan

    def _keep(self, name: str, locals_: dict[str, Statement], plan: _Plan) -> None:
        """Keep a local; of a view of an array that array, of which it is taken again.

        What comes back has the array's layout then, which a reference to an array in any layout has not.
        """
        statement = locals_[name]
        if not is_alias(statement) or any(v.name in self._cells for v in reads(statement)):
            plan.kept.add(name)
            return
        source, *others = reads(statement)
        if source.name not in locals_ or not all(self._is_known(v.name, locals_, plan) for v in others):
            plan.kept.add(name)
            return
        self._keep(source.name, locals_, plan)
        self._compute_again(name, locals_, plan)

    def _in_the_way(self, name: str, locals_: dict[str, Statement], plan: _Plan) -> list[AliasClass] | None:
        """The memory that would have to be undone for a variable to be known; None if that is not enough."""
        if self._is_known(name, locals_, plan):
            return []
        statement = locals_.get(name)
        match statement:
            case Assign(function=primitives.item, args=(Var(name=array), _)):
                memory = self._classes[array]
                in_block = self._order.overwritten_in_block(statement, memory)
                if in_block or not is_undoable(memory, self._order):
                    return None
                found = [memory]
            case Assign() if self._is_cheap(statement):
                found = []
            case _:
                return None
        for variable in reads(statement):
            more = self._in_the_way(variable.name, locals_, plan)
            if more is None:
                return None
            found += more
        return found

    def _stored(self, forward: Block, locals_: dict[str, Statement]) -> dict[str, Assign]:
        """How to read back the locals that are stored, in the block of their assignment, where they stay."""
        places = {name: position for position, name in enumerate(locals_)}
        found: dict[str, Assign] = {}
        for statement in forward:
            match statement:
                case Store(array=array, index=index, value=Var() as value, accumulate=False):
                    before = places.get(value.name, -1)
                    if (
                        before >= 0
                        and value.type == Scalar(array.type.dtype)  # type: ignore[union-attr]
                        and all(is_integer(i) for i in index)
                        and all(places.get(v.name, -1) < before for v in (array, *variables(index)))
                        and array.name in self._classes
                        and not self._overwritten(statement, array)
                    ):
                        found[value.name] = Assign((value,), primitives.item, (array, index))
        return found

    def _is_known(self, name: str, locals_: dict[str, Statement], plan: _Plan) -> bool:
        """Whether the value of a variable can be had in the reverse sweep without keeping more."""
        if name in plan.kept or name in plan.again:
            return True
        statement = locals_.get(name)
        if statement is None:
            return name not in self._cells
        return self._is_cheap(statement) and all(
            self._is_known(variable.name, locals_, plan) for variable in reads(statement)
        )

    def _is_cheap(self, statement: Statement) -> bool:
        if not isinstance(statement, Assign) or len(statement.targets) != 1:
            return False
        if any(v.name in self._cells for v in reads(statement)):
            return False
        if statement.function is primitives.item:
            array = statement.args[0]
            assert isinstance(array, Var)
            return not self._overwritten(statement, array)
        if is_alias(statement):
            return True
        kind = statement.targets[0].type
        if not isinstance(kind, Scalar):
            return False
        if any(isinstance(v.type, Array) for v in reads(statement)):
            return statement.function is primitives.dim
        integer = kind.dtype.kind in "iub" and statement.function in (np.floor_divide, np.remainder)
        return integer or statement.function in CHEAP

    def _overwritten(self, statement: Statement, array: Var) -> bool:
        """Whether the reverse sweep of a statement's block begins with another value in its place."""
        memory = self._classes[array.name]
        if array.name in self._undoing.names:
            return self._order.overwritten_in_block(statement, memory)
        return self._order.overwritten(statement, memory, array)

    def _compute_again(self, name: str, locals_: dict[str, Statement], plan: _Plan) -> None:
        if name in plan.kept or name in plan.again or name not in locals_:
            return
        plan.again[name] = locals_[name]
        for variable in reads(locals_[name]):
            self._compute_again(variable.name, locals_, plan)

    # -- the writing -----------------------------------------------------------------------------------------

    def _written(
        self, forward: Block, loops: tuple[Loop, ...], plan: _Plan, remade: dict[int, list[Statement]]
    ) -> tuple[Block, Block]:
        ahead: list[Statement] = []
        back: list[Statement] = []
        for statement in forward:
            ahead.append(statement)
            if not isinstance(statement, For):
                for target in assigns(statement):
                    if target.name in plan.kept:
                        stays, push, pop = self._storage(target, statement, loops)
                        if not stays:
                            ahead.pop()
                        ahead += push
                        back += pop
                    elif target.name in plan.again:
                        back.append(replace(plan.again[target.name], comment=""))
            back += remade.get(id(statement), [])
        return tuple(ahead), tuple(back)

    def _storage(
        self, local: Var, statement: Statement, loops: tuple[Loop, ...]
    ) -> tuple[bool, Block, Block]:
        """How a local is kept: whether its assignment stays, what follows that, and what gets it back."""
        self.kept.append((local, loops))
        counted = all(loop.is_counted_outside(loops[0]) for loop in loops)
        if counted and isinstance(local.type, Scalar):
            return True, *self._array(local, loops)
        shape = self._shape(local, statement, loops[0]) if counted else None
        if shape is not None:
            return False, *self._placed(local, shape, loops)
        return True, *self._stack(local, loops)

    def _shape(self, local: Var, statement: Statement, outer: Loop) -> tuple[Operand, ...] | None:
        """The shape of an array that its statement allocates, where it is known before a loop."""
        memory = self._classes.get(local.name)
        match statement:
            case Assign(function=np.empty, args=(tuple(shape), *_)):
                known = not any(v.name in outer.assigned for v in variables(shape))
                if known and memory is not None and memory.plain and len(memory.origins) == 1:
                    return shape  # type: ignore[return-value]
        return None

    def _placed(self, local: Var, shape: tuple[Operand, ...], loops: tuple[Loop, ...]) -> tuple[Block, Block]:
        """The array as the part of a larger one that belongs to the trip, in both sweeps."""
        assert isinstance(local.type, Array)
        room, trips = self._room(local, len(shape), loops)
        loops[0].before.append(Assign((room,), np.empty, ((*trips, *shape), Const(local.type.dtype))))

        def place() -> Block:
            with self._builder.block() as made:
                index = tuple(loop.position(self._builder) for loop in loops)
                whole = (Slice(),) * len(shape)
                self._builder.add(Assign((local,), primitives.view, (room, (*index, *whole))))
            return made.statements()

        return place(), place()

    def _room(self, local: Var, ndim: int, loops: tuple[Loop, ...]) -> tuple[Var, tuple[Operand, ...]]:
        """An array with a place for each trip, and how many there are."""
        kind = local.type
        assert isinstance(kind, Array | Scalar)
        ones = frozenset(len(loops) + axis for axis in kind.ones) if isinstance(kind, Array) else frozenset()
        room = self._builder.var(f"kept_{local.name}", Array(kind.dtype, len(loops) + ndim, ones))
        return room, tuple(loops[0].trips_of(loop, self._builder) for loop in loops)

    def _stack(self, local: Var, loops: tuple[Loop, ...]) -> tuple[Block, Block]:
        assert isinstance(local.type, Scalar | Array)
        stack = self._builder.var(f"kept_{local.name}", Stack(local.type))
        loops[0].before.append(Assign((stack,), primitives.stack, ()))
        return (Push(stack, local),), (Pop(local, stack),)

    def _array(self, local: Var, loops: tuple[Loop, ...]) -> tuple[Block, Block]:
        assert isinstance(local.type, Scalar)
        room, trips = self._room(local, 0, loops)
        loops[0].before.append(Assign((room,), np.empty, (trips, Const(local.type.dtype))))
        with self._builder.block() as keep:
            index = tuple(loop.position(self._builder) for loop in loops)
            self._builder.add(Store(room, index, local))
        with self._builder.block() as get:
            index = tuple(loop.position(self._builder) for loop in loops)
            self._builder.add(Assign((local,), primitives.item, (room, index)))
        return keep.statements(), get.statements()
