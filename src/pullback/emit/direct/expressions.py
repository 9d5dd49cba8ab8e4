"""LLVM instructions of expressions; `code` has those of statements."""

import ast
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.ir import Loc
from numba.core.lowering import BaseLower
from numba.core.typing.templates import fold_arguments
from numba.np.arrayobj import load_item

from pullback.emit import arithmetic, native
from pullback.emit.direct.array_code import ArrayCode
from pullback.emit.direct.elements import WORD, part_of
from pullback.emit.direct.stacks import Cell
from pullback.emit.direct.syntax import constant_int, is_path

_FLOAT = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPLEX = {ast.Add: arithmetic.add, ast.Sub: arithmetic.subtract, ast.Mult: arithmetic.multiply}
_INTEGER = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}
LARGEST = 64
"""Powers beyond it are left to a loop."""
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class Expressions(ArrayCode, BaseLower):
    """The values of expressions.

    Attributes:
        found: the function's `Types`.
        bound: the value of each name that is assigned once (`View` for an array).
        cells: the place in memory of each other name.
        stacks: the lists of arrays, by name.
        natural: names whose value is known not to be negative.
    """

    builder: Any
    scopes: Any

    def __init__(self, target, library, description, outline, found):
        super().__init__(target, library, description, outline)
        self.found = found
        self.bound, self.cells, self.stacks = {}, {}, {}
        self.natural = set()
        self.nameless = []

    def kind(self, node):
        return self.found.kinds[node]

    def result_of(self, node):
        return types.unliteral(self.found.calls[node].signature.return_type)

    def of(self, node):
        """The value of an expression; an array without a name is let go of by the statement."""
        value = getattr(self, f"of_{type(node).__name__}")(node)
        return value if type(node) is ast.Name else self.held(self.kind(node), value)

    def read(self, name):
        value = self.bound.get(name)
        if value is not None:
            return value
        cell = self.cells[name]
        return cell.read(self.builder) if isinstance(cell, Cell) else self.builder.load(cell)

    def of_Name(self, node):
        if node.id in self.found.local:
            return self.read(node.id)
        return self.constant(self.kind(node), self.found.value(node))

    def of_Constant(self, node):
        return self.constant(self.kind(node), node.value)

    def constant(self, kind, value):
        if isinstance(kind, types.Number | types.Boolean):
            return self.context.get_constant_generic(self.builder, kind, value)
        return self.context.get_dummy_value()

    def of_BinOp(self, node):
        left, right = (self.of(node.left), self.kind(node.left)), (self.of(node.right), self.kind(node.right))
        if type(node.op) is ast.Pow and (exponent := constant_int(node.right)) is not None:
            power = self.static_power(self.result_of(node), left, exponent)
            if power is not None:
                return power
        return self.operation(node, node.op, left, right)

    def static_power(self, result, base, exponent):
        """A power with a literal exponent, by squaring as Numba's is; None for what is not so simple."""
        value, kind = base
        is_float = isinstance(kind, types.Float)
        if (
            kind != result
            or abs(exponent) > LARGEST
            or not (is_float or (kind == types.int64 and exponent >= 0))
        ):
            return None
        multiply = self.builder.fmul if is_float else self.builder.mul
        one = power = ir.Constant(value.type, 1)
        left = abs(exponent)
        while left:
            if left & 1:
                power = value if power is one else multiply(power, value)
            left >>= 1
            if left:
                value = multiply(value, value)
        return self.builder.fdiv(one, power) if exponent < 0 else power

    def operation(self, node, symbol, *operands):
        """An operator, on pairs of a value and its type."""
        signature = self.found.calls[node].signature
        values = [
            self.context.cast(self.builder, self.plain(value), given, kind)
            for (value, given), kind in zip(operands, signature.args, strict=True)
        ]
        kinds = set(signature.args)
        if len(kinds) == 1:
            (kind,) = kinds
            if isinstance(kind, types.Float) and type(symbol) in _FLOAT and len(values) == 2:
                return getattr(self.builder, _FLOAT[type(symbol)])(*values)
            if isinstance(kind, types.Complex) and type(symbol) in _COMPLEX and len(values) == 2:
                return _COMPLEX[type(symbol)](self.builder, *values)
            if kind == types.int64 and type(symbol) in _INTEGER:
                return getattr(self.builder, _INTEGER[type(symbol)])(*values)
            if type(symbol) in _ORDER and kind == types.int64:
                return self.builder.icmp_signed(_ORDER[type(symbol)], *values)
            if type(symbol) in _ORDER and isinstance(kind, types.Float):
                compare = (
                    self.builder.fcmp_unordered if type(symbol) is ast.NotEq else self.builder.fcmp_ordered
                )
                return compare(_ORDER[type(symbol)], *values)
        function = self.context.get_function(self.found.calls[node].function, signature)
        return self.viewed(self.result_of(node), function(self.builder, values))

    def of_UnaryOp(self, node):
        if type(node.op) is ast.Not:
            return self.builder.not_(self.truth(node.operand))
        exact = constant_int(node)
        if exact is not None and self.result_of(node) == types.int64:
            return ir.Constant(WORD, exact)
        return self.operation(node, node.op, (self.of(node.operand), self.kind(node.operand)))

    def of_Compare(self, node):
        right = node.comparators[0]
        pairs = [(self.of(side), self.kind(side)) for side in (node.left, right)]
        return self.operation(node, node.ops[0], *pairs)

    def of_BoolOp(self, node):
        builder = self.builder
        is_and = type(node.op) is ast.And
        value = self.number(node.values[0])
        if all(self.is_harmless(part) for part in node.values[1:]):
            for part in node.values[1:]:
                value = builder.and_(value, self.of(part)) if is_and else builder.or_(value, self.of(part))
            return value
        behind = builder.append_basic_block("known")
        incoming = []
        for part in node.values[1:]:
            more = builder.append_basic_block("more")
            incoming.append((value, builder.block))
            builder.cbranch(value, *((more, behind) if is_and else (behind, more)))
            builder.position_at_end(more)
            value = self.number(part)
        incoming.append((value, builder.block))
        builder.branch(behind)
        builder.position_at_end(behind)
        known = builder.phi(value.type)
        for part, block in incoming:
            known.add_incoming(part, block)
        return known

    def of_IfExp(self, node):
        builder, kind = self.builder, self.kind(node)
        test = self.truth(node.test)
        if self.is_harmless(node.body) and self.is_harmless(node.orelse):
            return builder.select(test, self.as_kind(node.body, kind), self.as_kind(node.orelse, kind))
        then, other, behind = (builder.append_basic_block(part) for part in ("then", "else", "chosen"))
        builder.cbranch(test, then, other)
        incoming = []
        for block, part in ((then, node.body), (other, node.orelse)):
            builder.position_at_end(block)
            with self.letting_go():
                value = self.as_kind(part, kind)
            incoming.append((value, builder.block))
            builder.branch(behind)
        builder.position_at_end(behind)
        chosen = builder.phi(self.context.get_value_type(kind))
        for value, block in incoming:
            chosen.add_incoming(value, block)
        return chosen

    def as_kind(self, node, kind):
        return self.context.cast(self.builder, self.of(node), self.kind(node), kind)

    def is_harmless(self, node):
        """Whether a value may be computed where it is not asked for: no branch, no memory, nothing raised."""
        if type(node) in (ast.Name, ast.Constant):
            return True
        if type(node) is ast.UnaryOp:
            return self.is_harmless(node.operand)
        if type(node) is ast.BinOp:
            simple = type(node.op) in _INTEGER and self.kind(node) in (
                types.float64,
                types.float32,
                types.int64,
            )
            return simple and self.is_harmless(node.left) and self.is_harmless(node.right)
        if type(node) is ast.Compare:
            return self.is_harmless(node.left) and self.is_harmless(node.comparators[0])
        if type(node) is ast.Call:
            number = isinstance(self.found.calls[node].function, types.NumberClass)
            return number and not node.keywords and all(map(self.is_harmless, node.args))
        return False

    def of_Tuple(self, node):
        values = [self.plain(self.of(part)) for part in node.elts]
        return self.context.make_tuple(self.builder, self.kind(node), values)

    def of_Call(self, node):
        if self.found.list_of(node, "pop"):
            return self.stacks[node.func.value.id].pop(self.builder)
        if self.multiplies(node):
            return self.multiplication(node)
        if self.reshapes(node):
            return self.derived(self.reshaped(node))
        if self.allocates(node):
            return self.allocation(node)
        call = self.found.calls[node]
        given = [(self.plain(self.of(argument)), self.kind(argument)) for argument in node.args]
        receiver = [] if call.signature.recvr is None else [self.plain(self.of(node.func.value))]
        named = {
            keyword.arg: (self.plain(self.of(keyword.value)), self.kind(keyword.value))
            for keyword in node.keywords
        }
        signature = call.signature

        def fitted(position, parameter, pair):
            return self.context.cast(self.builder, *pair, signature.args[position])

        def default(position, parameter, value):
            return self.context.get_constant_generic(self.builder, signature.args[position], value)

        def starred(position, parameter, pairs):
            kinds = signature.args[position]
            values = [self.context.cast(self.builder, *p, k) for p, k in zip(pairs, kinds, strict=True)]
            return cgutils.make_anonymous_struct(self.builder, values)

        if signature.pysig is None:
            values = [fitted(i, None, pair) for i, pair in enumerate(given)]
        else:
            values = fold_arguments(signature.pysig, given, named, fitted, default, starred)
        function = self.context.get_function(call.function, signature)
        result = function(self.builder, [*receiver, *values], self.loc_of(node))
        return self.viewed(self.kind(node), result)

    def of_Attribute(self, node):
        kind = self.kind(node)
        if is_path(node, self.found.local):
            return self.constant(kind, self.found.value(node))
        base = self.kind(node.value)
        if node.attr == "T":
            return self.derived(self.lent(node))
        if node.attr not in ("size", "shape"):
            part = self.context.get_getattr(base, node.attr)
            value = self.plain(self.of(node.value))
            return self.viewed(kind, part(self.context, self.builder, base, value, node.attr))
        array = self.lent(node.value)
        if node.attr == "size":
            return array.size(self.builder)
        return self.context.make_tuple(self.builder, kind, array.shape)

    def of_Subscript(self, node):
        if isinstance(self.kind(node.value), types.BaseTuple):
            position: Any = constant_int(node.slice)
            if type(node.value) is ast.Attribute:
                return self.lent(node.value.value).shape[position]
            return part_of(self.builder, self.of(node.value), position)
        if node in self.found.calls:
            return self.selected(node)
        return self.element(node, *self.place(node))

    def element(self, node, array, pointer):
        """The element at `pointer` of the array that `node` indexes."""
        before = len(self.builder.block.instructions)
        value = load_item(self.context, self.builder, array.kind, pointer)
        self.scopes.mark(self.builder.block.instructions[before:], node.value)
        return value

    def place(self, node):
        """The array of an element, and a pointer to it."""
        indices = self.places(node)
        array = self.lent(node.value)
        return array, array.pointer(self.builder, indices)

    def is_natural(self, node):
        """Whether an integer is surely not negative."""
        if type(node) is ast.Constant:
            return type(node.value) is int and node.value >= 0
        if type(node) is ast.Name:
            return node.id in self.natural
        if type(node) is ast.BinOp and type(node.op) in (ast.Add, ast.Mult):
            return self.is_natural(node.left) and self.is_natural(node.right)
        if type(node) is ast.BinOp and type(node.op) is ast.BitAnd:
            return self.is_natural(node.left) or self.is_natural(node.right)
        if type(node) is ast.IfExp:
            return self.is_natural(node.body) and self.is_natural(node.orelse)
        if type(node) is ast.Call and self.found.value(node.func) is native.opaque:
            return self.is_natural(node.args[0])
        if type(node) is ast.Subscript:
            return type(node.value) is ast.Attribute and node.value.attr == "shape"
        return False

    def loc_of(self, node):
        """Where a node stands, as Numba's errors say it."""
        return Loc(self.func_ir.loc.filename, node.lineno)
