"""How an operation moves the tangents of its operands: ``y_dot = Σ ∂_i · x_dot_i``.

The tangents of several seeds lie along a leading axis. An elementwise operation takes them all at once; any
other is applied to one seed after the other.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.base.boxes import is_box, unboxed
from pullback.base.cast import astype
from pullback.base.composed import COMPOSED
from pullback.base.creation import CREATION, created
from pullback.base.dispatch import tracked_in
from pullback.base.errors import NonFiniteError
from pullback.base.foreign import refuse_foreign, refuse_objects
from pullback.base.modes import modes, switch
from pullback.base.mutable import Mutable
from pullback.base.operands import elementwise, plain, positional, rebuilt, unfollowed
from pullback.base.overwrite import derivation
from pullback.base.protocol import call_function, call_method
from pullback.base.separate import SEPARATE
from pullback.base.spec import dtype_of, is_whole
from pullback.base.tracked import Tracked, bare
from pullback.dual.dual import Dual, Sweep
from pullback.rules.lookup import rule_of, sparse_product
from pullback.rules.read import map_arrays, missing, tangent
from pullback.rules.scatter import is_basic
from pullback.rules.table import Rule


def dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function that NumPy hands over; `NotImplemented` if a higher level has to do it."""
    if function in CREATION:
        return created(function, args, kwargs, functools.partial(_constant, args, kwargs))
    if function in SEPARATE and len(args) > 1:
        return SEPARATE[function](*args, **kwargs)
    if function in COMPOSED:
        return COMPOSED[function](*args, **kwargs)
    if function is np.matmul and (multiply := sparse_product(function, args)):
        return multiply(*args)
    rule = rule_of(function)
    refuse_foreign(args, f"an argument of {rule.name}")
    if rule.constant:
        return function(
            *(plain(value) for value in args), **{key: plain(value) for key, value in kwargs.items()}
        )
    if any(tracked_in((value,)) for value in kwargs.values()):
        args, kwargs = positional(function, args, kwargs)
    if rule.partials is not None:
        args, kwargs = elementwise(function, args, kwargs)
    found = tracked_in(args)
    for value in found:
        if isinstance(value, Mutable):
            value.settle()
    if any(map(is_box, found)):
        return unboxed(rule.function, rule.view, args, kwargs)
    duals = [value for value in found if isinstance(value, Dual)]
    sweep = max((value.sweep for value in duals), key=lambda sweep: sweep.level)
    if max(value.level for value in found) > sweep.level:
        return NotImplemented
    return _apply(rule, args, kwargs, sweep)


def _apply(rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], sweep: Sweep) -> Any:
    sweep.check()
    if switch.on and sweep.level < modes.paused:
        return unfollowed(rule.function, args, kwargs)
    return _push(rule, args, kwargs, sweep)


def _constant(args: tuple[Any, ...], kwargs: dict[str, Any], y: Any) -> Dual:
    """`y`, which does not move, in the highest sweep among the arguments."""
    sweeps = [value.sweep for value in tracked_in((*args, *kwargs.values())) if isinstance(value, Dual)]
    sweep = max(sweeps, key=lambda sweep: sweep.level)
    return Dual(y, np.zeros(_with_seeds(sweep, y.shape), y.dtype), sweep)


def _push(rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], sweep: Sweep) -> Any:
    values = tuple(_lowered(value, sweep) for value in args)
    for position in rule.whole:
        if position < len(args) and tracked_in((args[position],)):
            raise missing(rule, position, "jvp")
    y = rule.compute(*values, **kwargs)
    if is_whole(y):
        return y
    refuse_objects(y, f"the result of {rule.name}")
    with np.errstate(all="ignore"):
        y_dot: Any = None
        for position, value in enumerate(args):
            x_dot = _tangent_of(value, sweep)
            if x_dot is not None:
                part = _contribution(rule, position, x_dot, y, values, kwargs, sweep)
                y_dot = part if y_dot is None else _add(y_dot, part)
    if switch.on and modes.watching:
        _look_at(rule, y, y_dot)
    if not isinstance(y, tuple | list):
        made = Dual(y, _finished(y_dot, y, sweep), sweep)
        if rule.view:
            place, step = derivation(rule.function, args, kwargs, None)
            made.link(args[place], step)
        return made
    parts: list[Any] = []
    for i, (part, part_dot) in enumerate(zip(y, y_dot, strict=True)):
        if dtype_of(bare(part)).kind not in "fc":
            parts.append(part)
            continue
        made = Dual(part, _finished(part_dot, part, sweep), sweep)
        if rule.view:
            place, step = derivation(rule.function, args, kwargs, i)
            made.link(args[place], step)
        parts.append(made)
    return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)


def _lowered(value: Any, sweep: Sweep | None) -> Any:
    """`value` as this sweep's function sees it."""
    return rebuilt(value, lambda x: x.primal if isinstance(x, Dual) and x.sweep is sweep else x.frozen())


def _tangent_of(value: Any, sweep: Sweep) -> Any:
    """The tangent of an argument, a list for a list; None if nothing in it moves."""
    if isinstance(value, Dual) and value.sweep is sweep:
        return value.tangent
    if isinstance(value, list | tuple):
        parts = [_tangent_of(item, sweep) for item in value]
        if any(part is not None for part in parts):
            return [
                _zeros(item, sweep) if part is None else part for item, part in zip(value, parts, strict=True)
            ]
    return None


def _zeros(value: Any, sweep: Sweep) -> Any:
    if isinstance(value, list | tuple):
        return [_zeros(item, sweep) for item in value]
    dtype = dtype_of(bare(value))
    return np.zeros(_with_seeds(sweep, np.shape(value)), dtype if dtype.kind in "fc" else np.float64)[()]


def _with_seeds(sweep: Sweep, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if sweep.seeds is None else (sweep.seeds, *shape)


def _contribution(
    rule: Rule,
    position: int,
    x_dot: Any,
    y: Any,
    values: tuple[Any, ...],
    kwargs: dict[str, Any],
    sweep: Sweep,
) -> Any:
    if sweep.seeds is None:
        return tangent(rule, position, x_dot, y, values, kwargs)
    if rule.partials is not None:
        gap = np.ndim(y) - np.ndim(values[position])
        if gap:
            x_dot = np.reshape(x_dot, (sweep.seeds, *(1,) * gap, *np.shape(values[position])))
        return tangent(rule, position, x_dot, y, values, kwargs)
    if not sweep.seeds:
        return map_arrays(lambda part: np.zeros((0, *np.shape(part)), dtype_of(bare(part))), y)
    whole = _all_seeds(rule, position, x_dot, values, kwargs)
    if whole is not None:
        return whole
    each = [
        tangent(rule, position, map_arrays(operator.itemgetter(seed), x_dot), y, values, kwargs)
        for seed in range(sweep.seeds)
    ]
    return _stacked(each)


def _all_seeds(rule: Rule, position: int, x_dot: Any, values: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The tangents of the commonest linear functions for all seeds at once; None for any other."""
    function = rule.function
    if function is operator.getitem and is_basic(values[1]):
        index = values[1] if isinstance(values[1], tuple) else (values[1],)
        return x_dot[(slice(None), *index)]
    if function is np.sum and not kwargs and len(values) == 1:
        return np.sum(x_dot, axis=tuple(range(1, np.ndim(x_dot))))
    if function is np.matmul and position == 0 and np.ndim(values[0]) == 2 and np.ndim(values[1]) <= 2:
        return x_dot @ values[1]
    return None


def _stacked(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], tuple | list):
        return [_stacked([part[i] for part in parts]) for i in range(len(parts[0]))]
    return np.stack(parts)


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, tuple | list):
        return [_add(x, y) for x, y in zip(a, b, strict=True)]
    return a + b


def _finished(y_dot: Any, y: Any, sweep: Sweep) -> Any:
    """`y_dot` with the shape and dtype that belong to `y`."""
    shape = _with_seeds(sweep, np.shape(y))
    if np.shape(y_dot) != shape:
        y_dot = np.broadcast_to(y_dot, shape)[()]
    own, dtype = dtype_of(bare(y_dot)), dtype_of(bare(y))
    if own == dtype:
        return y_dot
    return astype(np.real(y_dot) if own.kind == "c" and dtype.kind != "c" else y_dot, dtype)


def _look_at(rule: Rule, y: Any, y_dot: Any) -> None:
    def check(part: Any, what: str) -> None:
        if not np.all(np.isfinite(bare(part))):
            raise NonFiniteError(
                f"{rule.name} is the first operation to yield a NaN or an infinity, in its {what}",
                why=f"the {'function' if what == 'value' else 'derivative'} is not finite at this argument",
            )

    map_arrays(lambda part: check(part, "value"), y)
    map_arrays(lambda part: check(part, "tangent"), y_dot)


def array_ufunc(_: Dual, function: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's protocol for ufuncs (NEP 13)."""
    if method == "__call__" and not kwargs:
        return dispatch(function, inputs, {})
    return call_method(dispatch, function, method, inputs, kwargs)


def array_function(_: Dual, function: Callable[..., Any], _types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's protocol for functions (NEP 18)."""
    return call_function(dispatch, function, args, kwargs) if kwargs else dispatch(function, args, kwargs)


def getitem(self: Dual, index: Any) -> Any:
    """``self[index]``."""
    return dispatch(operator.getitem, (self, index), {})


Dual.__getitem__ = getitem
Dual.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
Dual.__array_function__ = array_function  # type: ignore[attr-defined]


def _of_numbers(name: str, compute: Callable[..., Any]) -> None:
    """Let an operator on Python's floats give one, which leaves the precision of an array as it is.

    It raises where Python does, for a zero denominator.
    """
    general = getattr(Tracked, name)

    def method(self: Dual, *other: Any) -> Any:
        primal: Any = self.primal
        if type(primal) is not float:
            return general(self, *other)
        values = [x.primal if type(x) is Dual and x.sweep is self.sweep else x for x in other]
        y = compute(primal, *values) if all(type(x) is float or type(x) is int for x in values) else None
        made = general(self, *other)
        if type(y) is float and type(made) is Dual:
            made.primal = y
        return made

    setattr(Dual, name, method)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _compute = getattr(operator, _name)
    _of_numbers(f"__{_name}__", _compute)
    _of_numbers(f"__r{_name}__", lambda b, a, compute=_compute: compute(a, b))
_of_numbers("__neg__", operator.neg)
