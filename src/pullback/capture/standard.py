"""Functions of Python's standard library: of `operator`, `itertools`, `copy`, `dataclasses` and `math`."""

from __future__ import annotations

import ast
import builtins
import copy
import dataclasses
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.capture.calls import call
from pullback.capture.context import Context
from pullback.capture.conversions import np_copy
from pullback.capture.methods import attribute
from pullback.capture.operators import COMPARISONS, OPERATORS, binary, compare, negation, whole
from pullback.capture.python_calls import PYTHON, Handler, handles
from pullback.capture.sequences import items_of
from pullback.capture.values import (
    DictValue,
    Record,
    children,
    describe,
    is_array,
    is_static,
    to_python,
    with_children,
)  # fmt: skip

__all__ = ["PYTHON"]


def _of_two(function: Callable[..., Any], name: str) -> Handler:
    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if len(args) != 2 or kwargs:
            context.fail(f"operator.{name} with these arguments", "Python raises a TypeError")
        return function(context, *args)

    return handler


def _arithmetic(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda context, left, right: binary(context, function, left, right)


def _comparison(op: type[ast.cmpop]) -> Callable[..., Any]:
    return lambda context, left, right: compare(context, op(), left, right)


for _function, _original in OPERATORS.items():
    PYTHON[_original] = _of_two(_arithmetic(_function), _original.__name__)
for _op, (_, _original) in COMPARISONS.items():
    PYTHON[_original] = _of_two(_comparison(_op), _original.__name__)


@handles(operator.neg)
def _neg(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return binary(context, np.multiply, args[0], -1)


@handles(operator.not_)
def _not(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return negation(context, args[0])


# -- itertools: of what has a known length -------------------------------------------------------------------


def _known(context: Context, value: Any, name: str) -> list[Any]:
    items = items_of(context, value)
    if items is None:
        context.fail(
            f"itertools.{name} over {describe(value)}",
            "its length is known only at run time",
            "loop over a range, and index",
        )
    return items


def _of_lists(function: Callable[..., Any], count: int | None = None) -> Handler:
    """A function of `itertools` whose first `count` arguments are iterables; None for all."""

    def handler(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        lists = [_known(context, value, function.__name__) for value in args[:count]]
        context.keep(tuple(map(tuple, lists)))
        rest = [] if count is None else args[count:]
        if not all(isinstance(value, int) for value in rest):
            context.static_needed(f"a number given to itertools.{function.__name__}", rest)
        return tuple(function(*lists, *rest, **kwargs))

    return handler


for _function in (itertools.chain, itertools.zip_longest):
    PYTHON[_function] = _of_lists(_function)
for _function in (
    itertools.combinations, itertools.combinations_with_replacement, itertools.permutations,
    itertools.pairwise, itertools.islice,
):  # fmt: skip
    PYTHON[_function] = _of_lists(_function, 1)


@handles(itertools.chain.from_iterable)
def _chain(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    lists = _known(context, args[0], "chain")
    return tuple(part for value in lists for part in _known(context, value, "chain"))


@handles(itertools.accumulate)
def _accumulate(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    items, *rest = args
    function = rest[0] if rest else kwargs.get("func", operator.add)
    values = _known(context, items, "accumulate")
    if kwargs.get("initial") is not None:
        values = [kwargs["initial"], *values]
    totals = values[:1]
    for value in values[1:]:
        totals.append(call(context, function or operator.add, [totals[-1], value], {}))
    return tuple(totals)


@handles(itertools.starmap)
def _starmap(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    function, items = args
    return tuple(
        call(context, function, _known(context, part, "starmap"), {})
        for part in _known(context, items, "starmap")
    )


# -- copy and dataclasses ------------------------------------------------------------------------------------


@handles(copy.copy)
def _copy(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    (value,) = args
    if is_array(value):
        return np_copy(context, value)
    parts = children(value)
    return value if parts is None else with_children(value, list(parts), context.home)


@handles(copy.deepcopy)
def _deepcopy(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    value = args[0]
    if is_array(value):
        return np_copy(context, value)
    parts = children(value)
    if parts is None:
        return value
    return with_children(value, [_deepcopy(context, [part], {}) for part in parts], context.home)


@handles(builtins.getattr)
def _getattr(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    owner, name, *default = args
    if not isinstance(name, str):
        context.static_needed("the name of an attribute", name)
    if default and is_static(owner) and not hasattr(to_python(owner), name):
        return default[0]
    return attribute(context, owner, name)


@handles(dataclasses.replace)
def _replace(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    (value,) = args
    if not isinstance(value, Record) or hasattr(value.kind, "__post_init__"):
        context.fail(f"dataclasses.replace of {describe(value)}", "only plain dataclasses can be built")
    unknown = [name for name in kwargs if name not in value.fields]
    if unknown:
        context.fail(f"a {value.kind.__name__} has no field {unknown[0]}", "Python raises a TypeError")
    return Record(value.kind, value.fields | kwargs)


@handles(dataclasses.asdict)
def _asdict(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _plain(context, args[0], lambda value: DictValue(value, context.home))


@handles(dataclasses.astuple)
def _astuple(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return _plain(context, args[0], lambda value: tuple(value.values()))


def _plain(context: Context, value: Any, made: Callable[[dict[str, Any]], Any]) -> Any:
    """A dataclass instance as what `made` makes of its fields, those inside it too, and arrays copied."""
    if isinstance(value, Record):
        return made({name: _plain(context, part, made) for name, part in value.fields.items()})
    if is_array(value):
        return np_copy(context, value)
    parts = children(value)
    if parts is None:
        return value
    return with_children(value, [_plain(context, part, made) for part in parts], context.home)


# -- math ----------------------------------------------------------------------------------------------------


@handles(math.prod)
def _prod(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if is_array(args[0]) and args[0].type.ndim == 1:
        return binary(context, np.multiply, context.call(np.prod, args[0]), kwargs.get("start", 1))
    total = kwargs.get("start", 1)
    for value in _known(context, args[0], "prod"):
        total = whole(context, np.multiply, total, value)
    return total


@handles(math.dist)
def _dist(context: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
    total: Any = 0.0
    for a, b in zip(*(_known(context, value, "dist") for value in args), strict=True):
        apart = binary(context, np.subtract, a, b)
        total = binary(context, np.add, total, binary(context, np.multiply, apart, apart))
    return call(context, math.sqrt, [total], {})
