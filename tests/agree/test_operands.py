"""Constants in every form that NumPy takes: a list for an array, a keyword for a position.

The calls are those of the table; the reference is the same derivative with arrays in their positions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as pb
import pullback.rules.special  # fills the table
from pullback.base.errors import DependenceWarning
from pullback.rules.domain import draw
from pullback.rules.table import EACH, Rule, rows
from pullback.testing.rows import active_positions, calls_of, leaves, like

assert pullback.rules.special.__doc__
ROWS = [
    rule
    for rule in rows()
    if not rule.constant and EACH not in rule.refusals and not rule.name.startswith("pullback.rules")
]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def listed(value: Any) -> Any:
    """An array with entries as the list that NumPy makes it from; anything else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) and value.size and value.ndim else value


def named(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], first: int) -> Arguments | None:
    """The arguments from position `first` on by name; None where they have no names."""
    try:
        known = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    names = [p.name if p.kind is p.POSITIONAL_OR_KEYWORD else None for p in known][first : len(args)]
    if first + len(names) < len(args) or None in names:
        return None
    return args[:first], dict(zip(names, args[first:], strict=True)) | kwargs  # type: ignore[arg-type]


def variants(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], place: int) -> Iterator[Arguments]:
    """Other ways to write the call, with the argument at `place` the array it is."""
    lists = tuple(value if i == place else listed(value) for i, value in enumerate(args))
    for candidate in ((lists, kwargs), named(function, args, kwargs, 1)):
        if candidate is not None:
            try:
                function(*candidate[0], **candidate[1])
            except (TypeError, AttributeError):
                continue  # NumPy itself does not take it
            yield candidate


def derivatives(function: Any, arguments: Arguments, x: Any) -> list[Any]:
    """Along a direction and against a cotangent of `x`, which stands for itself in `arguments`."""
    args, kwargs = arguments

    def of(t: Any) -> Any:
        def put(value: Any) -> Any:
            return t if value is x else value

        return function(*map(put, args), **{key: put(value) for key, value in kwargs.items()})

    y, y_dot = pb.jvp(of, (x,), (like(x, np.random.default_rng(1)),))
    _, pull = pb.vjp(of, x)
    y_bar = like(y, np.random.default_rng(2))
    if isinstance(y, tuple):
        y_bar = type(y)(*y_bar) if hasattr(y, "_fields") else tuple(y_bar)
    return [*leaves(y_dot), *leaves(pull(y_bar))]


def calls(rule: Rule) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], int]]:
    for number, call in enumerate(calls_of(rule)):
        rng = np.random.default_rng(number)
        args = draw(call.args, rng, np.dtype(float))
        kwargs = {key: draw(value, rng, np.dtype(float)) for key, value in call.kwargs.items()}
        for place in active_positions(rule, args):
            if isinstance(args[place], np.ndarray):
                yield args, kwargs, place


@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_lists_and_names(rule: Rule) -> None:
    with np.errstate(all="ignore"):
        for args, kwargs, place in calls(rule):
            found = list(variants(rule.function, args, kwargs, place))
            if not found:
                continue
            try:
                wanted = derivatives(rule.function, (args, kwargs), args[place])
            except (pb.UnsupportedError, DependenceWarning):
                continue  # numbers that NumPy asks for as such, an initial value, or does not use
            for arguments in found:
                ours = derivatives(rule.function, arguments, args[place])
                for a, b in zip(ours, wanted, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_lists_that_hold_tracked_values() -> None:
    def function(x: Any) -> Any:
        return np.sum(x ** [2.0, 1.5, x[0]]) + np.sum(np.hypot([x[2], 1.0, 2.0], x)) + np.sum([x[1]] * x)

    def joined(x: Any) -> Any:
        powers = x ** pb.array([2.0, 1.5, x[0]])
        return np.sum(powers) + np.sum(np.hypot(pb.array([x[2], 1.0, 2.0]), x)) + np.sum(x[1] * x)

    x = np.array([1.5, 0.7, 2.0])
    np.testing.assert_allclose(pb.grad(function)(x), pb.grad(joined)(x), rtol=1e-12)
    np.testing.assert_allclose(pb.hessian(function)(x), pb.hessian(joined)(x), rtol=1e-12)


def in_both_modes(function: Callable[[Any], Any], x: Any) -> list[Any]:
    return [pb.jacobian(function, mode=mode)(x) for mode in ("reverse", "forward")]


def test_a_keyword_alone_is_followed() -> None:
    for found in in_both_modes(lambda x: np.bincount([0, 1, 1], weights=x), np.array([1.0, 2.0, 3.0])):
        np.testing.assert_array_equal(found, [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])


def test_taking_from_a_number() -> None:
    for found in in_both_modes(lambda x: np.take(x, [5, -7], axis=0, mode="clip"), 2.0):
        np.testing.assert_array_equal(found, [1.0, 1.0])
