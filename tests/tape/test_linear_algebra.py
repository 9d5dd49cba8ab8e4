"""Products and linear algebra through the tape: their rules can be differentiated in turn, in both modes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import partial
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback import rules
from pullback.base.spec import spec_of
from pullback.base.tracked import bare
from pullback.rules import (
    conjugating,
    convolve,
    cross,
    determinant,
    einsum,
    kron,
    linalg,
    norm,
    products,
    trace,
)
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import Rule, rows
from pullback.tape.variable import Variable
from pullback.testing.rows import active_positions, calls_of, dense_of, draw, like

NAMES = [f"pullback.rules.{found.name}" for found in pkgutil.iter_modules(rules.__path__)]
ENGINE = [importlib.import_module(name) for name in (*NAMES, "pullback.tape.fast", "pullback.tape.backward")]
MODULES = (conjugating, convolve, cross, determinant, einsum, kron, linalg, norm, products, trace)
TOPICS = {topic.__name__ for topic in MODULES}
OWN = [r for r in rows() if any(d.function.__module__ in TOPICS for d in r.vjps.values())]


def is_moving(value: Any) -> bool:
    """Whether `value` is an array to be differentiated by; an order of a norm, a number, is not."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fc"


def mapped(function: Any, *trees: Any) -> Any:
    """`function` of the moving leaves of the first tree, and of those beside them in the others."""
    first = trees[0]
    if isinstance(first, list | tuple):
        return type(first)(mapped(function, *parts) for parts in zip(*trees, strict=True))
    return function(*trees) if is_moving(first) else first


def flat(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, list | tuple) else [value]


def contracted(seed: Any, value: Any) -> Any:
    """``Re <seed, value>``, of arrays or of variables."""
    pairs = zip(flat(seed), flat(value), strict=True)
    return sum((np.sum(np.real(np.conj(part_seed) * part)) for part_seed, part in pairs), start=0.0)


def adjoint(rule: Rule, position: int, kwargs: Any, y_bar: Any, args: Any) -> Any:
    y = rule.function(*args, **kwargs)
    complex_output = any(np.iscomplexobj(bare(part)) for part in flat(y))
    x_bar = cotangent(rule, position, y_bar, y, args, kwargs, complex_output)
    return dense_of(fit(x_bar, specs(args[position])))


def specs(value: Any) -> Any:
    return [specs(part) for part in value] if isinstance(value, list | tuple) else spec_of(bare(value))


def forward(rule: Rule, position: int, kwargs: Any, x_dot: Any, args: Any) -> Any:
    return tangent(rule, position, x_dot, rule.function(*args, **kwargs), args, kwargs)


def examples(rule: Rule) -> list[Any]:
    """The calls of `rule`; the minors along a direction have no second derivative, which is det's fourth."""
    return [call for call in calls_of(rule) if rule.function is not determinant.minors or len(call.args) == 1]


def slope(function: Any, tree: Any, move: Any, step: float) -> float:
    def at(h: float) -> Any:
        return function(mapped(lambda x, d: x + h * d, tree, move))

    return float((at(step) - at(-step)) / (2 * step))


@pytest.mark.parametrize("direction", [adjoint, forward], ids=["vjp", "jvp"])
@pytest.mark.parametrize("dtype", ["d", "D"])
@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_the_rules_can_be_differentiated(rule: Rule, dtype: str, direction: Any) -> None:
    """The gradient of a part of a cotangent or tangent, in all that it depends on, against differences."""
    for number, example in enumerate(examples(rule)):
        rng = np.random.default_rng([3, number])
        args = list(draw(example.args, rng, np.dtype(dtype)))
        y = rule.function(*args, **example.kwargs)
        for position in active_positions(rule, tuple(args)):
            given = like(y if direction is adjoint else args[position], rng)
            result = partial(direction, rule, position, example.kwargs)
            ours, theirs = both_gradients(result, [given, args], rng)
            place = f"{rule.name}({example}), argument {position}: {ours}, {theirs}"
            assert abs(ours - theirs) <= 1e-5 * max(1.0, abs(theirs)), place


def both_gradients(result: Any, tree: Any, rng: np.random.Generator) -> tuple[float, float]:
    """Our slope and the differences', of a random part of ``result(*tree)`` along a random direction."""
    with np.errstate(all="ignore"):
        seed = mapped(lambda part: like(part, rng), result(*tree))
        inputs = mapped(Variable, tree)
        total = contracted(seed, result(*inputs))
        if isinstance(total, Variable):
            total.backward()
    move = mapped(lambda x: like(x, rng), tree)
    grads = [0.0 if x.grad is None else x.grad for x in flat(inputs) if isinstance(x, Variable)]
    moves = [x for x in flat(move) if is_moving(x)]
    theirs = slope(lambda at: contracted(seed, result(*at)), tree, move, 1e-5)
    return float(contracted(grads, moves)), theirs


def of_rule(a: Any, b: Any, y_bar: Any) -> list[Any]:
    """The cotangents of the factors of ``a @ b`` by the row of the table."""
    (rule,) = (row for row in rows() if row.function is np.matmul)
    found = (cotangent(rule, k, y_bar, a @ b, (a, b), {}, a.dtype.kind == "c") for k in range(2))
    return [fit(x_bar, spec_of(x)) for x_bar, x in zip(found, (a, b), strict=True)]


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 1, 4, 2), (2, 2, 5)),
        ((4, 3), (6, 3, 2)),
        ((9, 8), (6, 8, 2)),
        ((5, 4, 3), (3, 2)),
        ((2, 3), (3, 4)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_the_short_way_for_matrices_gives_what_the_row_says(shapes: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)

    def drawn(shape: tuple[int, ...]) -> Any:
        values = rng.normal(size=(2, *shape))
        return (values[0] + 1j * values[1] if np.dtype(dtype).kind == "c" else values[0]).astype(dtype)

    a, b = (drawn(shape) for shape in shapes)
    y_bar = drawn((a @ b).shape)
    wanted = of_rule(a, b, y_bar)
    _, pull = pb.vjp(lambda a, b: a @ b, a, b)
    found = [*pull(y_bar), *pb.vjp(lambda a: a @ b, a)[1](y_bar), *pb.vjp(lambda b: a @ b, b)[1](y_bar)]
    _, pull = pb.vjp(lambda a, b: (a[...] @ b[...])[...], a, b)
    found += pull(y_bar)
    for ours, theirs in zip(found, 3 * wanted, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_traces_of_products_of_complex_stacks() -> None:
    rng = np.random.default_rng(0)
    for shapes in (((3, 2, 2), (3, 2, 2)), ((2, 2), (3, 2, 2)), ((3, 1, 2, 2), (4, 2, 2)), ((2, 2), (2, 2))):
        a, b = (rng.normal(size=shape) + 1j * rng.normal(size=shape) for shape in shapes)

        def traces(a: Any, b: Any) -> Any:
            return np.sum(np.abs(np.trace(a @ b, axis1=-2, axis2=-1)) ** 2)

        def written_out(a: Any, b: Any) -> Any:
            return np.sum(np.abs(np.sum(a * np.swapaxes(b, -1, -2), axis=(-2, -1))) ** 2)

        for ours, theirs in zip(
            *(pb.grad(f, argnums=(0, 1))(a, b) for f in (traces, written_out)), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
