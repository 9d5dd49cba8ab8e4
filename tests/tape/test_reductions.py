"""Reductions and sorting to second order: the vjp and jvp of each rule differentiated by the tape.

A rule is called with `Variable`s. What it returns is contracted with a random array, differentiated in each
argument, and compared with a central difference of the same number.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pullback import rules
from pullback.base.spec import spec_tree
from pullback.rules import (
    average,
    cumulative,
    difference,
    largest,
    prod,
    quantile,
    recurrence,
    reduce,
    sort,
    spread,
)
from pullback.rules.domain import Call
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import TABLE, Rule, rows
from pullback.tape.variable import Variable
from pullback.testing.rows import active_positions, calls_of, dense_of, draw, leaves, like

NAMES = [f"pullback.rules.{found.name}" for found in pkgutil.iter_modules(rules.__path__)]
ENGINE = [importlib.import_module(name) for name in (*NAMES, "pullback.tape.fast", "pullback.tape.backward")]
TOPICS = (average, cumulative, difference, largest, prod, quantile, recurrence, reduce, sort, spread)
MODULES = {topic.__name__ for topic in TOPICS}
OWN = [rule for rule in rows() if any(d.function.__module__ in MODULES for d in rule.vjps.values())]
STEP = 1e-5


@dataclass
class Derivative:
    """One direction of a rule at one call, as a real number that depends on the arguments."""

    rule: Rule
    example: Call
    position: int
    direction: str
    args: tuple[Any, ...]
    rng: np.random.Generator

    def __post_init__(self) -> None:
        y = self.rule.function(*self.args, **self.example.kwargs)
        self.complex_output = any(np.result_type(part).kind == "c" for part in leaves(y))
        self.seed = like(y if self.direction == "vjp" else self.args[self.position], self.rng)
        self.weights = [like(np.zeros(p.shape, p.dtype), self.rng) for p in self.result(self.args)]

    def result(self, args: tuple[Any, ...]) -> list[Any]:
        kwargs = self.example.kwargs
        y = self.rule.function(*args, **kwargs)
        if self.direction == "jvp":
            return numbers(tangent(self.rule, self.position, self.seed, y, args, kwargs))
        bar = cotangent(self.rule, self.position, self.seed, y, args, kwargs, self.complex_output)
        return numbers(dense_of(fit(bar, spec_tree(self.args[self.position]))))

    def __call__(self, args: tuple[Any, ...]) -> Any:
        total: Any = 0.0
        for weight, part in zip(self.weights, self.result(args), strict=True):
            total = total + np.sum(np.real(np.conj(weight) * part))
        return total

    def check(self) -> None:
        active = active_positions(self.rule, self.args)
        tracked = tuple(Variable(value) if i in active else value for i, value in enumerate(self.args))
        total = self(tracked)
        if getattr(total, "_node", None) is not None:
            total.backward()
        for i in active:
            x_dot = like(self.args[i], self.rng)
            up, down = (
                self((*self.args[:i], self.args[i] + step * x_dot, *self.args[i + 1 :]))
                for step in (STEP, -STEP)
            )
            numeric = (up - down) / (2 * STEP)
            gradient = tracked[i].grad
            ours = 0.0 if gradient is None else np.sum(np.real(np.conj(gradient) * x_dot))
            place = f"{self.direction} of {self.rule.name}({self.example}) in {self.position}, then in {i}"
            assert abs(ours - numeric) <= 1e-5 * max(1.0, abs(numeric)), f"{place}: {ours} is not {numeric}"


def numbers(value: Any) -> list[Any]:
    """The inexact leaves, tracked ones included."""
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in numbers(part)]
    return [value] if isinstance(value, Variable) else leaves(value)


@pytest.mark.parametrize("dtype", ["d", "D"])
@pytest.mark.parametrize("direction", ["vjp", "jvp"])
@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_rule_is_differentiated(rule: Rule, direction: str, dtype: str) -> None:
    for number, example in enumerate(calls_of(rule)):
        rng = np.random.default_rng([3, number])
        args = draw(example.args, rng, np.dtype(dtype if rule.complex else dtype.lower()))
        for position in active_positions(rule, args):
            Derivative(rule, example, position, direction, args, rng).check()


def hessian(f: Any, x: np.ndarray[Any, Any]) -> Any:
    """Central differences of the tape's gradient, which at these integers are exact."""

    def gradient(at: Any) -> Any:
        v = Variable(at)
        f(v).backward()
        return v.grad

    return np.array([(gradient(x + unit) - gradient(x - unit)) / 2 for unit in np.eye(x.size)])


def test_prod_with_zeros_to_second_order() -> None:
    """The Hessian at i, j is the product of all factors but those two, whatever zeros there are."""
    rule = TABLE[np.prod]
    for x in ([0.0, 2.0, 3.0, 5.0], [0.0, 0.0, 3.0, 5.0], [0.0, 0.0, 0.0, 5.0]):
        a = np.array(x)
        others = [[0 if i == j else np.prod(np.delete(a, [i, j])) for j in range(4)] for i in range(4)]
        assert hessian(np.prod, a).tolist() == others
        for i in range(4):
            v = Variable(a)
            cotangent(rule, 0, 1.0, np.prod(v), (v,), {}, False)[i].backward()
            assert v.grad.tolist() == others[i]


def test_std_at_zero_is_zero_to_second_order() -> None:
    v = Variable(np.full(3, 2.0))
    total = np.sum(cotangent(TABLE[np.std], 0, 1.0, np.std(v), (v,), {}, False) * np.array([1.0, 2.0, 4.0]))
    total.backward()
    assert total.value == 0
    assert v.grad.tolist() == [0, 0, 0]


def test_reduce_of_all_axes_through_the_protocol() -> None:
    """`axis=None` must not fall back on a ufunc's default, the first axis."""
    a = np.arange(6.0).reshape(2, 3)
    for ufunc in (np.add, np.maximum, np.logaddexp):
        v = Variable(a)
        y = ufunc.reduce(v, axis=None)
        assert y.shape == ()
        assert np.isclose(y.value, ufunc.reduce(a, axis=None))
