"""Python's builtins, in terms of NumPy's functions.

`print` of static things is dropped; of values known at run time it is an error.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.spec import dtype_of
from pullback.capture.arrays import as_array, vector_of
from pullback.capture.context import Context
from pullback.capture.domain import no_step_of_zero
from pullback.capture.indexing import element
from pullback.capture.join import chosen
from pullback.capture.operators import binary, compare, weak
from pullback.capture.sequences import backwards, enumerated, items_of, product, sequence, zipped
from pullback.capture.truth import truth
from pullback.capture.values import (
    Closure,
    DictValue,
    Flat,
    ListValue,
    Method,
    Partial,
    RangeValue,
    Record,
    Sequence,
    describe,
    is_array,
    is_number,
    is_scalar,
    is_static,
    kind_of,
    to_python,
)  # fmt: skip
from pullback.ir.nodes import Var
from pullback.ir.primitives import item
from pullback.ir.types import Array, Scalar

Handler = Callable[[Context, list[Any], dict[str, Any]], Any]
PYTHON: dict[Any, Handler] = {}


def handles(*functions: Any) -> Callable[[Handler], Handler]:
    """Register the translation of Python functions."""

    def register(handler: Handler) -> Handler:
        PYTHON.update(dict.fromkeys(functions, handler))
        return handler

    return register


def scalar(context: Context, value: Any, what: str) -> Any:
    """A number; the one element of an array of one."""
    if is_array(value):
        kind = value.type
        if kind.ones != frozenset(range(kind.ndim)):
            context.fail(
                f"{what} of an array", "only an array of one element is a number", "index it, or use .item()"
            )
        return context.call(item, value, (0,) * kind.ndim)
    if not is_scalar(value):
        context.fail(f"{what} of {describe(value)}", "it is no number")
    return value


def constant(context: Context, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    try:
        return function(*(to_python(a) for a in args), **{k: to_python(v) for k, v in kwargs.items()})
    except Exception as error:
        context.fail("this call always fails", f"Python says: {type(error).__name__}: {error}")


@handles(builtins.abs)
def _abs(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return abs(args[0]) if is_number(args[0]) else context.call(np.absolute, as_array(context, args[0]))


@handles(builtins.pow)
def _pow(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    result = binary(context, np.power, args[0], args[1])
    return binary(context, np.remainder, result, args[2]) if len(args) > 2 else result


@handles(builtins.divmod)
def _divmod(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return (
        binary(context, np.floor_divide, args[0], args[1]),
        binary(context, np.remainder, args[0], args[1]),
    )


@handles(builtins.range)
def _range(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    bounds = []
    for value in args:
        if not is_scalar(value) or kind_of(value).dtype.kind not in "iub":
            context.fail(f"range of {describe(value)}", "a range counts with integers", "int(...)")
        bound = weak(context, value)
        bounds.append(context.call(np.add, bound, 0) if kind_of(bound).dtype.kind == "b" else bound)
    if not 1 <= len(bounds) <= 3:
        context.fail(f"range of {len(bounds)} arguments", "Python raises a TypeError")
    start, stop = (0, bounds[0]) if len(bounds) == 1 else bounds[:2]
    step = bounds[2] if len(bounds) == 3 else 1
    if isinstance(step, int) and step == 0:
        context.fail("a range with step 0", "Python raises a ValueError")
    no_step_of_zero(context, step, "range() arg 3 must not be zero")
    return RangeValue(start, stop, step)


@handles(builtins.len)
def _len(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if is_array(value):
        if value.type.ndim == 0:
            context.fail("len of a 0-d array", "NumPy raises a TypeError")
        return context.dim(value, 0)
    if isinstance(value, RangeValue | Sequence | Flat):
        return sequence(context, value).length
    items = items_of(context, value)
    if items is None:
        context.fail(f"len of {describe(value)}", "it has no length")
    return len(items)


@handles(operator.getitem)
def _getitem(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return element(context, *args)


@handles(builtins.enumerate)
def _enumerate(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return enumerated(context, args[0], args[1] if len(args) > 1 else kwargs.get("start", 0))


@handles(builtins.zip)
def _zip(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return zipped(context, args, bool(kwargs.get("strict", False)))


@handles(itertools.product)
def _product(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return product(context, args * to_python(kwargs.get("repeat", 1)))


@handles(builtins.reversed)
def _reversed(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return backwards(context, args[0])


@handles(builtins.tuple)
def _tuple(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return tuple(_known_items(context, args[0])) if args else ()


@handles(builtins.list)
def _list(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return ListValue(list(_known_items(context, args[0])) if args else [], context.home)


@handles(builtins.dict)
def _dict(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    items: dict[Any, Any] = {}
    if args:
        if isinstance(args[0], DictValue):
            items |= args[0].items
        else:
            items |= {
                to_python(k): v for k, v in (_known_items(context, p) for p in _known_items(context, args[0]))
            }
    context.keep(tuple(kwargs.values()))
    return DictValue(items | kwargs, context.home)


def _known_items(context: Context, value: Any) -> list[Any]:
    items = items_of(context, value)
    if items is None:
        if is_array(value) and 0 in value.type.ones:
            return [sequence(context, value).at(0)]
        context.fail(
            f"a tuple or list of {describe(value)}",
            "its length is known only at run time",
            "keep it an array",
        )
    return items


def _elements(context: Context, value: Any) -> Any:
    """What is iterated over: of an array's ``.flat`` the vector."""
    return vector_of(context, value.array) if isinstance(value, Flat) else value


@handles(builtins.sorted)
def _sorted(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not is_static(args[0]) or kwargs.get("key") is not None:
        context.fail(
            "sorted() of values known at run time", "a list has no place in a program", "use np.sort"
        )
    return ListValue(sorted(to_python(args[0]), reverse=bool(kwargs.get("reverse", False))), context.home)


@handles(builtins.sum)
def _sum(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    total: Any = args[1] if len(args) > 1 else kwargs.get("start", 0)
    args[0] = _elements(context, args[0])
    items = items_of(context, args[0])
    if items is None and is_array(args[0]) and args[0].type.ndim == 1 and is_number(total) and total == 0:
        return context.call(np.sum, args[0])
    if items is None:
        context.fail(f"sum of {describe(args[0])}", "its length is known only at run time", "use np.sum")
    for part in items:
        total = binary(context, np.add, total, part)
    return total


def _extreme(largest: bool) -> Handler:
    order: ast.cmpop = ast.Gt() if largest else ast.Lt()
    over_array = np.max if largest else np.min

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if set(kwargs) - {"default"}:
            context.fail("min or max with key=", "it is not in the language", "compare in a loop")
        if len(args) == 1:
            args[0] = _elements(context, args[0])
            items = items_of(context, args[0])
            if items is None and is_array(args[0]) and args[0].type.ndim == 1:
                return context.call(over_array, args[0])
            if items is None:
                context.fail(f"min or max of {describe(args[0])}", "its length is not known", "use np.max")
            args = items or ([kwargs["default"]] if "default" in kwargs else [])
        if not args:
            context.fail("min or max of nothing", "Python raises a ValueError")
        best = args[0]
        for value in args[1:]:
            test = truth(context, compare(context, order, value, best))
            best = chosen(context, test, value, best)
        return best

    return handler


PYTHON[builtins.max] = _extreme(True)
PYTHON[builtins.min] = _extreme(False)


def _all_of(both: bool) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        args[0] = _elements(context, args[0])
        items = items_of(context, args[0])
        if items is None:
            if is_array(args[0]) and args[0].type.ndim == 1:
                return weak(context, context.call(np.all if both else np.any, args[0]))
            context.fail(
                f"all or any of {describe(args[0])}", "its length is not known", "use np.all or np.any"
            )
        found: Any = both
        for value in items:
            test = truth(context, value)
            if isinstance(test, bool):
                if test != both:
                    return not both
                continue
            function = np.logical_and if both else np.logical_or
            found = test if isinstance(found, bool) else context.call(function, found, test)
        return weak(context, found)

    return handler


PYTHON[builtins.all] = _all_of(True)
PYTHON[builtins.any] = _all_of(False)


@handles(builtins.print)
def _print(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not is_static(tuple(args)):
        context.fail(
            "a value known at run time is printed", "a program has no output", "return it and print it"
        )


@handles(builtins.str, builtins.repr, builtins.format)
def _str(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not is_static(tuple(args)):
        context.fail(
            "text is made of a value known at run time",
            "a program has no strings",
            "do it outside the function",
        )
    return constant(context, str, args, kwargs)


@handles(builtins.isinstance)
def _isinstance(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value, kinds = args[0], to_python(args[1])
    if isinstance(value, Record) and kinds is not value.kind:
        _ask_outside(context, value, "isinstance")
    return is_instance(value, kinds)


@handles(type)
def _type(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1:
        context.fail("a class is made", "it has no translation to a program", "make it outside the function")
    value = args[0]
    if isinstance(value, Record):
        _ask_outside(context, value, "type")
        return value.kind
    stand_ins: dict[type, type] = {ListValue: list, DictValue: dict, RangeValue: range}
    return python_type(value) if isinstance(value, Var) else stand_ins.get(type(value), type(value))


def is_instance(value: Any, kinds: Any) -> bool:
    """``isinstance(value, kinds)``."""
    if isinstance(value, Var):
        return issubclass(python_type(value), kinds)
    stand_ins: dict[type, type] = {ListValue: list, DictValue: dict, RangeValue: range}
    if type(value) in stand_ins:
        return issubclass(stand_ins[type(value)], kinds)
    if isinstance(value, Record):
        return issubclass(value.kind, kinds)
    return isinstance(value, kinds)


def python_type(value: Var) -> type:
    """The Python type a variable's values have."""
    kind = value.type
    if isinstance(kind, Array):
        return np.ndarray
    assert isinstance(kind, Scalar)
    if kind.weak:
        return {"b": bool, "i": int, "f": float, "c": complex}[kind.dtype.kind]
    return kind.dtype.type


def _ask_outside(context: Context, value: Record, what: str) -> None:
    """Refuse a question whose answer is that of the object which a dataclass here stands for."""
    if hasattr(value.kind, "without"):
        context.fail(
            f"{what} of {describe(value)}",
            "it is taken apart into what is known of it",
            "ask outside the function",
        )


@handles(dtype_of)
def _dtype_of(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return kind_of(args[0]).dtype


@handles(builtins.callable)
def _callable(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return isinstance(args[0], Closure | Partial | Method) or (
        callable(args[0]) and not isinstance(args[0], Var | Record)
    )


@handles(builtins.hasattr)
def _hasattr(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if isinstance(value, Var):
        return hasattr(python_type(value), args[1])
    if isinstance(value, Record):
        _ask_outside(context, value, "hasattr")
    return hasattr(value.kind if isinstance(value, Record) else value, args[1])


@handles(builtins.slice)
def _slice(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return slice(*args)
