"""Functions that write, under `pb.checkpoint` and `pb.primitive`: into what they make it is right, into their
arguments an error.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special

import pullback as pb
from pullback.rules.table import TABLE, Rule

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


@pytest.mark.parametrize("function", OURS, ids=str)
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

    with pytest.raises(pb.UnsupportedError, match="closes over a tracked value"):
        pb.grad(loss)(X)


def test_a_primitive_that_writes_into_its_argument() -> None:
    def doubling(x: Any, work: Any) -> Any:
        work[:] = x
        if work[0] > 0:
            x *= 2.0
        return work * work

    opaque = pb.primitive(doubling)

    @pb.vjp_rule(opaque, 0)
    def doubling_vjp(y_bar: Any, y: Any, x: Any, work: Any) -> Any:
        return 2 * y_bar * x

    def loss(x: Any) -> Any:
        return np.sum(opaque(x, np.zeros(3)) * x)

    with pytest.raises(pb.MutationError, match=r"doubling writes into its argument[^$]*x\.copy\(\)"):
        pb.grad(loss)(X)
    np.testing.assert_allclose(pb.grad(loss)(-X), 3 * X**2)
