"""Operators: arithmetic, comparisons, truth, and what an augmented assignment does to an array."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from pullback.capture.arrays import as_array
from pullback.capture.context import Context
from pullback.capture.dispatch import evaluate, expression
from pullback.capture.domain import check_operands, check_result
from pullback.capture.integers import called
from pullback.capture.join import fork
from pullback.capture.truth import truth
from pullback.capture.values import (
    DictValue,
    ListValue,
    Maybe,
    Poison,
    RangeValue,
    Record,
    UnreachedError,
    children,
    describe,
    is_array,
    is_number,
    is_numeric,
    is_scalar,
    is_static,
    kind_of,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Assign, Block, Var
from pullback.ir.primitives import dim, select, weaken
from pullback.ir.types import BOOL, Scalar

BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder, ast.Pow: np.power, ast.MatMult: np.matmul,
    ast.BitAnd: np.bitwise_and, ast.BitOr: np.bitwise_or, ast.BitXor: np.bitwise_xor,
    ast.LShift: np.left_shift, ast.RShift: np.right_shift,
}  # fmt: skip

OPERATORS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.bitwise_and: operator.and_, np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor, np.left_shift: operator.lshift, np.right_shift: operator.rshift,
}  # fmt: skip

COMPARISONS: dict[type[ast.cmpop], tuple[Callable[..., Any], Callable[..., Any]]] = {
    ast.Lt: (np.less, operator.lt), ast.LtE: (np.less_equal, operator.le),
    ast.Gt: (np.greater, operator.gt), ast.GtE: (np.greater_equal, operator.ge),
    ast.Eq: (np.equal, operator.eq), ast.NotEq: (np.not_equal, operator.ne),
}  # fmt: skip

_TOTAL = frozenset([
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.logical_and,
    np.logical_or, np.logical_not, np.add, np.subtract, np.multiply, np.negative, np.absolute, np.isnan,
    np.isfinite, dim, weaken,
])  # fmt: skip
"""Operations on numbers that cannot fail and cost next to nothing."""


@expression(ast.BinOp)
def _binop(context: Context, node: ast.BinOp) -> Any:
    return binary(context, BINARY[type(node.op)], evaluate(context, node.left), evaluate(context, node.right))


def binary(context: Context, function: Callable[..., Any], left: Any, right: Any) -> Any:
    """``left op right`` as Python has it: on numbers and arrays NumPy's, on tuples and lists their own."""
    if is_numeric(left) and is_numeric(right):
        if is_number(left) and is_number(right):
            return _folded(context, OPERATORS[function], left, right)
        check_operands(context, function, left, right)
        result = called(context, function, left, right)
        check_result(context, function, left, right, result)
        return result
    joined = _structure(context, function, left, right)
    if joined is not None:
        return joined
    if is_array(left) and isinstance(right, ListValue | tuple):
        return binary(context, function, left, as_array(context, right))
    if is_array(right) and isinstance(left, ListValue | tuple):
        return binary(context, function, as_array(context, left), right)
    if is_static(left) and is_static(right):
        return _folded(context, OPERATORS[function], to_python(left), to_python(right))
    from pullback.capture.records import of_records

    return of_records(context, OPERATORS[function], left, right)


def whole(context: Context, function: Callable[..., Any], left: Any, right: Any) -> Any:
    """Arithmetic on ints that count, without adding 0 and multiplying by 1."""
    neutral = {np.add: 0, np.subtract: 0, np.multiply: 1}.get(function)
    if isinstance(right, int) and right == neutral:
        return left
    if isinstance(left, int) and left == neutral and function is not np.subtract:
        return right
    return binary(context, function, left, right)


def _folded(context: Context, function: Callable[..., Any], *args: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return function(*args)
    except Exception as error:
        context.fail("this always fails", f"Python says: {type(error).__name__}: {error}")


def _structure(context: Context, function: Callable[..., Any], left: Any, right: Any) -> Any:
    """``+`` of tuples and lists, and their product with a static int; else None."""
    if function is np.add and type(left) is type(right) and isinstance(left, tuple | ListValue):
        if isinstance(left, tuple):
            return (*left, *right)
        return ListValue([*left.items, *right.items], context.home)
    if function is np.multiply:
        if isinstance(left, int):
            left, right = right, left
        if isinstance(left, tuple | ListValue) and isinstance(right, Var) and is_scalar(right):
            context.static_needed("a list or tuple repeated", right, "use np.full or np.zeros")
        if isinstance(left, tuple) and isinstance(right, int):
            return left * right
        if isinstance(left, ListValue) and isinstance(right, int):
            return ListValue(left.items * right, context.home)
    return None


@expression(ast.UnaryOp)
def _unary(context: Context, node: ast.UnaryOp) -> Any:
    value = evaluate(context, node.operand)
    match node.op:
        case ast.Not():
            return negation(context, value)
        case ast.USub():
            function, python = np.negative, operator.neg
        case ast.UAdd():
            function, python = np.positive, operator.pos
        case _:
            function, python = np.invert, operator.invert
    if is_number(value):
        return _folded(context, python, value)
    if isinstance(value, Record):
        from pullback.capture.records import of_record

        return of_record(context, python, value)
    if not is_numeric(value):
        context.fail(f"no such operation on {describe(value)}", "Python has none for this type")
    return context.call(function, value)


def negation(context: Context, value: Any) -> Any:
    """``not value``."""
    test = truth(context, value)
    if isinstance(test, bool):
        return not test
    return weak(context, context.call(np.logical_not, test))


def weak(context: Context, value: Any) -> Any:
    """A number as the Python number."""
    if isinstance(value, Var) and isinstance(value.type, Scalar) and not value.type.weak:
        return context.call(weaken, value)
    return value.item() if isinstance(value, np.generic) else value


def condition(context: Context, node: ast.expr) -> Any:
    """The truth of an expression: a static bool or a Var."""
    with context.at(node):
        return truth(context, evaluate(context, node))


@expression(ast.Compare)
def _compare(context: Context, node: ast.Compare) -> Any:
    known = _is_none(context, node)
    if known is not None:
        return known
    left = evaluate(context, node.left)
    return _chain(context, left, list(zip(node.ops, node.comparators, strict=True)))


def _is_none(context: Context, node: ast.Compare) -> Any:
    """``name is None`` for a name that is so on some ways; None where it is another comparison."""
    op, right = node.ops[0], node.comparators[0]
    if not (isinstance(node.left, ast.Name) and isinstance(op, ast.Is | ast.IsNot) and len(node.ops) == 1):
        return None
    value = context.env.get(node.left.id)
    if not (
        isinstance(right, ast.Constant) and right.value is None and isinstance(value, Maybe) and value.none
    ):
        return None
    return value.flag if isinstance(op, ast.IsNot) else negation(context, value.flag)


def _chain(context: Context, left: Any, rest: list[tuple[ast.cmpop, ast.expr]]) -> Any:
    op, right_node = rest[0]
    right = evaluate(context, right_node)
    first = compare(context, op, left, right)
    if len(rest) == 1:
        return first
    return short_circuit(context, first, lambda: _chain(context, right, rest[1:]), True)


def compare(context: Context, op: ast.cmpop, left: Any, right: Any) -> Any:
    """One comparison."""
    if isinstance(op, ast.Is | ast.IsNot):
        return _identical(context, left, right) == isinstance(op, ast.Is)
    if isinstance(op, ast.In | ast.NotIn):
        return _contained(context, left, right, isinstance(op, ast.NotIn))
    function, python = COMPARISONS[type(op)]
    if is_numeric(left) and is_numeric(right):
        if is_number(left) and is_number(right):
            return _folded(context, python, left, right)
        return context.call(function, left, right)
    if is_static(left) and is_static(right):
        return _folded(context, python, to_python(left), to_python(right))
    if isinstance(left, tuple | ListValue) and type(left) is type(right):
        return _equal_parts(context, op, left, right)
    odd = any(x is None or isinstance(x, str) for x in (left, right))
    if odd and isinstance(op, ast.Eq | ast.NotEq) and not (is_array(left) or is_array(right)):
        return isinstance(op, ast.NotEq)
    if (is_array(left) or is_array(right)) and isinstance(
        left if is_array(right) else right, tuple | ListValue
    ):
        return context.call(function, as_array(context, left), as_array(context, right))
    raise context.refusal(
        f"{describe(left)} is compared with {describe(right)}", "their types have no such comparison"
    )


def _equal_parts(context: Context, op: ast.cmpop, left: Any, right: Any) -> Any:
    """``==`` of tuples, as in ``a.shape == b.shape``."""
    a, b = children(left) or [], children(right) or []
    if not isinstance(op, ast.Eq | ast.NotEq):
        context.fail("tuples are ordered by values known at run time", "only == and != are in the language")
    result: Any = len(a) == len(b)
    if result:
        for x, y in zip(a, b, strict=True):
            part = truth(context, compare(context, ast.Eq(), x, y))
            result = conjunction(context, result, part)
    return result if isinstance(op, ast.Eq) else negation(context, result)


def conjunction(context: Context, a: Any, b: Any) -> Any:
    """Both, where both are already known."""
    if isinstance(a, bool) or isinstance(b, bool):
        first, second = (a, b) if isinstance(a, bool) else (b, a)
        return second if first else False
    return context.call(np.logical_and, a, b)


def _identical(context: Context, left: Any, right: Any) -> bool:
    if left is right or (left is None) != (right is None):
        return left is right
    if isinstance(left, Var) and isinstance(right, Var) and is_array(left) and is_array(right):
        if left.name == right.name:
            return True
        context.fail(
            "`is` between arrays",
            "whether two names mean one array is known only at run time",
            "keep a flag beside them, or compare their elements",
        )
    if is_static(left) and is_static(right):
        return to_python(left) is to_python(right)
    return False


def _contained(context: Context, left: Any, right: Any, negated: bool) -> Any:
    if isinstance(right, DictValue):
        parts: list[Any] | None = list(right.items)
    else:
        parts = None if isinstance(right, RangeValue) else children(right)
    if is_static(left) and is_static(right):
        return (to_python(left) in to_python(right)) != negated
    if parts is None:
        context.fail(
            f"`in` {describe(right)}",
            "only tuples, lists and dicts of known length are searched",
            "np.any(array == value)",
        )
    found: Any = False
    for part in parts:
        equal = truth(context, compare(context, ast.Eq(), left, part))
        if equal is True:
            found = True
            break
        if equal is not False:
            found = equal if found is False else context.call(np.logical_or, found, equal)
    return negation(context, found) if negated else found


@expression(ast.BoolOp)
def _boolop(context: Context, node: ast.BoolOp) -> Any:
    both = isinstance(node.op, ast.And)

    def chain(values: list[ast.expr]) -> Any:
        first = evaluate(context, values[0])
        if len(values) == 1:
            return first
        return short_circuit(context, first, lambda: chain(values[1:]), both)

    return chain(node.values)


def short_circuit(context: Context, first: Any, rest: Callable[[], Any], both: bool) -> Any:
    """``first and rest()`` (`both`) or ``first or rest()``: the second is run only if it is needed."""
    test = truth(context, first)
    if isinstance(test, bool):
        return rest() if test == both else first
    saved = dict(context.env)
    second: Any = None
    with context.block() as block, suppress(UnreachedError):
        second = rest()
    if isinstance(second, bool) and second == both and first is test:
        return first
    boolean = first is test and (
        isinstance(second, bool) or (is_scalar(second) and kind_of(second).dtype.kind == "b")
    )
    if boolean and cheap(block.block) and context.env == saved:
        context.builder.extend(block.block)
        result = context.call(np.logical_and if both else np.logical_or, test, second)
        return result if kind_of(first) != BOOL or kind_of(second) != BOOL else weak(context, result)
    context.frame.env = saved
    value = "$value"

    def run() -> None:
        context.env[value] = rest()

    def keep() -> None:
        context.env[value] = first

    live = frozenset(context.frame.local_names)
    fork(context, test, run if both else keep, keep if both else run, live)
    return context.env.pop(value)


def cheap(block: Block) -> bool:
    """Whether these statements may as well run when they are not needed."""
    known = (s for s in block if isinstance(s, Assign) and s.function in _TOTAL)
    numbers = [s for s in known if all(isinstance(target.type, Scalar) for target in s.targets)]
    return len(numbers) == len(block) <= 4


@expression(ast.IfExp)
def _conditional(context: Context, node: ast.IfExp) -> Any:
    test = condition(context, node.test)
    if isinstance(test, bool):
        return evaluate(context, node.body if test else node.orelse)
    value = "$value"

    def side(branch: ast.expr) -> Callable[[], None]:
        def run() -> None:
            context.env[value] = evaluate(context, branch)

        return run

    if isinstance(node.body, ast.Name | ast.Constant) and isinstance(node.orelse, ast.Name | ast.Constant):
        first, second = evaluate(context, node.body), evaluate(context, node.orelse)
        if is_scalar(first) and is_scalar(second) and kind_of(first) == kind_of(second):
            return context.call(select, test, first, second)
    fork(context, test, side(node.body), side(node.orelse), frozenset(context.frame.local_names))
    result = context.env.pop(value)
    if isinstance(result, Poison):
        context.fail("the two values have no type in common", result.why, "make them of one type")
    return result
