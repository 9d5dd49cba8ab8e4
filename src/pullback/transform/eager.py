"""Derivatives of calls whose rules cannot be written down as statements: an eager engine takes them.

A rule that looks at lengths or at values, or that NumPy runs through plain arrays, has no program of its own.
The derivative of such a call is then a call of `pull`, which runs it on a tape, or of `push`, on duals; from
compiled code it is a call-back. Their own derivatives are calls of `pull` and `push` again.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

import numpy as np

from pullback.base.composed import COMPOSED
from pullback.base.errors import PullbackError, UnsupportedError
from pullback.base.mutable import Mutable
from pullback.base.operands import position_of
from pullback.base.separate import SEPARATE
from pullback.base.spec import spec_of
from pullback.base.tracked import bare
from pullback.dual import push as _push
from pullback.dual.dual import Dual, Sweep
from pullback.ir.build import TYPES, operand_type, types_of_call
from pullback.ir.nodes import Arg, Assign, Const, Slice
from pullback.ir.types import Array, Scalar, Type
from pullback.rules.read import fit
from pullback.rules.table import TABLE, Refused, Rule, name_of
from pullback.tape import fast as _fast
from pullback.tape.backward import finished
from pullback.tape.node import Leaf, Recording
from pullback.tape.sweep import sweep
from pullback.tape.variable import variable
from pullback.transform.symbol import Symbol

assert _push
assert _fast

Place = tuple[Any, ...]
"""Where an argument stands: a position or a keyword, then the indices in the tuple that it is."""


def pull(
    function: Callable[..., Any],
    places: tuple[Place, ...],
    y_bars: tuple[Any, ...],
    *args: Any,
    **kwargs: Any,
) -> Any:
    """The cotangents of the arguments at `places` of ``function(*args, **kwargs)``, one or a tuple of them.

    Args:
        y_bars: a cotangent for each result, None for one that nothing depends on.
    """
    tape = Recording("compiled code")
    values = [at(place, args, kwargs) for place in places]
    nodes = [Leaf(spec_of(bare(value))) for value in values]
    moved = [variable(_own(value), node, tape) for value, node in zip(values, nodes, strict=True)]
    results = _results(function, places, moved, args, kwargs)
    seeds: dict[Any, Any] = {}
    for result, y_bar in zip(results, y_bars, strict=True):
        result = result.frozen() if isinstance(result, Mutable) else result
        if y_bar is None or getattr(result, "_tape", None) is not tape:
            continue
        y_bar, node = fit(y_bar, spec_of(bare(result))), result._node
        seeds[node] = seeds[node] + y_bar if node in seeds else y_bar
    recorded: list[Any] = list(tape.nodes)
    tape.finish()
    bars: Any = sweep(recorded, seeds, True)
    found: tuple[Any, ...] = tuple(
        finished(bars[node], node.spec) if node in bars else np.zeros(node.spec.shape, node.spec.dtype)[()]
        for node in nodes
    )
    return found[0] if len(places) == 1 else found


def push(
    function: Callable[..., Any], places: tuple[Place, ...], dots: tuple[Any, ...], *args: Any, **kwargs: Any
) -> Any:
    """The tangents of the results of ``function(*args, **kwargs)``: arguments at `places` move by `dots`."""
    forward = Sweep()
    moved = [
        Dual(_own(value), fit(dot, spec_of(bare(value))), forward)
        for value, dot in zip((at(place, args, kwargs) for place in places), dots, strict=True)
    ]
    found = []
    for result in _results(function, places, moved, args, kwargs):
        result = result.frozen() if isinstance(result, Mutable) else result
        own = isinstance(result, Dual) and result.sweep is forward
        value, dot = (result.primal, result.tangent) if own else (result, None)
        spec = spec_of(bare(value))
        found.append(np.zeros(spec.shape, spec.dtype)[()] if dot is None else dot)
    forward.finished = True
    return tuple(found) if len(found) > 1 else found[0]


def at(place: Place, args: tuple[Any, ...], kwargs: Any) -> Any:
    """The argument at a place."""
    first, *rest = place
    value = args[first] if isinstance(first, int) else dict(kwargs)[first]
    for index in rest:
        value = value[index]
    return value


def as_given(value: Any) -> Any:
    """An argument of a call as one of `pull` or `push`: the operands of symbols, and the rest as it is."""
    if isinstance(value, Symbol):
        return value.operand
    if isinstance(value, tuple) and _holds_operand(value):
        return tuple(as_given(part) for part in value)
    return value if isinstance(value, Slice) else Const(value)


def _holds_operand(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_holds_operand, value))
    return isinstance(value, Symbol | Slice)


def places_of(statement: Assign, active: Callable[[Arg], bool]) -> tuple[Place, ...]:
    """The places of the arguments of a call that are active."""

    def inside(arg: Arg, place: Place) -> list[Place]:
        if isinstance(arg, tuple):
            return [p for k, part in enumerate(arg) for p in inside(part, (*place, k))]
        return [place] if active(arg) else []

    words = [*enumerate(statement.args), *statement.kwargs]
    return tuple(place for word, arg in words for place in inside(arg, (word,)))


def check_direction(
    statement: Assign, active: Callable[[Arg], bool], find: Callable[[Rule, int], Any]
) -> None:
    """Raise unless each argument that carries a derivative has one in the table.

    Args:
        find: `rules.read.vjp_direction` or `jvp_key`, which raise for what a row does not have.
    """
    function = statement.function
    rule = TABLE.get(function)
    try:
        if rule is None:
            if not any(function in known for known in (_WITHOUT_ROW, COMPOSED, SEPARATE)):
                raise UnsupportedError(
                    f"{name_of(function)} has no rule for its derivative",
                    remedy="give it one with pb.partials or @pb.vjp_rule.",
                )
            return
        for first, *_ in places_of(statement, active):
            position = first if isinstance(first, int) else position_of(function, first)
            if rule.partials is None or isinstance(rule.partials[position], Refused):
                find(rule, position)
    except PullbackError as error:
        error.where = statement.location
        raise


def _results(
    function: Callable[..., Any],
    places: tuple[Place, ...],
    moved: list[Any],
    args: Any,
    kwargs: dict[str, Any],
) -> tuple[Any, ...]:
    """What the function returns with the values `moved` in their places."""
    new = dict(zip(places, moved, strict=True))

    def replaced(value: Any, place: Place) -> Any:
        if place in new:
            return new[place]
        if isinstance(value, tuple) and any(p[: len(place)] == place for p in new):
            return tuple(replaced(part, (*place, k)) for k, part in enumerate(value))
        return value

    new_args = tuple(replaced(arg, (k,)) for k, arg in enumerate(args))
    new_kwargs = {key: replaced(arg, (key,)) for key, arg in kwargs.items()}
    if not _is_of_ufunc(function) and function in _KNOWN:
        # NumPy hands a call to an engine for its first arguments alone, and SciPy does not at all.
        owner = moved[0]
        result = owner.__array_function__(function, (type(owner),), new_args, new_kwargs)
    else:
        result = function(*new_args, **new_kwargs)
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def _is_of_ufunc(function: Any) -> bool:
    return isinstance(function, np.ufunc | BuiltinFunctionType) or hasattr(function, "__self__")


def _own(value: Any) -> Any:
    """An argument as an engine takes it: one that nothing else writes into."""
    if isinstance(value, Mutable):
        value = value.frozen()
    below: Any = value
    while hasattr(below, "peel"):
        (below.sweep if isinstance(below, Dual) else below._tape).nested = True
        below = below.peel()
    return value.copy() if isinstance(value, np.ndarray) else value


def _type_of_pull(
    _function: Const, places: Const, _y_bars: Any, *args: Arg, **kwargs: Arg
) -> tuple[Type, ...]:
    return tuple(_fresh(operand_type(at(place, args, kwargs))) for place in places.value)


def _type_of_push(function: Const, _places: Const, _dots: Any, *args: Arg, **kwargs: Arg) -> tuple[Type, ...]:
    return tuple(map(_fresh, types_of_call(function.value, args, kwargs)))


def _fresh(kind: Any) -> Type:
    """The type of new memory for such a value; what has no axes is a number."""
    if isinstance(kind, Array) and kind.ndim:
        return Array(kind.dtype, kind.ndim, kind.ones)
    return Scalar(kind.dtype)


_KNOWN: ChainMap[Any, Any] = ChainMap[Any, Any](TABLE, COMPOSED, SEPARATE)
_WITHOUT_ROW = {pull, push}
"""What an engine differentiates as it runs it, call by call, beside what is composed."""
TYPES[pull] = _type_of_pull
TYPES[push] = _type_of_push
