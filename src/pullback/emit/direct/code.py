"""LLVM instructions of emitted source, written in one walk over its syntax tree."""

import ast
from typing import Any, ClassVar

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.ir import Loc
from numba.np.arrayobj import store_item

from pullback.emit.allocation import exception
from pullback.emit.direct.ahead import fetch_ahead, rows_written_once
from pullback.emit.direct.elements import WORD, is_array
from pullback.emit.direct.expressions import Expressions
from pullback.emit.direct.infer import ListOf
from pullback.emit.direct.interleaving import is_flat, once_at_a_time, only_clears, only_moves
from pullback.emit.direct.leaving import Leaving
from pullback.emit.direct.references import release_in, retain
from pullback.emit.direct.scan import Names
from pullback.emit.direct.scopes import Scopes
from pullback.emit.direct.stacks import Cell, Stack
from pullback.emit.direct.syntax import constant_int, indices_of, raised_by, range_of
from pullback.emit.direct.width import wants_whole_vectors, with_whole_vectors


class Outline:
    """What `BaseLower` asks of Numba's own representation of a function, which there is none of."""

    generator_info = None
    is_generator = False
    blocks: ClassVar = {0: None}

    def __init__(self, func_id):
        self.func_id = func_id
        self.arg_names = func_id.arg_names
        self.loc = Loc(func_id.filename, func_id.firstlineno)


class Code(Expressions):
    """The instructions of one function.

    Attributes:
        tree: its syntax tree.
        names: its `Names`.
        last: where each name is mentioned last, as `Names.last` has it.
        ending: the names that no later statement mentions than the one that is being written.
        written_once: its `rows_written_once`.
        loops: for each loop around, where ``continue`` and ``break`` go, and how many arrays lived before it.
        live: arrays that are bound and not released yet, as `Owned`, by name.
    """

    def __init__(self, target, library, description, outline, tree, found):
        super().__init__(target, library, description, outline, found)
        self.tree = tree
        self.names = Names(tree, description.args)
        self.scopes = Scopes(self.module, tree, found, self.names.alone)
        self.last = self.names.last(self.scopes.root)
        self.written_once = rows_written_once(tree, self.names.alone)
        self.loops, self.live = [], {}
        self.leaving: Any = None

    def lower_normal_function(self, fndesc):
        self.setup_function(fndesc)
        if wants_whole_vectors(self.tree, self.found, self.names.alone):
            with_whole_vectors(self.function)
        self.extract_function_arguments()
        self.pre_lower()
        self.leaving = Leaving(self.context, self.builder, self.func_ir.func_id.func_name)
        for name, kind in self.found.variables.items():
            if is_array(kind) and name not in self.names.alone:
                self.cell_of(name, kind)
        for name, kind, given in zip(fndesc.args, fndesc.argtypes, self.fnargs, strict=True):
            value = self.viewed(kind, given)
            if name in self.names.alone:
                self.bound[name] = value
            else:
                if is_array(kind):
                    retain(self.builder, value)
                self.assign_cell(name, kind, value)
        self.block(self.tree.body)
        self.leaving.end(self.let_go)
        self.post_lower()

    def let_go(self):
        """Release what has no slot."""
        for stack in self.stacks.values():
            stack.free(self.builder)

    # -- statements

    def block(self, statements):
        last = self.last.get(id(statements), {})
        ends = {}
        for name, index in last.items():
            ends.setdefault(index, []).append(name)
        for index, statement in enumerate(statements):
            if self.builder.block.is_terminated:
                return
            ending = self.ending = ends.get(index, ())
            with self.letting_go():
                getattr(self, f"do_{type(statement).__name__}")(statement)
            if not self.builder.block.is_terminated:
                self.release(ending)

    def release(self, names):
        """Let go of arrays that no later statement of their block mentions."""
        for name in names:
            if name in self.live:
                owned = self.live.pop(name)
                self.leaving.release(owned)
                self.leaving.forget(owned)

    def do_Assign(self, node):
        target = node.targets[0]
        kind = self.found.kinds[node.value]
        if isinstance(kind, ListOf):
            if kind.element is not None:
                self.stacks[target.id] = Stack(self.context, self.builder, kind.element)
            return
        if type(target) is ast.Subscript:
            value = self.of(node.value)
            if target in self.found.calls:
                self.put_all(target, value)
            else:
                self.put(target, *self.place(target), value, kind)
            return
        if is_array(kind):
            if target.id in self.names.alone and self.lends(node.value):
                self.bound[target.id] = self.lent(node.value)
            else:
                self.own(target.id, kind, *self.taken(node.value))
            return
        value = self.of(node.value)
        if type(target) is ast.Tuple:
            for position, part in enumerate(target.elts):
                assert isinstance(part, ast.Name)
                taken = self.builder.extract_value(value, position)
                self.assign(part.id, kind[position], self.viewed(kind[position], taken))
            return
        if target.id in self.names.alone and self.is_natural(node.value):
            self.natural.add(target.id)
        self.assign(target.id, kind, value)

    def assign(self, name, kind, value):
        """Give a name a value; a reference to an array comes with it."""
        if is_array(kind):
            self.own(name, kind, value, self.leaving.own(value))
        elif name in self.names.alone:
            self.bound[name] = value
        else:
            self.assign_cell(name, kind, value)

    def own(self, name, kind, value, owned):
        """Give a name an array, with the reference that is `owned` by no name."""
        if name in self.names.alone:
            self.live[name] = owned
            self.bound[name] = value
        else:
            self.assign_cell(name, kind, value)
            self.leaving.disown(owned)
            self.leaving.forget(owned)

    def assign_cell(self, name, kind, value):
        own = self.found.variables[name]
        cell = self.cell_of(name, own)
        if is_array(own):
            release_in(self.builder, cell.slot)
            cell.write(self.builder, value)
        else:
            self.builder.store(self.context.cast(self.builder, value, kind, own), cell)

    def cell_of(self, name, kind):
        cell = self.cells.get(name)
        if cell is None and is_array(kind):
            cell = self.cells[name] = Cell(self.context, self.builder, kind, name, self.leaving.slot())
        elif cell is None:
            # It is zero at the function's start; `zfill` would make it so here, each time a loop comes by.
            cell = self.cells[name] = cgutils.alloca_once(
                self.builder, self.context.get_value_type(kind), name=name
            )
        return cell

    def do_AugAssign(self, node):
        target = node.target
        if type(target) is ast.Name:
            old, kind = self.read(target.id), self.found.variables[target.id]
            value = self.operation(node, node.op, (old, kind), (self.of(node.value), self.kind(node.value)))
            self.assign_cell(target.id, self.result_of(node), value)
            return
        array, pointer = self.place(target)
        right = self.of(node.value)
        old = self.element(target, array, pointer)
        value = self.operation(node, node.op, (old, array.kind.dtype), (right, self.kind(node.value)))
        self.put(target, array, pointer, value, self.result_of(node))

    def put(self, target, array, pointer, value, kind):
        """Store a value of type `kind` in an element of an array."""
        value = self.context.cast(self.builder, value, kind, array.kind.dtype)
        before = len(self.builder.block.instructions)
        store_item(self.context, self.builder, array.kind, value, pointer)
        self.scopes.mark(self.builder.block.instructions[before:], target.value)

    def do_For(self, node):
        builder = self.builder
        first, stop, step = range_of(node, {})
        start = ir.Constant(WORD, 0) if first is None else self.number(first)
        end = self.number(stop)
        for target in self.written_once.get(id(node), ()):
            self.fetch_row(target, builder.sub(end, start))
        if step == 1 and (first is None or self.is_natural(first)) and only_clears(node, self.found.kinds):
            self.clear(node, start, end)
            return
        before = builder.block
        head, body, latch, behind = (
            builder.append_basic_block(f"for.{part}") for part in ("head", "body", "latch", "behind")
        )
        builder.branch(head)
        builder.position_at_end(head)
        counter = builder.phi(WORD)
        counter.add_incoming(start, before)
        going = builder.icmp_signed("<" if step > 0 else ">", counter, end)
        builder.cbranch(going, body, behind)
        builder.position_at_end(body)
        name = node.target.id
        if name in self.names.alone:
            self.bound[name] = counter
            if self.counts_naturals(first, stop, step):
                self.natural.add(name)
        else:
            self.assign_cell(name, types.int64, counter)
        self.inside(node.body, latch, behind)
        builder.position_at_end(latch)
        counter.add_incoming(builder.add(counter, ir.Constant(WORD, step), flags=("nsw",)), latch)
        back = builder.branch(head)
        if is_flat(node, self.names.alone):
            scalar = only_moves(node, self.found.kinds)
            back.set_metadata("llvm.loop", once_at_a_time(self.module, scalar=scalar))
        builder.position_at_end(behind)

    def clear(self, loop, start, end):
        """Write zeros into the places of rows from `start` to `end`."""
        builder = self.builder
        trips = builder.sub(end, start)
        trips = builder.select(builder.icmp_signed(">", trips, WORD(0)), trips, WORD(0))
        for statement in loop.body:
            target = statement.targets[0]
            array = self.lent(target.value)
            row = [(self.of(index), not self.is_natural(index)) for index in indices_of(target)[:-1]]
            place: Any = array.pointer(builder, [*row, (start, False)])
            size = builder.mul(trips, WORD(self.context.get_abi_sizeof(place.type.pointee)))
            cgutils.memset(builder, place, size, 0)
            self.scopes.mark(builder.block.instructions[-1:], target.value)

    def fetch_row(self, target, trips):
        """Fetch what will be written soon after the row of the element `target`."""
        array = self.lent(target.value)
        if array.kind.layout == "C":
            indices = [(self.of(index), not self.is_natural(index)) for index in indices_of(target)[:-1]]
            row = array.pointer(self.builder, [*indices, (ir.Constant(WORD, 0), False)])
            fetch_ahead(self.builder, row, trips, array.kind.dtype.bitwidth // 8)

    def counts_naturals(self, first, stop, step):
        if step > 0:
            return first is None or self.is_natural(first)
        bound = constant_int(stop)
        return (bound is not None and bound >= -1) or self.is_natural(stop)

    def inside(self, statements, latch, behind):
        """The body of a loop."""
        self.loops.append((latch, behind, len(self.live)))
        self.block(statements)
        if not self.builder.block.is_terminated:
            self.builder.branch(latch)
        self.loops.pop()

    def do_While(self, node):
        builder = self.builder
        head, body, behind = (builder.append_basic_block(f"while.{p}") for p in ("head", "body", "behind"))
        builder.branch(head)
        builder.position_at_end(head)
        test = self.truth(node.test)
        builder.cbranch(test, body, behind)
        builder.position_at_end(body)
        self.inside(node.body, head, behind)
        builder.position_at_end(behind)

    def do_Break(self, node):
        self.leave(self.loops[-1][1])

    def do_Continue(self, node):
        self.leave(self.loops[-1][0])

    def leave(self, block):
        for owned in list(self.live.values())[self.loops[-1][2] :]:
            self.leaving.release(owned)
        self.builder.branch(block)

    def do_Pass(self, node):
        pass

    def do_If(self, node):
        builder = self.builder
        test = self.truth(node.test)
        if not node.orelse and type(node.body[0]) is ast.Raise:
            behind = builder.append_basic_block("behind")
            raised = self.leaving.raised(self.exception(node.body[0]))
            builder.cbranch(test, raised, behind).set_weights([1, 99])
            builder.position_at_end(behind)
            return
        then, behind = builder.append_basic_block("then"), builder.append_basic_block("behind")
        other = builder.append_basic_block("else") if node.orelse else behind
        builder.cbranch(test, then, other)
        for block, statements in ((then, node.body), (other, node.orelse)):
            if statements:
                builder.position_at_end(block)
                self.block(statements)
                if not builder.block.is_terminated:
                    builder.branch(behind)
        builder.position_at_end(behind)

    def do_Raise(self, node):
        self.builder.branch(self.leaving.raised(self.exception(node)))

    def exception(self, node):
        """The exception of a ``raise``."""
        error, arguments = raised_by(node, self.found.globals)
        return exception(self.context, self.builder, error, arguments, self.loc_of(node))

    def do_Expr(self, node):
        if type(node.value) is ast.Call and self.found.list_of(node.value, "append"):
            called: Any = node.value.func
            self.stacks[called.value.id].append(self.builder, self.of(node.value.args[0]))
        elif type(node.value) is ast.Call:
            self.of(node.value)

    def do_Return(self, node):
        kind, parts = self.found.result, node.value.elts if type(node.value) is ast.Tuple else [node.value]
        values, given = [], []
        with self.letting_go():
            for part in parts:
                value, owned = self.taken(part) if is_array(self.kind(part)) else (self.of(part), None)
                values.append(self.plain(value))
                given += [owned] if owned else []
            whole = values[0]
            if type(node.value) is ast.Tuple:
                whole = self.context.make_tuple(self.builder, kind, values)
        for owned in given:
            self.leaving.disown(owned)
        self.call_conv.return_value(self.builder, self.context.get_return_value(self.builder, kind, whole))
