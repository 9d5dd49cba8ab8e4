"""Reading the table: from a row to the cotangent or the tangent contribution of one argument.

This is where the complex convention, broadcasting and dtypes are dealt with, once for all rules and engines:
``x_bar = conj(Jᵀ conj(y_bar))``, summed over broadcast axes, real where ``x`` is real, in the dtype of ``x``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from pullback.base.cast import astype
from pullback.base.errors import NotDifferentiableError, UnsupportedError
from pullback.base.lost import lost_index
from pullback.base.mutable import Mutable
from pullback.base.spec import Spec, dtype_of
from pullback.base.tracked import Tracked
from pullback.rules.broadcast import unbroadcast
from pullback.rules.product import scale
from pullback.rules.structured import Structured, conjugated, dense
from pullback.rules.table import ALL, EACH, Refused, Rule

Args = tuple[Any, ...]
_EAGER = (np.ndarray, np.generic, Mutable)
_TYPED = (*_EAGER, Tracked)
Kwargs = dict[str, Any]


def vjp_direction(rule: Rule, position: int) -> tuple[int, Any]:
    """The key and `Direction` that give the cotangent of the argument at `position`."""
    for key in (position, EACH, ALL):
        if key in rule.vjps:
            return key, rule.vjps[key]
    raise missing(rule, position, "vjp")


def jvp_key(rule: Rule, position: int) -> int:
    """The key under which `rule` has the tangent of the argument at `position`, or is linear in it."""
    for key in (position, EACH):
        if key in rule.jvps or key in rule.linear:
            return key
    raise missing(rule, position, "jvp")


def missing(rule: Rule, position: int, kind: str) -> Exception:
    """The error for a direction that `rule` does not have."""
    reason = rule.refusals.get(position, rule.refusals.get(EACH))
    if reason is not None:
        return NotDifferentiableError(f"{rule.name} has no derivative in its argument {position}", why=reason)
    if rule.function is operator.getitem:
        return lost_index()
    if position in rule.whole:
        return NotDifferentiableError(
            f"{rule.name} has no derivative in its argument {position}",
            why="it is an index or a count, a whole number",
            remedy="pass plain integers, such as int(pb.stop_gradient(n)).",
        )
    other = "jvp" if kind == "vjp" else "vjp"
    mode = "reverse" if kind == "vjp" else "forward"
    return UnsupportedError(
        f"{rule.name} has no {kind} rule for its argument {position}",
        why=f"{mode} mode needs one, and a {other} alone is not transposed numerically",
        remedy=f"add one with @pb.{kind}_rule({rule.name}, {position}), or pb.partials if it is elementwise.",
    )


def cotangent(
    rule: Rule, position: int, y_bar: Any, y: Any, args: Args, kwargs: Kwargs, complex_output: bool
) -> Any:
    """The cotangent of ``args[position]`` before `fit`; a tuple, one per argument, if the rule gives `ALL`.

    Args:
        y_bar: the output's cotangent (a tuple of them for several outputs), perhaps `Structured`.
        y, args: the output and arguments; those the rule does not read may be a `Spec`.
        complex_output: whether any output is complex.
    """
    if rule.partials is not None:
        partial = _partial(rule, position, y, args)
        if complex_output:
            partial = np.conj(partial)
        return scaled(partial, y_bar)
    key, direction = vjp_direction(rule, position)
    conjugate = complex_output and rule.holomorphic
    if not direction.structured:
        y_bar = map_arrays(dense, y_bar)
    if conjugate:
        y_bar = map_arrays(conjugated, y_bar)
    leading = (position,) if key == EACH else ()
    x_bar = direction.function(*leading, y_bar, y, *args, **kwargs)
    return map_arrays(conjugated, x_bar) if conjugate else x_bar


def scaled(partial: Any, y_bar: Any, *_: Any) -> Any:
    """`scale`, for a cotangent that may be structured, and stays so if the partial derivative is 1 or -1."""
    if type(y_bar) is not np.ndarray and isinstance(y_bar, Structured):
        if type(partial) in (int, float) and partial in (1, -1):
            return y_bar if partial == 1 else y_bar * -1
        y_bar = dense(y_bar)
    return scale(partial, y_bar)


def tangent(rule: Rule, position: int, x_dot: Any, y: Any, args: Args, kwargs: Kwargs) -> Any:
    """The contribution of ``args[position]``, which moves by `x_dot`, to the tangent of the output."""
    if rule.partials is not None:
        return scale(_partial(rule, position, y, args), x_dot)
    key = jvp_key(rule, position)
    if key not in rule.jvps:
        return rule.compute(*args[:position], x_dot, *args[position + 1 :], **kwargs)
    leading = (position,) if key == EACH else ()
    return rule.jvps[key].function(*leading, x_dot, y, *args, **kwargs)


def _partial(rule: Rule, position: int, y: Any, args: Args) -> Any:
    partial: Any = rule.partials[position]  # type: ignore[index]
    if isinstance(partial, Refused):
        raise missing(rule, position, "partial")
    return partial.function(y, *widened(rule, y, args)) if hasattr(partial, "function") else partial


def widened(rule: Rule, y: Any, args: Args) -> Args:
    """`args` of an elementwise function in the precision of `y`, as NumPy's own loop reads them.

    A partial derivative computed of the constant itself would wrap around in ``uint8`` and be rounded to half
    precision in ``float16``. What has no derivative, the order of a Bessel function say, may have to stay
    whole. Python's numbers have no precision of their own.
    """
    dtype = dtype_of(y)
    if dtype.kind not in "fc":
        return args
    size = dtype.itemsize // (2 if dtype.kind == "c" else 1)
    partials: Any = rule.partials
    return tuple(
        _wide(value, size, isinstance(partials[i], Refused)) if isinstance(value, _TYPED) else value
        for i, value in enumerate(args)
    )


def _wide(value: Any, size: int, order: bool) -> Any:
    own: np.dtype[Any] = value.dtype
    if own.kind in "iu" and own.itemsize == 8 and not isinstance(value, _EAGER):
        return value  # a whole number in a compiled program: a power by it stays one
    if own.kind in "biu":
        return astype(value, np.int64 if order else f"f{size}")
    if own.kind == "c":
        size *= 2
    return value if own.kind not in "fc" or own.itemsize >= size else astype(value, f"{own.kind}{size}")


def fit(x_bar: Any, spec: Spec | np.ndarray[Any, Any] | list[Any]) -> Any:
    """`x_bar` with the shape and dtype of the argument: summed over broadcast axes, real, cast."""
    if isinstance(spec, list):
        return [fit(part, part_spec) for part, part_spec in zip(x_bar, spec, strict=True)]
    if type(x_bar) is np.ndarray and x_bar.dtype is spec.dtype and x_bar.shape == spec.shape:
        return x_bar
    if isinstance(x_bar, Structured):
        if x_bar.shape == spec.shape and x_bar.dtype == spec.dtype:
            return x_bar
        x_bar = x_bar.dense()
    x_bar = unbroadcast(x_bar, spec.shape)
    dtype = dtype_of(x_bar)
    if dtype is spec.dtype:
        return x_bar
    if dtype.kind == "c" and spec.dtype.kind != "c":
        x_bar = np.real(x_bar)
        dtype = dtype_of(x_bar)
    return x_bar if dtype == spec.dtype else astype(x_bar, spec.dtype)


def map_arrays(function: Any, value: Any) -> Any:
    """`function` of an array, or of each in a list or tuple; None stays None."""
    if isinstance(value, (list, tuple)):
        return [map_arrays(function, part) for part in value]
    return None if value is None else function(value)
