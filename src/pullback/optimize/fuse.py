"""Loops over the same range as one.

Two loops may be one where what either stores and the other touches is touched in the same iteration, and no
variable goes from one to the other. Statements between them move ahead where they touch nothing of the first,
or behind where they touch nothing of the second.
(Allen & Kennedy, *Optimizing Compilers*, 2001, §6.2.)
"""

from __future__ import annotations

from dataclasses import replace

from pullback.ir.nodes import Arg, Block, Const, For, Program, Statement, Var
from pullback.ir.walk import substitute, with_blocks
from pullback.optimize.extents import Form
from pullback.optimize.linear import Linear
from pullback.optimize.touched import Touched, apart, touched
from pullback.optimize.uses import Uses


def fuse(program: Program) -> Program:
    """The same function with neighbouring loops over one range as one loop."""
    fusion = _Fusion(program)
    body = fusion.block(program.body)
    return replace(program, body=body) if fusion.count else program


class _Fusion:
    def __init__(self, program: Program) -> None:
        self.count = 0
        self._uses = Uses(program)
        self._linear = Linear(program, self._uses)
        self._renamed: dict[str, str] = {}
        self._seen: dict[int, tuple[Statement, Touched]] = {}

    def block(self, block: Block) -> Block:
        new: list[Statement] = []
        for statement in block:
            if isinstance(statement, For):
                partner = self._partner(new, statement)
                if partner is not None:
                    at, ahead = partner
                    first = new[at]
                    assert isinstance(first, For)
                    between = new[at + 1 :]
                    behind = [s for k, s in enumerate(between) if k not in ahead]
                    new[at:] = [*(between[k] for k in ahead), self._joined(first, statement), *behind]
                    self.count += 1
                    continue
            new.append(statement)
        return tuple(with_blocks(statement, self.block) for statement in new)

    def _joined(self, first: For, second: For) -> For:
        renamed = substitute(second.body, {second.index.name: first.index})
        mine, other = self._index(first.index.name), self._index(second.index.name)
        if mine != other:  # loops that one was split into have one index
            self._renamed[other] = mine
        return replace(first, body=(*first.body, *renamed))

    def _partner(self, before: list[Statement], loop: For) -> tuple[int, list[int]] | None:
        """The place of a loop before this one that it may be joined to, and what between them moves ahead."""
        ours = self._touched(loop)
        if not ours.known or ours.raises:
            return None
        between: list[Touched] = []
        for at in range(len(before) - 1, max(len(before) - 12, -1), -1):
            statement = before[at]
            theirs = self._touched(statement)
            if (
                isinstance(statement, For)
                and _same_range(statement, loop)
                and not theirs.raises
                and theirs.known
            ):
                ahead = _parted(theirs, between[::-1], ours)
                joins = ahead is not None and self._meet_in_one_iteration(statement, theirs, loop, ours)
                return (at, ahead) if ahead is not None and joins else None
            if not theirs.known:
                return None
            between.append(theirs)
        return None

    def _touched(self, statement: Statement) -> Touched:
        known = self._seen.get(id(statement))
        if known is None:
            # The statement is kept beside, so that no other gets its address.
            self._seen[id(statement)] = known = (statement, touched(statement, self._uses))
        return known[1]

    def _meet_in_one_iteration(self, a: For, first: Touched, b: For, second: Touched) -> bool:
        """Whether what one loop stores is touched by the other in the same iteration alone."""
        ours, theirs = first.assigned - {a.index.name}, second.assigned - {b.index.name}
        if ours & (second.reads | second.assigned) or theirs & first.reads:
            return False
        return all(x[1] == y[1] and self._same_place(a, x[2], b, y[2]) for x, y in first.conflicts(second))

    def _same_place(self, a: For, first: Arg, b: For, second: Arg) -> bool:
        assert isinstance(first, tuple)
        assert isinstance(second, tuple)
        for x, y in zip(first, second, strict=True):
            ours, theirs = self._form(x, a.index.name), self._form(y, b.index.name)
            if ours is not None and ours == theirs and self._is_natural(a, ours):
                return True
        return False

    def _form(self, entry: Arg, index: str) -> Form | None:
        """What an entry has besides a loop's index, if it grows with it."""
        form = self._linear.form(entry) if isinstance(entry, Var) else None
        if form is None:
            return None
        terms: dict[str, int] = {}
        for atom, coefficient in form.terms:
            name = self._index(atom)
            terms[name] = terms.get(name, 0) + coefficient
        grows = terms.pop(self._index(index), 0) == 1
        return Form(form.constant, tuple(sorted(terms.items()))) if grows else None

    def _index(self, name: str) -> str:
        """What a loop's index is called since the loop has been joined to others."""
        while name in self._renamed:
            name = self._renamed[name]
        return name

    def _is_natural(self, loop: For, rest: Form) -> bool:
        """Whether the entry is not negative, which would count from the end."""
        start = self._linear.form(loop.start)
        return start is not None and self._linear.is_natural(start.plus(rest))


def _parted(first: Touched, between: list[Touched], second: Touched) -> list[int] | None:
    """Which of the statements between two loops move ahead of the first; None if the rest cannot wait."""
    ahead: list[int] = []
    behind: list[Touched] = []
    for number, statement in enumerate(between):
        if apart(first, statement) and all(apart(other, statement) for other in behind):
            ahead.append(number)
        elif apart(statement, second) and not statement.raises:
            behind.append(statement)
        else:
            return None
    return ahead


def _same_range(a: For, b: For) -> bool:
    def same(x: Var | Const, y: Var | Const) -> bool:
        if isinstance(x, Var):
            return x == y
        return isinstance(y, Const) and x.value == y.value

    upward = isinstance(a.step, Const) and a.step.value > 0
    return upward and same(a.start, b.start) and same(a.stop, b.stop) and same(a.step, b.step)
