"""Loops over the same range as one, and arrays that then live within an iteration without that axis.

Two loops may be one where what either stores and the other touches is touched in the same iteration, and no
variable goes from one to the other. Statements between them move ahead where they touch nothing of the first.
(Allen & Kennedy, *Optimizing Compilers*, 2001, §6.2 for fusion; Gao et al., *Collective loop fusion for array
contraction*, 1992.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from pullback.ir import primitives
from pullback.ir.nodes import Arg, Assign, Block, Const, For, If, Program, Raise, Statement, Store, Var
from pullback.ir.types import Array, Scalar
from pullback.ir.walk import assigns, reads, substitute, walk, with_blocks
from pullback.optimize.broadcast import is_elementwise
from pullback.optimize.uses import Uses

_PURE = (
    primitives.item, primitives.bind, primitives.cast, primitives.select, primitives.dim,
    primitives.weaken, primitives.truncate, np.empty,
)  # fmt: skip


def fuse(program: Program) -> Program:
    """The same function with neighbouring loops over one range as one loop."""
    fusion = _Fusion(program)
    body = fusion.block(program.body)
    return program if not fusion.count else _contract(replace(program, body=body))


@dataclass(slots=True)
class _Touched:
    """What a statement reads, assigns, and does to memory; `known` if that is all it does."""

    reads: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    loads: list[tuple[str, str, Arg]] = field(default_factory=list)
    stores: list[tuple[str, str, Arg]] = field(default_factory=list)
    raises: bool = False
    known: bool = True


class _Fusion:
    def __init__(self, program: Program) -> None:
        self.count = 0
        self._uses = Uses(program)
        self._shifts: dict[str, tuple[str, int]] = {}
        self._seen: dict[int, tuple[Statement, _Touched]] = {}
        for statement in walk(program.body):
            match statement:
                case Assign(
                    targets=(Var(name=name),),
                    function=(np.add | np.subtract) as function,
                    args=(Var(name=base), Const(value=int(by))),
                ) if name not in self._uses.cells:
                    self._shifts[name] = (base, by if function is np.add else -by)
                case _:
                    pass

    def block(self, block: Block) -> Block:
        new: list[Statement] = []
        for statement in block:
            if isinstance(statement, For):
                at = self._partner(new, statement)
                if at is not None:
                    first = new[at]
                    assert isinstance(first, For)
                    new[at:] = [*new[at + 1 :], self._joined(first, statement)]
                    self.count += 1
                    continue
            new.append(statement)
        return tuple(with_blocks(statement, self.block) for statement in new)

    def _joined(self, first: For, second: For) -> For:
        renamed = substitute(second.body, {second.index.name: first.index})
        for name, (base, by) in tuple(self._shifts.items()):
            if base == second.index.name:
                self._shifts[name] = (first.index.name, by)
        return replace(first, body=(*first.body, *renamed))

    def _partner(self, before: list[Statement], loop: For) -> int | None:
        """The place of a loop before this one that it may be joined to."""
        ours = self._touched(loop)
        if not ours.known or ours.raises:
            return None
        between: list[_Touched] = []
        for at in range(len(before) - 1, max(len(before) - 12, -1), -1):
            statement = before[at]
            theirs = self._touched(statement)
            if (
                isinstance(statement, For)
                and _same_range(statement, loop)
                and not theirs.raises
                and theirs.known
            ):
                independent = all(self._apart(theirs, other) for other in between)
                return (
                    at if independent and self._meet_in_one_iteration(statement, theirs, loop, ours) else None
                )
            if not theirs.known:
                return None
            between.append(theirs)
        return None

    def _touched(self, statement: Statement) -> _Touched:
        known = self._seen.get(id(statement))
        if known is None:
            # The statement is kept beside, so that no other gets its address.
            self._seen[id(statement)] = known = (statement, self._look(statement))
        return known[1]

    def _look(self, statement: Statement) -> _Touched:
        touched = _Touched()
        for part in walk((statement,)):
            touched.assigned.update(target.name for target in assigns(part))
            touched.reads.update(variable.name for variable in reads(part))
            match part:
                case Assign(function=primitives.item, args=(Var(name=name), index)):
                    touched.loads.append((self._uses.memory(name), name, index))
                case Store(array=Var(name=name), index=index):
                    touched.stores.append((self._uses.memory(name), name, index))
                    if not isinstance(getattr(part.value, "type", Scalar(np.dtype(float))), Scalar):
                        touched.known = False
                    if not all(_is_integer(entry) for entry in index):
                        touched.known = False
                case Raise():
                    touched.raises = True
                case Assign(function=function, targets=targets):
                    pure = function in _PURE or is_elementwise(function)
                    views = any(isinstance(t.type, Array) for t in targets) and function is not np.empty
                    touched.known = touched.known and pure and not views
                case For() | If():
                    pass
                case _:
                    touched.known = False
        return touched

    @staticmethod
    def _apart(first: _Touched, second: _Touched) -> bool:
        """Whether two statements may change places."""
        if first.assigned & (second.reads | second.assigned) or second.assigned & first.reads:
            return False
        written = {memory for memory, _, _ in first.stores}
        other = {memory for memory, _, _ in second.stores}
        touched = written | {memory for memory, _, _ in first.loads}
        return not (other & touched or written & {memory for memory, _, _ in second.loads})

    def _meet_in_one_iteration(self, a: For, first: _Touched, b: For, second: _Touched) -> bool:
        """Whether what one loop stores is touched by the other in the same iteration alone."""
        ours, theirs = first.assigned - {a.index.name}, second.assigned - {b.index.name}
        if ours & (second.reads | second.assigned) or theirs & first.reads:
            return False
        pairs = [(x, y) for x in first.stores for y in (*second.loads, *second.stores)]
        pairs += [(x, y) for x in first.loads for y in second.stores]
        return all(x[0] != y[0] or (x[1] == y[1] and self._same_place(a, x[2], b, y[2])) for x, y in pairs)

    def _same_place(self, a: For, first: Arg, b: For, second: Arg) -> bool:
        assert isinstance(first, tuple)
        assert isinstance(second, tuple)
        for x, y in zip(first, second, strict=True):
            if isinstance(x, Var) and isinstance(y, Var):
                ours, theirs = (self._shifts.get(v.name, (v.name, 0)) for v in (x, y))
                natural = isinstance(a.start, Const) and a.start.value + ours[1] >= 0
                if natural and ours == (a.index.name, ours[1]) and theirs == (b.index.name, ours[1]):
                    return True
        return False


def _is_integer(entry: Arg) -> bool:
    if isinstance(entry, Const):
        return isinstance(entry.value, int | np.integer)
    return isinstance(entry, Var) and isinstance(entry.type, Scalar)


def _same_range(a: For, b: For) -> bool:
    def same(x: Var | Const, y: Var | Const) -> bool:
        if isinstance(x, Var):
            return x == y
        return isinstance(y, Const) and x.value == y.value

    upward = isinstance(a.step, Const) and a.step.value > 0
    return upward and same(a.start, b.start) and same(a.stop, b.stop) and same(a.step, b.step)


def _contract(program: Program) -> Program:
    """Arrays whose every element lives within an iteration of one loop, without the axis of that loop."""
    uses = Uses(program)
    mentions: dict[str, int] = {}
    for statement in walk(program.body):
        for variable in (*reads(statement), *assigns(statement)):
            if isinstance(variable.type, Array):
                mentions[variable.name] = mentions.get(variable.name, 0) + 1
    classes: dict[str, int] = {}
    for name in mentions:
        classes[uses.memory(name)] = classes.get(uses.memory(name), 0) + 1
    alone = {name for name in mentions if classes[uses.memory(name)] == 1 and name not in uses.cells} - {
        param.name for param in program.params
    }
    return replace(program, body=_contracted(program.body, mentions, alone))


def _contracted(block: Block, mentions: dict[str, int], alone: set[str]) -> Block:
    block = tuple(
        with_blocks(statement, lambda inner: _contracted(inner, mentions, alone)) for statement in block
    )
    changes: dict[str, tuple[str, int]] = {}
    loops = [statement for statement in block if isinstance(statement, For)]
    for statement in block:
        match statement:
            case Assign(targets=(Var(name=name),), function=np.empty) if name in alone:
                for loop in loops:
                    axis = _private_axis(loop, name, mentions[name] - 1)
                    if axis is not None:
                        changes[name] = (loop.index.name, axis)
            case _:
                pass
    if not changes:
        return block
    new = tuple(_without_axis(statement, changes) for statement in block)
    numbers = {name for loop in loops for name in changes if _is_made_first(loop, name)}
    return tuple(
        statement
        for statement in new
        if not (isinstance(statement, Assign) and any(t.name in numbers for t in statement.targets))
    )


def _is_made_first(loop: For, name: str) -> bool:
    """Whether the one store into an array is ahead of all reads, in every iteration."""
    stores = [s for s in walk(loop.body) if isinstance(s, Store) and s.array.name == name]
    if len(stores) != 1 or len(stores[0].index) != 1 or stores[0].accumulate:
        return False
    for statement in loop.body:
        if statement is stores[0]:
            return True
        if any(variable.name == name for part in walk((statement,)) for variable in reads(part)):
            return False
    return False


def _private_axis(loop: For, name: str, count: int) -> int | None:
    """The axis of an array that is the index of the loop in all `count` mentions, which are all in it."""
    indices: list[tuple[Arg, ...]] = []
    for part in walk(loop.body):
        match part:
            case Assign(function=primitives.item, args=(Var(name=array), tuple(index))) if array == name:
                indices.append(index)
            case Store(array=Var(name=array), index=index) if array == name:
                indices.append(index)
            case _:
                pass
    if len(indices) != count or not indices:
        return None
    for axis in range(len(indices[0])):
        if all(isinstance(index[axis], Var) and index[axis] == loop.index for index in indices):
            return axis
    return None


def _without_axis(statement: Statement, changes: dict[str, tuple[str, int]]) -> Statement:
    """A statement with the arrays in `changes` of one axis less, or numbers."""
    statement = with_blocks(statement, lambda inner: tuple(_without_axis(part, changes) for part in inner))
    match statement:
        case Assign(targets=(Var(name=name) as target,), function=np.empty, args=(tuple(shape),)) if (
            name in changes
        ):
            lengths = _dropped(shape, changes[name][1])
            if lengths:
                return replace(statement, targets=(_smaller(target, changes),), args=(lengths,))
            number = _smaller(target, changes)
            return replace(
                statement,
                targets=(number,),
                function=primitives.bind,
                args=(Const(_zero(number)),),
                kwargs=(),
            )
        case Assign(function=primitives.item, args=(Var(name=name) as array, tuple(index))) if (
            name in changes
        ):
            left = _dropped(index, changes[name][1])
            if left:
                return replace(statement, args=(_smaller(array, changes), left))
            return replace(statement, function=primitives.bind, args=(_smaller(array, changes),))
        case Store(array=Var(name=name) as array, index=index) if name in changes:
            left = _dropped(index, changes[name][1])
            smaller = _smaller(array, changes)
            if left:
                return replace(statement, array=smaller, index=left)
            function, args = primitives.bind, (statement.value,)
            if statement.accumulate:
                function, args = np.add, (smaller, statement.value)
            where = statement.location
            return Assign((smaller,), function, args, location=where, comment=statement.comment)
    return statement


def _dropped(entries: tuple[Arg, ...], axis: int) -> tuple[Arg, ...]:
    return (*entries[:axis], *entries[axis + 1 :])


def _smaller(array: Var, changes: dict[str, tuple[str, int]]) -> Var:
    """The variable in place of an array, of the same name."""
    kind, axis = array.type, changes[array.name][1]
    assert isinstance(kind, Array)
    if kind.ndim == 1:
        return Var(array.name, Scalar(kind.dtype))
    ones = frozenset(a - (a > axis) for a in kind.ones if a != axis)
    return Var(array.name, Array(kind.dtype, kind.ndim - 1, ones))


def _zero(number: Var) -> object:
    assert isinstance(number.type, Scalar)
    return number.type.dtype.type(0)
