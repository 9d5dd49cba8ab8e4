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
from pullback.rules.table import EACH, TABLE, Rule, rows
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
    rule = TABLE.get(function)
    if rule is not None and rule.gauge is not None:
        y_bar = rule.gauge(y_bar, y)
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


def in_dtype(args: tuple[Any, ...], place: int, dtype: Any) -> tuple[Any, ...] | None:
    """`args` with numbers of `dtype` in the arrays other than that at `place`; None if there are none."""
    scale = {"u": 40, "f": 7}[np.dtype(dtype).kind]
    others = [
        i for i, a in enumerate(args) if i != place and isinstance(a, np.ndarray) and a.dtype.kind == "f"
    ]
    if not others:
        return None
    changed = list(args)
    for i in others:
        numbers = np.abs(args[i]) if np.dtype(dtype).kind == "u" else args[i]
        changed[i] = (numbers * scale).astype(dtype)
    return tuple(changed)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
@pytest.mark.parametrize("rule", ROWS, ids=lambda rule: rule.name)
def test_constants_of_few_bits(rule: Rule, dtype: Any) -> None:
    """Where NumPy computes in double precision the derivative is computed there too."""
    with np.errstate(all="ignore"):
        for args, kwargs, place in calls(rule):
            few = in_dtype(args, place, dtype)
            if few is None:
                continue
            many = tuple(
                a.astype(float) if isinstance(a, np.ndarray) and a.dtype == dtype else a for a in few
            )
            try:
                value, reference = rule.function(*few, **kwargs), rule.function(*many, **kwargs)
                wanted = derivatives(rule.function, (many, kwargs), args[place])
            except (TypeError, ValueError, np.linalg.LinAlgError, pb.UnsupportedError, DependenceWarning):
                continue  # NumPy does not take these numbers, or does not use them
            if not all(
                np.result_type(a) == np.result_type(b)
                and np.allclose(a, b, rtol=1e-12, atol=1e-15, equal_nan=True)
                for a, b in zip(outputs(value), outputs(reference), strict=True)
            ):
                continue  # NumPy itself computes in fewer bits
            for a, b in zip(derivatives(rule.function, (few, kwargs), args[place]), wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def outputs(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def test_constants_that_wrapped_around() -> None:
    x = np.array([0.5, 1.5, 2.5])
    for few in (np.array([3, 100, 200], np.uint8), np.array([3, 100, 120], np.int8)):
        many = few.astype(float)
        for function in (np.arctan2, np.hypot, np.power, np.logaddexp, np.true_divide):
            for ours, wanted in (
                (lambda x, f=function, c=few: f(c, x), lambda x, f=function, c=many: f(c, x)),
                (lambda x, f=function, c=few: f(x, c), lambda x, f=function, c=many: f(x, c)),
            ):
                for a, b in zip(in_both_modes(ours, x), in_both_modes(wanted, x), strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-12)
        for a, b in zip(
            in_both_modes(lambda x, c=few: np.polyval(c, x) + np.interp(x, [0, 1, 3], c), x),
            in_both_modes(lambda x, c=many: np.polyval(c, x) + np.interp(x, [0, 1, 3], c), x),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    for scalar in (np.uint8(200), np.int8(100), np.float16(1.1), np.True_):
        found = in_both_modes(lambda x, c=scalar: np.arctan2(c, x), np.float64(1.3))
        np.testing.assert_allclose(found, [-float(scalar) / (float(scalar) ** 2 + 1.69)] * 2, rtol=1e-12)


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


def test_constants_of_few_bits_in_compiled_code() -> None:
    def function(c: Any, x: Any) -> Any:
        return np.sum(np.arctan2(c, x)) + np.sum(np.power(c, x))

    few = np.array([3, 100, 200], np.uint8)
    x = np.array([0.5, 1.5, 2.5])
    found = pb.grad(function, argnums=1, engine="native")(few, x)
    np.testing.assert_allclose(found, pb.grad(function, argnums=1)(few.astype(float), x), rtol=1e-9)
