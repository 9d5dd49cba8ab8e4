"""`Sweeps`: the two sweeps of reverse mode over one program, statement by statement (`transform.adjoint`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of, operand_type
from pullback.ir.memory import is_alias
from pullback.ir.nodes import (
    Arg,
    Assign,
    Block,
    Checkpoint,
    Const,
    For,
    If,
    Operand,
    Pop,
    Program,
    Push,
    Return,
    Slice,
    Statement,
    Store,
    Var,
    While,
)  # fmt: skip
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, blocks, reads, reads_any, substitute, walk
from pullback.transform.activity import Activity, results_at
from pullback.transform.alias import alias_classes
from pullback.transform.calculus import Calculus
from pullback.transform.canonical import cells_of
from pullback.transform.cotangents import Cotangents
from pullback.transform.handed import Handed
from pullback.transform.independent import Independence
from pullback.transform.joint import put_off
from pullback.transform.keep import Keeper
from pullback.transform.loops import Loop
from pullback.transform.order import Order
from pullback.transform.rerun import Rerun
from pullback.transform.shadow import Shadows
from pullback.transform.undo import Undoing


class Sweeps:
    """The forward and the reverse sweep over a program in canonical form.

    Attributes:
        original: the program.
        derive: the whole derivative of a program, for the block of a checkpoint.
        joint: how many loops run forward and backward at once.
    """

    def __init__(
        self,
        program: Program,
        wrt: Sequence[int],
        of: Sequence[int],
        undoing: Undoing,
        in_place: bool,
        singular: Iterable[str],
        steep: Iterable[int],
        derive: Callable[..., Program],
    ) -> None:
        self.original = program
        self.derive = derive
        self.joint = 0
        self.undoing = undoing
        self.wrt, self.of = wrt, of
        self.builder = Builder(names_of(program))
        self.cells = cells_of(program)
        self.classes = alias_classes(program, self.cells)
        self.activity = Activity(
            program,
            self.classes,
            wrt=[program.params[k].name for k in wrt],
            of=results_at(program, of),
            singular=singular,
            steep=results_at(program, steep),
        )
        self.in_place = in_place
        self.order = Order(program, self.cells)
        self.handed = Handed(program, self.classes, self.order)
        self._before: Statement | None = None
        self.independence = Independence(program, self.cells, self.classes, self.activity, self.order)
        self.shadows = Shadows(self.builder, self.classes, self.cells, self.activity)
        self.keeper = Keeper(self.builder, self.classes, self.cells, self.order, self.shadows, undoing)
        self.bars = Cotangents(self.builder, self.cells)
        self.calculus = Calculus(
            self.builder, self.activity, self.classes, self.order, self.shadows, self.bars
        )

    # -- the whole -------------------------------------------------------------------------------------------

    def program(self) -> Program:
        program, builder = self.original, self.builder
        seeds = tuple(
            builder.var(f"{getattr(result, 'name', 'y')}_bar", strong(operand_type(result)))
            for result in (program.results[k] for k in self.of)
        )
        adopted = self._adopt(seeds)
        with builder.block() as seeding:
            for k, seed in zip(self.of, seeds, strict=True):
                if seed not in adopted:
                    self._seed(program.results[k], seed)
        forward, (remade, reverse), late = self._block(
            program.body[:-1], (), seeding.statements(), alone=True
        )
        with builder.block() as shadows:
            for param in program.params:
                if not isinstance(param.type, Array) or not self.activity.is_active(param):
                    continue
                if self.shadows[param] not in adopted:
                    builder.extend(tuple(self.shadows.zeros(param)))
        with builder.block() as cells:
            self.bars.start()
        with builder.block() as end:
            cotangents = [self._cotangent_of(program.params[k]) for k in self.wrt]
        results, copies = self._results()
        body = (
            *shadows.statements(), *forward, *copies, *cells.statements(), *remade, *seeding.statements(),
            *reverse, *late, *end.statements(),
        )  # fmt: skip
        last = Return((*results, *cotangents))
        return Program(f"{program.name}_adjoint", (*program.params, *seeds), (*body, last))

    def _adopt(self, seeds: Sequence[Var]) -> set[Var]:
        """The cotangents that serve as shadows of parameters."""
        adopted: set[Var] = set()
        for k, seed in zip(self.of if self.in_place else (), seeds, strict=False):
            result = self.original.results[k]
            assert isinstance(result, Var)
            own = result in self.original.params and result.name not in self.cells
            if own and isinstance(seed.type, Array) and self.activity.is_active(result):
                self.shadows.adopt(result, seed)
                adopted.add(seed)
        return adopted

    def _results(self) -> tuple[list[Operand], Block]:
        """The program's results, those copied whose memory the reverse sweep takes back."""
        results: list[Operand] = []
        with self.builder.block() as copies:
            for result in self.original.results:
                undone = isinstance(result, Var) and result.name in self.undoing.names
                results.append(self.builder.call(np.copy, result, name="y") if undone else result)
        return results, copies.statements()

    def _seed(self, result: Operand, seed: Var) -> None:
        if not self.activity.is_active(result):
            return
        assert isinstance(result, Var)
        if isinstance(result.type, Array):
            self.builder.store(self.shadows[result], whole(result.type), seed, accumulate=True)
        else:
            self.bars.seed(result, seed)

    def _cotangent_of(self, param: Var) -> Operand:
        if isinstance(param.type, Array):
            if not self.activity.is_active(param):
                return self.builder.call(np.zeros_like, param, name=f"{param.name}_bar")
            return self.shadows[param]
        assert isinstance(param.type, Scalar)
        return self.bars.final(param) or Const(param.type.dtype.type(0))

    # -- blocks ----------------------------------------------------------------------------------------------

    def _block(
        self, block: Block, loops: tuple[Loop, ...], seeding: Block = (), *, alone: bool = False
    ) -> tuple[Block, tuple[Block, Block], Block]:
        """The forward sweep of a block inside `loops`, how its reverse sweep begins, and that sweep.

        The last part is what waits for the end of both, where the reverse sweep follows at once (`alone`).
        """
        forward: dict[int, Block] = {}
        late: set[int] = set()
        with self.builder.block() as made:
            for number in reversed(range(len(block))):
                statement = block[number]
                self._describe(statement)
                self._open_outer(statement)
                if isinstance(statement, While):
                    forward[number] = self._while(statement, block[number + 1], loops)
                    continue
                waiting = None
                if alone and isinstance(statement, For):
                    following = {k: forward[k] for k in range(number + 1, len(block)) if k not in late}
                    waiting = self._waiting(statement, following)
                if waiting is None:
                    self._before = block[number - 1] if number else None
                    forward[number] = self._statement(statement, loops)
                else:
                    assert isinstance(statement, For)
                    joint = self.joint
                    forward[number] = self._joint(statement)
                    late |= waiting if self.joint > joint else set()
        ordered = tuple(s for number in range(len(block)) if number not in late for s in forward[number])
        waiting = tuple(s for number in sorted(late) for s in forward[number])
        reverse = made.statements()
        if not reverse and loops:
            return ordered, ((), ()), waiting
        ordered, prologue, all_reverse = self.keeper.keep(ordered, (*seeding, *reverse), loops)
        return ordered, (prologue, all_reverse[len(seeding) :]), waiting

    def _inner(self, block: Block, loops: tuple[Loop, ...]) -> tuple[Block, Block]:
        forward, (prologue, reverse), _ = self._block(block, loops)
        return forward, (*prologue, *reverse) if reverse else ()

    def _describe(self, statement: Statement) -> None:
        self.builder.location = statement.location
        text = statement.location.text.strip() if statement.location else statement.comment
        self.builder.comment = f"adjoint of: {text}" if text else ""

    def _open_outer(self, statement: Statement) -> None:
        """Before a statement with blocks: what they add to cotangents of the locals around needs a cell."""
        inside = [s for b in blocks(statement) for s in walk(b)]
        own = {target.name for s in inside for target in assigns(s)}
        for variable in {v.name: v for s in inside for v in reads(s)}.values():
            if (
                variable.name not in own
                and isinstance(variable.type, Scalar)
                and self.activity.is_active(variable)
            ):
                self.bars.open(variable)

    def _statement(self, statement: Statement, loops: tuple[Loop, ...]) -> Block:
        """Add the reverse of a statement to the builder, and return its forward sweep."""
        match statement:
            case Assign():
                return self._assign(statement)
            case Store():
                self._store(statement)
            case For():
                return self._for(statement, loops)
            case Checkpoint():
                return self._checkpoint(statement)
            case If():
                then, then_reverse = self._inner(statement.then, loops)
                orelse, orelse_reverse = self._inner(statement.orelse, loops)
                if then_reverse or orelse_reverse:
                    self.builder.add(If(statement.test, then_reverse, orelse_reverse))
                return (replace(statement, then=then, orelse=orelse),)
            case Push() | Pop():
                return self._stack(statement)
        return (statement,)

    def _checkpoint(self, statement: Checkpoint) -> Block:
        piece = Rerun(statement, self.builder, self.cells, self.classes, self.activity, self.order)
        return piece.write(self.original, self.shadows, self.bars, self.derive)

    def _for(self, statement: For, loops: tuple[Loop, ...]) -> Block:
        loop = Loop(statement)
        forward, reverse = self._inner(statement.body, (*loops, loop))
        if reverse:
            start, stop, step = loop.backwards(self.builder)
            index = self.builder.var(statement.index.name, statement.index.type)
            reverse = substitute(reverse, {statement.index.name: index})
            self.builder.add(For(index, start, stop, step, reverse))
        return (*loop.before, replace(statement, body=forward))

    def _waiting(self, loop: For, following: dict[int, Block]) -> set[int] | None:
        """The statements that wait if a loop runs forward and backward at once; None if it cannot."""
        if not reads_any((loop,), self.activity):
            return None
        waiting = put_off((loop,), following, tuple(self.builder.innermost), self.classes)
        if waiting is None:
            return None
        # The reverse sweep takes some memory back, perhaps before what waits has run.
        moved = (loop, *(s for number in waiting for s in following[number]))
        undone = reads_any(moved, self.undoing.names)
        return None if undone or not self.independence.holds(loop) else waiting

    def _joint(self, loop: For) -> Block:
        """Add a loop that runs forward and backward at once, and return what is left of its forward sweep.

        Where its reverse sweep needs nothing of the forward one, they are a loop each.
        """
        joint = self.joint
        forward, (prologue, reverse), late = self._block(loop.body, (), alone=True)
        back = (*prologue, *reverse)
        computed = {target.name for s in walk(forward) for target in assigns(s)}
        if self.joint == joint and not computed & {v.name for s in walk(back) for v in reads(s)}:
            if back:
                index = self.builder.var(loop.index.name, loop.index.type)
                back = substitute(back, {loop.index.name: index})
                self.builder.add(replace(loop, index=index, body=back))
            return (replace(loop, body=(*forward, *late)),)
        self.joint += 1
        # Each iteration leaves the stacks as empty as it finds them.
        stacks = tuple(s for s in forward if isinstance(s, Assign) and s.function is primitives.stack)
        self.builder.extend(stacks)
        rest = tuple(s for s in forward if all(s is not stack for stack in stacks))
        self.builder.add(replace(loop, body=(*rest, *back, *late)))
        return ()

    def _while(self, statement: While, following: Statement, loops: tuple[Loop, ...]) -> Block:
        """`transform.count` has left nothing in `before` but the test, and counts the trips after it."""
        loop = Loop(statement)
        forward, reverse = self._inner(statement.body, (*loops, loop))
        if reverse:
            trips = assigns(following)[0]
            index = self.builder.var("trip", trips.type)
            last = self.builder.call(np.subtract, trips, 1, name="last")
            self.builder.add(For(index, last, Const(-1), Const(-1), reverse))
        return (*loop.before, replace(statement, body=forward))

    # -- statements ------------------------------------------------------------------------------------------

    def _assign(self, statement: Assign) -> Block:
        alongside = self.shadows.alongside(statement)
        if is_alias(statement) or not any(self.activity.is_active(t) for t in statement.targets):
            return (statement, *alongside)
        kept = self.calculus.assign(statement)
        return (*kept.before, statement, *kept.after, *alongside)

    def _store(self, statement: Store) -> None:
        array, value = statement.array, statement.value
        old = self.undoing.old.get(id(statement))
        if old is not None:
            self.builder.store(array, statement.index, old)
        if not self.activity.is_active(array):
            return
        shadow = self.shadows[array]
        if self.handed.over(statement, self._before) and self.activity.is_active(value):
            assert isinstance(value, Var)
            if self.handed.once(statement):
                self.shadows.adopt(value, self.builder.call(primitives.view, shadow, statement.index))
                return
            self.shadows.adopt(value, self.calculus.element(shadow, statement.index))  # type: ignore[arg-type]
            self.builder.store(shadow, statement.index, array.type.dtype.type(0))  # type: ignore[union-attr]
            return
        # What is stored may be a part of the same array, so its cotangent comes last.
        taken = self.calculus.element(shadow, statement.index) if self.activity.is_active(value) else None
        if not statement.accumulate:
            self.builder.store(shadow, statement.index, array.type.dtype.type(0))  # type: ignore[union-attr]
        if taken is not None:
            assert isinstance(value, Var)
            if not statement.accumulate and any(is_integers(entry) for entry in statement.index):
                taken = self.calculus.of_the_last(shadow, statement.index, taken)
            self.calculus.add(value, taken)

    def _stack(self, statement: Push | Pop) -> Block:
        stack = statement.stack
        if not self.activity.is_active(stack):
            return (statement,)
        item = stack.type.item  # type: ignore[union-attr]
        if isinstance(item, Array):
            return (statement, *self.shadows.alongside(statement))
        bars = self.shadows[stack]
        if isinstance(statement, Push):
            taken = self.builder.var(f"{stack.name}_bar", Scalar(item.dtype))
            self.builder.add(Pop(taken, bars))
            if isinstance(statement.value, Var):
                self.bars.add(statement.value, taken)
        else:
            self.builder.add(Push(bars, self.bars.take(statement.target) or Const(item.dtype.type(0))))
        return (statement,)


def strong(kind: Scalar | Array) -> Scalar | Array:
    """The type of the cotangent of a value."""
    return Scalar(kind.dtype) if isinstance(kind, Scalar) else kind


def is_integers(entry: Arg) -> bool:
    """Whether an entry of an index is an array of integers."""
    kind = operand_type(entry) if isinstance(entry, Var) else getattr(entry, "value", None)
    return isinstance(kind, Array | np.ndarray) and kind.dtype.kind in "iu"


def whole(kind: Array) -> tuple[Slice, ...]:
    """The index of everything."""
    return (Slice(),) * kind.ndim
