"""The middle way to a node: any function of one output on real arrays, prepared once per function and operands.

A `Plan` holds what `record` would find out at every call: the derivative functions for the operands that are followed
and which values they read. Shapes and dtypes are compared when the cotangent comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.base.mutable import Mutable
from pullback.base.spec import Spec
from pullback.rules.product import scale
from pullback.rules.read import fit, vjp_direction
from pullback.rules.structured import Structured
from pullback.rules.table import ALL, EACH, TABLE, Rule
from pullback.tape.keep import snapshot
from pullback.tape.record import dispatch, keeps_of
from pullback.tape.variable import Variable, recorded

_REAL = frozenset({np.dtype(np.float64), np.dtype(np.float32)})
_FLOATS = frozenset({float, np.float64, np.float32})
_SIMPLE = frozenset({int, float, bool, str, slice, type(None), type(Ellipsis), np.dtype, type})
_array = np.ndarray

Bar = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]


class Plan:
    """What is known of a call before its values are.

    Attributes:
        implementation: the function without NumPy's dispatch.
        bars: for each followed operand, the function from ``(y_bar, y, args, kwargs)`` to its cotangent.
        structured: for each followed operand, whether that function takes a structured cotangent.
        keeps_y, keeps: which values the node keeps.
        usable: whether the output has turned out to be one real array or number.
    """

    __slots__ = ("bars", "implementation", "keeps", "keeps_y", "structured", "usable", "view")

    def __init__(self, rule: Rule, positions: tuple[int, ...], count: int) -> None:
        self.implementation = getattr(rule.function, "_implementation", rule.function)
        self.view = rule.view
        joint = rule.partials is None and ALL in rule.vjps
        self.usable = not (rule.constant or rule.refusals or joint or _has_out(rule))
        if self.usable:
            self.keeps_y, *self.keeps = keeps_of(rule, positions, count)
            self.bars, self.structured = zip(*(_bar(rule, position) for position in positions), strict=True)


def _has_out(rule: Rule) -> bool:
    return isinstance(rule.function, np.ufunc) and rule.function.nout > 1


def _bar(rule: Rule, position: int) -> tuple[Bar, bool]:
    if rule.partials is not None:
        partial: Any = rule.partials[position]
        if not hasattr(partial, "function"):
            return lambda y_bar, y, args, kwargs: scale(partial, y_bar), False
        derivative = partial.function
        return lambda y_bar, y, args, kwargs: scale(derivative(y, *args), y_bar), False
    key, direction = vjp_direction(rule, position)
    function = direction.function
    if key == EACH:
        return lambda y_bar, y, args, kwargs: function(position, y_bar, y, *args, **kwargs), direction.structured
    return lambda y_bar, y, args, kwargs: function(y_bar, y, *args, **kwargs), direction.structured


_plans: dict[Any, Plan] = {}


def forget() -> None:
    """Prepare every plan anew: a rule has changed."""
    _plans.clear()


def plan_of(function: Callable[..., Any], positions: tuple[int, ...], count: int) -> Plan | None:
    """The plan for a function whose arguments at `positions`, of `count`, are followed; None if there is no row."""
    key = (function, positions, count)
    plan = _plans.get(key)
    if plan is None:
        rule = TABLE.get(function)
        if rule is None:
            return None
        plan = _plans[key] = Plan(rule, positions, count)
    return plan


def apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply `function` by its plan; by `dispatch` where the operands are of another kind."""
    values: list[Any] = []
    parents: list[Any] = []
    positions: list[int] = []
    specs: list[Any] = []
    tape: Any = None
    for i, value in enumerate(args):
        kind = type(value)
        if kind is Variable:
            node = value._node
            if node is None or value._cell is not None or (tape is not None and value._tape is not tape):
                return dispatch(function, args, kwargs)
            tape = value._tape
            value = value._value
            if type(value) is _array:
                if value.dtype not in _REAL:
                    return dispatch(function, args, kwargs)
                specs.append(Spec(value.shape, value.dtype))
            elif type(value) in _FLOATS:
                specs.append(Spec((), np.dtype(type(value))))
            else:
                return dispatch(function, args, kwargs)
            parents.append(node)
            positions.append(i)
        elif kind not in _SIMPLE and kind is not _array and not (kind is tuple and _is_simple(value)):
            return dispatch(function, args, kwargs)
        values.append(value)
    for value in kwargs.values():
        if type(value) not in _SIMPLE and not (type(value) is tuple and _is_simple(value)):
            return dispatch(function, args, kwargs)
    plan = plan_of(function, tuple(positions), len(args)) if positions else None
    if plan is None or not plan.usable:
        return dispatch(function, args, kwargs)
    y = plan.implementation(*values, **kwargs)
    if type(y) is _array:
        usable = y.dtype in _REAL
    else:
        usable = type(y) in _FLOATS
    if not usable:
        plan.usable = False
        return dispatch(function, args, kwargs)
    kept: list[Any] = []
    spec = iter(specs)
    for keep, value, original in zip(plan.keeps, values, args, strict=True):
        own = next(spec) if type(original) is Variable else None
        if keep:
            kept.append(value if own is not None else snapshot(value))
        elif own is not None:
            kept.append(own)
        else:
            kept.append(Spec(value.shape, value.dtype) if type(value) is _array else value)
    kept_y = y if plan.keeps_y or type(y) is not _array else Spec(y.shape, y.dtype)
    saved = (plan, kept_y, kept, kwargs, specs)
    if len(parents) == 1:
        made = recorded(y, tape, pull_planned_one, parents[0], saved)
    else:
        made = recorded(y, tape, pull_plan, tuple(parents), saved)
    if plan.view and type(y) is _array and np.may_share_memory(y, values[0]):
        source: Any = args[0]
        if isinstance(source, Mutable):
            source.has_view(made, (function, args[1:], kwargs, None))
    return made


def _is_simple(values: tuple[Any, ...]) -> bool:
    return all(type(value) in _SIMPLE for value in values)


def pull_planned_one(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the only operand that is followed."""
    plan, y, args, kwargs, specs = saved
    if type(y_bar) is not _array and isinstance(y_bar, Structured) and not plan.structured[0]:
        y_bar = y_bar.dense()
    return fitted(plan.bars[0](y_bar, y, args, kwargs), specs[0])


def pull_plan(saved: Any, y_bar: Any) -> Any:
    """The cotangents of several operands."""
    plan, y, args, kwargs, specs = saved
    bars = []
    for bar, structured, spec in zip(plan.bars, plan.structured, specs, strict=True):
        if type(y_bar) is not _array and isinstance(y_bar, Structured) and not structured:
            y_bar = y_bar.dense()
        bars.append(fitted(bar(y_bar, y, args, kwargs), spec))
    return bars


def fitted(x_bar: Any, spec: Spec) -> Any:
    """`fit`, with the common case first."""
    if type(x_bar) is _array and x_bar.dtype is spec.dtype and x_bar.shape == spec.shape:
        return x_bar
    return fit(x_bar, spec)
