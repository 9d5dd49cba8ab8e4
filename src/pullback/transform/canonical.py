"""The form the transforms work on: every value that a statement reads is a *local*.

A **local** is assigned by one statement, and read only in the block of that statement and the blocks inside
it. Every other variable is a **cell**. Here each read of a cell becomes a read of a local that was bound to
it just before, and each computation into a cell becomes one into a local that is then bound to the cell. So
cells occur in ``local = cell`` and ``cell = local`` alone, and what the reverse sweep needs of the past is
always a local: a value with one definition, to keep or to compute again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pullback.ir import primitives
from pullback.ir.build import Builder, names_of
from pullback.ir.live import live_before
from pullback.ir.nodes import (
    Assign,
    Block,
    Checkpoint,
    For,
    If,
    Operand,
    Pop,
    Program,
    Return,
    Statement,
    Var,
    While,
)
from pullback.ir.types import Stack
from pullback.ir.walk import assigns, blocks, map_reads, reads, substitute, walk, with_blocks, with_body


def cells_of(program: Program) -> set[str]:
    """The variables that are no locals."""
    count = Counter(target.name for s in walk(program.body) for target in assigns(s))
    cells = {name for name, times in count.items() if times > 1}
    cells |= {param.name for param in program.params if param.name in count}
    _escaping(program.body[:-1], {param.name for param in program.params}, cells)
    # A stack is made once, outside all loops, perhaps in one branch, and used in another on the same test.
    stacks = {t.name for s in walk(program.body) for t in assigns(s) if isinstance(t.type, Stack)}
    return cells - {name for name in stacks if count[name] == 1}


def _escaping(block: Block, visible: set[str], cells: set[str]) -> None:
    """Add to `cells` what is read where its one assignment is not in an enclosing block before it."""
    visible = set(visible)
    for statement in block:
        inside = visible | ({statement.index.name} if isinstance(statement, For) else set())
        if isinstance(statement, While):
            # Its test and its body see what `before` assigns.
            _escaping(statement.before, visible, cells)
            inside |= {target.name for s in statement.before for target in assigns(s)}
            _escaping(statement.body, inside, cells)
            cells |= {v.name for v in reads(statement)} - inside
        else:
            cells |= {v.name for v in reads(statement)} - visible
            for inner in blocks(statement):
                _escaping(inner, inside, cells)
        if not isinstance(statement, For):
            visible |= {target.name for target in assigns(statement)}


def canonical(program: Program) -> Program:
    """The same program in canonical form (see the module's docstring)."""
    program = _own_results(_own_indices(program))
    returned = {v.name for v in reads(program.body[-1])}
    top = {target.name for s in program.body for target in assigns(s) if not isinstance(s, For)}
    cells = cells_of(program) | (returned - top - {param.name for param in program.params})
    maker = _Canonical(program, Builder(names_of(program)), cells)
    body = maker.block(program.body[:-1], {}, {param.name for param in program.params})
    return with_body(program, (*body, program.body[-1]))


def _own_indices(program: Program) -> Program:
    """Each `For` gets an index variable of its own."""
    names, seen = names_of(program), set()

    def rename(block: Block) -> Block:
        return tuple(one(statement) for statement in block)

    def one(statement: Statement) -> Statement:
        match statement:
            case For() if statement.index.name in seen:
                index = Var(names.fresh(statement.index.name), statement.index.type)
                body = substitute(statement.body, {statement.index.name: index})
                return replace(statement, index=index, body=rename(body))
            case For():
                seen.add(statement.index.name)
                return replace(statement, body=rename(statement.body))
            case While():
                return replace(statement, before=rename(statement.before), body=rename(statement.body))
            case If():
                return replace(statement, then=rename(statement.then), orelse=rename(statement.orelse))
        return statement

    return with_body(program, rename(program.body))


def _own_results(program: Program) -> Program:
    """What a `Checkpoint` computes and something after it reads gets its name at the end of the block."""
    names = names_of(program)
    every = [t.name for s in walk(program.body) for t in assigns(s)]
    uses = Counter(v.name for s in walk(program.body) for v in reads(s))
    once = {name for name, times in Counter(every).items() if times == 1}

    def rewritten(block: Block) -> Block:
        return tuple(one(with_blocks(statement, rewritten)) for statement in block)

    def one(statement: Statement) -> Statement:
        if not isinstance(statement, Checkpoint):
            return statement
        inner = Counter(v.name for s in walk(statement.then) for v in reads(s))
        made = [t for s in statement.then if isinstance(s, Assign) for t in s.targets]
        given = [t for t in made if t.name in once and inner[t.name] < uses[t.name]]
        own = {t.name: Var(names.fresh(t.name), t.type) for t in given}
        binds = tuple(Assign((t,), primitives.bind, (own[t.name],)) for t in given)
        return replace(statement, then=(*substitute(statement.then, own), *binds))

    return with_body(program, rewritten(program.body))


class _Canonical:
    def __init__(self, program: Program, builder: Builder, cells: set[str]) -> None:
        self.uses = Counter(v.name for s in walk(program.body) for v in reads(s))
        self.builder = builder
        self.cells = cells
        self.entered: set[str] = set()  # the cells that the `Checkpoint` at hand has locals for

    def block(self, block: Block, current: dict[str, Var], bound: set[str]) -> Block:
        with self.builder.block() as made:
            self._statements(block, current, bound)
        return made.statements()

    def _statements(self, block: Block, current: dict[str, Var], bound: set[str]) -> dict[str, Var]:
        """Add the statements of a block.

        Args:
            current: the local that holds a cell's present value, where there is one.
            bound: the variables that have a value for sure.
        """
        current, bound = dict(current), set(bound)
        for statement in block:
            self.builder.location, self.builder.comment = statement.location, statement.comment
            self._statement(statement, current, bound)
            bound |= {target.name for target in assigns(statement) if not isinstance(statement, For)}
        return current

    def _statement(self, statement: Statement, current: dict[str, Var], bound: set[str]) -> None:
        if isinstance(statement, Return):
            self.builder.add(statement)
            return
        if isinstance(statement, While):
            inner = self._entering(statement, current, bound)
            with self.builder.block() as before:
                tested = self._statements(statement.before, inner, bound)
                test = self._read(statement.test, tested)
            body = self.block(statement.body, inner, bound)
            self.builder.add(replace(statement, before=before.statements(), test=test, body=body))
            self._forget(statement, current)
            return
        if isinstance(statement, Assign) and statement.function is primitives.bind:
            self._bind(statement, current)
            return
        statement = map_reads(statement, lambda x: self._read(x, current))
        match statement:
            case For():
                inner = self._entering(statement, current, bound)
                self.builder.add(replace(statement, body=self.block(statement.body, inner, bound)))
            case Checkpoint():
                self._checkpoint(statement, current, bound)
                return
            case If():
                then = self.block(statement.then, current, bound)
                orelse = self.block(statement.orelse, current, bound)
                self.builder.add(replace(statement, then=then, orelse=orelse))
            case Assign() | Pop():
                self._compute(statement, current)
                return
            case _:
                self.builder.add(statement)
        self._forget(statement, current)

    def _checkpoint(self, statement: Checkpoint, current: dict[str, Var], bound: set[str]) -> None:
        """A block that starts from locals, with the locals that hold what cells are after it."""
        inside = list(walk(statement.then))
        assigned = {t.name: t for s in inside for t in assigns(s) if t.name in self.cells}
        found = {v.name: v for s in inside for v in reads(s) if v.name in self.cells} | assigned
        inner = Counter(v.name for s in inside for v in reads(s))
        # What the block alone has to do with has no value after it, but for its next run.
        lasting = {name for name in assigned if inner[name] < self.uses[name]}
        lasting |= live_before(statement.then, frozenset()) & assigned.keys()
        wanted = live_before(statement.then, frozenset(lasting))
        for cell in found.values():
            if cell.name in wanted:
                self._read(cell, current)
        # The block says itself what its cells are at the start, so that it can stand alone.
        entry = tuple(
            Assign((cell,), primitives.bind, (current[name],))
            for name, cell in assigned.items()
            if name in wanted
        )
        outer, self.entered = self.entered, self.entered | wanted
        then = (*entry, *self.block(statement.then, current, bound))
        self.entered = outer
        at = len(self.builder.innermost)
        self._forget(statement, current)
        changed = [cell for name, cell in assigned.items() if name in lasting]
        for cell in changed:
            self._read(cell, current)
        after = tuple((cell, current[cell.name]) for cell in changed)
        self.builder.innermost.insert(at, replace(statement, then=then, after=after))

    def _entering(self, loop: For | While, current: dict[str, Var], bound: set[str]) -> dict[str, Var]:
        """The locals of the cells that a loop does not assign: read once, ahead of it."""
        inside = [s for inner in blocks(loop) for s in walk(inner)]
        assigned = {target.name for s in inside for target in assigns(s)}
        for variable in {v.name: v for s in inside for v in reads(s)}.values():
            if variable.name in self.cells & bound and variable.name not in assigned:
                self._read(variable, current)
        return {name: local for name, local in current.items() if name not in assigned}

    def _compute(self, statement: Assign | Pop, current: dict[str, Var]) -> None:
        """A computation: into locals, which are then bound to the cells among its targets."""
        targets = assigns(statement)
        fresh = {t.name: self.builder.var(t.name, t.type) for t in targets if t.name in self.cells}
        if isinstance(statement, Assign):
            self.builder.add(replace(statement, targets=tuple(fresh.get(t.name, t) for t in targets)))
        else:
            self.builder.add(replace(statement, target=fresh.get(statement.target.name, statement.target)))
        for target in targets:
            if target.name in fresh:
                self.builder.add(Assign((target,), primitives.bind, (fresh[target.name],)))
                current[target.name] = fresh[target.name]

    def _bind(self, statement: Assign, current: dict[str, Var]) -> None:
        target, source = statement.targets[0], statement.args[0]
        direct = isinstance(source, Var) and source.name in self.cells and source.name not in self.entered
        if target.name not in self.cells and direct:
            self.builder.add(statement)
            return
        source = self._read(source, current)  # type: ignore[arg-type]
        self.builder.add(replace(statement, args=(source,)))
        if target.name in self.cells:
            current.pop(target.name, None)
            if isinstance(source, Var) and source.type == target.type:
                current[target.name] = source

    def _read(self, operand: Operand, current: dict[str, Var]) -> Operand:
        if not isinstance(operand, Var) or operand.name not in self.cells:
            return operand
        local = current.get(operand.name)
        if local is None:
            local = current[operand.name] = self.builder.var(operand.name, operand.type)
            self.builder.add(Assign((local,), primitives.bind, (operand,)))
        return local

    def _forget(self, statement: Statement, current: dict[str, Var]) -> None:
        for inner in blocks(statement):
            for target in (t for s in walk(inner) for t in assigns(s)):
                current.pop(target.name, None)
