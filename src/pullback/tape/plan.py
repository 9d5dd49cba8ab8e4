"""The middle way to a node: any function of one output, prepared once per function and operands.

A `Plan` holds what `record` would find out at every call: the derivative functions for the operands that are
followed and which values they read. Shapes and dtypes are compared when the cotangent comes back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from sys import getrefcount
from typing import Any

import numpy as np

from pullback.base.memory import ALONE
from pullback.base.modes import switch
from pullback.base.mutable import Mutable
from pullback.base.numbers import COMPLEXES, NUMBERS
from pullback.base.overwrite import derivation
from pullback.base.spec import Spec, spec_of
from pullback.rules.broadcast import unbroadcast
from pullback.rules.product import scale
from pullback.rules.read import fit, scaled, vjp_direction
from pullback.rules.structured import SHAPED, Structured, conjugated, dense
from pullback.rules.table import ALL, EACH, TABLE, Rule
from pullback.tape.accumulate import Owned, taken
from pullback.tape.keep import snapshot
from pullback.tape.methods import METHODS
from pullback.tape.record import dispatch, keeps_of
from pullback.tape.variable import Variable, recorded

_FLOAT64 = np.dtype(np.float64)
_FLOAT32 = np.dtype(np.float32)
_COMPLEX128 = np.dtype(np.complex128)
_COMPLEX64 = np.dtype(np.complex64)
_PYTHON = frozenset({int, float, complex})
_SIMPLE = frozenset({int, float, complex, bool, str, slice, type(None), type(Ellipsis), np.dtype, type})
_array = np.ndarray

Bar = Callable[..., Any]
"""From ``(y_bar, y, *args, **kwargs)`` to the cotangent of one of `args`."""


class Plan:
    """What is known of a call before its values are.

    Attributes:
        implementation: the function without NumPy's dispatch.
        method: the same for a first argument that is an array.
        positions: of the operands that are followed.
        bars: for each of them, the function to its cotangent, whether that takes a structured cotangent, and
            the position.
        complex_bars: the same where the output is complex.
        conjugates: whether cotangents are conjugated around `complex_bars`.
        keeps_y: whether the node keeps the output.
        dropped: the positions of the arguments whose shape and dtype suffice.
        copied: the positions of the arguments that are kept and might be overwritten.
        reads_shapes: whether neither the output nor the first argument is kept, and no cotangent conjugated.
        usable: whether the output has turned out to be one array or number, real or complex.
        elementwise: whether the rule is one of partial derivatives, which take arrays in their positions.
        view: whether the output may share memory with the first argument.
    """

    __slots__ = (
        "bars", "complex_bars", "conjugates", "copied", "dropped", "elementwise", "implementation", "keeps_y",
        "method", "positions", "reads_shapes", "usable", "view",
    )  # fmt: skip

    def __init__(self, rule: Rule, positions: tuple[int, ...], count: int) -> None:
        self.implementation = undispatched(rule.compute)
        self.method = METHODS.get(rule.function, self.implementation)
        self.positions = positions
        self.view = rule.view
        self.elementwise = rule.partials is not None
        joint = rule.partials is None and ALL in rule.vjps
        self.usable = not (rule.constant or rule.refusals or joint or _has_out(rule))
        if self.usable:
            self.keeps_y, *keeps = keeps_of(rule, positions, count)
            self.dropped = tuple(i for i, keep in enumerate(keeps) if not keep)
            self.copied = tuple(i for i, keep in enumerate(keeps) if keep and i not in positions)
            self.bars = [(*_bar(rule, position), position) for position in positions]
            self.conjugates = rule.holomorphic and not self.elementwise
            self.reads_shapes = not (self.keeps_y or self.conjugates or keeps[0])
            self.complex_bars = self.bars
            if self.elementwise:
                self.complex_bars = [(*_complex_bar(rule, position), position) for position in positions]


def undispatched(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a function of NumPy or of ours does once nothing is found to be tracked."""
    if getattr(function, "dispatched", None) is function:
        return function.__wrapped__  # type: ignore[attr-defined]
    return getattr(function, "_implementation", function)


def _has_out(rule: Rule) -> bool:
    return isinstance(rule.function, np.ufunc) and rule.function.nout > 1


def _bar(rule: Rule, position: int) -> tuple[Bar, bool]:
    if rule.partials is not None:
        partial: Any = rule.partials[position]
        if not hasattr(partial, "function"):
            return functools.partial(scaled, partial), True
        derivative = partial.function
        return lambda y_bar, y, *args: scale(derivative(y, *args), y_bar), False
    key, direction = vjp_direction(rule, position)
    function = direction.function
    if key == EACH:
        return functools.partial(function, position), direction.structured
    return function, direction.structured


def _complex_bar(rule: Rule, position: int) -> tuple[Bar, bool]:
    """Of an elementwise function: the product with the conjugate of the partial derivative."""
    partial: Any = rule.partials[position]  # type: ignore[index]
    if not hasattr(partial, "function"):
        factor = partial if type(partial) in (int, float) else np.conj(partial)
        return functools.partial(scaled, factor), True
    derivative = partial.function
    return lambda y_bar, y, *args: scale(np.conj(derivative(y, *args)), y_bar), False


_plans: dict[Any, Plan] = {}
ALONE_WAYS: dict[Callable[..., Any], Callable[[Any, dict[str, Any]], Any]] = {}
VIEW_WAYS: dict[tuple[Callable[..., Any], int], tuple[Any, Any, Plan] | None] = {}
"""By a function and how many constants follow its array, what `views.way_of` finds."""


def forget() -> None:
    """Prepare every plan anew: a rule has changed."""
    _plans.clear()
    VIEW_WAYS.clear()
    ALONE_WAYS.clear()


def plan_of(function: Callable[..., Any], followed: int, count: int) -> Plan | None:
    """The plan for a function of `count` arguments, of which those in the bit set `followed` are followed.

    None if there is no row or nothing is followed.
    """
    rule = TABLE.get(function)
    if rule is None or not followed:
        return None
    positions = tuple(i for i in range(count) if followed >> i & 1)
    plan = _plans[function, followed, count] = Plan(rule, positions, count)
    return plan


def view_plan(function: Callable[..., Any], count: int) -> Plan | None:
    """The plan for a function of an array and constants, if it may view the array and does not read it."""
    plan = plan_of(function, 1, count)
    return plan if plan is not None and plan.view and plan.usable and plan.reads_shapes else None


def general(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply any function, by its plan where it has one that fits the operands."""
    if len(args) != 1 or type(args[0]) is not Variable:
        return apply_to(function, args, kwargs)
    way = ALONE_WAYS.get(function) or alone(function)
    return way(args[0], kwargs)


def apply_to(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function by its plan; by `dispatch` where the operands are of another kind, or a mode is on."""
    if switch.on:
        return dispatch(function, args, kwargs)
    values = list(args)
    parents: list[Any] = []
    followed = 0
    uneven = False
    dtype: Any = None
    tape: Any = None
    for i, value in enumerate(args):
        kind = type(value)
        if kind is Variable:
            if value._cell is not None:
                value.settle()
            node = value._node
            if node is None or (value._tape is not tape and tape is not None):
                return dispatch(function, args, kwargs)
            tape = value._tape
            values[i] = value = value._value
            if type(value) is _array:
                own = value.dtype
                if own is not _FLOAT64 and own is not _FLOAT32 and not is_complex(own):
                    return dispatch(function, args, kwargs)
            elif type(value) not in NUMBERS:
                return dispatch(function, args, kwargs)
            parents.append(node)
            followed |= 1 << i
        elif kind is not _array and kind not in _SIMPLE:
            if not _is_plain(value):
                return dispatch(function, args, kwargs)
            uneven = True
        elif kind in _PYTHON:
            continue
        own = getattr(value, "dtype", _FLOAT64)
        if own is not dtype:
            uneven = uneven or dtype is not None or own.kind not in "fc"
            dtype = own
    if kwargs and not is_simple(kwargs.values()):
        return dispatch(function, args, kwargs)
    plan = _plans.get((function, followed, len(args))) or plan_of(function, followed, len(args))
    if plan is None or not plan.usable or ((uneven or kwargs) and plan.elementwise):
        return dispatch(function, args, kwargs)
    y = (plan.method if type(values[0]) is _array else plan.implementation)(*values, **kwargs)
    in_complex = False
    if type(y) is _array:
        own = y.dtype
        if own is not _FLOAT64 and own is not _FLOAT32:
            in_complex = is_complex(own)
            if not in_complex:
                plan.usable = False
                return dispatch(function, args, kwargs)
        kept_y = y if plan.keeps_y else Spec(y.shape, own)
    elif type(y) in NUMBERS:
        in_complex = type(y) in COMPLEXES
        kept_y = y
    else:
        plan.usable = False
        return dispatch(function, args, kwargs)
    shared = False
    if plan.view and type(y) is _array:
        source = values[type(values[0]) is str]
        shared = y is source or (y.base is not None and np.may_share_memory(y, source))
    for i in plan.dropped:
        value = values[i]
        if type(value) is _array:
            values[i] = Spec(value.shape, value.dtype)
    for i in plan.copied:
        values[i] = snapshot(values[i])
    saved = (plan, kept_y, values, kwargs)
    if in_complex:
        made = recorded(y, tape, pull_complex, parents[0] if len(parents) == 1 else tuple(parents), saved)
    elif len(parents) == 1:
        made = recorded(y, tape, pull_planned_one, parents[0], saved)
    else:
        made = recorded(y, tape, pull_plan, tuple(parents), saved)
    if shared:
        place, step = derivation(function, args, kwargs, None)
        owner: Any = args[place]
        if isinstance(owner, Mutable):
            owner.has_view(made, step)
    return made


def is_recorded(dtype: Any) -> bool:
    """Whether a dtype is NumPy's own of real or complex numbers, double or single."""
    return dtype is _FLOAT64 or dtype is _COMPLEX128 or dtype is _FLOAT32 or dtype is _COMPLEX64


def is_complex(dtype: Any) -> bool:
    """Whether a dtype is NumPy's own of double or single complex numbers."""
    return dtype is _COMPLEX128 or dtype is _COMPLEX64


def alone(function: Callable[..., Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """`apply_to` for a function of one array, and options: the same with nothing to loop over."""
    plan = plan_of(function, 1, 1)
    if plan is None or plan.view or not plan.usable:
        return _as_others(function)
    compute, keeps_y, keeps_x = plan.method, plan.keeps_y, not plan.dropped
    bar, structured, _ = plan.bars[0]
    elementwise = plan.elementwise

    def apply(own: Any, kwargs: dict[str, Any]) -> Any:
        node = own._node if type(own) is Variable else None
        if node is None or switch.on:
            return apply_to(function, (own,), kwargs)
        if own._cell is not None:
            own.settle()
            node = own._node
        x = own._value
        if type(x) is not _array:
            return apply_to(function, (own,), kwargs)
        dtype = x.dtype
        if not is_recorded(dtype):
            return apply_to(function, (own,), kwargs)
        if kwargs:
            if elementwise or not is_simple(kwargs.values()):
                return dispatch(function, (own,), kwargs)
            kept = y = compute(x, **kwargs)
        else:
            kept = y = compute(x)
        if type(y) is _array:
            if not is_recorded(y.dtype):
                return _as_others(function)(own, kwargs)
            if not keeps_y:
                kept = Spec(y.shape, y.dtype)
        elif type(y) not in NUMBERS:
            return _as_others(function)(own, kwargs)
        kept_x = x if keeps_x else Spec(x.shape, dtype)
        if type(y) in COMPLEXES or (type(y) is _array and is_complex(y.dtype)):
            return recorded(y, own._tape, pull_complex, node, (plan, kept, (kept_x,), kwargs))
        return recorded(y, own._tape, pull_alone, node, (bar, structured, kept, kept_x, kwargs))

    ALONE_WAYS[function] = apply
    return apply


def _as_others(function: Callable[..., Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """From now on the function goes by `apply_to`, as functions of several arguments do."""
    ALONE_WAYS[function] = way = lambda own, kwargs: apply_to(function, (own,), kwargs)
    return way


def is_simple(values: Collection[Any]) -> bool:
    """Whether values are numbers, strings, dtypes, slices or tuples of them, which nobody can change."""
    if _SIMPLE.issuperset(map(type, values)):
        return True
    for value in values:
        kind = type(value)
        if kind not in _SIMPLE and not (kind is tuple and is_simple(value)):
            return False
    return True


def pull_alone(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the only argument."""
    bar, structured, y, x, kwargs = saved
    if not structured and type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    x_bar = bar(y_bar, y, x, **kwargs) if kwargs else bar(y_bar, y, x)
    if type(x_bar) in SHAPED and x_bar.shape == x.shape and x_bar.dtype is x.dtype:
        if type(x_bar) is _array and getrefcount(x_bar) == ALONE and x_bar.base is None and x_bar.ndim:
            return Owned(x_bar)
        return x_bar
    return fitted(x_bar, x)


def _is_plain(value: Any) -> bool:
    """Whether a tuple or list, such as an index, holds no more than arrays and simple values."""
    kind = type(value)
    if kind is not tuple and kind is not list:
        return False
    return all(type(item) is _array or type(item) in _SIMPLE or _is_plain(item) for item in value)


def pull_planned_one(saved: Any, y_bar: Any) -> Any:
    """The cotangent of the only operand that is followed."""
    plan, y, args, kwargs = saved
    bar, structured, position = plan.bars[0]
    if not structured and type(y_bar) is not _array and isinstance(y_bar, Structured):
        y_bar = y_bar.dense()
    return taken(fitted(bar(y_bar, y, *args, **kwargs), args[position]))


def pull_plan(saved: Any, y_bar: Any) -> Any:
    """The cotangents of several operands."""
    plan, y, args, kwargs = saved
    bars = []
    for bar, structured, position in plan.bars:
        if not structured and type(y_bar) is not _array and isinstance(y_bar, Structured):
            y_bar = y_bar.dense()
        bars.append(taken(fitted(bar(y_bar, y, *args, **kwargs), args[position])))
    return bars


def pull_complex(saved: Any, y_bar: Any) -> Any:
    """The cotangents of the operands of a function with a complex output (the convention of `rules.read`)."""
    plan, y, args, kwargs = saved
    bars = []
    conjugates = plan.conjugates
    whole = turned = None
    for bar, structured, position in plan.complex_bars:
        if structured:
            if conjugates and turned is None:
                turned = conjugated(y_bar)
            x_bar = bar(turned if conjugates else y_bar, y, *args, **kwargs)
        else:
            if whole is None:
                whole = dense(y_bar)
                if conjugates:
                    whole = turned = np.conj(whole)
            x_bar = bar(whole, y, *args, **kwargs)
        if not conjugates:
            bars.append(fitted(x_bar, args[position]))
            continue
        x_bar = conjugated(x_bar)
        found = fitted(x_bar, args[position])
        # What has just been conjugated is nobody else's.
        bars.append(Owned(found) if found is x_bar and type(found) is _array and found.ndim else found)
    return bars if len(bars) > 1 else bars[0]


def fitted(x_bar: Any, x: Any) -> Any:
    """`x_bar` with the shape and dtype of `x`, which is an array, a number or the `Spec` of one."""
    if type(x) is not _array and type(x) is not Spec:
        x = spec_of(x)
    kind = type(x_bar)
    if kind in SHAPED and x_bar.dtype is x.dtype:
        if x_bar.shape == x.shape:
            return x_bar
        if kind is _array:
            return unbroadcast(x_bar, x.shape)
    return fit(x_bar, x)
