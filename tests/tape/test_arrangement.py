"""Shapes, joins and indexing through the tape: rules are differentiated in turn; views write through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.base.spec import spec_tree
from pullback.rules import diagonal, index, join, repeat, shape
from pullback.rules.read import cotangent, fit, tangent
from pullback.rules.table import rows
from pullback.testing.rows import active_positions, calls_of, dense_of, draw, leaves, like, reduced

TOPICS = {topic.__name__ for topic in (diagonal, index, join, repeat, shape)}
OWN = [r for r in rows() if any(d.function.__module__ in TOPICS for d in r.vjps.values())]


def tracked(value: Any) -> Any:
    return [tracked(part) for part in value] if isinstance(value, list | tuple) else pb.Variable(value)


def pull(value: Any, seed: Any) -> None:
    value.backward(seed, retain=True)


@pytest.mark.parametrize("dtype", ["d", "D"])
@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_the_adjoint_of_the_adjoint_is_the_function(rule: Any, dtype: str) -> None:
    """All are linear: ``x_bar = Jᵀ y_bar``, so the cotangent of `y_bar` is ``J u`` for a seed `u`."""
    for number, example in enumerate(calls_of(rule)):
        rng = np.random.default_rng([2, number])
        args = draw(example.args, rng, np.dtype(dtype))
        y = rule.function(*args, **example.kwargs)
        outputs = leaves(y)
        complex_output = any(part.dtype.kind == "c" for part in outputs)
        for position in active_positions(rule, args):
            y_bar = tracked(like(y, rng))
            kept_y, kept_args = reduced(rule, position, y, args)
            bar = cotangent(rule, position, y_bar, kept_y, kept_args, example.kwargs, complex_output)
            x_bar = dense_of(fit(bar, spec_tree(args[position])))
            seed = like(args[position], rng)
            for part, part_seed in zip(nested(x_bar), leaves(seed), strict=True):
                if isinstance(part, pb.Variable):
                    pull(part, part_seed)
            y_dot = leaves(tangent(rule, position, seed, y, args, example.kwargs))
            for part, expected in zip(nested(y_bar), y_dot, strict=True):
                ours = np.zeros(part.shape) if part.grad is None else part.grad
                assert np.allclose(ours, expected), f"{rule.name}({example}), argument {position}"


def nested(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in nested(part)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("rule", [r for r in rows() if r.view], ids=lambda rule: rule.name)
def test_a_write_into_a_view_reaches_what_it_reaches_in_numpy(rule: Any) -> None:
    for example in calls_of(rule):
        rng = np.random.default_rng(0)
        args = draw(example.args, rng, np.dtype(float))
        kwargs = {key: draw(value, rng, np.dtype(float)) for key, value in example.kwargs.items()}
        variables = [pb.Variable(value) if is_drawn(value) else value for value in args]
        plain, ours = rule.function(*args, **kwargs), rule.function(*variables, **kwargs)
        if not isinstance(plain, list | tuple):
            plain, ours = [plain], [ours]
        for theirs, part in zip(plain, ours, strict=True):
            if isinstance(theirs, np.ndarray) and theirs.size and writeable(theirs):
                theirs[...] = 2 * theirs + 1
                part[...] = 2 * part + 1
                for value, variable in zip(args, variables, strict=True):
                    if is_drawn(value):
                        assert np.array_equal(value, variable.value), f"{rule.name}({example})"


def is_drawn(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def writeable(y: Any) -> bool:
    """Whether NumPy writes into `y` without a warning, each place once: not into what it has broadcast."""
    return 0 not in y.strides and y.flags.writeable


@pytest.mark.parametrize("function", [np.atleast_1d, np.atleast_2d, np.broadcast_arrays])
def test_the_derivative_of_a_write_into_the_second_of_several_views(function: Any) -> None:
    def loss(a: Any, b: Any) -> Any:
        a, b = pb.array(a), pb.array(b)
        function(a, b)[1][...] = a * b
        return np.sum(b * b)

    a, b = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    a_bar, b_bar = pb.grad(loss, argnums=(0, 1))(a, b)
    assert np.allclose(a_bar, 2 * a * b**2)
    assert np.allclose(b_bar, 2 * a**2 * b)


def test_the_constant_of_a_padding_has_no_derivative() -> None:
    with pytest.raises(pb.UnsupportedError, match="constant_values"):
        pb.grad(lambda x: np.sum(np.pad(x, 1, constant_values=x[0])))(np.ones(2))
