"""Rules given by users: what they may define, define again, and not."""

from __future__ import annotations

import gc
import math
import operator
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.rules.table import TABLE, Rule, name_of

OURS: list[Callable[..., Any]] = [
    np.add, np.multiply, np.negative, np.sin, np.matmul, np.sum, np.floor, np.trace, np.add.reduce, np.take,
    operator.getitem, scipy.special.erf, scipy.special.dawsn,
]  # fmt: skip


@pytest.fixture
def rows() -> Iterator[None]:
    """The table as it was, after the test."""
    before = dict(TABLE)
    reasons = dict(TABLE[np.roots].refusals)
    yield
    TABLE.clear()
    TABLE.update(before)
    TABLE[np.roots] = Rule(np.roots)
    TABLE[np.roots].refusals.update(reasons)


@pytest.mark.parametrize("function", OURS, ids=name_of)
def test_a_rule_of_ours_cannot_be_replaced(function: Callable[..., Any]) -> None:
    for give in (
        lambda: pb.partials(function, 1.0),
        lambda: pb.vjp_rule(function, 0),
        lambda: pb.jvp_rule(function, 0),
    ):
        with pytest.raises(pb.UnsupportedError, match="has a rule already") as caught:
            give()
        assert "@pb.primitive" in (caught.value.remedy or "")
    assert pb.grad(lambda x: np.sin(x) + 2 * x)(0.0) == 3


@pytest.mark.parametrize("function", [math.sin, lambda x: x, len], ids=["math", "plain", "built in"])
def test_a_function_whose_calls_do_not_reach_us(function: Callable[..., Any]) -> None:
    with pytest.raises(pb.UnsupportedError, match="would never be used") as caught:
        pb.partials(function, 1.0)
    assert "@pb.primitive" in (caught.value.remedy or "")


def test_a_ufunc_without_a_rule_can_be_given_one(rows: None) -> None:
    with pytest.raises(pb.UnsupportedError, match="has no rule"):
        pb.grad(scipy.special.owens_t)(0.3, 0.5)

    def by_h(_y: Any, h: Any, a: Any) -> Any:
        return -np.exp(-h * h / 2) * scipy.special.erf(a * h / np.sqrt(2)) / (2 * np.sqrt(2 * np.pi))

    def by_a(_y: Any, h: Any, a: Any) -> Any:
        return np.exp(-h * h * (1 + a * a) / 2) / (2 * np.pi * (1 + a * a))

    pb.partials(scipy.special.owens_t, by_h, by_a, complex=False)
    assert pb.testing.gradcheck(scipy.special.owens_t, np.array([0.3, -1.0]), np.array([0.5, 2.0]))


def test_a_function_that_was_refused_can_be_given_a_rule(rows: None) -> None:
    with pytest.raises(pb.UnsupportedError, match="not supported on tracked values"):
        pb.grad(lambda x: np.roots(x)[0])(np.array([1.0, -3.0]))

    @pb.vjp_rule(np.roots, 0)
    def roots_vjp(y_bar: Any, y: Any, p: Any) -> Any:
        powers = y[:, None] ** np.arange(len(p) - 1, -1, -1)
        return -(y_bar / np.polyval(np.polyder(p), y)) @ powers

    p_bar = pb.grad(lambda p: np.sum(np.roots(p) ** 2))(np.array([1.0, -3.0, 2.0]))
    np.testing.assert_allclose(p_bar, [-14.0, -6.0, -2.0])


def test_what_is_given_last_counts() -> None:
    @pb.primitive
    def cube(x: Any) -> Any:
        return x**3

    pb.partials(cube, lambda y, x: 3 * x * x)
    assert pb.grad(cube)(2.0) == 12

    @pb.vjp_rule(cube, 0)
    def cube_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        return -y_bar

    assert pb.grad(cube)(2.0) == -1
    with pytest.raises(pb.UnsupportedError, match="no jvp rule"):
        pb.jvp(cube, (2.0,), (1.0,))
    pb.partials(cube, lambda y, x: 3 * x * x)
    assert pb.grad(cube)(2.0) == 12
    assert pb.jvp(cube, (2.0,), (1.0,))[1] == 12


def test_a_partial_derivative_for_each_argument() -> None:
    @pb.primitive
    def leaky(x: Any, slope: Any, power: Any = 1) -> Any:
        return np.where(x > 0, x, slope * x) ** power

    derivatives = (lambda y, x, slope: np.where(x > 0, 1.0, slope), lambda y, x, slope: np.minimum(x, 0))
    for few_or_many in (derivatives[:1], (*derivatives, 0.0, 0.0)):
        with pytest.raises(pb.UnsupportedError, match=f"and is given {len(few_or_many)}"):
            pb.partials(leaky, *few_or_many)
    with pytest.raises(pb.UnsupportedError, match="has no rule"):
        pb.grad(leaky)(1.0, 0.5)
    pb.partials(leaky, *derivatives, complex=False)
    assert pb.grad(leaky, (0, 1))(-2.0, 0.5) == (0.5, -2.0)
    assert pb.testing.check_rule(leaky) > 0
    with pytest.raises(pb.NotDifferentiableError, match=r"pb\.partials was given none for it"):
        pb.grad(leaky, 2)(1.0, 0.5, 2.0)


def test_rules_are_checked_on_calls() -> None:
    with pytest.raises(pb.UnsupportedError, match="takes calls, not arguments"):
        pb.testing.check_rule(np.sin, np.ones(3))  # type: ignore[arg-type]


def test_a_checkpoint_is_gone_with_its_tape() -> None:
    """Nothing may remember the operation that a call of it was: its arguments would stay for good."""
    gone: list[weakref.ref[Any]] = []

    def gradient(x: Any) -> Any:
        weight = np.ones(3)
        gone.append(weakref.ref(weight))
        return pb.grad(lambda x: np.sum(pb.checkpoint(lambda x, w: np.sin(x) * w)(x, weight)))(x)

    gc.disable()
    try:
        gradient(np.ones(3))
        assert gone[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("engine", ["tape", "auto"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (46, 47), ()])
@pytest.mark.parametrize("given", [[1.0, 2.0], np.ones(2), np.ones((5, 4))])
def test_a_cotangent_of_another_shape_is_named(shape: tuple[int, ...], given: Any, engine: str) -> None:
    @pb.primitive
    def total(x: Any) -> Any:
        return np.sum(x)

    @pb.vjp_rule(total)
    def total_vjp(y_bar: Any, y: Any, x: Any) -> Any:
        return (given,)

    gradient = pb.grad(total, engine="tape") if engine == "tape" else pb.grad(total)
    if shape == ():
        assert gradient(1.0) == np.sum(given)
        return
    with pytest.raises(pb.ShapeError, match="a rule returns a cotangent of shape") as info:
        gradient(np.ones(shape))
    assert str(shape) in str(info.value)
