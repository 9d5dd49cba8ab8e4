"""The types of emitted source, in one walk.

Comes in: the syntax tree of a function and Numba's types of its parameters. Goes out: the type of every
expression and variable, and which signature each operation is called with. A variable whose type would
depend on a later assignment, and anything else that is not in the small language, is `RefusedError`.
"""

import ast
import builtins
import operator
from typing import Any

from numba.core import types

from pullback.emit.direct.array_types import ArrayTypes
from pullback.emit.direct.syntax import RefusedError, constant_int, is_path, nodes_of, raised_by, range_of

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.MatMult: operator.matmul, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip

_RESULTS = (types.Array, types.BaseTuple, types.NoneType, types.SliceType)
_UNKNOWN = object()
_signatures = {}
"""What a function is called with for arguments of given types, asked of Numba once a process."""


class Call:
    """One resolved call: Numba's type of the function, and the signature."""

    __slots__ = ("function", "signature")

    def __init__(self, function, signature):
        self.function = function
        self.signature = signature


class ListOf:
    """The type of a list of arrays; `element` is known from the first `append`."""

    element: Any = None


class Types(ArrayTypes):
    """What is known of a function after the walk.

    Attributes:
        kinds: the type of each expression, by its node.
        calls: the `Call` of each operator and call, by its node.
        variables: the type of each variable.
        result: the type of what is returned.
    """

    def __init__(self, typing, function, tree, params):
        self.typing = typing
        self.globals = function.__globals__
        self.kinds = {}
        self.calls = {}
        self.variables = dict(zip((arg.arg for arg in tree.args.args), params, strict=True))
        self.result: Any = None
        self.assigned = None
        self.local = {node.id for node in nodes_of(tree) if type(node) is ast.Name and _stores(node)}
        self.local.update(self.variables)
        self.top = tree.body
        self.block(tree.body)
        *_, last = tree.body
        if type(last) is not ast.Return or self.result is None:
            raise RefusedError("a function that does not end in its only return")

    # -- statements

    def block(self, statements):
        for statement in statements:
            visit = getattr(self, f"do_{type(statement).__name__}", None)
            if visit is None:
                raise RefusedError(f"{type(statement).__name__} as a statement")
            visit(statement)

    def do_Assign(self, node):
        if len(node.targets) != 1:
            raise RefusedError("several targets")
        self.assigned = node.value
        if type(node.value) is ast.List and not node.value.elts and node in self.top:
            self.kinds[node.value] = self.name_is_list(node.targets[0])
            return
        kind = self.of(node.value)
        self.assign(node.targets[0], kind)

    def name_is_list(self, target):
        if type(target) is not ast.Name or target.id in self.variables:
            raise RefusedError("a list of another kind")
        kind = self.variables[target.id] = ListOf()
        return kind

    def assign(self, target, kind: Any):
        if type(target) is ast.Name:
            self.name_gets(target.id, kind)
        elif type(target) is ast.Subscript:
            element = self.element(target, self.of(target.value))
            if element is None:
                self.stored(target, kind)
            elif self.typing.can_convert(kind, element) is None:
                raise RefusedError("a store of another kind")
        elif type(target) is ast.Tuple and _is_tuple(kind):
            parts = [part.id for part in target.elts if isinstance(part, ast.Name)]
            if len(parts) != len(kind) or type(self.assigned) is not ast.Call:
                raise RefusedError("unpacking")
            for part, part_kind in zip(parts, kind, strict=True):
                self.name_gets(part, part_kind)
        else:
            raise RefusedError("a target")

    def name_gets(self, name, kind):
        if not (_is_number(kind) or isinstance(kind, types.Array)):
            raise RefusedError(f"{name} is of another kind")
        known = self.variables.setdefault(name, kind)
        if known == kind:
            return
        if not _is_number(known) or not _is_number(kind) or self.typing.unify_pairs(known, kind) != known:
            raise RefusedError(f"{name} has two types")

    def do_AugAssign(self, node):
        target = node.target
        if type(target) is ast.Name:
            old = self.variable(target.id)
        else:
            old = self.element(target, self.of(target.value)) if type(target) is ast.Subscript else None
        if not _is_number(old):
            raise RefusedError("an augmented assignment of another kind")
        kind = self.operation(node, OPERATORS.get(type(node.op)), old, self.of(node.value))
        if type(target) is ast.Name:
            self.name_gets(target.id, kind)
        elif self.typing.can_convert(kind, old) is None:
            raise RefusedError("a store of another kind")

    def do_For(self, node):
        if node.orelse or type(node.target) is not ast.Name or range_of(node, self.globals) is None:
            raise RefusedError("a loop of another kind")
        for bound in node.iter.args:
            if self.of(bound) != types.int64:
                raise RefusedError("a range of another kind")
        self.name_gets(node.target.id, types.int64)
        self.block(node.body)

    def do_While(self, node):
        if node.orelse:
            raise RefusedError("else of a loop")
        self.test(node.test)
        self.block(node.body)

    def do_If(self, node):
        self.test(node.test)
        self.block(node.body)
        self.block(node.orelse)

    def test(self, node):
        if not _is_number(self.of(node)):
            raise RefusedError("a test of another kind")

    def do_Raise(self, node):
        raised_by(node, self.globals)

    def do_Return(self, node):
        if self.result is not None or node.value is None:
            raise RefusedError("several returns")
        self.result = self.of(node.value)
        parts: Any = self.result if isinstance(self.result, types.BaseTuple) else (self.result,)
        if not all(_is_number(part) or isinstance(part, types.Array) for part in parts):
            raise RefusedError("a result of another kind")

    def do_Expr(self, node):
        if type(node.value) is ast.Call and (found := self.list_of(node.value, "append")):
            (value,) = node.value.args
            kind = self.of(value)
            found.element = found.element or kind
            if not isinstance(kind, types.Array) or kind != found.element:
                raise RefusedError("a list of another kind")
        elif type(node.value) is ast.Call:
            self.of(node.value)
        elif type(node.value) is not ast.Constant:
            raise RefusedError("an expression as a statement")

    def do_Break(self, node):
        pass

    do_Continue = do_Pass = do_Break

    # -- expressions

    def of(self, node):
        """The type of an expression, which is noted."""
        visit = getattr(self, f"of_{type(node).__name__}", None)
        if visit is None:
            raise RefusedError(f"{type(node).__name__} as an expression")
        kind = self.kinds[node] = visit(node)
        return kind

    def variable(self, name):
        kind = self.variables.get(name)
        if kind is None:
            raise RefusedError(f"{name} is read ahead of its assignment")
        return kind

    def of_Name(self, node):
        if node.id in self.local:
            kind = self.variable(node.id)
            if isinstance(kind, ListOf):
                raise RefusedError("a list as a value")
            return kind
        return constant_kind(self.value(node))

    def of_Constant(self, node):
        return constant_kind(node.value)

    def of_BinOp(self, node):
        left, right = self.of(node.left), self.of(node.right)
        return self.operation(node, OPERATORS.get(type(node.op)), left, right)

    def of_UnaryOp(self, node):
        kind = self.of(node.operand)
        if type(node.op) is ast.Not:
            if not _is_number(kind):
                raise RefusedError("not of another kind")
            return types.boolean
        return self.operation(node, OPERATORS[type(node.op)], kind)

    def of_Compare(self, node):
        if len(node.ops) != 1:
            raise RefusedError("a chain of comparisons")
        left, right = self.of(node.left), self.of(node.comparators[0])
        return self.operation(node, OPERATORS.get(type(node.ops[0])), left, right)

    def operation(self, node, function, *kinds):
        if function is None or not all(_is_number(kind) or isinstance(kind, types.Array) for kind in kinds):
            raise RefusedError("an operation of another kind")
        return self.called(node, function, kinds, {})

    def called(self, node, function, kinds, named):
        call = self.calls[node] = resolved(self.typing, function, tuple(kinds), tuple(named.items()))
        kind = types.unliteral(call.signature.return_type)
        if not (_is_number(kind) or isinstance(kind, _RESULTS)):
            raise RefusedError("a result of another kind")
        return kind

    def of_BoolOp(self, node):
        if any(self.of(value) != types.boolean for value in node.values):
            raise RefusedError("and, or of another kind")
        return types.boolean

    def of_IfExp(self, node):
        self.test(node.test)
        kind = self.typing.unify_types(self.of(node.body), self.of(node.orelse))
        if not _is_number(kind):
            raise RefusedError("a choice of another kind")
        return kind

    def of_Tuple(self, node):
        return types.BaseTuple.from_types(tuple(self.of(part) for part in node.elts))

    def list_of(self, node, method):
        """The type of the list whose method is called; None if it is another call."""
        called = node.func
        if type(called) is not ast.Attribute or called.attr != method or type(called.value) is not ast.Name:
            return None
        kind = self.variables.get(called.value.id)
        return kind if isinstance(kind, ListOf) else None

    def of_Call(self, node):
        if node is self.assigned and (found := self.list_of(node, "pop")) and found.element and not node.args:
            return found.element
        function = self.method(node.func) or self.value(node.func)
        if function is _UNKNOWN or any(type(a) is ast.Starred for a in node.args):
            raise RefusedError(f"a call of {ast.unparse(node.func)}")
        kinds = [self.of(argument) for argument in node.args]
        named = {keyword.arg: self.of(keyword.value) for keyword in node.keywords}
        if None in named:
            raise RefusedError("a call of another kind")
        kind = self.called(node, function, kinds, named)
        if _is_tuple(kind) and node is not self.assigned:
            raise RefusedError("a tuple without names")
        return kind

    def of_Attribute(self, node):
        if is_path(node, self.local):
            return constant_kind(self.value(node), self.typing)
        kind = self.of(node.value)
        if isinstance(kind, types.Array) and node.attr == "size":
            return types.int64
        if isinstance(kind, types.Array) and node.attr == "shape":
            return types.UniTuple(types.int64, kind.ndim)
        if isinstance(kind, types.Array) and node.attr in ("T", "real", "imag"):
            return self.typing.resolve_getattr(kind, node.attr)
        if not isinstance(kind, types.Complex) or node.attr not in ("real", "imag"):
            raise RefusedError("an attribute")
        return kind.underlying_float

    def of_Subscript(self, node):
        kind: Any = self.of(node.value)
        position = constant_int(node.slice)
        if _is_tuple(kind) and position is not None:
            return kind[position]
        element = self.element(node, kind)
        return self.view(node, kind) if element is None else element

    def value(self, node):
        """The Python object that a name or a path of attributes stands for; `_UNKNOWN` if it is local."""
        if type(node) is ast.Name:
            if node.id in self.local:
                return _UNKNOWN
            found = self.globals.get(node.id, _UNKNOWN)
            return getattr(builtins, node.id, _UNKNOWN) if found is _UNKNOWN else found
        if type(node) is ast.Attribute:
            base = self.value(node.value)
            return _UNKNOWN if base is _UNKNOWN else getattr(base, node.attr, _UNKNOWN)
        return _UNKNOWN


def _stores(node):
    return type(node.ctx) is ast.Store


def _is_number(kind):
    return isinstance(kind, types.Number | types.Boolean)


def _is_tuple(kind):
    return isinstance(kind, types.BaseTuple)


def constant_kind(value, typing=None):
    """Numba's type of a constant."""
    kind = type(value)
    if kind is bool:
        return types.boolean
    if kind is int and -(2**63) <= value < 2**63:
        return types.int64
    if kind is float:
        return types.float64
    if kind is complex:
        return types.complex128
    if typing is not None and isinstance(value, type):
        return typing.resolve_value_type(value)
    raise RefusedError("a constant of another kind")


def resolved(typing, function, kinds, named):
    """The `Call` of a Python function for arguments of these types."""
    key = (function, kinds, named)
    try:
        known = _signatures.get(key)
    except TypeError:
        raise RefusedError("a call of another kind") from None
    if known is None:
        typed = function if isinstance(function, types.Type) else typing.resolve_value_type(function)
        if not isinstance(typed, types.Callable):
            raise RefusedError(f"a call of {function}, a {typed}")
        signature = typing.resolve_function_type(typed, kinds, dict(named))
        if signature is None:
            raise RefusedError(f"a call of {function}")
        known = _signatures[key] = Call(typed, signature)
    return known
