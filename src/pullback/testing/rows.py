"""Checking a row of the table against finite differences, with no engine in between.

For every call a row is tested on, every argument it has a derivative in, and every dtype: the jvp along a
random direction against a central difference of the function, and the vjp against the jvp by ``Re<y_bar,
y_dot> = Re<x_bar, x_dot>`` (Griewank & Walther, *Evaluating Derivatives*, 2008, §3.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.base.spec import spec_tree
from pullback.rules.domain import Call, Kind, array, draw
from pullback.rules.read import cotangent, fit, tangent, vjp_direction
from pullback.rules.table import ALL, EACH, Refused, Rule

Leaf = np.ndarray | np.generic | float | complex


def calls_of(rule: Rule) -> Iterator[Call]:
    """The calls `rule` is tested on; a scalar rule's are made from its intervals, broadcasting included.

    An argument that a scalar rule refuses, such as the order of a Bessel function, stays real among complex
    ones.
    """
    yield from rule.calls
    if rule.partials is None or rule.calls:
        return
    kinds: list[Kind] = ["real" if isinstance(partial, Refused) else "any" for partial in rule.partials]
    count = len(rule.intervals)
    for shapes in ([(3,)] * count, [(2, 1), (3,), (2, 3), *[(3,)] * count][:count]):
        drawn = tuple(
            array(*shape, low=low, high=high, kind=kind)
            for shape, (low, high), kind in zip(shapes, rule.intervals, kinds, strict=False)
        )
        yield Call(drawn, {})


def is_inexact(value: Any) -> bool:
    """Whether `value` is a floating or complex array or number, or a list with one in it."""
    if isinstance(value, list | tuple):
        return any(is_inexact(item) for item in value)
    return isinstance(value, np.ndarray | np.generic | float | complex) and np.result_type(value).kind in "fc"


def active_positions(rule: Rule, args: tuple[Any, ...]) -> list[int]:
    """The positions in `args` that `rule` claims a derivative in."""
    if rule.partials is not None:
        return [i for i, p in enumerate(rule.partials) if not isinstance(p, Refused)]
    known = set(rule.vjps) | set(rule.jvps) | rule.linear
    everywhere = known & {EACH, ALL}
    drawn = [
        i
        for i, value in enumerate(args)
        if is_inexact(value) and (isinstance(value, np.ndarray | list | tuple))
    ]
    return [i for i in drawn if (everywhere or i in known) and i not in rule.refusals]


def check_row(rule: Rule, dtype: Any, seed: int = 0) -> int:
    """Check every call of `rule` in `dtype` to first order; return the number of directions checked.

    Raises:
        AssertionError: naming the function, the call, the argument and the two numbers that differ.
    """
    count = 0
    for number, call in enumerate(calls_of(rule)):
        rng = np.random.default_rng([seed, number])
        args = draw(call.args, rng, dtype)
        kwargs = {key: draw(value, rng, dtype) for key, value in call.kwargs.items()}
        for position in active_positions(rule, args):
            _check_direction(rule, call, position, args, kwargs, rng)
            count += 1
    return count


def _check_direction(
    rule: Rule,
    call: Call,
    position: int,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    rng: np.random.Generator,
) -> None:
    single = any(np.result_type(leaf).char in "fF" for leaf in leaves(args[position]))
    tolerance = 2e-2 if single else 2e-6
    step = 2e-2 if single else 1e-5
    x_dot = like(args[position], rng)
    y = rule.function(*args, **kwargs)

    def moved(size: float) -> Any:
        x = combine(args[position], x_dot, size)
        return rule.function(*args[:position], x, *args[position + 1 :], **kwargs)

    place = f"{rule.name}({call}), argument {position}"
    ups, downs = leaves(moved(step)), leaves(moved(-step))
    numeric = [(np.asarray(up) - np.asarray(down)) / (2 * step) for up, down in zip(ups, downs, strict=True)]
    y_dot = tangent(rule, position, x_dot, y, args, kwargs)
    for ours, theirs in zip(leaves(y_dot), numeric, strict=True):
        ours = np.broadcast_to(ours, np.shape(theirs)) if rule.partials is not None else ours
        _same(f"jvp of {place}", ours, theirs, tolerance)
        _same_shape(f"jvp of {place}", ours, theirs)
    y_bar = cotangent_like(rule, y, rng)
    complex_output = any(np.result_type(leaf).kind == "c" for leaf in leaves(y))
    key = None if rule.partials is not None else vjp_direction(rule, position)[0]
    kept_y, kept_args = reduced(rule, position, y, args)
    x_bar = cotangent(rule, position, y_bar, kept_y, kept_args, kwargs, complex_output)
    x_bar = dense_of(fit(x_bar[position] if key == ALL else x_bar, spec_tree(args[position])))
    for ours, value in zip(leaves(x_bar), leaves(args[position]), strict=True):
        _same_shape(f"vjp of {place}", ours, value)
    left, right = inner(y_bar, numeric), inner(x_bar, x_dot)
    _same(f"vjp of {place}", right, left, tolerance * max(1.0, size_of(y)))


def reduced(rule: Rule, position: int, y: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """`y` and `args` as a tape would keep them: a `Spec` in place of what the rule does not read."""
    if rule.partials is not None:
        return y, args
    direction = vjp_direction(rule, position)[1]
    keeps = direction.keeps(len(args))
    kept = [value if keep else spec_tree(value) for keep, value in zip(keeps, (y, *args), strict=True)]
    return kept[0], tuple(kept[1:])


def leaves(value: Any) -> list[Any]:
    """The inexact arrays and numbers in `value`, in order."""
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if is_inexact(value) else []


def like(value: Any, rng: np.random.Generator) -> Any:
    """A random direction for `value`, in its dtype."""
    if isinstance(value, list | tuple):
        return [like(item, rng) for item in value]
    if not is_inexact(value):
        return np.zeros(np.shape(value), np.result_type(value))
    direction = rng.standard_normal(np.shape(value))
    if np.result_type(value).kind == "c":
        direction = direction + 1j * rng.standard_normal(np.shape(value))
    return np.asarray(direction, np.result_type(value))[()]


def cotangent_like(rule: Rule, y: Any, rng: np.random.Generator) -> Any:
    """Random cotangents for the results of a rule, of a function that sees nothing arbitrary in them."""
    y_bar = like(y, rng)
    return y_bar if rule.gauge is None else rule.gauge(y_bar, y)


def combine(value: Any, direction: Any, size: float) -> Any:
    """``value + size * direction``."""
    if isinstance(value, list | tuple):
        return [combine(v, d, size) for v, d in zip(value, direction, strict=True)]
    return (
        (value + np.asarray(size, np.result_type(value).char.lower()) * direction)
        if is_inexact(value)
        else value
    )


def inner(left: Any, right: Any) -> float:
    """The real inner product of two trees of arrays."""
    return float(
        sum(np.sum(np.real(np.conj(a) * b)) for a, b in zip(leaves(left), leaves(right), strict=True))
    )


def dense_of(value: Any) -> Any:
    """`value` with every structured cotangent made an array."""
    if isinstance(value, list | tuple):
        return [dense_of(item) for item in value]
    return value.dense() if hasattr(value, "dense") else value


def size_of(value: Any) -> float:
    """The largest magnitude in `value` times its number of entries."""
    return float(sum(np.sum(np.abs(leaf)) for leaf in leaves(value)))


def _same(place: str, ours: Any, theirs: Any, tolerance: float) -> None:
    scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    error = float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs)), initial=0.0))
    assert error <= tolerance * scale, f"{place}: {ours} differs from {theirs} by {error:.2e}"


def _same_shape(place: str, ours: Any, theirs: Any) -> None:
    assert np.shape(ours) == np.shape(theirs), f"{place}: shape {np.shape(ours)} is not {np.shape(theirs)}"
